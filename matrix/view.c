#include "matrix/view.h"

#include "keygen2/base/base64.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

static json_t *shown(const json_t *value, const struct issuer_end *issuer)
{
    struct bytes text = bytes_at(json_string_value(value), json_string_length(value));
    struct buf der = { 0 };
    X509 *certificate = NULL;
    char subject[300] = "", all[400];
    bool good = false;

    if (base64url_decode(text, &der) == SKS_OK) {
        const uint8_t *p = der.ptr;

        certificate = d2i_X509(NULL, &p, (long)der.len);
        good = issuer->kind->issued(issuer, buf_bytes(&der), json_string_value(value));
    }
    if (certificate != NULL)
        (void)X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
    (void)snprintf(all, sizeof all, "%s%s", subject, good ? "" : ", not by the CA");
    X509_free(certificate);
    buf_free(&der);
    ERR_clear_error();
    return json_string(all);
}

void view_certificates(json_t *view, const struct issuer_end *issuer)
{
    json_t *key, *path, *value;
    size_t i, j;

    json_array_foreach(json_object_get(view, "keys"), i, key)
    {
        path = json_object_get(key, "certificate");
        json_array_foreach(path, j, value)(void) json_array_set_new(path, j, shown(value, issuer));
    }
}
