/*
 * A whole life of keys, recorded call by call: provisioning with policies, imports, extensions and
 * post operations; use; management; an abort. With each call go the disk and the container before
 * it, so that a program can make the same call again, in trouble, and judge what came of it.
 */
#ifndef TESTS_PLAIN_SUPPORT_STORY_H
#define TESTS_PLAIN_SUPPORT_STORY_H

#include "tests/plain/support/disk.h"
#include "tests/plain/support/dump.h"
#include "token/api/calls.h"

struct step {
    const struct sks_method *method;
    struct buf request, answer;
    enum sks_status status;    /* of the answer */
    bool tears_down;           /* a failure aborts the session */
    struct disk_image *before; /* of a token that was closed */
    struct dump start, end, aborted;
};

struct story {
    char folder[STORE_FOLDER_MAX];
    struct step *step;
    size_t count;
};

/** Records. The disk is installed here, and is the story's from now on. */
void story_record(struct story *story);

void story_free(struct story *story);

/** Opens a token on the disk as it is. @param storage_limit as in struct token_options */
struct token *story_open(const struct story *story, uint64_t storage_limit);

/** As story_open(), where it may fail. */
enum sks_status story_try_open(const struct story *story, uint64_t storage_limit,
                               struct token **token, struct sks_error *err);

#endif
