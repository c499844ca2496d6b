/*
 * The issuer under test: its profiles, what they ask for, the device that visits it, and what that
 * device has of it by now.
 */
#ifndef CONFORM_ISSUER_SITE_H
#define CONFORM_ISSUER_SITE_H

#include "conform/issuer/device.h"
#include "conform/suite.h"
#include "keygen2/base/http_client.h"
#include "keygen2/crypto/algorithms.h"
#include "keygen2/objects.h"

/* What a profile has. Bits of conform_case.needs: one profile must have all of them. */
#define SITE_FEATURES(X)                                                                           \
    X(HAS_SESSION_1, "session of V1.07 with a device path")                                        \
    X(HAS_PRIVACY, "session in privacy mode")                                                      \
    X(HAS_2010, "session of the draft of 2010")                                                    \
    X(HAS_TRUST, "trust in the device of --device")                                                \
    X(HAS_QUERY, "clientCapabilityQuery")                                                          \
    X(HAS_KMK, "key management key")                                                               \
    X(HAS_ROLL_OVER, "updatable key management key")                                               \
    X(HAS_DISCOVERY, "lookup that the device can serve")                                           \
    X(HAS_KEYS, "key to create")                                                                   \
    X(HAS_TWO_KEYS, "session with two keys or more")                                               \
    X(HAS_PIN_POLICY, "PIN policy")                                                                \
    X(HAS_PUK_POLICY, "PUK policy")                                                                \
    X(HAS_PRESET_PIN, "preset PIN")                                                                \
    X(HAS_KEY_ALONE, "key without a PIN policy")                                                   \
    X(HAS_EC_KEY, "EC key")                                                                        \
    X(HAS_RSA_KEY, "RSA key")                                                                      \
    X(HAS_ED25519_KEY, "Ed25519 key")                                                              \
    X(HAS_ENDORSED, "endorsed algorithm")                                                          \
    X(HAS_DEFERRED, "deferred issuance")                                                           \
    X(HAS_END, "session that comes to its end")                                                    \
    X(HAS_IMPORT_SYMMETRIC, "import of a symmetric key")                                           \
    X(HAS_IMPORT_PRIVATE, "import of a private key")                                               \
    X(HAS_EXTENSION, "extension")                                                                  \
    X(HAS_ENCRYPTED_EXTENSION, "encrypted extension")                                              \
    X(HAS_PROPERTY_BAG, "property bag")                                                            \
    X(HAS_LOGOTYPE, "logotype")                                                                    \
    X(HAS_UPDATE, "key to update")                                                                 \
    X(HAS_CLONE, "key whose protection is cloned")                                                 \
    X(HAS_UNLOCK, "key to unlock")                                                                 \
    X(HAS_DELETE, "key to delete")                                                                 \
    X(HAS_TLS, "https")                                                                            \
    X(HAS_SHORT_LIFE, "life time of 5 seconds or less")                                            \
    X(HAS_LINK, "enrolment page with a link")                                                      \
    X(HAS_CODE, "enrolment page that wants a code")                                                \
    X(HAS_NEW_CODE, "code for that page (--code or --operator)")                                   \
    X(HAS_OPERATOR, "operator (--operator)")

enum site_feature {
#define X(name, text) name,
    SITE_FEATURES(X)
#undef X
        SITE_FEATURE_COUNT
};

#define NEEDS(feature) (UINT64_C(1) << (feature))
#define NEEDS_KNOWN                                                                                \
    (NEEDS(HAS_SESSION_1) | NEEDS(HAS_TRUST)) /* of a device that says who it is                   \
                                               */
#define NEEDS_WHOLE (NEEDS_KNOWN | NEEDS(HAS_KEYS) | NEEDS(HAS_END)) /* with keys, to the end */

struct site_profile {
    char *issuer_uri, *root; /* root: "https://host", from which other pages are reached */
    const char *name;        /* behind the last '/' */
    char *page;              /* URL of its enrolment page; NULL: where that is cannot be told */
    uint32_t life_time;      /* of a session, seconds; 0: not known */
    uint64_t features;
    bool known;  /* its features were read */
    bool closed; /* nobody begins a session with it just so */
    /* Its sessions are refused where the device says who it is: with that reason, for which an
     * issuer may; NULL: they are not. Or without one, which is a fault. */
    const char *untrusted;
    bool unexcused;
    unsigned cost;  /* of a session, for cases that can choose */
    uint64_t shown; /* set of the profiles of whose keys the device tells its lookups */
    /* Why no session comes to its end; field "": one does, or the issuer may refuse them. */
    struct finding fault;
};

