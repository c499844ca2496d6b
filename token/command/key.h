/* The key that a command is about: found by handle or name, read, the secret that the operation
 * needs asked for, the call made, its refusal explained. */
#ifndef TOKEN_COMMAND_KEY_H
#define TOKEN_COMMAND_KEY_H

#include "keygen2/crypto/algorithms.h"
#include "token/command/commands.h"
#include "token/command/port.h"

/* A key as it shows itself. */
struct key_view {
    uint32_t handle;
    uint32_t session; /* provisioningHandle; only key_next() tells it */
    const char *name; /* friendly name, fit for a terminal */
    struct key_attributes_out attributes;
    struct key_protection_out protection;
};

enum key_secret { KEY_SECRET_NONE, KEY_SECRET_PIN, KEY_SECRET_DEVICE_PIN, KEY_SECRET_PUK };

struct key_command {
    const struct token_command_options *options;
    struct port port;
    struct arena arena; /* of all that the token answers */
    struct sks_error err;
    struct key_view key;
    enum key_secret asked;
    struct buf authorization, new_pin; /* secrets */
};

/**
 * Opens the token and reads the key.
 *
 * @param c        filled also on failure: key_finish() it in any case
 * @param options  struct token_command_options
 * @param key      a handle, or a friendly name that one key alone has
 */
CHECKED enum sks_status key_open(struct key_command *c, const void *options, const char *key);

/** Gets what the use of the key wants: its PIN, a biometric check, both or nothing. */
CHECKED enum sks_status key_authorize_use(struct key_command *c);

/** Gets what an enum sks_protection wants: nothing, the PIN or the PUK. */
CHECKED enum sks_status key_authorize_by(struct key_command *c, uint8_t protection);

/** Gets the PIN, or the PUK; SKS_ERROR_NOT_ALLOWED if the key has none. */
CHECKED enum sks_status key_authorize_pin(struct key_command *c);
CHECKED enum sks_status key_authorize_puk(struct key_command *c);

/** SKS_ERROR_NOT_ALLOWED if the key has no PIN that its user may change. */
CHECKED enum sks_status key_check_new_pin(struct key_command *c);

/** Gets a new PIN that keeps the policy. */
CHECKED enum sks_status key_get_new_pin(struct key_command *c);

/** port_call(); after a wrong PIN or PUK the text says how many tries are left. */
CHECKED enum sks_status key_call(struct key_command *c, enum method_id method,
                                 const union sks_in *in, union sks_out *out);

/** Reads the input of a command, as much as the token takes at a time. @param data out: appended */
CHECKED enum sks_status key_read_input(struct key_command *c, struct buf *data);

/**
 * Makes a key operation that has no inputs of its own, with what key_authorize_use() got.
 *
 * @param method  SIGN_HASHED_DATA to PERFORM_HMAC
 * @param result  out: lives as long as the command
 */
CHECKED enum sks_status key_operate(struct key_command *c, enum method_id method,
                                    const struct algorithm *algorithm, struct bytes data,
                                    struct bytes *result);

/** Wipes, closes, prints the error if there is one. Returns the exit code. */
enum exit_code key_finish(struct key_command *c, enum sks_status rc);

/** Reads the next key after a handle, 0 starts; its handle is 0 behind the last. */
CHECKED enum sks_status key_next(struct port *port, uint32_t after, struct key_view *key,
                                 struct arena *arena, struct sks_error *err);

/** `key 3 "Login"`, or `key 3` without a name. */
const char *key_title(const struct key_view *key, struct arena *arena);

/** The public key in words, or what is known of a symmetric one: "EC P-256", "AES-128". */
const char *key_algorithm_text(const struct key_view *key, struct arena *arena);

/** "2 of 3 tries left", "BLOCKED after 3 wrong tries", "never blocks". */
const char *pin_tries_text(const struct key_protection_out *protection, struct arena *arena);
const char *puk_tries_text(const struct key_protection_out *protection, struct arena *arena);

/** The policy of the key's PIN, without its id. */
struct pin_policy pin_policy_of(const struct key_protection_out *protection);

#endif
