/*
 * The objects of SKS as their attributes stand in a KeyGen2 message, in a wire call, in a MAC and
 * in a stored record alike; each of those reads and writes these structs by a table of its own.
 * All slices are borrowed from the message, request or record that they were read from.
 */
#ifndef KEYGEN2_OBJECTS_H
#define KEYGEN2_OBJECTS_H

#include "keygen2/base/bytes.h"
#include "keygen2/base/names.h"

#define SKS_SESSION_ALGORITHM "https://webpki.github.io/sks/algorithm#session.1"
#define SKS_SESSION_2010 "urn:sks:2010:session.rsa" /* of the 2010 profile */
#define SKS_KEY_ENTRY_ALGORITHM "https://webpki.github.io/sks/algorithm#key.1"
#define SKS_ALGORITHM_NONE "https://webpki.github.io/sks/algorithm#none"
#define SKS_DEVICE_ANONYMOUS "Anonymous" /* the DeviceID of privacy mode */

enum {
    SKS_ID_MAX = 32,             /* characters of an id, 0x21-0x7E each */
    SKS_SESSION_ID_2010 = 32,    /* bytes of a session id of the 2010 profile */
    SKS_URI_MAX = 1000,          /* bytes */
    SKS_PIN_MAX = 128,           /* bytes of a PIN or PUK */
    SKS_RETRY_LIMIT_MAX = 10000, /* tries of a PIN or PUK */
    SKS_SERVER_SEED_MAX = 64,    /* bytes */
    SKS_FRIENDLY_NAME_MAX = 100, /* code points */
    SKS_NONCE_MAX = 32,          /* bytes of the closing nonce */
    SKS_MAC_SIZE = 32,
    SKS_SESSION_KEY_SIZE = 32,
    SKS_CRYPTO_DATA_MAX = 16384,     /* cryptoDataSize of getDeviceInfo */
    SKS_EXTENSION_DATA_MAX = 250000, /* extensionDataSize of getDeviceInfo */
    SKS_QUALIFIER_MAX = 128,         /* bytes */
    SKS_PROPERTY_NAME_MAX = 255,     /* bytes */
    SKS_SYMMETRIC_KEY_MAX = 128,     /* bytes */
};

/* What both ends agree on when a session begins: the inputs of createProvisioningSession and the
 * clientSessionId that the token drew. SKS V1.07, createProvisioningSession. */
struct session_terms {
    struct bytes session_key_algorithm; /* uri */
    bool privacy_enabled;
    struct bytes server_session_id, client_session_id; /* id */
    struct bytes server_ephemeral_key;                 /* SPKI DER, as all public keys */
    struct bytes issuer_uri;
    struct bytes key_management_key; /* zero length if none */
    uint32_t client_time;            /* seconds since 1970 */
    uint16_t session_life_time;      /* seconds */
    uint16_t session_key_limit;      /* operations with the session key */
    struct bytes server_certificate; /* DER of the TLS leaf; zero length over http */
};

/* The same in the 2010 profile: the inputs of its createProvisioningSession, by the draft's names.
 */
struct session_2010_terms {
    struct bytes server_session_id, client_session_id; /* SKS_SESSION_ID_2010 bytes */
    struct bytes provisioning_uri;
    struct bytes server_public_key; /* RSA, SPKI DER */
    uint32_t life_time;             /* seconds */
};

/* SKS V1.07, createPukPolicy. */
struct puk_policy {
    struct bytes id;
    struct bytes encrypted_puk;
    uint8_t format; /* enum sks_format */
    uint16_t retry_limit;
};

/* SKS V1.07, createPinPolicy. */
struct pin_policy {
    struct bytes id;
    bool user_defined, user_modifiable;
    uint8_t format; /* enum sks_format */
    uint16_t retry_limit;
    uint8_t grouping;             /* enum sks_grouping */
    uint8_t pattern_restrictions; /* set of enum sks_pattern */
    uint16_t min_length, max_length;
    uint8_t input_method; /* enum sks_input_method */
};

/* SKS V1.07, createKeyEntry. */
struct key_entry {
    struct bytes id;
    struct bytes key_entry_algorithm; /* uri */
    struct bytes server_seed;
    bool device_pin_protection;
    struct bytes pin_value; /* clear if the user chose it, encrypted if preset, else empty */
    bool enable_pin_caching;
    uint8_t biometric_protection;                 /* enum sks_biometric */
    uint8_t export_protection, delete_protection; /* enum sks_protection */
    uint8_t app_usage;                            /* enum sks_app_usage */
    struct bytes friendly_name;
    struct bytes key_algorithm; /* uri */
    struct bytes key_parameters;
    struct bytes_list endorsed_algorithms; /* uris, sorted */
};

enum sks_extension { /* subType of addExtension */
                     EXTENSION_PLAIN,
                     EXTENSION_ENCRYPTED,
                     EXTENSION_PROPERTY_BAG,
                     EXTENSION_LOGOTYPE,
};

/* SKS V1.07, addExtension. */
struct extension {
    struct bytes type;      /* uri, one of a kind for a key */
    uint8_t sub_type;       /* enum sks_extension */
    struct bytes qualifier; /* MIME type of a logotype, else empty */
    struct bytes data;
};

#endif
