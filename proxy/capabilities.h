/* What the client can do, for the clientCapabilityQuery of an InvocationRequest. */
#ifndef PROXY_CAPABILITIES_H
#define PROXY_CAPABILITIES_H

#include "keygen2/message/keygen2.h"
#include "token/api/calls.h"

enum { LOGOTYPES = 4 }; /* list, card, icon, application */

/* The images that the user's side likes, one for each kind of logotype. */
struct logotype_sizes {
    struct image_attributes of[LOGOTYPES];
};

/** What holds unless the user says otherwise: PNG, list 94 x 74, card 320 x 200, icon 48 x 48,
 * application 128 x 128. */
struct logotype_sizes logotype_defaults(void);

/**
 * Reads "KIND=MIME-TYPE:WIDTHxHEIGHT", e.g. "card=image/svg+xml:320x200", over a default.
 *
 * @param text   outlives *sizes
 * @return SKS_ERROR_OPTION if it is no such text
 */
CHECKED enum sks_status logotype_parse(const char *text, struct logotype_sizes *sizes,
                                       struct sks_error *err);

/** logotype_parse() as the check of an option. */
CHECKED enum sks_status logotype_check(const char *text, struct sks_error *err);

/**
 * Answers every URI once, also one that was asked for twice.
 *
 * @param privacy  nothing is said about the machine
 * @param answers  out: lives in the arena
 */
CHECKED enum sks_status capabilities_answer(const struct bytes_list *query,
                                            const struct device_info_out *device,
                                            const struct logotype_sizes *sizes, bool privacy,
                                            struct arena *arena, struct json_array *answers,
                                            struct sks_error *err);

#endif
