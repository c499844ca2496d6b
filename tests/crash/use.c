/* Does a key still do what it is for? */
#include "keygen2/base/base64.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/signature.h"
#include "tests/crash/checker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_VERIFIED = -1 };

static const char ES256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
static const char RS256[] = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
static const char HS256[] = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
static const char DATA[] = "crash-sweep";

static struct bytes hex_in_arena(struct checker *c, const char *from, size_t len)
{
    struct buf value = { 0 };
    struct bytes kept;

    if (hex_decode(bytes_at(from, len), &value) != SKS_OK)
        abort();
    kept = arena_copy(&c->arena, buf_bytes(&value));
    buf_free(&value);
    return kept;
}

static int verified(struct bytes certificate, struct bytes signature)
{
    struct buf spki = { 0 };
    EVP_PKEY *pkey = NULL;
    int result = NOT_VERIFIED;

    if (put_certificate_key(&spki, certificate) == SKS_OK &&
        public_key_load(buf_bytes(&spki), &pkey) == SKS_OK &&
        verify_sha256(pkey, bytes_of(DATA), signature) == SKS_OK)
        result = SKS_OK;
    EVP_PKEY_free(pkey);
    buf_free(&spki);
    return result;
}

/* Status of the operation; what the key cannot do is a HMAC or a signature that does not verify. */
static int use_once(struct checker *c, uint32_t key, struct bytes pin,
                    const struct key_attributes_out *about, struct bytes *result)
{
    union sks_in in = { .operation = { .key_handle = key, .authorization = pin } };
    bool symmetric = about->symmetric_key_length > 0;
    union sks_out out;
    struct bytes raw;
    uint8_t digest[32];
    int status;

    digest_of(bytes_of(DATA), digest);
    in.operation.data = symmetric ? bytes_of(DATA) : bytes_at(digest, sizeof digest);
    in.operation.algorithm = bytes_of(symmetric ? HS256 : ES256);
    status = (int)checker_call(c, symmetric ? PERFORM_HMAC : SIGN_HASHED_DATA, &in, &raw, &out);
    if (status == SKS_ERROR_ALGORITHM && !symmetric) {
        in.operation.algorithm = bytes_of(RS256);
        status = (int)checker_call(c, SIGN_HASHED_DATA, &in, &raw, &out);
    }
    *result = (struct bytes){ 0 };
    if (status != SKS_OK)
        return status;
    *result = symmetric ? out.result.result : *result;
    return symmetric ? SKS_OK : verified(about->certificate_path.item[0], out.result.result);
}

enum sks_status use_key(struct checker *c, const char *word)
{
    uint32_t key = (uint32_t)strtoul(word, NULL, 10);
    const union sks_in in = { .key_handle.key_handle = key };
    const char *pin = strchr(word, '=');
    union sks_out out;
    struct bytes raw, result = { 0 };
    char name[16];
    int status = SKS_ERROR_AUTHORIZATION;
    enum sks_status rc;

    TRY(checker_call(c, GET_KEY_ATTRIBUTES, &in, &raw, &out));
    while (pin != NULL && status == SKS_ERROR_AUTHORIZATION) {
        size_t len = strcspn(++pin, ",");

        status = use_once(c, key, hex_in_arena(c, pin, len), &out.key_attributes, &result);
        pin = pin[len] == ',' ? pin + len : NULL;
    }
    (void)snprintf(name, sizeof name, "%u", key);
    put_name(c, name);
    put_text(&c->out, "[");
    put_number(c, status);
    put_text(&c->out, ",");
    put_hex(c, result);
    put_text(&c->out, "]");
out:
    return rc;
}
