/* "certificate" of a profile's key: what the CA puts into it. */
#include "issuer/profile_internal.h"

enum { VALIDITY_DEFAULT = 365 /* days */ };

#define AT(member) .offset = offsetof(struct certificate_profile, member)

static const struct json_field CERTIFICATE[] = {
    { "subject", JSON_TEXT, JSON_MANDATORY, AT(subject), .min = 1 },
    { "validityDays", JSON_LONG, JSON_OPTIONAL, AT(validity_days), .min = 1,
      .max = PROFILE_CERTIFICATE_DAYS_MAX, .fallback = VALIDITY_DEFAULT },
    { "keyUsage", JSON_TEXTS, JSON_MANDATORY, AT(key_usage), .min = 1 },
    { "extendedKeyUsage", JSON_TEXTS, JSON_OPTIONAL, AT(extended_key_usage), .min = 1 },
    { "certificatePolicies", JSON_TEXTS, JSON_OPTIONAL, AT(certificate_policies), .min = 1 },
    { "subjectAltName", JSON_TEXTS, JSON_OPTIONAL, AT(subject_alt_name), .min = 1 },
    { "includeCa", JSON_FLAG, JSON_OPTIONAL, AT(include_ca) },
};

#undef AT

static enum sks_status check_names(struct json_reader *r, const struct json_place *at,
                                   const char *property, const struct bytes_list *names,
                                   bool (*is_known)(struct bytes name))
{
    const struct json_place list = { at, property, 0 };

    for (size_t i = 0; i < names->count; i++)
        if (!is_known(names->item[i]))
            return json_refuse(r, &(struct json_place){ &list, NULL, i }, "unknown name");
    return SKS_OK;
}

static enum sks_status check_certificate(struct json_reader *r, const struct json_place *at,
                                         void *out)
{
    const struct certificate_profile *certificate = out;
    enum sks_status rc;

    TRY(check_names(r, at, "keyUsage", &certificate->key_usage, certificate_is_key_usage));
    TRY(check_names(r, at, "extendedKeyUsage", &certificate->extended_key_usage,
                    certificate_is_extended_key_usage));
    TRY(check_names(r, at, "certificatePolicies", &certificate->certificate_policies,
                    certificate_is_policy));
out:
    return rc;
}

const struct json_type PROFILE_CERTIFICATE =
    JSON_TYPE("certificate", struct certificate_profile, CERTIFICATE, check_certificate);

bool profile_has_patterns(const struct bytes_list *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (certificate_is_pattern(names->item[i]))
            return true;
    return false;
}

/* What does not depend on the enrolment is encoded here, for all certificates of the key. */
static enum sks_status encode_extensions(struct json_reader *r, const struct json_place *at,
                                         const struct certificate_profile *from, struct buf *out)
{
    const struct json_place names = { at, "subjectAltName", 0 };
    bool patterns = profile_has_patterns(&from->subject_alt_name);
    struct sks_error why = { 0 };
    struct buf unused = { 0 };
    enum sks_status rc;

    if (certificate_extensions(&from->key_usage, &from->extended_key_usage,
                               &from->certificate_policies, out) != SKS_OK)
        return json_refuse(r, at, "cannot encode the extensions");
    rc = certificate_alt_names(&from->subject_alt_name, NULL, patterns ? &unused : out, &why);
    buf_free(&unused);
    return rc == SKS_OK ? rc : json_refuse(r, &names, "%s", why.text);
}

enum sks_status profile_make_template(struct json_reader *r, const struct json_place *at,
                                      struct key_profile *key)
{
    const struct certificate_profile *from = key->certificate;
    const struct json_place certificate = { at, "certificate", 0 };
    const struct json_place subject = { &certificate, "subject", 0 };
    struct sks_error why = { 0 };
    struct buf extensions = { 0 };
    enum sks_status rc;

    key->template.validity_days = from->validity_days;
    if (certificate_subject(from->subject, NULL, r->arena, &key->template.subject, &why) != SKS_OK)
        return json_refuse(r, &subject, "%s", why.text);
    if (certificate_is_pattern(from->subject))
        key->template.subject = (struct bytes){ 0 };
    TRY(encode_extensions(r, &certificate, from, &extensions));
    key->template.extensions = arena_copy(r->arena, buf_bytes(&extensions));
    rc = key->template.extensions.ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
out:
    buf_free(&extensions);
    return rc;
}
