/*
 * Both ends of provisioning sessions, played by hand: every request, and the answer that a token
 * must give to it if it draws what it is told to.
 */
#ifndef TESTVECTORS_GENERATE_PLAY_H
#define TESTVECTORS_GENERATE_PLAY_H

#include "testvectors/generate/scene.h"

enum { EXCHANGES_MAX = 40 };

struct exchange {
    const char *method, *path;
    struct fields request, answer; /* the method id and the status come first */
    struct fields data;            /* of the MAC; none if there is no MAC */
    const char *mac_name;
    uint16_t mac_counter;
    struct fields attested; /* of the attestation in the answer */
    long counter, limit;    /* afterwards */
    int status;             /* that the call gets */
    bool answer_unknown;    /* what comes beside status 0 is not known beforehand */
};

struct play {
    struct suite *s;
    struct device_fixture device;
    const char *label; /* so that each has values of its own */
    struct exchange exchange[EXCHANGES_MAX];
    size_t count;
    json_t *draws, *sessions;
    uint32_t handles[4]; /* the last one given out: session, PUK policy, PIN policy, key */
    size_t number;       /* of the session */
    /* The session under way. */
    bool privacy;
    uint32_t handle;
    struct bytes sk, client_id, server_id;
    long counter, limit;
};

enum play_handle { HANDLE_SESSION, HANDLE_PUK, HANDLE_PIN, HANDLE_KEY };

struct play_policy {
    uint32_t handle; /* 0: none */
    struct bytes id;
    bool preset;
};

struct play_key {
    uint32_t handle;
    struct bytes id, certificate;
    struct key key;
};

/** @param device curve of the device key, below 0: RSA */
void play_open(struct play *p, struct suite *s, const char *label, int device);

/** createProvisioningSession. @param kmk NULL: none */
void play_begin(struct play *p, int curve, bool privacy, const struct key *kmk, uint32_t limit);

/** The same in the 2010 profile. */
void play_begin_2010(struct play *p);

struct play_policy play_puk(struct play *p, const char *id, const char *value);
/** @param puk NULL: none @param preset the issuer chooses the PINs */
struct play_policy play_pin(struct play *p, const char *id, const struct play_policy *puk,
                            bool preset, unsigned grouping);
/** @param pin NULL: none @param curve below 0: RSA @param endorsed NULL: none */
struct play_key play_key(struct play *p, const char *id, const struct play_policy *pin, int curve,
                         const char *endorsed);
/** @param key what is certified @param length certificates, 1 or 2 */
void play_certify(struct play *p, struct play_key *k, const struct key *key, size_t length);
void play_import(struct play *p, const struct play_key *k, const struct key *private_key);
/** @param sub_type 0 plain, 1 encrypted, 2 property bag, 3 logotype */
void play_extend(struct play *p, const struct play_key *k, unsigned sub_type);
/** @param name "postDeleteKey", ... @param k the new key; NULL: none */
void play_post(struct play *p, const char *name, const struct key *kmk, const struct play_key *k,
               const struct play_key *target);
void play_close(struct play *p);

/** Gives an argument of the last call, and of its MAC, another value. */
void play_change(struct play *p, const char *name, struct bytes value);

/** The same of a number, as long as it is. */
void play_change_number(struct play *p, const char *name, uint32_t value);

/** Makes the attestation in the answer of the last createKeyEntry anew, after play_change(). */
void play_attest_again(struct play *p);

/** The last call is refused with that status. */
void play_refused(struct play *p, int status);

/** signHashedData. @param pin text */
void play_sign(struct play *p, const struct play_key *k, const char *pin);

/** unlockKey, changePin or setPin. @param new_pin NULL: unlockKey */
void play_manage(struct play *p, unsigned id, const struct play_key *k, const char *authorization,
                 const char *new_pin);

/** The calls from number `first` on, each with its status, and with its answer where that is known
 * beforehand. */
json_t *play_calls(struct play *p, size_t first);

/** Where the value of a field begins in the body. */
size_t body_offset(const struct fields *body, const char *name);

/** The fixtures of its group. */
json_t *play_fixtures(struct play *p);

#endif
