/* Clients who enrol side by side, and a power cut after any answer. */
#ifndef TESTS_PLAIN_PARTS_SYNC_CROWD_H
#define TESTS_PLAIN_PARTS_SYNC_CROWD_H

#include "tests/plain/parts/sync_world.h"

enum { CROWD_CLIENTS = 5, CROWD_SESSIONS = 5 /* of each */ };

/**
 * @param with  a defect, that must be seen
 * @return how many keys that somebody knew of are lost, in all cuts together
 */
unsigned sync_crowd(enum sync_defect with);

#endif
