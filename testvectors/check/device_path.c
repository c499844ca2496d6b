#include "issuer/profile.h"
#include "issuer/trust.h"
#include "testvectors/kinds.h"

#include <stdio.h>

/* What the operator has put into the trust folder. */
static enum sks_status trust_in(struct subject *s, struct trust *trust)
{
    static const struct texts NOWHERE = { 0 };
    const struct bytes_list trusted = subject_list(s, "trusted");
    X509_STORE *store = NULL;
    enum sks_status rc;

    TRY(trust_open(trust, &NOWHERE, &s->err));
    store = trust_store(trust);
    for (size_t i = 0; i < trusted.count; i++) {
        const uint8_t *p = trusted.item[i].ptr;
        X509 *certificate = d2i_X509(NULL, &p, (long)trusted.item[i].len);

        if (certificate == NULL || X509_STORE_add_cert(store, certificate) <= 0)
            subject_break(s, "a trusted certificate does not decode");
        X509_free(certificate);
    }
out:
    X509_STORE_free(store);
    return rc;
}

/* As the decoder of the message has it. */
static enum sks_status check_message(struct subject *s, const struct bytes_list *path)
{
    const struct json_place root = { .name = "" };
    struct json_reader reader = { .err = &s->err };

    if (path->count < 1 || path->count > KEYGEN2_DEVICE_PATH_MAX)
        return sks_fail(&s->err, SKS_ERROR_OPTION, "a path of %zu certificates", path->count);
    return keygen2_check_path(&reader, &root, path);
}

enum sks_status subject_check_device_path(struct subject *s)
{
    const struct bytes_list path = subject_list(s, "certificatePath");
    const bool has_rules = subject_has(s, "deviceTrust");
    const struct device_trust rules = {
        .minimum_rsa_bits =
            has_rules ? (uint16_t)subject_number(s, "deviceTrust.minimumRsaBits") : 0,
        .sha1 = has_rules && subject_flag(s, "deviceTrust.sha1"),
    };
    struct verified_device device = { 0 };
    struct trust trust = { 0 };
    enum sks_status rc;

    (void)snprintf(s->check, sizeof s->check, "message");
    TRY(check_message(s, &path));
    (void)snprintf(s->check, sizeof s->check, "device path");
    TRY(trust_in(s, &trust));
    TRY(trust_verify_device(&trust, &path, has_rules ? &rules : NULL, subject_number(s, "now"),
                            &device, &s->err));
    subject_tell(s, "device", bytes_of(device.name));
out:
    verified_device_clear(&device);
    trust_close(&trust);
    return rc;
}
