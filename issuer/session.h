/* One enrolment as the issuer keeps it: a row of the database, part of which lies sealed. */
#ifndef ISSUER_SESSION_H
#define ISSUER_SESSION_H

#include "keygen2/base/arena.h"
#include "keygen2/crypto/session.h"
#include "keygen2/message/evidence.h"

/* Named after the response that is awaited. The numbers are stored. */
enum phase {
    PHASE_INVOCATION,
    PHASE_INITIALIZATION,
    PHASE_KEY_CREATION,
    PHASE_FINALIZATION,
    PHASE_OVER,
    PHASE_DISCOVERY,
    PHASE_PENDING,     /* deferred: the operator has not approved yet; no message is awaited */
    PHASE_APPROVED,    /* nor now, but the client may resume */
    PHASE_RESUMED,     /* the InvocationResponse after that */
    PHASE_UNCONFIRMED, /* as pending, and the operator must know the device */
};
enum { PHASE_COUNT = PHASE_UNCONFIRMED + 1, VERDICTS = VERDICT_IN_DOUBT + 1 };

extern const struct name NAMES_PHASE[];

/* A key that was asked for, and what became of it. */
struct credential {
    struct bytes id;
    struct bytes key_algorithm, key_parameters;
    struct bytes mac;             /* of its createKeyEntry, which the attestation covers */
    uint16_t attestation_counter; /* macSequenceCounter that the attestation must have used */
    struct bytes public_key;      /* empty until the token has made it */
    struct bytes serial;
    struct bytes certificate; /* DER */
    /* For the step that issues it: not stored here. */
    struct bytes imported_key;     /* PKCS #8 */
    struct bytes_list issued_path; /* of an external CA; empty: ours */
    int64_t expires;
    bool external, unlockable; /* as of struct issued_certificate */
};

/* The numbers are stored. */
enum post_operation { POST_UPDATE, POST_CLONE, POST_UNLOCK, POST_DELETE };

/* A credential that a lookup has found and that the issuer knows; may be a target. */
struct found_credential {
    uint16_t lookup;          /* index in the profile */
    uint16_t generation;      /* of the key management key that its session has */
    struct bytes certificate; /* DER */
    struct bytes server_session_id, client_session_id; /* of that session, as the client says */
};

/* A post operation that was asked for. */
struct asked_operation {
    uint16_t operation;  /* enum post_operation */
    struct bytes target; /* SHA-256 of its certificate */
};

/* What lies sealed. Slices live in the arena that the session was loaded into. */
struct session_state {
    struct session_terms terms; /* server_session_id and issuer_uri are the session's own */
    struct bytes server_time;   /* as it was sent */
    struct bytes ephemeral_key; /* put_private_key() form; empty once the session key is made */
    struct bytes client_ephemeral_key;
    struct bytes_list device_path; /* DER, empty in privacy mode */
    struct bytes session_key;      /* empty until it is made */
    uint16_t counter;              /* macSequenceCounter of the next MAC or attestation */
    bool carries_secrets;          /* PUK, PIN, key or extension went out encrypted under it */
    struct bytes nonce;            /* of the close; its attestation uses `counter` */
    uint16_t kmk_generation;       /* of terms.key_management_key; 0: none */
    uint16_t oldest_generation;    /* that the device was asked about */
    uint32_t life_time;            /* seconds; terms.session_life_time has it if that is V1.07's */
    /* Of the 2010 profile. */
    struct bytes server_public_key, encrypted_session_key;
    struct bytes session_key_proof; /* session_2010_proof() */
    struct bytes lookups; /* profile_lookups_hash() of when the device was asked; empty: unknown */
    struct credential *credential;
    uint16_t credentials;
    struct found_credential *found_credential;
    uint16_t found_credentials;
    struct asked_operation *operation;
    uint16_t operations;
};

struct session {
    int64_t number;           /* of its row */
    int64_t version;          /* grows with each change of the row: two requests cannot both win */
    const char *id;           /* serverSessionId */
    struct bytes cookie_hash; /* SHA-256 */
    int64_t invitation;       /* that it begins with, 0: none; only until it is added */
    const char *profile, *issuer_uri;
    bool tls; /* the listener that it began on */
    int64_t started, expires, ended;
    enum phase phase;
    enum verdict verdict;
    const char *cause;         /* "" unless failed or in doubt */
    struct bytes last_message; /* SHA-256 of the last accepted message; empty at first */
    struct session_state state;
};

/** Appends the state, to be sealed. */
void put_session_state(struct buf *out, const struct session_state *state);

/**
 * Reads what put_session_state() wrote.
 *
 * @param in  lives as long as *state
 * @return SKS_ERROR_OPTION if it is malformed, SKS_ERROR_STORAGE without memory
 */
CHECKED enum sks_status get_session_state(struct bytes in, struct arena *arena,
                                          struct session_state *state);

/**
 * As get_session_state(), into a session whose id and issuer_uri are known.
 *
 * @param in  lives as long as the session
 */
CHECKED enum sks_status session_get_state(struct bytes in, struct arena *arena,
                                          struct session *session);

/** The DeviceID of the session: its device certificate, or "Anonymous". */
struct bytes session_device_id(const struct session_state *state);

/** What of the session key is there: it, or the key that it comes of. */
enum session_key_status session_key_status(const struct session_state *state);

/** The session key with its counter, for one step; wipe it with OPENSSL_cleanse(). */
void session_take_key(const struct session_state *state, struct session_key *sk);

/** Keeps the session key and counter in the state; SKS_ERROR_STORAGE without memory. */
CHECKED enum sks_status session_keep_key(struct session_state *state, struct arena *arena,
                                         const struct session_key *sk);

#endif
