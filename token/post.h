/* Post operations: queued while a session is open, done when it closes. And what they have in
 * common with the management of keys: removing one, unlocking one, moving its extensions. */
#ifndef TOKEN_POST_H
#define TOKEN_POST_H

#include "token/call.h"

/* The operations of a session. */
struct post_list {
    struct post_operation *item;
    size_t count;
};

CHECKED enum sks_status post_load(struct call *call, struct post_list *posts);

/** SKS_ERROR_NO_KEY unless every target is still there, and may still be touched. */
CHECKED enum sks_status post_check_targets(struct call *call, const struct post_list *posts);

/** The operation that has the session's key for its new one, NULL if there is none. */
const struct post_operation *post_of_new_key(const struct post_list *posts, uint32_t key);

/** True if the target is deleted or replaced, so that its certificate may appear again. */
bool post_frees_certificate(const struct post_list *posts, uint32_t target);

/** Lets a new key inherit the PIN of its target, and with an update its handle. */
CHECKED enum sks_status post_inherit(struct call *call, const struct post_operation *post,
                                     struct key *key);

/** Deletes and unlocks targets, and moves all other keys of their sessions to the closing one. */
CHECKED enum sks_status post_apply(struct call *call, const struct post_list *posts);

/** Deletes a key with its extensions, and the PIN, PIN policy and PUK that only it lived by. */
CHECKED enum sks_status key_remove(struct call *call, const struct key *key);

/** Sets the error counter of the key's PIN to 0, and that of its PUK too. */
CHECKED enum sks_status key_unlock(struct call *call, const struct key *key, bool puk_too);

/** Rewrites the extensions of a key for the handle and owner that it has now. */
CHECKED enum sks_status key_close_extensions(struct call *call, const struct key *before,
                                             const struct key *now);

#endif
