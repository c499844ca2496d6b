#include "keygen2/crypto/algorithms.h"

#define SKS_URI(name) "https://webpki.github.io/sks/algorithm#" name
#define XMLENC(name) "http://www.w3.org/2001/04/xmlenc#" name
#define XMLDSIG_MORE(name) "http://www.w3.org/2001/04/xmldsig-more#" name

/* SubjectPublicKeyInfo up to and with the 0x04 of an uncompressed point (RFC 5480, RFC 8410). */
#define EC_OID "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
static const char SPKI_P256[] =
    "\x30\x59\x30\x13" EC_OID "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";
static const char SPKI_P384[] = "\x30\x76\x30\x10" EC_OID "\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00"
                                "\x04";
static const char SPKI_P521[] =
    "\x30\x81\x9b\x30\x10" EC_OID "\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86\x00\x04";
static const char SPKI_P256K1[] = "\x30\x56\x30\x10" EC_OID "\x06\x05\x2b\x81\x04\x00\x0a\x03\x42"
                                  "\x00\x04";
static const char SPKI_BRAINPOOL[] =
    "\x30\x5a\x30\x14" EC_OID "\x06\x09\x2b\x24\x03\x03\x02\x08\x01"
    "\x01\x07\x03\x42\x00\x04";
static const char SPKI_ED25519[] = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

#define PROTOCOL(name)                                                                             \
    {                                                                                              \
        .uri = SKS_URI(name), .use = ALGORITHM_PROTOCOL                                            \
    }
#define RSA_KEY(name, bits, exponent)                                                              \
    {                                                                                              \
        .uri = SKS_URI(name), .openssl = "RSA", .kind = KEY_KIND_RSA,                              \
        .use = ALGORITHM_KEY_GENERATION, .size = bits, .with_exponent = exponent                   \
    }
#define EC_KEY(name, jose_name, group, bytes, prefix)                                              \
    {                                                                                              \
        .uri = SKS_URI(name), .jose = jose_name, .openssl = group, .kind = KEY_KIND_EC,            \
        .use = ALGORITHM_KEY_GENERATION, .size = bytes, .spki_prefix = prefix,                     \
        .spki_prefix_len = sizeof(prefix) - 1                                                      \
    }
#define SIGNATURE(name, jose_name, digest, key, bytes)                                             \
    {                                                                                              \
        .uri = name, .jose = jose_name, .openssl = digest, .kind = key,                            \
        .use = ALGORITHM_SIGNATURE, .size = bytes                                                  \
    }
#define OTHER(name, digest, key, uses)                                                             \
    {                                                                                              \
        .uri = name, .openssl = digest, .kind = key, .use = uses                                   \
    }
#define CIPHER(name, mode, bytes, where)                                                           \
    {                                                                                              \
        .uri = name, .openssl = mode, .kind = KEY_KIND_SYMMETRIC, .use = ALGORITHM_CIPHER,         \
        .size = bytes, .iv = where                                                                 \
    }

