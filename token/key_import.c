/* importSymmetricKey and importPrivateKey. */
#include "keygen2/crypto/certificate.h"
#include "token/call.h"

enum { PADDING_MAX = 32 /* IV and a block of padding */ };

static enum sks_status check_import(struct call *call, struct bytes encrypted, size_t max)
{
    return encrypted.len <= max + PADDING_MAX
               ? SKS_OK
               : call_fail(call, SKS_ERROR_OPTION, "encryptedKey holds a key over %zu bytes", max);
}

static enum sks_status mark_imported(struct call *call)
{
    if ((call->key.key_backup & KEY_BACKUP_IMPORTED) != 0)
        return call_fail(call, SKS_ERROR_OPTION, "the key has an imported key already");
    call->key.key_backup |= KEY_BACKUP_IMPORTED;
    return SKS_OK;
}

static enum sks_status verify_import(struct call *call, const char *method)
{
    const struct import_key_in *in = &call->in.import_key;
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(call_need_certificate(call));
    put_mac_import(&data, call->key.certificate_path.item[0], in->encrypted_key);
    TRY(call_verify_mac(call, method, &data, in->mac));
out:
    return rc;
}

static void put_imported(struct call *call)
{
    key_keep(&call->changes, call->token->store, &call->key);
    call_keep_session(call);
}

/* A second import is refused before the MAC is looked at; with a private key, after it. */
enum sks_status import_symmetric_key(struct call *call)
{
    const struct import_key_in *in = &call->in.import_key;
    enum sks_status rc;

    TRY(check_import(call, in->encrypted_key, SKS_SYMMETRIC_KEY_MAX));
    TRY(mark_imported(call));
    TRY(verify_import(call, MAC_IMPORT_SYMMETRIC_KEY));
    TRY(call_decrypt(call, "encryptedKey", in->encrypted_key, &call->key.symmetric_key));
    CALL_REQUIRE(
        call,
        call->key.symmetric_key.len >= 1 && call->key.symmetric_key.len <= SKS_SYMMETRIC_KEY_MAX,
        SKS_ERROR_OPTION, "encryptedKey: the key is not 1-%d bytes", SKS_SYMMETRIC_KEY_MAX);
    put_imported(call);
out:
    return rc;
}

/* An EC key on another point than the certificate's is found at the close. */
static enum sks_status check_imported(struct call *call, struct bytes spki)
{
    struct public_key imported, certified;
    struct bytes certified_spki = certificate_key(call->key.certificate_path.item[0]);
    enum sks_status rc;

    TRY(public_key_parse(certified_spki, &certified));
    rc = public_key_parse(spki, &imported);
    CALL_REQUIRE(call, rc != SKS_ERROR_CRYPTO, SKS_ERROR_OPTION,
                 "encryptedKey: the key is of a kind that is not supported");
    TRY(rc);
    CALL_REQUIRE(call, imported.kind == certified.kind, SKS_ERROR_OPTION,
                 "encryptedKey: the key is of another kind than the certificate's");
    CALL_REQUIRE(call, imported.kind != KEY_KIND_RSA || bytes_equal(spki, certified_spki),
                 SKS_ERROR_OPTION, "encryptedKey: the RSA key is not the certificate's");
    CALL_REQUIRE(call, imported.kind == KEY_KIND_ED25519 || public_key_is_fit(&imported, true),
                 SKS_ERROR_OPTION, "encryptedKey: the key has a size that is not supported");
out:
    return rc;
}

enum sks_status import_private_key(struct call *call)
{
    const struct import_key_in *in = &call->in.import_key;
    struct buf spki = { 0 }, secret = { 0 };
    EVP_PKEY *pkey = NULL;
    struct bytes pkcs8;
    enum sks_status rc;

    TRY(check_import(call, in->encrypted_key, SKS_CRYPTO_DATA_MAX));
    TRY(verify_import(call, MAC_IMPORT_PRIVATE_KEY));
    TRY(mark_imported(call));
    TRY(call_decrypt(call, "encryptedKey", in->encrypted_key, &pkcs8));
    rc = private_key_from_pkcs8(pkcs8, &pkey);
    CALL_REQUIRE(call, rc == SKS_OK, rc, "encryptedKey: no PKCS #8 private key");
    rc = put_pkey(&spki, pkey);
    CALL_REQUIRE(call, rc != SKS_ERROR_OPTION, rc,
                 "encryptedKey: the key is of a kind that is not supported");
    TRY(rc);
    TRY(check_imported(call, buf_bytes(&spki)));
    TRY(put_private_key(&secret, pkey));
    TRY(call_keep(call, buf_bytes(&spki), &call->key.public_key));
    TRY(call_keep(call, buf_bytes(&secret), &call->key.private_key));
    put_imported(call);
out:
    EVP_PKEY_free(pkey);
    buf_free(&spki);
    buf_free(&secret);
    return rc;
}
