/*
 * One session with the issuer, as client and token at once: it believes nothing, checks each
 * message as a token and its middleware do, and answers as they would, unless a case bends that.
 */
#ifndef CONFORM_ISSUER_VISIT_H
#define CONFORM_ISSUER_VISIT_H

#include "conform/issuer/site.h"
#include "keygen2/crypto/session_2010.h"
#include "keygen2/message/order_walk.h"

/* Which message of the issuer came last, or how it ended. */
enum visit_at {
    AT_NOTHING,
    AT_INVOCATION,
    AT_INITIALIZATION,
    AT_DISCOVERY,
    AT_CREATION,
    AT_FINALIZATION,
    AT_PENDING, /* the operator decides */
    AT_DONE,
    AT_FAILED,  /* 302 to the page of a failed session */
    AT_REFUSED, /* any status from 400 to 499 */
    AT_OTHER,   /* any other answer */
};

struct visit_key {
    struct bytes id, public_key, mac, certificate; /* the last one only at the end */
    const struct key_entry_specifier *specifier;
    const struct pin_policy_specifier *pin; /* NULL: none */
    uint16_t counter;                       /* of its attestation */
};

enum { VISIT_KEYS_MAX = 64, VISIT_COOKIE_MAX = 1024 };

struct visit;

/* What the session attestation covers, and who makes it. */
struct attested {
    struct session_terms terms;
    struct session_2010_terms terms_2010;
    struct bytes device_id, client_ephemeral_key;
    EVP_PKEY *signer; /* borrowed */
    bool as_mac;      /* as in privacy mode */
};

/* What a case wants otherwise; zeroed: nothing. */
struct bends {
    const struct device *device;
    const char *curve;         /* of clientEphemeralKey */
    bool anonymous, named;     /* whatever privacyEnabled says */
    const char *key_algorithm; /* of the keys that are made */
    struct bytes session_key;  /* of 2010: encrypted in the place of the attested one */
    void (*attested)(struct visit *visit, struct attested *attested);
    /* In front of each attestation with the session key. @param sk  a copy; @param key NULL: of the
     * close */
    void (*attest)(struct visit *visit, const struct visit_key *key, struct session_key *sk,
                   struct buf *data);
};

struct visit {
    struct site *site;
    struct check *check;
    const struct site_profile *profile;
    char cookie[VISIT_COOKIE_MAX]; /* NAME=VALUE; "" without */
    enum visit_at at;
    int64_t begun;                 /* clock_monotonic_ms() */
    bool resumed;                  /* after it was pending */
    struct http_exchange exchange; /* the last one */
    struct bytes text, leaf; /* of the issuer's last message; TLS certificate of the beginning */
    struct buf response;     /* the last answer that was made */

    struct invocation_request invocation;
    struct provisioning_initialization_request initialization;
    struct credential_discovery_request discovery;
    struct key_creation_request creation;
    struct provisioning_finalization_request finalization;

    struct session_terms terms;
    struct session_key sk;
    bool is_2010, anonymous, remember;
    struct bytes device_id;
    struct visit_key key[VISIT_KEYS_MAX];
    size_t keys;
    struct generated_key *generated; /* as many, while an answer is made */
    uint32_t used_keys;              /* set of site->kept */
    struct bends bends;
    const void *row; /* of the case, for bends */
};

/** Begins a session. Free with visit_free(), also after a failure.
 * @param features  that its profile must have; the cheapest one serves */
CHECKED enum sks_status visit_begin(struct visit *visit, struct site *site, struct check *check,
                                    uint64_t features);

/** As visit_begin(), at one profile. */
CHECKED enum sks_status visit_begin_at(struct visit *visit, struct site *site,
                                       const struct site_profile *profile, struct check *check);

/** As visit_begin_at(), with a cookie of the enrolment page, beside which no other may be set. */
CHECKED enum sks_status visit_begin_with(struct visit *visit, struct site *site,
                                         const struct site_profile *profile, const char *cookie,
                                         struct check *check);

/** Makes visit->response, the answer to the message that came last, which is checked first. */
CHECKED enum sks_status visit_answer(struct visit *visit);

/** Sends an answer; visit->at tells what came. @param body  visit->response, or another text */
CHECKED enum sks_status visit_send(struct visit *visit, struct bytes body);

/** Answers and sends; fails the case unless the session goes on. */
CHECKED enum sks_status visit_step(struct visit *visit);

/** Goes on until that message has come. */
CHECKED enum sks_status visit_until(struct visit *visit, enum visit_at at);

/** Goes on to the end, which must be a good one. */
CHECKED enum sks_status visit_finish(struct visit *visit);

