#include "matrix/view.h"

#include "keygen2/base/base64.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

static X509 *read_certificate(struct bytes der)
{
    const uint8_t *p = der.ptr;

    return d2i_X509(NULL, &p, (long)der.len);
}

static json_t *shown(const json_t *value, EVP_PKEY *ca)
{
    struct bytes text = bytes_at(json_string_value(value), json_string_length(value));
    struct buf der = { 0 };
    X509 *certificate =
        base64url_decode(text, &der) == SKS_OK ? read_certificate(buf_bytes(&der)) : NULL;
    char subject[300] = "", all[400];
    bool good = certificate != NULL && X509_verify(certificate, ca) == 1;

    if (certificate != NULL)
        (void)X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
    (void)snprintf(all, sizeof all, "%s%s", subject, good ? "" : ", not by the CA");
    X509_free(certificate);
    buf_free(&der);
    ERR_clear_error();
    return json_string(all);
}

void view_certificates(json_t *view, struct bytes ca)
{
    X509 *certificate = read_certificate(ca);
    json_t *key, *path, *value;
    size_t i, j;

    json_array_foreach(json_object_get(view, "keys"), i, key)
    {
        path = json_object_get(key, "certificate");
        json_array_foreach(path, j, value)(void)
            json_array_set_new(path, j, shown(value, X509_get0_pubkey(certificate)));
    }
    X509_free(certificate);
}
