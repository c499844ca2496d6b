/*
 * The token under test: the way to it, what it can do, and what the cases have made in it. Only
 * what they made is ever deleted.
 */
#ifndef CONFORM_TOKEN_TARGET_H
#define CONFORM_TOKEN_TARGET_H

#include "conform/suite.h"
#include "keygen2/base/http_client.h"
#include "keygen2/crypto/algorithms.h"
#include "token/api/token_link.h"

#include <openssl/x509.h>

/* Bits of conform_case.needs; those from ALGORITHM_BIT on are the rows of ALGORITHMS. */
enum target_capability {
    CAN_DEVICE_PIN,
    CAN_BIOMETRICS,
    LACKS_DEVICE_PIN,
    LACKS_BIOMETRICS,
    LACKS_UPDATES,
    CAN_2010,
    ALGORITHM_BIT = 16,
};

#define NEEDS(capability) (UINT64_C(1) << (capability))

/** The bit of an algorithm by its URI; none for what is no algorithm. */
uint64_t needs_algorithm(const char *uri);

enum {
    KMK_COUNT = 2, /* key management keys of a run: the first one, and that of a roll-over */
    TARGET_ROOM = 64 * 1024 /* of a request beyond extensionDataSize */
};

struct made { /* handles of sessions or keys */
    uint32_t *handle;
    size_t count, room;
};

struct target {
    struct token_link *link;
    struct http_client *http; /* for what is no call */
    struct http_client_config http_config;
    char url[300]; /* http://..., as that one has it */
    struct device_info_out info;
    struct arena arena; /* of info */
    uint64_t capabilities;
    EVP_PKEY *device_key; /* public */
    EVP_PKEY *kmk[KMK_COUNT];
    EVP_PKEY *ca_key;
    X509 *ca;
    EVP_PKEY *rsa; /* NULL until target_need_rsa() */
    uint64_t seed;
    struct made sessions, keys;
    size_t stuck;            /* first ones of keys that could not be deleted */
    bool deactivated;        /* by a case, at last */
    bool lost;               /* a call had no answer: it may be out of reach */
    struct bytes unanswered; /* serverSessionId of a session that may have been made then */
};

/** Opens it: reads getDeviceInfo, makes the issuer's keys of the run. For struct suite. */
CHECKED enum sks_status target_open(const struct suite_config *config, void **end,
                                    uint64_t *capabilities, json_t *about, struct sks_error *err);
CHECKED enum sks_status target_tidy(void *end, struct sks_error *err);
void target_leave(void *end, json_t *leftovers);
void target_close(void *end);

/** Keeps in mind that there is a session of this run's; target_call() does so on its own. */
void target_made_session(struct target *target, uint32_t handle);

/** A row of the methods by its id, which is one of them. */
const char *target_method_name(enum method_id method);

/**
 * One call; expects a status. What it makes is kept in mind, wanted or not.
 *
 * @param in      inputs; NULL for a method without
 * @param out     out: outputs, in the case's arena; NULL if nobody wants them
 * @param wanted  its status
 */
CHECKED enum sks_status target_call(struct target *target, struct check *check,
                                    enum method_id method, const union sks_in *in,
                                    union sks_out *out, enum sks_status wanted);

/**
 * Octets instead of a call; expects a status.
 *
 * @param path    "/sks" or "/sks/2010", whose numbers are not translated
 * @param answer  out: the body, in the case's arena; NULL if nobody wants it
 */
CHECKED enum sks_status target_octets(struct target *target, struct check *check, const char *path,
                                      const char *call, struct bytes request,
                                      enum sks_status wanted, struct bytes *answer);

/** An HTTP request of any kind; one that is too big and had no answer is repeated, and waits for
 * the answer in front of its body. @param exchange out: free with http_exchange_free() */
CHECKED enum sks_status target_http(struct target *target, struct check *check, const char *method,
                                    const char *path, const char *content_type, struct bytes body,
                                    struct http_exchange *exchange);

/** Makes target->rsa, of 2048 bits: to import, and as server key of 2010. It takes a while, so it
 * is made once a run, and only where it is wanted. */
CHECKED enum sks_status target_need_rsa(struct target *target, struct check *check);

/** A key of an algorithm by its URI; of RSA it is that of the run. @param key out: owned */
CHECKED enum sks_status target_make_key(struct target *target, struct check *check, const char *uri,
                                        EVP_PKEY **key);

/** What a case's keys are certified with. @param certificate out: DER, in the case's arena */
CHECKED enum sks_status target_certify(struct target *target, struct check *check,
                                       struct bytes public_key, struct bytes *certificate);

/** As target_certify(), of at least `size` bytes; skips the case if no call can carry it. */
CHECKED enum sks_status target_certify_big(struct target *target, struct check *check,
                                           struct bytes public_key, size_t size,
                                           struct bytes *certificate);

/** True if a certificate is of this run's CA. */
bool target_has_issued(struct target *target, struct bytes certificate);

#endif
