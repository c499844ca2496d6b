/* What the parts of a check share: how far it has come, and what it has found. */
#ifndef KEYGEN2_EVIDENCE_CHECKER_H
#define KEYGEN2_EVIDENCE_CHECKER_H

#include "keygen2/crypto/attestation.h"
#include "keygen2/evidence/check.h"

#include <openssl/x509.h>

/* What is found of a check that the record tells. */
enum truth { HOLDS, FAILS, UNKNOWN };

/* A key that was asked for. */
struct checked_key {
    struct evidence_key told; /* as the record must tell it */
    struct bytes parameters, mac;
};

/* A certificate that the device has said it has. */
struct checked_target {
    uint8_t fingerprint[32];
    const struct matching_credential *match;
    struct bytes certificate;
    struct bytes key; /* of the lookup that found it */
};

struct checker {
    struct arena *arena;
    struct evidence_report *report;
    const struct evidence_record *record;
    bool no_memory;

    /* the checks that the record tells, in the order in which they were made */
    size_t next;
    const struct evidence_check *failed; /* at this one the session failed */
    bool stopped;                        /* by that, or because there are no more */
    bool broken;                         /* the record makes no sense from here on */

    /* the session, as far as its messages were replayed */
    struct session_key sk;
    bool has_key;                 /* if not, only sk.counter is one */
    struct evidence_terms terms;  /* as the issuer has kept them */
    struct evidence_terms agreed; /* with those of a message that it may yet refuse */
    struct bytes device_id;
    int64_t asked_at; /* when the message went out that the one at hand answers */
    int64_t arrived_at;
    struct checked_key *key;
    size_t keys, key_room;
    bool deferred, made, made_kept; /* the keys are there; the issuer has kept them */
    const struct json_array *lookups;
    struct checked_target *target;
    size_t targets, authorizations;
    struct bytes nonce;
    bool proven; /* the closing proof was accepted, and did not fail here */
};

/** Adds a finding. */
void checker_tell(struct checker *c, enum evidence_result result, const char *name,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Adds one that says that the record makes no sense from here on. */
void checker_break(struct checker *c, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** As the last argument of printf's "%.*s%s": what an id of a key or policy needs. */
#define SLICE(bytes) (int)(bytes).len, (bytes).len > 0 ? (const char *)(bytes).ptr : ""

/**
 * Compares the next check that the record tells with what is found.
 *
 * @param name    EVIDENCE_CHECK_…; if the next one has another name, the record makes no sense
 * @param detail  what it must say if it was passed, or NULL
 * @return true if the session went on behind it
 */
bool checker_compare(struct checker *c, const char *name, enum truth found, const char *detail);

/** Passes over what only the issuer can say; what failed of that ends the session. */
void checker_skip(struct checker *c);

/** The next check if it is a failed one of that name, else NULL. */
const struct evidence_check *checker_failure(const struct checker *c, const char *name);

/** The session ended at the next check, which was looked at. */
void checker_end(struct checker *c);

/** True if a check of that name is made again here. */
bool checker_knows(struct bytes name);

/* ---- the messages: each a step of replay.c ---- */

void check_invocation_request(struct checker *c, const void *message);
void check_invocation_response(struct checker *c, const void *message);
void check_initialization_request(struct checker *c, const void *message);
void check_initialization_response(struct checker *c, const void *message);
void check_discovery_request(struct checker *c, const void *message);
void check_discovery_response(struct checker *c, const void *message);
void check_key_creation_request(struct checker *c, const void *message);
void check_key_creation_response(struct checker *c, const void *message);
void check_finalization_request(struct checker *c, const void *message);
void check_finalization_response(struct checker *c, const void *message);

/* ---- what they have in common ---- */

/** Goes through all messages of the record, and compares what it ended with. */
void check_messages(struct checker *c);

/** The ids that a message of the issuer names. @param client_id NULL: none yet */
void check_own_ids(struct checker *c, struct bytes server_id, const struct bytes *client_id);

/** The ids that a response names. @return as checker_compare() */
bool check_their_ids(struct checker *c, struct bytes server_id, const struct bytes *client_id);

/** One MAC of the issuer's. @param id of what it is for, may be empty @param data freed here */
void check_mac(struct checker *c, const char *method, struct bytes id, struct buf *data,
               struct bytes mac);

/** The target of a post operation, but for its MAC. */
void check_target(struct checker *c, const char *method, const struct target_key *target);

/** Who has signed the record. @return true if that is the issuer */
bool check_signer(struct checker *c, const struct bytes_list *path,
                  const struct bytes_list *issuers);

/** That its certificate was valid when it was made. */
void check_signer_time(struct checker *c, const struct bytes_list *path);

/** A certificate with its key. NULL if it does not decode. @return owned */
X509 *check_certificate(struct bytes der);

#endif
