/* One SKS call on its way through the token: what every method handler gets and fills. */
#ifndef TOKEN_CALL_H
#define TOKEN_CALL_H

#include "keygen2/crypto/key_pool.h"
#include "token/api/calls.h"
#include "token/authorization.h"
#include "token/deactivation.h"
#include "token/device.h"
#include "token/firmware.h"
#include "token/live_keys.h"
#include "token/locks.h"
#include "token/object.h"
#include "token/token.h"
#include "token/token_clock.h"

struct token {
    char *database; /* path */
    struct vault *vault;
    struct store *store;
    struct locks *locks;
    struct authorization *authorization;
    struct live_keys *live_keys;
    struct token_clock clock;
    struct device device;
    unsigned simulations; /* set of enum token_simulation */
    struct deactivation deactivation;
    struct firmware *firmware;
    struct key_pool *rsa_pool; /* NULL: none */
    size_t rsa_pool_size;
    const struct key_maker *key_maker;  /* NULL: none */
    size_t counters_max, live_keys_max; /* 0: as many as they like */
};

struct call {
    struct token *token;
    const struct sks_method *method;
    const struct firmware_policy *policy; /* one for the whole call, whatever gets installed */
    union sks_in in;
    union sks_out out;
    struct session session;        /* of a provisioning method: open, locked; handle 0: none yet */
    struct key key;                /* of a method that has a key handle for its first input */
    const struct live_key *live;   /* where `key` comes from, if its session is closed */
    struct changes changes;        /* applied as one if the handler succeeds */
    bool applied;                  /* the changes are in the store */
    bool frozen;                   /* by call_freeze() */
    bool entered;                  /* by token_enter() */
    struct held_lock *commit_lock; /* taken by a handler, released when its changes are applied */
    struct arena arena;            /* whatever in, out, session and key point to */
    struct sks_error err;
};

/** Keeps the ErrorString of a failing handler: names the argument, never its value. */
#define call_fail(call, status, ...) sks_fail(&(call)->err, (status), __VA_ARGS__)

/** As REQUIRE() for a call: goes to `out` with status and text unless the condition holds. */
#define CALL_REQUIRE(call, condition, status, ...)                                                 \
    REQUIRE(condition, &(call)->err, status, __VA_ARGS__)

/** True if the token simulates it. */
static inline bool call_simulates(const struct call *call, enum token_simulation what)
{
    return (call->token->simulations & what) != 0;
}

/* The handlers, one a method; each file holds a group. */
enum sks_status get_device_info(struct call *call);             /* device.c */
enum sks_status create_provisioning_session(struct call *call); /* session.c */
enum sks_status create_session_2010(struct call *call);         /* session_2010.c */
enum sks_status enumerate_provisioning_sessions(struct call *call);
enum sks_status abort_provisioning_session(struct call *call);
enum sks_status close_provisioning_session(struct call *call); /* close.c */
enum sks_status create_puk_policy(struct call *call);          /* policy.c */
enum sks_status create_pin_policy(struct call *call);
enum sks_status create_key_entry(struct call *call); /* key_entry.c */
enum sks_status get_key_handle(struct call *call);
enum sks_status set_certificate_path(struct call *call);
enum sks_status import_symmetric_key(struct call *call); /* key_import.c */
enum sks_status import_private_key(struct call *call);
enum sks_status add_extension(struct call *call); /* extension.c */
enum sks_status get_extension(struct call *call);
enum sks_status set_property(struct call *call);
enum sks_status deactivate(struct call *call);                /* deactivation.c */
enum sks_status update_key_management_key(struct call *call); /* kmk.c */
enum sks_status post_delete_key(struct call *call);           /* post.c */
enum sks_status post_unlock_key(struct call *call);
enum sks_status post_update_key(struct call *call);
enum sks_status post_clone_key_protection(struct call *call);
enum sks_status delete_key(struct call *call); /* manage_key.c */
enum sks_status export_key(struct call *call);
enum sks_status unlock_key(struct call *call);
enum sks_status change_pin(struct call *call);
enum sks_status set_pin(struct call *call);
enum sks_status enumerate_keys(struct call *call); /* manage.c */
enum sks_status get_key_attributes(struct call *call);
enum sks_status get_key_protection_info(struct call *call);
enum sks_status update_firmware(struct call *call);  /* firmware.c */
enum sks_status sign_hashed_data(struct call *call); /* user.c */
enum sks_status asymmetric_key_decrypt(struct call *call);
enum sks_status key_agreement(struct call *call);
enum sks_status perform_hmac(struct call *call);
enum sks_status symmetric_key_encrypt(struct call *call);

