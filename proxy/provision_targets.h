/*
 * The targets of post operations: earlier keys of the same issuer, named by the ids of the session
 * that owns them and the fingerprint of their certificate. SKS V1.07, postDeleteKey.
 */
#ifndef PROXY_PROVISION_TARGETS_H
#define PROXY_PROVISION_TARGETS_H

#include "keygen2/message/keygen2.h"
#include "proxy/enrolment.h"

/* What happens to a target, in the order of execution. */
enum target_use { TARGET_UPDATE, TARGET_CLONE, TARGET_UNLOCK, TARGET_DELETE };

struct target {
    enum target_use use;
    const struct target_key *key;
    uint32_t session_handle, key_handle;
    const char *name; /* for people: friendly name and subject */
};

struct targets {
    struct target *item; /* as they are executed */
    size_t count;
    size_t next; /* of targets_take() */
};

/**
 * Finds every target, with one walk over the sessions, one over the keys, and one look at each
 * key of the sessions that are named.
 *
 * @param targets  out: lives in e->arena
 * @return as provision_call(); a target that is not there is the proxy's refusal
 */
CHECKED enum sks_status targets_find(struct enrolment *e,
                                     const struct provisioning_finalization_request *in,
                                     struct targets *targets);

/** Handle of the next target, in the order of execution. */
uint32_t targets_take(struct targets *targets);

#endif
