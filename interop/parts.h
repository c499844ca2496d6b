/* The parts of an interop run; each adds its rows to the table. What keeps one from being tried at
 * all is a row as well. */
#ifndef INTEROP_PARTS_H
#define INTEROP_PARTS_H

#include "interop/ends.h"
#include "interop/table.h"

/* How the ends are kept apart. */
struct apart {
    const char *witness;     /* desk of who stands beside the token; NULL: nobody does */
    const char *issuer_host; /* where the issuer itself listens, which only its relay needs */
    const char *token_host;  /* where the witness finds the token */
    uint32_t issuer_port, token_port;
    bool together; /* all on one host: there is nothing to show */
};

/* How sks-conform is run. */
struct conform {
    const char *tester;  /* desk of who calls the token */
    const char *device;  /* folder of the device that visits the issuer, made if it is not there */
    const char *reports; /* folder for the reports */
    const char *again;   /* command line that begins such a run as this one */
    bool none;           /* it is left out */
};

/** Shows that there is no way from the token to the issuer. */
void part_apart(const struct ends *ends, const struct apart *apart, struct table *table);

/** Each profile that is shipped, in an order that gives each what it wants. */
void part_profiles(const struct ends *ends, struct table *table);

/** One enrolment of each of these profiles, at an issuer of somebody else's. */
void part_enrol(const struct ends *ends, char **profiles, size_t count, struct table *table);

/**
 * A fixed choice of attacks and alterations, each in a session of its own.
 *
 * @param file  where both relays look for their rules (`sks-proxy relay --attack-watch`)
 */
void part_attacks(const struct ends *ends, const char *file, struct table *table);

/**
 * One attack: an end has to detect it.
 *
 * @param name  of a ready one, or rules: {"rules": [...]}
 * @param file  as for part_attacks()
 */
void part_attacked(const struct ends *ends, const char *name, const char *file,
                   struct table *table);

/**
 * The conformance cases: all that failed are rows of their own.
 *
 * @param end    "token" or "issuer"; NULL: both
 * @param cases  only these: ids or patterns of sks-conform; with count 0 all of them, of which
 *               nearly all have to apply
 */
void part_conform(const struct ends *ends, const struct conform *options, const char *end,
                  char **cases, size_t count, struct table *table);

/**
 * Enrolments while the ends and the relays are killed.
 *
 * @param count   how many
 * @param folder  of the file `kill`, during which there are kills, and of the tallies
 */
void part_faults(const struct ends *ends, uint32_t count, const char *folder, struct table *table);

#endif
