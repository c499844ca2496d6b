/*
 * Public keys on the wire: JWK with just the members that make the key (JSF, "publicKey";
 * RFC 7518, 6 and RFC 8037, 2), inside as SubjectPublicKeyInfo.
 */
#include "keygen2/crypto/public_key.h"
#include "keygen2/message/keygen2.h"

enum {
    MODULUS_MAX = 1024, /* bytes: bounds what checking a signature can cost */
    EXPONENT_MAX = 8,   /* bytes, as of keyParameters */
};

struct jwk {
    struct bytes crv, x, y, n, e;
};

#define AT(member) .offset = offsetof(struct jwk, member)

static const struct json_field EC[] = {
    { "kty", JSON_CONST, .with = "EC" },
    { "crv", JSON_TEXT, JSON_MANDATORY, AT(crv) },
    { "x", JSON_BINARY, JSON_MANDATORY, AT(x) },
    { "y", JSON_BINARY, JSON_MANDATORY, AT(y) },
};
static const struct json_field RSA_FIELDS[] = {
    { "kty", JSON_CONST, .with = "RSA" },
    { "n", JSON_BINARY, JSON_MANDATORY, AT(n), .min = 1, .max = MODULUS_MAX },
    { "e", JSON_BINARY, JSON_MANDATORY, AT(e), .min = 1, .max = EXPONENT_MAX },
};
static const struct json_field OKP[] = {
    { "kty", JSON_CONST, .with = "OKP" },
    { "crv", JSON_TEXT, JSON_MANDATORY, AT(crv) },
    { "x", JSON_BINARY, JSON_MANDATORY, AT(x) },
};
static const struct json_type JWK[] = {
    [KEY_KIND_RSA] = JSON_TYPE("RSA", struct jwk, RSA_FIELDS, NULL),
    [KEY_KIND_EC] = JSON_TYPE("EC", struct jwk, EC, NULL),
    [KEY_KIND_ED25519] = JSON_TYPE("OKP", struct jwk, OKP, NULL),
};

static enum sks_status find_kind(struct json_reader *r, const struct json_place *at,
                                 const json_t *value, enum key_kind *kind)
{
    const struct json_place kty = { at, "kty", 0 };
    const json_t *name = json_object_get(value, "kty");

    if (!json_is_object(value))
        return json_refuse(r, at, "expected an object");
    if (name == NULL)
        return json_refuse(r, &kty, "missing");
    for (size_t i = KEY_KIND_RSA; i < NITEMS(JWK) && json_is_string(name); i++) {
        if (bytes_equal(bytes_of(JWK[i].name), bytes_of(json_string_value(name)))) {
            *kind = (enum key_kind)i;
            return SKS_OK;
        }
    }
    return json_refuse(r, &kty, "must be one of RSA, EC, OKP");
}

static enum sks_status check_size(struct json_reader *r, const struct json_place *at,
                                  const char *name, struct bytes value, size_t size)
{
    if (value.len == size)
        return SKS_OK;
    return json_refuse(r, &(struct json_place){ at, name, 0 }, "must be %zu bytes", size);
}

static enum sks_status check_curve(struct json_reader *r, const struct json_place *at,
                                   struct bytes crv, struct public_key *key)
{
    enum sks_status rc;

    key->curve = algorithm_by_jose(crv, ALGORITHM_KEY_GENERATION);
    if (key->curve == NULL)
        key->curve = algorithm_by_uri(crv, ALGORITHM_KEY_GENERATION);
    if (key->curve == NULL || key->curve->kind != key->kind || key->curve->spki_prefix == NULL)
        return json_refuse(r, &(struct json_place){ at, "crv", 0 }, "unknown curve");
    TRY(check_size(r, at, "x", key->x, key->curve->size));
    if (key->kind == KEY_KIND_EC)
        TRY(check_size(r, at, "y", key->y, key->curve->size));
out:
    return rc;
}

/* RFC 7518, 6.3.1: as few bytes as the number needs. */
static enum sks_status check_number(struct json_reader *r, const struct json_place *at,
                                    const char *name, struct bytes number)
{
    if (number.len > 0 && (r->lenient || number.ptr[0] != 0))
        return SKS_OK;
    return json_refuse(r, &(struct json_place){ at, name, 0 }, "has a leading zero");
}

/* Keeps the SubjectPublicKeyInfo, once OpenSSL has found the point to be on its curve. */
static enum sks_status keep_key(struct json_reader *r, const struct json_place *at,
                                const struct public_key *key, struct bytes *out)
{
    struct buf spki = { 0 };
    enum sks_status rc;

    put_public_key(&spki, key);
    TRY(spki.status);
    if (!r->lenient && public_key_check(buf_bytes(&spki)) != SKS_OK) {
        rc = json_refuse(r, at, "not a public key");
        goto out;
    }
    *out = arena_copy(r->arena, buf_bytes(&spki));
    rc = out->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
out:
    buf_free(&spki);
    return rc;
}

static enum sks_status decode_jwk(struct json_reader *r, const struct json_place *at,
                                  const json_t *value, void *member)
{
    struct jwk jwk;
    struct public_key key = { 0 };
    enum sks_status rc;

    TRY(find_kind(r, at, value, &key.kind));
    TRY(json_decode_part(r, at, &JWK[key.kind], value, &jwk));
    key.x = jwk.x;
    key.y = jwk.y;
    key.n = jwk.n;
    key.e = jwk.e;
    if (key.kind == KEY_KIND_RSA) {
        TRY(check_number(r, at, "n", key.n));
        TRY(check_number(r, at, "e", key.e));
    } else {
        TRY(check_curve(r, at, jwk.crv, &key));
    }
    rc = keep_key(r, at, &key, member);
out:
    return rc;
}

static void encode_jwk(struct buf *out, const void *member)
{
    const struct bytes *spki = member;
    struct public_key key;
    struct jwk jwk;

    if (spki->len == 0 || out->status != SKS_OK)
        return;
    out->status = public_key_parse(*spki, &key);
    if (out->status != SKS_OK)
        return;
    jwk = (struct jwk){ .x = key.x, .y = key.y, .n = key.n, .e = key.e };
    if (key.curve != NULL) /* a curve that JOSE has not named goes by its URI */
        jwk.crv = bytes_of(key.curve->jose != NULL ? key.curve->jose : key.curve->uri);
    json_put(out, &JWK[key.kind], &jwk);
}

const struct json_codec KEYGEN2_JWK = { decode_jwk, encode_jwk };
