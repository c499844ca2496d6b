/* One enrolment: its two ends, and what became known of the session on the way. */
#ifndef PROXY_ENROLMENT_H
#define PROXY_ENROLMENT_H

#include "keygen2/base/program.h"
#include "proxy/attack/attack.h"
#include "proxy/capabilities.h"
#include "proxy/issuer_link.h"
#include "proxy/outcome.h"
#include "proxy/trace.h"
#include "proxy/user.h"
#include "token/api/token_link.h"

struct enrolment {
    /* Given, and borrowed. */
    struct issuer_link *issuer;
    struct token_link *tokens[TEXTS_MAX]; /* to choose from; token_count 0: `token` is the one */
    size_t token_count;
    struct user *user;
    struct trace *trace;
    struct attack *attack; /* NULL: none */
    struct logotype_sizes logotypes;
    bool blind;                  /* passes on all it can, and leaves every check to the ends */
    const char *state_folder;    /* where sessions that wait are kept; NULL: deferral is refused */
    bool resume;                 /* go on with a session that waits */
    const char *session;         /* its serverSessionId; NULL: the only one of the issuer's */
    const char *cookie;          /* of the issuer's, "NAME=VALUE"; NULL: the one that was kept */
    volatile sig_atomic_t *stop; /* not 0: the user wants to give up */

    /* Holds all that the messages of the session point to. */
    struct arena arena;

    /* Of the session. */
    struct token_link *token; /* the chosen one */
    struct device_info_out device, devices[TEXTS_MAX];
    uint8_t action; /* enum sks_action */
    bool privacy_enabled;
    struct bytes server_session_id, client_session_id; /* empty before they are known */
    uint32_t provisioning_handle;                      /* 0: none yet */
    struct outcome_key *keys;                          /* made in this session */
    size_t key_count;
    struct bytes_list trust_anchors; /* certificates of CAs that the issuer offers */

    /* What must be undone if it fails. */
    bool may_be_open;      /* createProvisioningSession went out and no answer came back */
    bool may_be_committed; /* the token has closed the session, or may have */
    bool issuer_began;     /* the issuer has a session of ours */
    bool issuer_ended;     /* and knows that it is over */
    bool proof_kept;       /* the closing proof is in the session's file, or in: */
    int proof_slot;        /* that it has; 0: none */

    /* Deferred issuance. */
    bool deferred; /* the issuer may answer the keys with a wait */
    bool keep;     /* the session waits, or may: nothing is undone unless an end has refused it */
    bool saved;    /* there is a file of it */
    int64_t until; /* its life ends, about; seconds since 1970; 0: not known */
    struct bytes kept_certificate; /* SHA-256 of the TLS certificate that it began with */

    /* Why it failed. */
    enum party fault; /* who refused; PARTY_NONE: nobody, something broke */
    struct sks_error err;
};

/** Fails as the proxy's own check, which a blind one does not make. What it cannot go on without is
 * a REQUIRE. */
#define REFUSE_UNLESS(condition, e, ...)                                                           \
    REQUIRE((e)->blind || (condition), &(e)->err, SKS_ERROR_OPTION, __VA_ARGS__)

#endif