const struct algorithm ALGORITHMS[] = {
    PROTOCOL("session.1"),
    PROTOCOL("key.1"),
    RSA_KEY("rsa1024", 1024, false),
    RSA_KEY("rsa2048", 2048, false),
    RSA_KEY("rsa3072", 3072, false),
    RSA_KEY("rsa4096", 4096, false),
    RSA_KEY("rsa1024.exp", 1024, true),
    RSA_KEY("rsa2048.exp", 2048, true),
    RSA_KEY("rsa3072.exp", 3072, true),
    RSA_KEY("rsa4096.exp", 4096, true),
    EC_KEY("ec.nist.p256", "P-256", "prime256v1", 32, SPKI_P256),
    EC_KEY("ec.nist.p384", "P-384", "secp384r1", 48, SPKI_P384),
    EC_KEY("ec.nist.p521", "P-521", "secp521r1", 66, SPKI_P521),
    EC_KEY("ec.secg.p256k1", "secp256k1", "secp256k1", 32, SPKI_P256K1),
    EC_KEY("ec.brainpool.p256r1", NULL, "brainpoolP256r1", 32, SPKI_BRAINPOOL),
    /* One URI names the key and its signature. */
    { .uri = SKS_URI("ed25519"),
      .jose = "Ed25519",
      .kind = KEY_KIND_ED25519,
      .use = ALGORITHM_KEY_GENERATION | ALGORITHM_SIGNATURE,
      .size = 32,
      .spki_prefix = SPKI_ED25519,
      .spki_prefix_len = sizeof SPKI_ED25519 - 1 },
    SIGNATURE(XMLDSIG_MORE("rsa-sha256"), "RS256", "SHA256", KEY_KIND_RSA, 32),
    SIGNATURE(XMLDSIG_MORE("rsa-sha384"), "RS384", "SHA384", KEY_KIND_RSA, 48),
    SIGNATURE(XMLDSIG_MORE("rsa-sha512"), "RS512", "SHA512", KEY_KIND_RSA, 64),
    SIGNATURE(XMLDSIG_MORE("ecdsa-sha256"), "ES256", "SHA256", KEY_KIND_EC, 32),
    SIGNATURE(XMLDSIG_MORE("ecdsa-sha384"), "ES384", "SHA384", KEY_KIND_EC, 48),
    SIGNATURE(XMLDSIG_MORE("ecdsa-sha512"), "ES512", "SHA512", KEY_KIND_EC, 64),
    SIGNATURE(SKS_URI("rsa.pkcs1.none"), NULL, NULL, KEY_KIND_RSA, 0),
    SIGNATURE(SKS_URI("ecdsa.none"), NULL, NULL, KEY_KIND_EC, 0),
    OTHER(SKS_URI("rsa.es.pkcs1_5"), NULL, KEY_KIND_RSA, ALGORITHM_DECRYPTION),
    OTHER(SKS_URI("rsa.oaep.sha1"), "SHA1", KEY_KIND_RSA, ALGORITHM_DECRYPTION),
    OTHER(SKS_URI("rsa.oaep.sha256"), "SHA256", KEY_KIND_RSA, ALGORITHM_DECRYPTION),
    OTHER(SKS_URI("ecdh.raw"), NULL, KEY_KIND_EC, ALGORITHM_AGREEMENT),
    OTHER("http://www.w3.org/2000/09/xmldsig#hmac-sha1", "SHA1", KEY_KIND_SYMMETRIC,
          ALGORITHM_HMAC),
    OTHER(XMLDSIG_MORE("hmac-sha256"), "SHA256", KEY_KIND_SYMMETRIC, ALGORITHM_HMAC),
    OTHER(XMLDSIG_MORE("hmac-sha384"), "SHA384", KEY_KIND_SYMMETRIC, ALGORITHM_HMAC),
    OTHER(XMLDSIG_MORE("hmac-sha512"), "SHA512", KEY_KIND_SYMMETRIC, ALGORITHM_HMAC),
    CIPHER(XMLENC("aes128-cbc"), "CBC", 16, IV_IN_FRONT),
    CIPHER(XMLENC("aes192-cbc"), "CBC", 24, IV_IN_FRONT),
    CIPHER(XMLENC("aes256-cbc"), "CBC", 32, IV_IN_FRONT),
    CIPHER(SKS_URI("aes.cbc"), "CBC", 0, IV_IN_PARAMETERS),
    CIPHER(SKS_URI("aes.ecb.nopad"), "ECB", 0, IV_NONE),
    OTHER(SKS_URI("none"), NULL, KEY_KIND_NONE, ALGORITHM_NONE),
};
const size_t ALGORITHMS_COUNT = NITEMS(ALGORITHMS);
_Static_assert(NITEMS(ALGORITHMS) <= ALGORITHMS_MAX, "who has a place a row has enough of them");

const struct algorithm *algorithm_by_uri(struct bytes uri, unsigned use)
{
    for (size_t i = 0; i < NITEMS(ALGORITHMS); i++)
        if ((ALGORITHMS[i].use & use) != 0 && bytes_equal(bytes_of(ALGORITHMS[i].uri), uri))
            return &ALGORITHMS[i];
    return NULL;
}

bool aes_key_fits(const struct algorithm *algorithm, size_t key_len)
{
    if (algorithm->use != ALGORITHM_CIPHER)
        return true;
    return algorithm->size == 0 ? key_len == 16 || key_len == 24 || key_len == 32
                                : key_len == algorithm->size;
}

bool algorithm_is_endorsed(const struct bytes_list *endorsed, struct bytes uri)
{
    for (size_t i = 0; i < endorsed->count; i++)
        if (bytes_equal(endorsed->item[i], uri))
            return true;
    return endorsed->count == 0;
}

const struct algorithm *algorithm_by_jose(struct bytes jose, unsigned use)
{
    for (size_t i = 0; i < NITEMS(ALGORITHMS); i++)
        if ((ALGORITHMS[i].use & use) != 0 && ALGORITHMS[i].jose != NULL &&
            bytes_equal(bytes_of(ALGORITHMS[i].jose), jose))
            return &ALGORITHMS[i];
    return NULL;
}
