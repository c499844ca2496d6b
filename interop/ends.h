/* What the driver knows of the two ends, and how it speaks to them. */
#ifndef INTEROP_ENDS_H
#define INTEROP_ENDS_H

#include "interop/run.h"
#include "token/api/token_link.h"

#include <jansson.h>

struct ends {
    const char *issuer;   /* its address for clients, "https://gateway:8443" */
    const char *token;    /* the relay before it, "http://proxy:8780" */
    const char *ca;       /* PEM that vouches for the issuer; NULL: the system's */
    const char *state;    /* folder of sks-proxy: sessions that wait, closing proofs */
    const char *operator; /* desk of the issuer's operator; NULL: there is none to ask */
    const char *pin;      /* that the user types; handed on by the environment */
};

/* How one run of `sks-proxy provision` ended; its texts are "" if not known. */
struct enrolled {
    int code; /* exit code */
    char outcome[32], by[16], session[64], cause[600];
    size_t keys;
    uint32_t key; /* handle of the first */
    int64_t ms;
};

/**
 * One enrolment by `sks-proxy provision`.
 *
 * @param resume  goes on with the session that waits
 * @return a failure if the program could not be run or did not say how it ended
 */
CHECKED enum sks_status ends_enrol(const struct ends *ends, const char *profile, bool resume,
                                   struct enrolled *enrolled, struct sks_error *err);

/** Sends all closing proofs that are kept. @param code  out: of `sks-proxy resume` */
CHECKED enum sks_status ends_resume(const struct ends *ends, int *code, struct sks_error *err);

/** Asks the operator for something that needs no session. @param output out: new; NULL: none */
CHECKED enum sks_status ends_ask(const struct ends *ends, const char *what, json_t **output,
                                 struct sks_error *err);

/** The same about a session. */
CHECKED enum sks_status ends_ask_of(const struct ends *ends, const char *what, const char *session,
                                    json_t **output, struct sks_error *err);

/** What the issuer counts a session as: "succeeded", "failed", "open", "in doubt". */
CHECKED enum sks_status ends_verdict(const struct ends *ends, const char *session, char verdict[32],
                                     struct sks_error *err);

enum { HELD_MAX = 4096 };

/* The keys that a token holds, and how many sessions are open in it. */
struct held {
    uint32_t key[HELD_MAX];
    size_t keys, open;
};

CHECKED enum sks_status ends_look(const struct ends *ends, struct held *held,
                                  struct sks_error *err);

/** Gives up all sessions that are open in the token: nobody will go on with them. */
CHECKED enum sks_status ends_abort_open(const struct ends *ends, struct sks_error *err);

/** A link to the token; free with token_link_close(). */
CHECKED enum sks_status ends_link(const struct ends *ends, struct token_link **link,
                                  struct sks_error *err);

bool held_equal(const struct held *a, const struct held *b);
bool held_has(const struct held *held, uint32_t key);

#endif
