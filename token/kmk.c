#include "token/kmk.h"
#include "keygen2/crypto/signature.h"

enum sks_status kmk_check(struct call *call, const char *argument, struct bytes spki, bool rsa)
{
    struct public_key key;
    enum sks_status rc = public_key_parse(spki, &key);

    CALL_REQUIRE(call, rc != SKS_ERROR_CRYPTO, rc, "%s is not a public key", argument);
    TRY(rc);
    CALL_REQUIRE(call, public_key_is_fit(&key, rsa), SKS_ERROR_OPTION,
                 "%s is of a kind or size that is not supported", argument);
    rc = public_key_check(spki);
    CALL_REQUIRE(call, rc == SKS_OK, rc, "%s is not a point on its curve", argument);
out:
    return rc;
}

enum sks_status kmk_verify(struct call *call, struct bytes kmk, struct bytes data,
                           struct bytes authorization)
{
    EVP_PKEY *pkey = NULL;
    enum sks_status rc;

    TRY(public_key_load(kmk, &pkey));
    rc = verify_sha256(pkey, data, authorization);
    CALL_REQUIRE(call, rc != SKS_ERROR_MAC, SKS_ERROR_OPTION,
                 "authorization is no signature of the key management key");
    CALL_REQUIRE(call, rc == SKS_OK, rc, "authorization has not the length of a signature");
out:
    EVP_PKEY_free(pkey);
    return rc;
}
