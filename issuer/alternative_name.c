/* subjectAltName of a certificate. */
#include "issuer/certificate_template.h"
#include "issuer/der.h"
#include "issuer/enrolment.h"

#include <openssl/x509v3.h>
#include <string.h>

static bool is_host(const char *text)
{
    return text[strspn(text,
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*_")] ==
               '\0' &&
           text[0] != '.' && strstr(text, "..") == NULL;
}

static bool is_address(const char *text)
{
    const char *at = strchr(text, '@');

    return at != NULL && at > text && at[1] != '\0' && is_host(at + 1);
}

static bool is_uri(const char *text)
{
    const char *colon = strchr(text, ':');

    return colon != NULL && colon > text && colon[1] != '\0';
}

static bool is_any(const char *text)
{
    (void)text;
    return true; /* OpenSSL looks at it */
}

static const struct alt_name {
    const char *prefix;
    int type;
    bool (*is_value)(const char *text);
} ALT_NAMES[] = {
    { "email:", GEN_EMAIL, is_address },
    { "DNS:", GEN_DNS, is_host },
    { "URI:", GEN_URI, is_uri },
    { "IP:", GEN_IPADD, is_any },
};

static const struct alt_name *find_alt_name(struct bytes name, struct bytes *value)
{
    for (size_t i = 0; i < NITEMS(ALT_NAMES); i++) {
        size_t len = strlen(ALT_NAMES[i].prefix);

        if (name.len > len && memcmp(name.ptr, ALT_NAMES[i].prefix, len) == 0) {
            *value = bytes_at(name.ptr + len, name.len - len);
            return &ALT_NAMES[i];
        }
    }
    return NULL;
}

enum sks_status certificate_expand(struct bytes in, const struct enrolment_values *values,
                                   struct buf *out, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    while (in.len > 0) {
        uint8_t c = in.ptr[0];

        in = bytes_at(in.ptr + 1, in.len - 1);
        if (c == '{')
            TRY(enrolment_take(&in, values, out, err));
        else
            put_byte(out, c);
    }
    for (size_t i = 0; i < out->len; i++)
        REQUIRE(out->ptr[i] > ' ' && out->ptr[i] < 0x7F, err, SKS_ERROR_OPTION,
                "must be printable ASCII without blanks");
    TRY(sks_explain(err, out->status));
out:
    return rc;
}

static enum sks_status add_alt_name(GENERAL_NAMES *list, struct bytes name,
                                    const struct enrolment_values *values, struct sks_error *err)
{
    struct bytes value = { 0 };
    const struct alt_name *kind = find_alt_name(name, &value);
    struct buf text = { 0 };
    GENERAL_NAME *made = NULL;
    enum sks_status rc = SKS_OK;

    REQUIRE(kind != NULL, err, SKS_ERROR_OPTION, "expected email:, DNS:, URI: or IP: with a value");
    TRY(certificate_expand(value, values, &text, err));
    put_byte(&text, 0);
    TRY(sks_explain(err, text.status));
    if (values == NULL && certificate_is_pattern(value))
        goto out;
    REQUIRE(kind->is_value((const char *)text.ptr) &&
                (made = a2i_GENERAL_NAME(NULL, NULL, NULL, kind->type, (const char *)text.ptr,
                                         0)) != NULL,
            err, SKS_ERROR_OPTION, "is no %.*s name", (int)strlen(kind->prefix) - 1, kind->prefix);
    REQUIRE(sk_GENERAL_NAME_push(list, made) > 0, err, SKS_ERROR_STORAGE, "no memory");
    made = NULL;
out:
    GENERAL_NAME_free(made);
    buf_free(&text);
    return rc;
}

enum sks_status certificate_alt_names(const struct bytes_list *names,
                                      const struct enrolment_values *values, struct buf *out,
                                      struct sks_error *err)
{
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    struct sks_error why = { 0 };
    uint8_t *der = NULL;
    int len = 0;
    enum sks_status rc = SKS_OK;

    REQUIRE(list != NULL, err, SKS_ERROR_STORAGE, "no memory");
    for (size_t i = 0; i < names->count; i++)
        REQUIRE(add_alt_name(list, names->item[i], values, &why) == SKS_OK, err, SKS_ERROR_OPTION,
                "'%.*s': %s", (int)names->item[i].len, (const char *)names->item[i].ptr, why.text);
    if (sk_GENERAL_NAME_num(list) == 0)
        goto out;
    len = i2d_GENERAL_NAMES(list, &der);
    REQUIRE(len > 0, err, SKS_ERROR_STORAGE, "no memory");
    put_der_extension(out, NID_subject_alt_name, bytes_at(der, (size_t)len));
    TRY(sks_explain(err, out->status));
out:
    OPENSSL_free(der);
    sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
    return rc;
}
