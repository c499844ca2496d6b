/* "enrolment" of a profile: who may begin a session, and with which device. */
#include "issuer/profile_internal.h"
#include "keygen2/base/base64.h"

#include <stdlib.h>

enum { DEVICES_MAX = 100000, FINGERPRINT = 32 };

#define AT(member) .offset = offsetof(struct enrolment_profile, member)

static const struct json_field ENROLMENT[] = {
    { "code", JSON_FLAG, JSON_OPTIONAL, AT(code) },
    { "devices", JSON_TEXTS, JSON_OPTIONAL, AT(devices), .min = 1, .max = DEVICES_MAX },
    { "confirmDevice", JSON_FLAG, JSON_OPTIONAL, AT(confirm_device) },
};

#undef AT

static int by_value(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static enum sks_status read_fingerprint(struct json_reader *r, const struct json_place *at,
                                        struct bytes *device)
{
    struct buf raw = { 0 };
    bool good = hex_decode(*device, &raw) == SKS_OK && raw.len == FINGERPRINT;

    if (good)
        *device = arena_copy(r->arena, buf_bytes(&raw));
    buf_free(&raw);
    if (!good)
        return json_refuse(r, at, "not the SHA-256 of a certificate, 64 hexadecimal digits");
    return device->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
}

/* From digits to bytes, in order: they are searched for. */
static enum sks_status check_enrolment(struct json_reader *r, const struct json_place *at,
                                       void *out)
{
    struct enrolment_profile *enrolment = out;
    struct bytes_list *devices = &enrolment->devices;
    const struct json_place list = { at, "devices", 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < devices->count; i++)
        TRY(read_fingerprint(r, &(struct json_place){ &list, NULL, i }, &devices->item[i]));
    if (devices->count > 0)
        qsort(devices->item, devices->count, sizeof *devices->item, by_value);
out:
    return rc;
}

bool profile_lists_device(const struct profile *profile, struct bytes fingerprint)
{
    const struct bytes_list *devices;

    if (profile->enrolment == NULL || profile->enrolment->devices.count == 0)
        return true;
    devices = &profile->enrolment->devices;
    return bsearch(&fingerprint, devices->item, devices->count, sizeof *devices->item, by_value) !=
           NULL;
}

bool profile_wants_code(const struct profile *profile)
{
    return profile->enrolment != NULL && profile->enrolment->code;
}

bool profile_confirms_device(const struct profile *profile)
{
    return profile->enrolment != NULL && profile->enrolment->confirm_device;
}

const struct json_type PROFILE_ENROLMENT =
    JSON_TYPE("enrolment", struct enrolment_profile, ENROLMENT, check_enrolment);
