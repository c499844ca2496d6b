#include "keygen2/crypto/session_2010.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/cipher.h"
#include "keygen2/crypto/signature.h"

#include <string.h>

static const char OAEP[] = "https://webpki.github.io/sks/algorithm#rsa.oaep.sha256";
static const char SESSION_KEY_ATTESTATION[] = "SessionKeyAttestation";

/* With the exponent 1 the padded key would travel in clear. */
static bool is_exponent(struct bytes e)
{
    return (e.ptr[e.len - 1] & 1) != 0 && (e.len > 1 || e.ptr[0] >= 3);
}

enum sks_status session_2010_load_key(struct bytes spki, EVP_PKEY **pkey, struct sks_error *err)
{
    struct public_key parts;
    unsigned bits;
    enum sks_status rc = public_key_parse(spki, &parts);

    *pkey = NULL;
    REQUIRE(rc != SKS_ERROR_CRYPTO, err, rc, "it is no SubjectPublicKeyInfo in DER");
    TRY(rc);
    REQUIRE(parts.kind == KEY_KIND_RSA, err, SKS_ERROR_CRYPTO, "it is no RSA key");
    bits = public_key_bits(&parts);
    REQUIRE(bits >= SESSION_2010_RSA_MIN && bits <= SESSION_2010_RSA_MAX, err, SKS_ERROR_CRYPTO,
            "it has %u bits, not %d-%d", bits, SESSION_2010_RSA_MIN, SESSION_2010_RSA_MAX);
    REQUIRE(is_exponent(parts.e), err, SKS_ERROR_CRYPTO, "its exponent is even or below 3");
    TRY(public_key_load(spki, pkey));
out:
    return sks_explain(err, rc);
}

enum sks_status session_2010_draw(struct session_key *sk)
{
    sk->counter = 0;
    return random_bytes(sk->key, sizeof sk->key);
}

static const struct algorithm *oaep(void)
{
    return algorithm_by_uri(bytes_of(OAEP), ALGORITHM_DECRYPTION);
}

enum sks_status session_2010_encrypt(EVP_PKEY *server_key, const struct session_key *sk,
                                     struct buf *encrypted)
{
    return rsa_encrypt(server_key, oaep(), bytes_at(sk->key, sizeof sk->key), encrypted);
}

enum sks_status session_2010_decrypt(EVP_PKEY *own, struct bytes encrypted, struct session_key *sk)
{
    struct buf key = { 0 };
    enum sks_status rc;

    TRY(rsa_decrypt(own, oaep(), encrypted, &key));
    if (key.len != sizeof sk->key) {
        rc = SKS_ERROR_CRYPTO;
        goto out;
    }
    memcpy(sk->key, key.ptr, key.len);
    sk->counter = 0;
out:
    buf_free(&key);
    return rc;
}

enum sks_status session_2010_proof(const struct session_key *sk, uint8_t proof[SKS_MAC_SIZE])
{
    return hmac_sha256(bytes_at(sk->key, sizeof sk->key), bytes_of(SESSION_KEY_ATTESTATION), proof);
}

void put_session_2010_attestation(struct buf *out, struct bytes proof,
                                  const struct session_2010_terms *terms)
{
    put_array(out, proof);
    put_array(out, terms->server_session_id);
    put_array(out, terms->client_session_id);
    put_array(out, terms->provisioning_uri);
    put_array(out, terms->server_public_key);
    put_uint(out, terms->life_time);
}

enum sks_status session_2010_verify(EVP_PKEY *device_key, struct bytes proof,
                                    const struct session_2010_terms *terms,
                                    struct bytes attestation)
{
    struct buf data = { 0 };
    enum sks_status rc;

    put_session_2010_attestation(&data, proof, terms);
    TRY(data.status);
    rc = verify_sha256(device_key, buf_bytes(&data), attestation);
    if (rc == SKS_ERROR_CRYPTO)
        rc = SKS_ERROR_MAC; /* a signature of the wrong length, for one */
out:
    buf_free(&data);
    return rc;
}
