/* The token's objects in memory, and how each is written to its row. */
#ifndef TOKEN_OBJECT_H
#define TOKEN_OBJECT_H

#include "keygen2/crypto/session.h"
#include "token/store.h"

struct session {
    uint32_t handle;
    bool closed;
    struct session_terms terms; /* but for the two that count, which are below */
    struct session_key sk;      /* all zero once closed */
    uint32_t life_time;         /* seconds */
    uint16_t operations_left;   /* of sessionKeyLimit */
    int64_t created, seen;      /* token's clock, milliseconds: begun, last written */
};

/* Wrong tries as they are on disk; authorization.c says what the fields mean. */
struct tries {
    uint16_t charged;
    bool has_candidate;
    uint8_t candidate[32];
};

/* Who refers to a PUK, a PIN policy or a PIN names its handle and its birth, a number that was
 * drawn with it: so nobody who writes to the disk can put another object in its place. */
struct reference {
    uint32_t handle; /* 0: refers to nothing */
    uint64_t birth;  /* 0 in a search: whichever has the handle */
};

/* A PUK or PIN value with its counter. */
struct secret {
    enum store_kind kind; /* STORE_PUK or STORE_PIN */
    uint32_t handle, owner;
    uint64_t birth;
    bool closed;
    struct bytes name; /* a PUK policy's id; of a PIN shared by a group, which group */
    struct bytes value;
    struct tries tries;
    uint8_t format;       /* of a PUK */
    uint16_t retry_limit; /* of a PUK; a PIN's is its policy's */
    uint32_t policy;      /* of a PIN: handle of its policy */
};

struct pin_policy_object {
    uint32_t handle, owner;
    uint64_t birth;
    bool closed;
    struct pin_policy policy;
    struct reference puk;
};

struct key {
    uint32_t handle, owner;
    bool closed;
    struct bytes id;
    struct bytes public_key;    /* as generated */
    struct bytes private_key;   /* put_private_key() form: a secret */
    struct bytes symmetric_key; /* imported, empty if none: a secret */
    struct bytes_list certificate_path;
    struct bytes friendly_name;
    struct bytes_list endorsed_algorithms;
    struct reference pin_policy, pin;
    bool enable_pin_caching;
    bool device_pin_protection; /* then it has no PIN and no policy of its own */
    uint8_t app_usage, biometric_protection, export_protection, delete_protection;
    uint8_t key_backup;
    struct bytes_list extension_types; /* uris, in the order they came */
};

/* An extension of a key; its row is named after both. */
struct key_extension {
    uint32_t handle, owner, key;
    bool closed;
    struct extension extension; /* data: decrypted */
};

enum post_kind { POST_DELETE, POST_UNLOCK, POST_UPDATE, POST_CLONE };

/* A post operation that waits for the close of its session. */
struct post_operation {
    uint32_t handle, owner;
    uint8_t kind; /* enum post_kind */
    uint32_t target;
    uint32_t new_key; /* of update and clone, else 0 */
};

/* Reading: *object is filled from the row, its slices live in the arena; SKS_ERROR_INTERNAL if the
 * body does not decode. Writing: the row is added to the changes; a failure is in changes->status.
 */
CHECKED enum sks_status session_from_row(const struct store_row *row, struct session *session);
void session_put(struct changes *changes, struct store *store, const struct session *session);

/* Of a session that is stored, and as open or closed as it is now. */
void session_keep(struct changes *changes, struct store *store, const struct session *session);

CHECKED enum sks_status secret_from_row(const struct store_row *row, struct secret *secret);
void secret_put(struct changes *changes, struct store *store, const struct secret *secret);

/* The bodies of their rows, for who writes rows in another way. */
void put_secret(struct buf *body, const struct secret *secret);
void put_pin_policy(struct buf *body, const struct pin_policy_object *policy);
void put_key(struct buf *body, const struct key *key);

CHECKED enum sks_status pin_policy_from_row(const struct store_row *row,
                                            struct pin_policy_object *policy);
void pin_policy_put(struct changes *changes, struct store *store,
                    const struct pin_policy_object *policy);

CHECKED enum sks_status key_from_row(const struct store_row *row, struct arena *arena,
                                     struct key *key);
void key_put(struct changes *changes, struct store *store, const struct key *key);

/* Of a key that is stored, with the owner, PIN and state that it has now. */
void key_keep(struct changes *changes, struct store *store, const struct key *key);

CHECKED enum sks_status post_from_row(const struct store_row *row, struct post_operation *post);
void post_put(struct changes *changes, struct store *store, const struct post_operation *post);

CHECKED enum sks_status extension_from_row(const struct store_row *row,
                                           struct key_extension *extension);
void extension_put(struct changes *changes, struct store *store,
                   const struct key_extension *extension);

/** Loads the extension of a type; found is false if the key has none of it. */
CHECKED enum sks_status extension_load(struct store *store, const struct key *key,
                                       struct bytes type, struct arena *arena,
                                       struct key_extension *extension, bool *found,
                                       struct sks_error *err);

/* Loading by handle; found is false if there is no such object. */
CHECKED enum sks_status session_load(struct store *store, uint32_t handle, struct arena *arena,
                                     struct session *session, bool *found, struct sks_error *err);
CHECKED enum sks_status secret_load(struct store *store, enum store_kind kind,
                                    struct reference reference, struct arena *arena,
                                    struct secret *secret, bool *found, struct sks_error *err);
/** Draws the birth of a new object. */
CHECKED enum sks_status draw_birth(uint64_t *birth);

CHECKED enum sks_status pin_policy_load(struct store *store, struct reference reference,
                                        struct arena *arena, struct pin_policy_object *policy,
                                        bool *found, struct sks_error *err);
CHECKED enum sks_status key_load(struct store *store, uint32_t handle, struct arena *arena,
                                 struct key *key, bool *found, struct sks_error *err);

/** True if the store has no such key any more: what is missing of it then is no damage. */
bool key_is_gone(struct store *store, uint32_t handle);

#endif
