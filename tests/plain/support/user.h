/* Calls on keys, as their user makes them: each returns the token's status. */
#ifndef TESTS_PLAIN_SUPPORT_USER_H
#define TESTS_PLAIN_SUPPORT_USER_H

#include "tests/plain/support/own_store.h"
#include "token/api/calls.h"

/* Takes the calls in the place of token_process(), which it is at first. */
extern void (*user_process)(struct token *token, struct bytes request, struct buf *response);

/**
 * Makes one call.
 *
 * @param out    out: the outputs, if the status is 0
 * @param arena  holds them
 * @param err    out: the ErrorString; may be NULL
 */
enum sks_status user_call(struct token *token, enum method_id id, const union sks_in *in,
                          union sks_out *out, struct arena *arena, struct sks_error *err);

/** signHashedData, asymmetricKeyDecrypt, keyAgreement, performHmac. @param pin NULL: none */
enum sks_status try_operation(struct token *token, enum method_id id, uint32_t key,
                              const char *algorithm, const char *pin, struct bytes data);

/** Signs with a P-256 key. @param pin NULL: none */
enum sks_status try_sign(struct token *token, uint32_t key, const char *pin);

/** deleteKey, exportKey, unlockKey. @param authorization PIN, PUK or NULL */
enum sks_status try_manage(struct token *token, enum method_id id, uint32_t key,
                           const char *authorization);

/** changePin, setPin. @param authorization the old PIN, or the PUK */
enum sks_status try_new_pin(struct token *token, enum method_id id, uint32_t key,
                            const char *authorization, const char *new_pin);

enum sks_status try_set_property(struct token *token, uint32_t key, const char *type,
                                 const char *name, const char *value);
enum sks_status try_get_extension(struct token *token, uint32_t key, const char *type);

/** getKeyProtectionInfo. @param out out: what it says */
enum sks_status try_protection(struct token *token, uint32_t key, struct key_protection_out *out);

/** The key behind a handle in the order of enumerateKeys; 0 at the end. */
uint32_t next_key(struct token *token, uint32_t after);

#endif
