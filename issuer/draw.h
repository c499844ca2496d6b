/* PINs, PUKs and keys that the issuer draws for a session. All of them are secrets. */
#ifndef ISSUER_DRAW_H
#define ISSUER_DRAW_H

#include "issuer/profile.h"
#include "keygen2/crypto/private_key.h"

/** Appends a PUK of the format. */
CHECKED enum sks_status draw_puk(uint8_t format, struct buf *puk);

/**
 * Sets the preset PINs of a policy's keys: those that the profile gives, or drawn ones; as its
 * grouping wants, keys of a group get one PIN and groups different ones.
 *
 * @param pins  out: one buffer for each key of the policy, empty before; free them all
 * @return SKS_ERROR_OPTION if nothing that obeys the policy is found
 */
CHECKED enum sks_status draw_pins(const struct pin_profile *policy, struct buf *pins);

/**
 * Draws a key pair.
 *
 * @param maker  makes it; NULL: OpenSSL does
 * @param pkcs8  the private key is appended
 * @param spki   out: the public key, in the arena
 */
CHECKED enum sks_status draw_key(const struct key_maker *maker, const struct key_profile *key,
                                 struct arena *arena, struct buf *pkcs8, struct bytes *spki);

#endif
