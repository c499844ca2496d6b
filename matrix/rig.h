/*
 * Both ends and the middleware in one process, and one session between them: clean, or under an
 * attack that sits on both hops as a relay would.
 */
#ifndef MATRIX_RIG_H
#define MATRIX_RIG_H

#include "matrix/made_keys.h"
#include "proxy/attack/attack.h"

struct rig;

/* Where the ends are. All NULL: in this process, for this sweep alone. */
struct rig_ends {
    const char *issuer;     /* URL, as of issuer_end_elsewhere(); NULL: in this process */
    const char *ca;         /* PEM that vouches for it; NULL: the system's */
    const char *token;      /* URL, as of token_end_elsewhere(); NULL: in this process */
    const char *trust;      /* device CAs of a token elsewhere, for the issuer in this process */
    const char *device;     /* folder of the device that the token in this process is; NULL: any */
    unsigned timeout;       /* seconds for one exchange with an end elsewhere */
    bool shared;            /* several rigs work with the same ends at once */
    struct made_keys *keys; /* RSA keys for the ends in this process; NULL: each is generated */
};

/** True if one of them is elsewhere. */
static inline bool rig_is_elsewhere(const struct rig_ends *ends)
{
    return ends->issuer != NULL || ends->token != NULL;
}

/** @param folder  an empty one @param profiles  folder of the issuer's profiles */
CHECKED enum sks_status rig_new(const char *folder, const char *profiles,
                                const struct rig_ends *ends, struct rig **rig,
                                struct sks_error *err);

/** True if rig_restore() brings both ends back to the state that was kept. If not, it removes what
 * is ours at the end that cannot go back: what comes before a session has to be done again. */
bool rig_resets(const struct rig *rig);

/** Keeps the state that both ends are in as the one that each session begins with. */
CHECKED enum sks_status rig_keep(struct rig *rig, struct sks_error *err);

CHECKED enum sks_status rig_restore(struct rig *rig, struct sks_error *err);

/** Whether the middleware makes its own checks; else it is blind, as at the beginning. */
void rig_set_checking(struct rig *rig, bool checking);

/* A token, with a middleware of its own. */
enum rig_device {
    RIG_DEVICE,
    RIG_OTHER_DEVICE, /* of another vendor, which the issuer trusts as well */
};

/** True if there is another device. There is none where an end is elsewhere. */
bool rig_has_other(const struct rig *rig);

/** Whether a session may wait for the issuer's operator, who then approves, so that it goes on. */
void rig_set_waiting(struct rig *rig, bool waiting);

/** The issuer's key management key gets a next generation. */
CHECKED enum sks_status rig_roll_over(struct rig *rig, struct sks_error *err);

/** Tries a wrong PIN on each key, so that what an unlock does can be seen. */
CHECKED enum sks_status rig_try_wrong_pins(struct rig *rig, enum rig_device device,
                                           struct sks_error *err);

/* How a session ended, as the middleware saw it. */
enum run_end { RUN_SUCCEEDED, RUN_REFUSED, RUN_ERROR, RUN_IN_DOUBT };
enum run_party { RUN_NOBODY, RUN_TOKEN, RUN_ISSUER, RUN_MIDDLEWARE };

enum { RUN_ARROWS_MAX = 160, RUN_ARROW_NAME_MAX = 64 };

/* A message that crossed, as a sequence diagram shows it. */
struct run_arrow {
    char name[RUN_ARROW_NAME_MAX]; /* "KeyCreationRequest"; of one without a name its HTTP */
    uint8_t hop;                   /* enum hop */
    uint8_t fate;                  /* enum attack_fate */
    bool answer;
    bool goodbye;    /* an end is told that it is over; nothing is attacked any more */
    uint16_t status; /* of an answer: HTTP's, or the token's */
};

struct run {
    enum run_end end;
    enum run_party by;  /* who refused */
    char cause[800];    /* why */
    bool altered;       /* the attack found its message */
    bool misfit;        /* and could not do to it what it says */
    bool strayed;       /* another device came to hold what it should not */
    bool unchanged;     /* the token holds exactly what it held before */
    bool counted;       /* the issuer counts a success */
    int64_t verdict[4]; /* sessions of the issuer, by enum issuer_verdict_kind */
    char at[80];        /* the last message that crossed whole, "issuer KeyCreationRequest" */
    struct run_arrow arrow[RUN_ARROWS_MAX]; /* the first of them */
    size_t arrows;
};

/* Told of each message as it was sent, before an attack. */
typedef void run_watcher(void *ctx, const struct message *message, bool answer, struct bytes body);

/**
 * One session from the state that was kept.
 *
 * @param attack  NULL: none
 * @param watch   NULL: nobody watches
 */
CHECKED enum sks_status rig_run(struct rig *rig, enum rig_device device, const char *profile,
                                struct attack *attack, run_watcher *watch, void *ctx,
                                struct run *run, struct sks_error *err);

/**
 * As rig_run() with the first device, while the other has a session under way, too, and under the
 * same attack. The other gives up as soon as one of its messages was exchanged.
 */
CHECKED enum sks_status rig_run_two(struct rig *rig, const char *profile, struct attack *attack,
                                    struct run *run, struct sks_error *err);

/**
 * token_end_view() of the token.
 *
 * @param drawn  with what is drawn at random too: handles, certificates, ids. Without it, two
 *               sessions that did the same leave the same
 * @param view   out: a new reference
 */
CHECKED enum sks_status rig_view(struct rig *rig, enum rig_device device, bool drawn, json_t **view,
                                 struct sks_error *err);

/** Appends what cannot be judged or set back, a text each. */
void rig_limits(const struct rig *rig, json_t *texts);

/** Removes what is ours from an end that is elsewhere. NULL is allowed. */
void rig_free(struct rig *rig);

#endif
