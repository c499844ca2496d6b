/*
 * A token and all that an issuer and a user know of it: which sessions are open, with their session
 * keys, which policies and keys there are. Every call goes through world_call(), which compares
 * what the token answers with what this says, and what it did with what the text demands.
 */
#ifndef TESTS_FUZZ_SUPPORT_WORLD_H
#define TESTS_FUZZ_SUPPORT_WORLD_H

#include "keygen2/crypto/session.h"
#include "tests/fuzz/support/input.h"

/* The types of extension that keys get, and are asked for. */
enum { EXTENSION_TYPES = 3 };
extern const char *const EXTENSION_TYPE[EXTENSION_TYPES];

enum { SESSIONS_MAX = 6, POLICIES_MAX = 12, KEYS_MAX = 16, POSTS_MAX = 12 };

struct known_session {
    uint32_t handle;
    bool open;
    struct session_terms terms;
    struct session_key sk;
    EVP_PKEY *kmk; /* of the keys that it owns; NULL: none */
};

struct known_policy {
    uint32_t handle, session;
    bool is_puk, user_defined;
    struct bytes id;
};

struct known_key {
    uint32_t handle, session; /* its owner */
    bool closed;
    struct bytes id, public_key;
    struct bytes certificate; /* empty: none yet */
};

struct known_post {
    uint32_t session, target, new_key;
    enum method_id kind;
};

struct world {
    struct known_session session[SESSIONS_MAX];
    size_t sessions;
    struct known_policy policy[POLICIES_MAX];
    size_t policies;
    struct known_key key[KEYS_MAX];
    size_t keys;
    struct known_post post[POSTS_MAX];
    size_t posts;
    unsigned ids;        /* given out */
    struct bytes result; /* what symmetricKeyEncrypt gave last */
    struct arena arena;  /* of this run; what came before lives on */
};

/** Opens a token with nothing in it. The world has no place for more than one. */
void world_open(struct world *world);

/** Remembers the token and the world as they are now. */
void world_save(struct world *world);

/** Makes both what they were when they were saved. */
void world_restore(struct world *world);

/**
 * Makes a call. Fails, as a finding, if the status is one that cannot be, if a failure left what it
 * must tear down or tore down what it must leave, or if the world would be another one.
 *
 * @param in   may hold anything
 * @param out  the outputs, if SKS_OK is returned
 */
enum sks_status world_call(struct world *world, enum method_id id, const union sks_in *in,
                           union sks_out *out);

/** Fails, as a finding, if the sessions and keys of the token are not those of the world. */
void world_check(struct world *world);

/** Fails, as a finding, if the token keeps a row that nothing needs any more. */
void world_check_garbage(void);

/**
 * Fails, as a finding, if enumerateKeys shows other keys than the closed ones of the world.
 *
 * @param after  handle of a closed key to begin behind, or 0
 */
void world_enumerate(struct world *world, uint32_t after);

/* By handle; NULL if there is none. */
struct known_session *world_session(struct world *world, uint32_t handle, bool open);
struct known_policy *world_policy(struct world *world, uint32_t handle, bool is_puk);
struct known_key *world_key(struct world *world, uint32_t handle, bool closed);

/** The session is gone with all that is not closed: by abort or teardown. */
void world_forget_session(struct world *world, uint32_t handle);

/** The session has closed: its keys and its post operations are what the close makes of them. */
void world_close_session(struct world *world, uint32_t handle);

/** The key is gone, and its session if it owned no other. */
void world_forget_key(struct world *world, uint32_t handle);

#endif
