/* One call of the issuer in the making: for the files issuer*.c only. */
#ifndef TESTS_FUZZ_SUPPORT_ISSUE_H
#define TESTS_FUZZ_SUPPORT_ISSUE_H

#include "tests/fuzz/support/issuer.h"

struct issue {
    struct world *w;
    struct input *input;
    struct known_session *session; /* whose session key makes the MAC */
    struct known_key *key;         /* of methods that begin with an open key */
    union sks_in in;
    union sks_out out;
};

struct issue_step {
    enum method_id id;
    const char *mac;                                /* name of its MAC; NULL: it has none */
    bool (*fill)(struct issue *c);                  /* false: there is nothing to call about */
    void (*put)(struct issue *c, struct buf *data); /* the data of the MAC */
    void (*done)(struct issue *c);                  /* after success; may be NULL */
};

enum { SESSION_STEPS_COUNT = 7, KEY_STEPS_COUNT = 9 };
extern const struct issue_step SESSION_STEPS[SESSION_STEPS_COUNT], KEY_STEPS[KEY_STEPS_COUNT];

/** A name that no object has. */
struct bytes issue_new_id(struct world *world);

/** What was put into a buffer, for the rest of the run. */
struct bytes issue_keep(struct world *world, struct buf *made);

/** Encrypted for the token. */
struct bytes issue_encrypted(struct issue *c, struct bytes clear);

/** DeviceID of a session. */
struct bytes issue_device_id(struct world *world, const struct known_session *session);

/** Chooses an open or a closed session for the call; false if there is none. */
bool issue_pick_session(struct issue *c, bool open);

/** Chooses an open or closed key; NULL if there is none. */
struct known_key *issue_pick_key(struct issue *c, bool closed);

/** Chooses a policy of the call's session; 0 for none. */
uint32_t issue_pick_policy(struct issue *c, bool is_puk);

/** Of a policy that may not exist. */
struct bytes issue_policy_id(struct world *world, uint32_t handle, bool is_puk);

#endif
