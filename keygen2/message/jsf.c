#include "keygen2/message/jsf.h"
#include "keygen2/base/jcs.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/signature.h"
#include "keygen2/message/keygen2.h"

#include <string.h>

enum { VALUE_MAX = 1024 }; /* bytes, as of the modulus of a JWK */

#define AT(member) .offset = offsetof(struct jsf_signature, member)

static const struct json_field SIGNATURE[] = {
    { "algorithm", JSON_TEXT, JSON_MANDATORY, AT(algorithm) },
    { "publicKey", JSON_CUSTOM, JSON_OPTIONAL, AT(public_key), .with = &KEYGEN2_JWK },
    { "certificatePath", JSON_BINARIES, JSON_OPTIONAL, AT(certificate_path), .min = 1,
      .max = KEYGEN2_DEVICE_PATH_MAX },
    { "value", JSON_BINARY, JSON_MANDATORY, AT(value), .min = 1, .max = VALUE_MAX },
};

#undef AT

static enum sks_status check_signature(struct json_reader *r, const struct json_place *at,
                                       void *out)
{
    const struct jsf_signature *signature = out;
    const struct json_place algorithm = { at, "algorithm", 0 };

    if (!bytes_equal(signature->algorithm, bytes_of("ES256")) &&
        !bytes_equal(signature->algorithm, bytes_of("RS256")))
        return json_refuse(r, &algorithm, "must be ES256 or RS256");
    if ((signature->public_key.len == 0) == (signature->certificate_path.count == 0))
        return json_refuse(r, at, "must have either a publicKey or a certificatePath");
    return SKS_OK;
}

const struct json_type JSF_SIGNATURE =
    JSON_TYPE("signature", struct jsf_signature, SIGNATURE, check_signature);

const char *jsf_algorithm(struct bytes spki)
{
    struct public_key key;

    if (public_key_parse(spki, &key) != SKS_OK)
        return NULL;
    if (key.kind == KEY_KIND_RSA)
        return "RS256";
    return key.curve == algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION) ? "ES256"
                                                                                       : NULL;
}

/* JSF: the signature object stands in what is signed, but for its value. */
static enum sks_status put_signed(const json_t *root, struct buf *out)
{
    json_t *object = json_copy((json_t *)(uintptr_t)root); /* shallow, and changes nothing */
    json_t *signature = json_copy(json_object_get(object, "signature"));
    enum sks_status rc = SKS_ERROR_STORAGE;

    if (signature == NULL)
        goto out;
    (void)json_object_del(signature, "value");
    if (json_object_set(object, "signature", signature) != 0)
        goto out;
    rc = jcs_write(object, out);
out:
    json_decref(signature);
    json_decref(object);
    return rc;
}

enum sks_status jsf_sign(json_t *root, struct jsf_signature *signature, EVP_PKEY *key,
                         struct buf *value)
{
    struct buf spki = { 0 }, data = { 0 };
    const char *algorithm;
    json_t *object = NULL;
    size_t start = value->len;
    enum sks_status rc;

    TRY(put_pkey(&spki, key));
    algorithm = jsf_algorithm(buf_bytes(&spki));
    rc = SKS_ERROR_OPTION;
    if (algorithm == NULL)
        goto out;
    signature->algorithm = bytes_of(algorithm);
    signature->value = (struct bytes){ 0 };
    rc = SKS_ERROR_STORAGE;
    object = json_encode(&JSF_SIGNATURE, signature);
    if (object == NULL || json_object_set(root, "signature", object) != 0)
        goto out;
    TRY(put_signed(root, &data));
    TRY(sign_sha256(key, buf_bytes(&data), value));
    signature->value = bytes_at(value->ptr + start, value->len - start);
    if (json_object_set_new(object, "value", json_binary(signature->value)) != 0)
        rc = SKS_ERROR_STORAGE;
out:
    json_decref(object);
    buf_free(&spki);
    buf_free(&data);
    return rc;
}

static enum sks_status check_algorithm(struct json_reader *r, const struct json_place *at,
                                       struct bytes spki, struct bytes given)
{
    const char *algorithm = jsf_algorithm(spki);

    if (algorithm == NULL)
        return json_refuse(r, at, "the key must be RSA or P-256");
    if (!bytes_equal(bytes_of(algorithm), given))
        return json_refuse(r, &(struct json_place){ at, "algorithm", 0 }, "does not fit the key");
    return SKS_OK;
}

enum sks_status jsf_decode(struct json_reader *r, const struct json_place *at, const json_t *value,
                           struct jsf_signature *signature)
{
    const struct json_place key = { at, "publicKey", 0 };
    const json_t *crv = json_object_get(json_object_get(value, "publicKey"), "crv");
    enum sks_status rc;

    TRY(json_decode_part(r, at, &JSF_SIGNATURE, value, signature));
    if (r->lenient)
        return SKS_OK;
    if (crv != NULL &&
        algorithm_by_jose(bytes_of(json_string_value(crv)), ALGORITHM_KEY_GENERATION) == NULL)
        return json_refuse(r, &(struct json_place){ &key, "crv", 0 }, "not a JOSE name");
    if (signature->public_key.len > 0)
        TRY(check_algorithm(r, at, signature->public_key, signature->algorithm));
out:
    return rc;
}

enum sks_status jsf_verify(struct json_reader *r, const struct json_place *at, const json_t *root,
                           const struct jsf_signature *signature)
{
    const struct bytes_list *path = &signature->certificate_path;
    struct buf spki = { 0 }, data = { 0 };
    EVP_PKEY *key = NULL;
    enum sks_status rc;

    if (path->count > 0) {
        TRY(keygen2_check_path(r, at, path));
        TRY(put_certificate_key(&spki, path->item[0]));
        TRY(check_algorithm(r, at, buf_bytes(&spki), signature->algorithm));
    } else {
        put_raw(&spki, signature->public_key);
    }
    rc = put_signed(root, &data);
    if (rc == SKS_ERROR_OPTION)
        rc = json_refuse(r, at, "covers a number that is no integer of 53 bits");
    if (rc != SKS_OK)
        goto out;
    rc = public_key_load(buf_bytes(&spki), &key);
    if (rc == SKS_OK)
        rc = verify_sha256(key, buf_bytes(&data), signature->value);
    if (rc == SKS_ERROR_MAC || rc == SKS_ERROR_CRYPTO) /* the latter for a wrong length */
        rc = json_refuse(r, at, "does not verify");
out:
    EVP_PKEY_free(key);
    buf_free(&spki);
    buf_free(&data);
    return rc;
}
