/* The names of what a token may simulate, as --simulate takes them and the ready line shows them.
 * What they do is in authorize.c: whoever reaches the token can then claim "biometric done", and
 * everybody knows the device PIN. */
#ifndef TOKEN_SIMULATION_H
#define TOKEN_SIMULATION_H

#include "token/token.h"

enum { SIMULATION_TEXT_MAX = 64 };

/**
 * Reads a list of names.
 *
 * @param text         "biometrics,device-pin", either or both; NULL: none
 * @param simulations  out: set of enum token_simulation
 * @return SKS_ERROR_OPTION if a name is unknown or empty
 */
CHECKED enum sks_status simulation_parse(const char *text, unsigned *simulations,
                                         struct sks_error *err);

/** simulation_parse() as the check of an option. */
CHECKED enum sks_status simulation_check(const char *text, struct sks_error *err);

/** Writes " (simulates biometrics, device-pin)", or nothing for an empty set. */
void simulation_text(unsigned simulations, char text[SIMULATION_TEXT_MAX]);

#endif