/** begin, until, answer: what most cases start with. */
CHECKED enum sks_status visit_ready(struct visit *visit, struct site *site, struct check *check,
                                    uint64_t features, enum visit_at at);

/** Any request with the session's cookie; busy issuers are asked again.
 * @param method  @param content_type  @param accept  as of http_client_exchange() */
CHECKED enum sks_status visit_http(struct visit *visit, const char *method, const char *url,
                                   const char *content_type, const char *accept, struct bytes body);

/** GET at the issuerUri with the session's cookie; visit->at stays. @param query  "?abort=true" */
CHECKED enum sks_status visit_get(struct visit *visit, const char *query);

/** Comes back to a session that was deferred; visit->at tells what came.
 * @param id  serverSessionId, maybe not that of the session */
CHECKED enum sks_status visit_resume(struct visit *visit, struct bytes id);

/** GET of a page of the session: "done", "failed", "pending". @param accept  NULL: any */
CHECKED enum sks_status visit_page(struct visit *visit, const char *page, const char *accept);

/** Expects that page as JSON. @param verdict  NULL: not looked at; else also the id and that */
CHECKED enum sks_status visit_page_says(struct visit *visit, const char *page, unsigned status,
                                        const char *member, const char *value);

/** Waits until the session's life time is over, by any issuer's clock of whole seconds. */
CHECKED enum sks_status visit_wait(struct visit *visit);

/** Expects that what was sent last ended the session, or touched none: never /done, never another
 * message; then that the session does not come to a good end any more. */
CHECKED enum sks_status visit_refused(struct visit *visit);

/** Answers and sends what visit->bends make of the answer: expects visit_refused(). */
CHECKED enum sks_status visit_answer_refused(struct visit *visit);

/** Expects that what was sent last was refused with a status, and the session goes on to its end.
 */
CHECKED enum sks_status visit_untouched(struct visit *visit, unsigned status);

/** Expects where what was sent last has led. @param wanted  in words */
CHECKED enum sks_status visit_expect_at(struct visit *visit, const char *field, enum visit_at at,
                                        const char *wanted);

/** Expects that what was sent last has ended the session: it led to /failed. @param field in words
 */
CHECKED enum sks_status visit_expect_given_up(struct visit *visit, const char *field);

/** What came instead of what was wanted; for check_fail(). In the case's arena. */
const char *visit_told(struct visit *visit);

/** The reason that the page gives to which the last answer leads, where it gives one; else "". In
 * the case's arena. */
const char *visit_cause(struct visit *visit);

/** Value of a header of the last answer; empty if it is not there. In the exchange. */
struct bytes visit_header(const struct visit *visit, const char *name);

/** Takes the cookie that the last answer sets. False: it sets none, or a too long one. */
bool visit_keep_cookie(struct visit *visit);

/** True if a text has a word in it, in capitals or not. */
bool visit_has_word(struct bytes text, const char *word);

/** Gives up a session that is under way, and frees. */
void visit_free(struct visit *visit);

/* ---- parts of visit_answer() ---- */

CHECKED enum sks_status visit_invocation(struct visit *visit);
CHECKED enum sks_status visit_initialization(struct visit *visit);
CHECKED enum sks_status visit_discovery(struct visit *visit);
CHECKED enum sks_status visit_creation(struct visit *visit);
CHECKED enum sks_status visit_finalization(struct visit *visit);

/** Keeps in mind what a closed session has left in the device. */
void visit_closed(struct visit *visit);

/** A key of the device that a target names; NULL: it has no such one. */
const struct credential *visit_owned(const struct visit *visit, const struct target_key *target);

/** Expects the ids of the session in a message of the issuer's. */
CHECKED enum sks_status visit_ids(struct visit *visit, const char *message, struct bytes server_id,
                                  struct bytes client_id);

/** A MAC of the issuer's: expects that it is right. @param data  of it, borrowed */
CHECKED enum sks_status visit_mac(struct visit *visit, const char *message,
                                  const struct order *order, struct buf *data);

/** An attestation with the session key. @param data  freed @param attestation  out */
CHECKED enum sks_status visit_attest(struct visit *visit, const struct visit_key *key,
                                     struct buf *data, struct bytes *attestation);

/** What was put into a buffer, in the case's arena. @param data  freed */
CHECKED enum sks_status visit_keep(struct visit *visit, struct buf *data, struct bytes *kept);

/** Encodes visit->response. */
CHECKED enum sks_status visit_encode(struct visit *visit, const struct json_type *type,
                                     const void *message);

/** Fails the case for a message of the issuer's. */
enum sks_status visit_blame(struct visit *visit, const char *message, const char *wanted,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
