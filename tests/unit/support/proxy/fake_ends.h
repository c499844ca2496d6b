/*
 * An issuer and a token that play a recorded session of the public reference implementation, and
 * fail where a test wants it: what an enrolment does then can be seen without either end.
 */
#ifndef TESTS_UNIT_SUPPORT_PROXY_FAKE_ENDS_H
#define TESTS_UNIT_SUPPORT_PROXY_FAKE_ENDS_H

#include "keygen2/message/keygen2.h"
#include "proxy/dialogue.h"
#include "proxy/provision.h"

/* A target key, of a session s / c. */
#define FAKE_TARGET                                                                                \
    "{\"fingerPrint\": \"AbPOBdSyIwbMqTs6lTn2VvFU2-1Pe-QbFam_vhED8n8\","                           \
    "\"serverSessionId\": \"s\", \"clientSessionId\": \"c\", \"authorization\": \"AAAA\","         \
    "\"mac\": \"AbPOBdSyIwbMqTs6lTn2VvFU2-1Pe-QbFam_vhED8n8\"}"
#define FAKE_URL "http://issuer.example/kg2/test"

/* What an end does at one exchange instead of what was recorded. */
enum trouble {
    NO_TROUBLE,
    NO_CONNECTION,  /* the request has not left */
    NO_ANSWER,      /* it has */
    TROUBLE_STATUS, /* issuer: HTTP status `status`, Location `location`; token: SKS status */
    TROUBLE_TYPE,   /* issuer: content type text/html */
    TROUBLE_LEAF,   /* issuer: another TLS certificate */
    TROUBLE_STOP,   /* the user interrupts while the exchange goes well */
};

/* Set before fake_run(). */
struct fake_issuer {
    unsigned at; /* number of the exchange with trouble, from 1 = init; 0: none */
    enum trouble trouble;
    unsigned status;
    const char *location;
    const char *leaf;    /* TLS certificate, "" over http */
    const char *verdict; /* on the pages; NULL: no pages */
    /* Changes a message of the recording: a JSON object that is merged into it, where null takes
     * away. */
    const char *message, *change;
    const char *message2, *change2; /* and another one */
    bool skip_creation;
    bool client_session_id; /* name the client's id as it drew it, not as recorded */
};
struct fake_token {
    uint8_t at; /* method with trouble; 0: none */
    enum trouble trouble;
    uint8_t status;
    uint8_t abort_status;          /* answer of abortProvisioningSession */
    const char *client_session_id; /* in the place of the recorded one; NULL: that */
    bool endless;                  /* its sessions and keys never come to an end */
    const struct enumerate_sessions_out *sessions;      /* closed ones; the end has handle 0 */
    const struct enumerate_keys_out *keys;              /* as sessions */
    const struct create_session_2010_out *created_2010; /* NULL: a good one */
    const char *path;                                   /* seen: of its URL */
};

struct fake {
    struct fake_issuer issuer;
    struct fake_token token;
    const char *pins[4];
    size_t pin_count;
    const char *attack; /* text of a rule file; NULL: none */
    /* Seen. */
    char calls[200];    /* ids of the methods called: " 1 2 9 10" */
    char requests[400]; /* of the issuer: " init POST POST /done" */
    char inputs[2000];  /* handle and PIN of each createKeyEntry, and such */
    json_t *responses;  /* messages that the issuer got, in order */
    struct outcome outcome;
    struct enrolment enrolment;
};

extern struct fake fake;

/** Loads a recording of tests/data and zeroes `fake`, with the PIN 4715 and a kind issuer. */
void fake_set_up(const char *recording);

/** Runs one enrolment; its outcome is in fake.outcome. */
void fake_run(void);

/** The n-th response that the issuer got, from 0. */
const json_t *fake_response(size_t number);

/** The recorded message of a type, as it crossed. */
const char *fake_recorded_text(const char *type);

/** A text property of the recorded message of a type. */
const char *fake_recorded(const char *type, const char *name);

void fake_tear_down(void);

#endif
