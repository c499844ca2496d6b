/*
 * Where closing proofs are kept cheaply: a few files of one size in the state folder, that stay
 * there and serve one session after the other. A record is written in place and made durable by
 * one sync of data, where a new file would cost an inode, a sync of its folder and its removal.
 * Who has a slot holds its lock, so that processes and threads share them; what the lock's holder
 * left when it died is read as what it is.
 */
#ifndef PROXY_PROOF_SLOT_H
#define PROXY_PROOF_SLOT_H

#include "keygen2/base/bytes.h"

#include <limits.h>

enum { PROOF_SLOTS = 16, PROOF_SLOT_SIZE = 4096 };

/** The path of a slot. @param number  below PROOF_SLOTS */
CHECKED enum sks_status proof_slot_path(char path[PATH_MAX], const char *folder, unsigned number);

/** The record in what a slot's file holds, borrowed; empty: none, or one that was half written. */
struct bytes proof_slot_record(struct bytes contents);

/**
 * Writes a record durably into a free slot. End with proof_slot_clear() or proof_slot_leave().
 *
 * @return its descriptor, locked; 0 if none is to be had, or the record is too long for one
 */
int proof_slot_keep(const char *folder, struct bytes record);

/**
 * Takes a slot as it is. End with proof_slot_clear() or proof_slot_leave().
 *
 * @param contents  appended: what it holds
 * @return its descriptor, locked; 0 if there is none, or somebody has it
 */
int proof_slot_take(const char *folder, unsigned number, struct buf *contents);

/** Empties the slot and gives it back. After a power cut its record may be there again.
 * @param slot  0 is allowed */
void proof_slot_clear(int slot);

/** Gives the slot back with what it holds. @param slot  0 is allowed */
void proof_slot_leave(int slot);

#endif