/* A key that a closed session left in the device. */
struct credential {
    struct bytes path[4], server_session_id, client_session_id, key_management_key;
    size_t count;
    uint8_t app_usage;
    bool has_pin;
    uint8_t grouping;
    size_t profile; /* index of the one that it is of */
    bool gone;
};

enum { PROFILES_MAX = 64, CREDENTIALS_MAX = 256, KEPT_KEYS_MAX = 16, SHORT_LIFE = 5 };

/* RSA keys take long: those of one algorithm serve in all sessions. */
struct kept_key {
    struct bytes algorithm, parameters;
    EVP_PKEY *key;
};

struct site {
    const struct suite_config *config;
    struct http_client *http;
    struct device_set devices;
    struct site_profile *profile;
    size_t profiles;
    struct credential credential[CREDENTIALS_MAX];
    size_t credentials;
    struct kept_key kept[KEPT_KEYS_MAX];
    size_t kept_count;
    size_t codes; /* of --code that were used */
    struct arena arena;
    uint64_t capabilities;
    char *lack; /* NULL: the device is trusted, or whether it is did not show */
    bool lost;  /* an exchange had no answer */
};

/** The cheapest profile that has all features; NULL: none has. A closed one only for those of
 * codes. */
const struct site_profile *site_find(const struct site *site, uint64_t features);

/** Name of a feature, NULL for a bit that is none. */
const char *site_feature_name(unsigned bit);

/**
 * Why no session with any profile comes to its end, or else why the device is refused, of the first
 * profile for whose refusal there is no other reason.
 *
 * @param missing  set of features that cases were skipped for; refusals of the device only count
 *                 where trust is among them
 * @return NULL: one does, and the device is not; or the issuer may refuse
 */
const struct finding *site_fault(const void *end, uint64_t missing);

/** How the device is refused by the first profile that has no reason to; NULL: by none. */
const struct finding *site_refusal(const struct site *site);

/** What has to be done that the device is trusted; NULL: nothing that would show here, or trust is
 * not missing. */
const char *site_lack(const void *end, uint64_t missing);

/* For struct suite. */
CHECKED enum sks_status site_open(const struct suite_config *config, void **end,
                                  uint64_t *capabilities, json_t *about, struct sks_error *err);
CHECKED enum sks_status site_tidy(void *end, struct sks_error *err);
void site_leave(void *end, json_t *leftovers);
void site_close(void *end);

/**
 * Reads what a profile asks for, by sessions of which those with lookups end before their close.
 * probe.c
 *
 * @param lookups  answer lookups; else the profile stays unknown if it has some
 * @param why      out: the reason why there is no more to know; "" if all is known
 */
void site_probe(struct site *site, struct site_profile *profile, bool lookups, char *why,
                size_t size);

/** Has the operator decide on a session, or skips the case. operator.c
 * @param what  "approve" or "reject" */
CHECKED enum sks_status site_decide(struct site *site, struct check *check, const char *what,
                                    struct bytes session_id);

/** A code that was not used, or skips the case. operator.c @param code  out: in the case's arena */
CHECKED enum sks_status site_code(struct site *site, struct check *check,
                                  const struct site_profile *profile, const char **code);

/**
 * A code of the operator's, or skips the case. operator.c
 *
 * @param what  "invite": one that works; "expired": one that has
 * @param code  out: in the case's arena
 */
CHECKED enum sks_status site_invite(struct site *site, struct check *check, const char *what,
                                    const struct site_profile *profile, const char **code);

/** Has the operator take back the invitation of a code that site_invite() has given. operator.c */
CHECKED enum sks_status site_withdraw(struct site *site, struct check *check, const char *code);

/** Enrols keys that a profile with lookups may find, unless there are any. probe.c */
CHECKED enum sks_status site_stock(struct site *site, const struct site_profile *profile,
                                   struct check *check);

#endif
