/* How an enrolment ended: for people, for programs, and as an exit code. */
#ifndef PROXY_OUTCOME_H
#define PROXY_OUTCOME_H

#include "keygen2/base/program.h"
#include "keygen2/objects.h"

enum outcome_kind {
    OUTCOME_SUCCEEDED,
    OUTCOME_PENDING, /* the issuer has not decided yet; the session waits in the token */
    OUTCOME_REFUSED,
    OUTCOME_ERROR,
    OUTCOME_IN_DOUBT,
};
enum party { PARTY_NONE, PARTY_TOKEN, PARTY_ISSUER, PARTY_PROXY };

struct outcome_key {
    struct bytes id;
    uint32_t handle;
};

/* A CA that the issuer offered. */
struct outcome_anchor {
    char fingerprint[65]; /* SHA-256, hexadecimal */
    char *subject, *file; /* file: NULL: not written */
};

/* Slices are borrowed from the enrolment. */
struct outcome {
    enum outcome_kind kind;
    enum party detected_by;                            /* who refused */
    char cause[800];                                   /* "" for a success */
    struct bytes server_session_id, client_session_id; /* empty if it did not come to one */
    const struct outcome_key *keys;                    /* now in the token */
    size_t key_count;
    const struct outcome_anchor *anchors;
    size_t anchor_count;
    bool proof_kept; /* in doubt, but the closing proof can be sent again */
    bool waits;      /* the session is still open: --resume goes on with it */
    char until[32];  /* when its life ends; "" if that is not known, or it does not wait */
};

/** 0 done or pending, 1 refused, 3 error, 4 in doubt. */
enum exit_code outcome_exit_code(const struct outcome *outcome);

/** One JSON object on standard output, or some lines for people. */
void outcome_print(const struct outcome *outcome, bool json);

#endif