/* Session key operations; each takes one of sessionKeyLimit and fails when that is spent.
 * session.c */

/** Takes one operation with the session key; fails when sessionKeyLimit is used up. */
CHECKED enum sks_status call_take_operation(struct call *call);

/** SKS_ERROR_OPTION unless the call's key has its certificate path. */
CHECKED enum sks_status call_need_certificate(struct call *call);

/** Reads the call's key again, under the lock that all changes of closed keys take. */
CHECKED enum sks_status call_reread_key(struct call *call); /* dispatch.c */

/** Reads the call's key as the store has it now, whatever it was when the call began. */
CHECKED enum sks_status call_look_again(struct call *call); /* dispatch.c */

/** Holds up PIN and PUK tries until the changes of the call are applied. */
void call_freeze(struct call *call);

/** Checks a method's MAC and frees its data. SKS_ERROR_MAC if it is wrong. */
CHECKED enum sks_status call_verify_mac(struct call *call, const char *method, struct buf *data,
                                        struct bytes mac);

/** Makes an attestation in the arena and frees its data. */
CHECKED enum sks_status call_attest(struct call *call, struct buf *data, struct bytes *attestation);

/** Decrypts a session-encrypted value into the arena. */
CHECKED enum sks_status call_decrypt(struct call *call, const char *argument,
                                     struct bytes encrypted, struct bytes *clear);

/** Writes the session, which is new or closed now, along with the changes of the call. */
void call_put_session(struct call *call);

/** As call_put_session(), for a session that goes on, with its counters. */
void call_keep_session(struct call *call);

/** SKS_ERROR_OPTION unless it may be an issuerUri. @param argument its name on the wire */
CHECKED enum sks_status session_check_uri(struct call *call, const char *argument,
                                          struct bytes uri);

/** SKS_ERROR_OPTION unless a session may live so long. @param argument its name on the wire */
CHECKED enum sks_status session_check_life_time(struct call *call, const char *argument,
                                                uint32_t seconds);

/** Begins the call's session, whose terms and key are set. @return its handle */
uint32_t session_begin(struct call *call, uint32_t life_time, uint16_t operations);

/** Removes a session and all that it owns, whatever its state; the caller holds its lock. */
CHECKED enum sks_status session_remove(struct token *token, uint32_t handle, struct sks_error *err);

/** True if an open session is over: its life time, or by session_doom(). */
bool session_expired(struct token *token, const struct session *session);

/** Ends a session that the store failed to remove, for as long as this process lives. */
void session_doom(struct token *token, struct held_lock *session);

/** At the start: sets the clock behind what the store has seen, and removes expired sessions. */
CHECKED enum sks_status session_recover(struct token *token, struct sks_error *err);

/** Fails unless the id is well-formed and new in the session. */
CHECKED enum sks_status call_check_new_id(struct call *call, struct bytes id);

/** True for 1-32 characters 0x21-0x7E. */
bool id_is_valid(struct bytes id);

/** Copies into the arena; SKS_ERROR_STORAGE without memory. */
CHECKED enum sks_status call_keep(struct call *call, struct bytes from, struct bytes *to);

#endif
