/* The algorithms of SKS, one row each. SKS V1.07, 4 "Algorithm Support". */
#ifndef KEYGEN2_CRYPTO_ALGORITHMS_H
#define KEYGEN2_CRYPTO_ALGORITHMS_H

#include "keygen2/base/bytes.h"

enum key_kind { KEY_KIND_NONE, KEY_KIND_RSA, KEY_KIND_EC, KEY_KIND_ED25519, KEY_KIND_SYMMETRIC };

/* What an algorithm URI may be used for; a row may have several. */
enum algorithm_use {
    ALGORITHM_KEY_GENERATION = 1, /* keyAlgorithm of createKeyEntry */
    ALGORITHM_SIGNATURE = 2,      /* signHashedData */
    ALGORITHM_NONE = 4,           /* endorsed alone: no user operation at all */
    ALGORITHM_PROTOCOL = 8,       /* session.1, key.1: listed, for no key */
    ALGORITHM_DECRYPTION = 16,    /* asymmetricKeyDecrypt */
    ALGORITHM_AGREEMENT = 32,     /* keyAgreement */
    ALGORITHM_HMAC = 64,          /* performHmac */
    ALGORITHM_CIPHER = 128,       /* symmetricKeyEncrypt */
    ALGORITHM_ENDORSABLE = 255 - ALGORITHM_PROTOCOL,
};

/* Where the IV of a cipher comes from. */
enum cipher_iv { IV_NONE, IV_IN_FRONT /* of the data; drawn inside */, IV_IN_PARAMETERS };

struct algorithm {
    const char *uri;
    const char *jose;    /* curve or signature name of JOSE, NULL if it has none */
    const char *openssl; /* group of an EC key, digest, mode of a cipher; NULL if none */
    enum key_kind kind;
    unsigned use;       /* set of enum algorithm_use */
    uint16_t size;      /* key: bits of the modulus or bytes of the field; signature: bytes of the
                         * digest; cipher: bytes of the key, 0 for any AES key */
    bool with_exponent; /* RSA key generation that takes keyParameters */
    const char *spki_prefix; /* EC and Ed25519: the DER in front of the point; else NULL */
    size_t spki_prefix_len;
    enum cipher_iv iv;
};

enum { ALGORITHMS_MAX = 64 }; /* ALGORITHMS_COUNT is no constant expression */

extern const struct algorithm ALGORITHMS[];
extern const size_t ALGORITHMS_COUNT;

/** Row of a URI that has any of the uses; NULL if there is none. */
const struct algorithm *algorithm_by_uri(struct bytes uri, unsigned use);

/** Row of a JOSE name ("P-256", "ES256") that has any of the uses; NULL if there is none. */
const struct algorithm *algorithm_by_jose(struct bytes jose, unsigned use);

/** True if a symmetric key has the size that an AES row wants; other rows take any. */
bool aes_key_fits(const struct algorithm *algorithm, size_t key_len);

/** True if a key may be used with the algorithm: its list of endorsed ones has it, or is empty. */
bool algorithm_is_endorsed(const struct bytes_list *endorsed, struct bytes uri);

#endif
