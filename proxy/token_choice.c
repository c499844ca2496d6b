#include "proxy/token_choice.h"

#include "keygen2/base/log.h"
#include "proxy/provision.h"

#include <stdio.h>

const char *token_container(uint8_t device_type)
{
    /* Bits 0-1 say where it is, bits 2-3 what it is made of: 0 is software. */
    static const char *const PLACES[] = { "external", "embedded", "sdcard", "uicc" };

    return (device_type & 0x0C) == 0 ? "software" : PLACES[device_type & 3];
}

enum sks_status token_devices(struct enrolment *e)
{
    enum sks_status rc = SKS_OK;

    if (e->token_count == 0) { /* a caller with one token */
        e->tokens[0] = e->token;
        e->token_count = 1;
    }
    for (size_t i = e->token_count; i-- > 0;) {
        e->token = e->tokens[i];
        TRY(provision_device(e));
        e->devices[i] = e->device;
    }
out:
    return rc;
}

/* The tokens that fit, in the order in which they are offered. */
static size_t list_fitting(const struct enrolment *e, const struct bytes_list *containers,
                           size_t fitting[TEXTS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; containers->count == 0 && i < e->token_count; i++)
        fitting[count++] = i;
    for (size_t c = 0; c < containers->count; c++) {
        for (size_t i = 0; i < e->token_count && count < TEXTS_MAX; i++)
            if (bytes_equal(bytes_of(token_container(e->devices[i].device_type)),
                            containers->item[c]))
                fitting[count++] = i;
    }
    return count;
}

static enum sks_status ask(struct enrolment *e, const size_t *fitting, size_t count, size_t *choice)
{
    char lines[TEXTS_MAX][200];
    const char *offers[TEXTS_MAX];

    for (size_t i = 0; i < count; i++) {
        const struct device_info_out *device = &e->devices[fitting[i]];

        (void)snprintf(lines[i], sizeof lines[i], "token %zu: %.*s, %.*s, %s", fitting[i] + 1,
                       (int)device->vendor_name.len, (const char *)device->vendor_name.ptr,
                       (int)device->vendor_description.len,
                       (const char *)device->vendor_description.ptr,
                       token_container(device->device_type));
        log_clean(lines[i]);
        offers[i] = lines[i];
    }
    return user_choose(e->user, "Which one", offers, count, choice, &e->err);
}

enum sks_status token_choose(struct enrolment *e, const struct bytes_list *containers)
{
    static const struct bytes_list ANY;
    size_t fitting[TEXTS_MAX], choice = 0;
    size_t count = list_fitting(e, e->blind ? &ANY : containers, fitting);
    enum sks_status rc = SKS_OK;

    REQUIRE(count > 0, &e->err, SKS_ERROR_OPTION,
            "the issuer wants a token of another kind: \"%.*s\"", (int)containers->item[0].len,
            (const char *)containers->item[0].ptr);
    if (count > 1)
        TRY(ask(e, fitting, count, &choice));
    e->token = e->tokens[fitting[choice]];
    e->device = e->devices[fitting[choice]];
out:
    return rc;
}
