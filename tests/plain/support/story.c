#include "tests/plain/support/story.h"
#include "tests/plain/support/tale.h"
#include "tests/plain/support/user.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS_MAX = 96 };

/* ---- recording ---- */

static struct story *recorded;
static uint32_t open_session; /* 0: none */

enum sks_status story_try_open(const struct story *story, uint64_t storage_limit,
                               struct token **token, struct sks_error *err)
{
    const struct token_options options = { .storage_limit = storage_limit };
    char database[STORE_FOLDER_MAX + sizeof TOKEN_DATABASE];

    (void)snprintf(database, sizeof database, "%s/%s", story->folder, TOKEN_DATABASE);
    return token_open(database, "unused", &options, token, err);
}

struct token *story_open(const struct story *story, uint64_t storage_limit)
{
    struct sks_error err = { 0 };
    struct token *token;

    must(story_try_open(story, storage_limit, &token, &err) == SKS_OK, err.text);
    return token;
}

/* A failure of these aborts the session. SKS V1.07, "Method List". */
static bool tears_down(uint8_t id)
{
    return (id >= CREATE_PUK_POLICY && id <= ADD_EXTENSION && id != GET_KEY_HANDLE) ||
           id == CLOSE_PROVISIONING_SESSION ||
           (id >= POST_DELETE_KEY && id <= POST_CLONE_KEY_PROTECTION);
}

static void dump_now(struct dump *dump)
{
    struct token *token = story_open(recorded, 0);

    dump_token(token, dump);
    token_close(token);
}

static void dump_aborted(struct step *step)
{
    const union sks_in in = { .session_handle.provisioning_handle = open_session };
    struct arena arena = { 0 };
    union sks_out out;
    struct token *token = story_open(recorded, 0);

    must(user_call(token, ABORT_PROVISIONING_SESSION, &in, &out, &arena, NULL) == SKS_OK, "abort");
    token_close(token);
    dump_now(&step->aborted);
    disk_put(step->before);
    arena_free(&arena);
}

/* Keeps which session is open: that of the last one that was created. */
static void follow_session(const struct step *step)
{
    struct arena arena = { 0 };
    union sks_out out;
    uint8_t id = step->method->id;

    if (id == CREATE_PROVISIONING_SESSION) {
        must(sks_decode_response(buf_bytes(&step->answer), step->method, &out, &arena, NULL) ==
                 SKS_OK,
             "createProvisioningSession");
        open_session = out.create_session.provisioning_handle;
    }
    if (id == CLOSE_PROVISIONING_SESSION || id == ABORT_PROVISIONING_SESSION)
        open_session = 0;
    arena_free(&arena);
}

/* Makes a call on a token that was just opened, and is closed afterwards. */
static void record(struct token *token, struct bytes request, struct buf *response)
{
    struct step *step = &recorded->step[recorded->count++];

    must(recorded->count <= STEPS_MAX, "the story is too long");
    user_process = token_process;
    step->method = sks_method(request.ptr[0]);
    put_raw(&step->request, request);
    step->before = disk_take(DISK_KILL, 0);
    dump_now(&step->start);
    step->tears_down = tears_down(step->method->id);
    if (step->tears_down)
        dump_aborted(step);
    token = story_open(recorded, 0);
    token_process(token, request, response);
    must(response->len > 0, "answer");
    put_raw(&step->answer, buf_bytes(response));
    step->status = (enum sks_status)response->ptr[0];
    token_close(token);
    dump_now(&step->end);
    follow_session(step);
    user_process = record;
}

void story_record(struct story *story)
{
    struct token *token;

    disk_install();
    make_store(story->folder);
    story->step = calloc(STEPS_MAX, sizeof *story->step);
    story->count = 0;
    must(story->step != NULL, "memory");
    recorded = story;
    token = story_open(story, 0);
    tale_begin(token);
    token_close(token);
    user_process = record;
    tale_tell();
    user_process = token_process;
}

void story_free(struct story *story)
{
    for (size_t i = 0; i < story->count; i++) {
        struct step *step = &story->step[i];

        buf_free(&step->request);
        buf_free(&step->answer);
        disk_image_free(step->before);
        dump_free(&step->start);
        dump_free(&step->end);
        dump_free(&step->aborted);
    }
    free(story->step);
    remove_store(story->folder);
}
