/*
 * What the frame knows of a kind of end: how to reach it, what it can do, the cases for it, and how
 * to leave it as it was. sks-conform has a suite a command.
 */
#ifndef CONFORM_SUITE_H
#define CONFORM_SUITE_H

#include "conform/check.h"
#include "keygen2/base/json.h"
#include "keygen2/base/program.h"

/* Of all suites; the first ones are in CONFORM_OPTIONS. */
struct conform_options {
    struct texts only, skip;
    const char *level, *junit, *html, *expect;
    uint32_t seed;
    bool list, allow_destructive, slow, json, show;
    /* What a suite alone has comes here. */
    uint32_t timeout;
    const char *ca, *device, *operator_command; /* of an issuer */
    bool trusted;                               /* the device, by its operator's word */
    struct texts code;
    struct texts more; /* URLs behind the first one */
};

struct suite_config {
    const char *url;
    const struct conform_options *options;
    const volatile sig_atomic_t *stop; /* not 0: give up what is under way */
};

struct suite {
    const char *name; /* of the end and of the command: "token" */
    const char *(*capability)(
        unsigned bit); /* name of a bit of `needs`, behind "needs"; NULL: none */
    void (*list)(struct cases *cases);

    /**
     * Reaches the end and reads what it can do.
     *
     * @param end           out: for the functions below and for the cases
     * @param capabilities  out: set of bits
     * @param about         an object to add facts to, for the report
     */
    enum sks_status (*open)(const struct suite_config *config, void **end, uint64_t *capabilities,
                            json_t *about, struct sks_error *err);

    /* What of the end's own is to blame that cases were skipped for want of these bits, which must
     * not pass for a good run then; NULL: nothing. NULL in its place: the suite has none. */
    const struct finding *(*fault)(const void *end, uint64_t missing);

    /* What somebody has to do before these bits can be there: until then too little is shown for a
     * good run. NULL: nothing, or nobody can. NULL in its place: the suite has none. */
    const char *(*lack)(const void *end, uint64_t missing);

    /* After each case: takes away what it left. SKS_ERROR_EXTERNAL: the end is out of reach. */
    enum sks_status (*tidy)(void *end, struct sks_error *err);

    /* At last: appends to an array a text for each thing that is still there. */
    void (*leave)(void *end, json_t *leftovers);

    void (*close)(void *end); /* NULL is allowed */

    /* Appends " --OPTION VALUE" for what a repetition needs besides; NULL: nothing. */
    void (*repeat)(const struct conform_options *options, struct buf *out);
};

#endif
