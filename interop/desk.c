#include "interop/desk.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MODE = 0600, FILE_MAX_BYTES = 8 * 1024 * 1024, PAUSE_MS = 20, NUMBER_SIZE = 16 };

static const char QUESTION[] = "question.json", ANSWER[] = "answer.json";

static void pause_shortly(void)
{
    (void)nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
}

/* A file is renamed into its place, so whoever finds it finds all of it. */
static enum sks_status write_json(const char *path, const json_t *value, struct sks_error *err)
{
    char *text = json_dumps(value, JSON_COMPACT);
    enum sks_status rc =
        text == NULL ? SKS_ERROR_STORAGE : file_write(path, FILE_MODE, bytes_of(text), err);

    free(text);
    return sks_explain(err, rc);
}

/* NULL if there is none, or it is no JSON object. */
static json_t *read_json(const char *path)
{
    struct buf text = { 0 };
    json_t *value = NULL;

    if (file_exists(path) && file_read(path, FILE_MAX_BYTES, &text, NULL) == SKS_OK)
        value = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    buf_free(&text);
    if (!json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static bool is_of(const json_t *answer, const char *number)
{
    const char *text = json_string_value(json_object_get(answer, "number"));

    return text != NULL && strcmp(text, number) == 0;
}

static enum sks_status wait_for_answer(const char *path, const char *number, unsigned seconds,
                                       json_t **answer, struct sks_error *err)
{
    int64_t until = clock_monotonic_ms() + 1000 * (int64_t)seconds;
    const char *refused;
    enum sks_status rc = SKS_OK;

    while (!is_of(*answer = read_json(path), number)) {
        json_decref(*answer);
        *answer = NULL;
        REQUIRE(clock_monotonic_ms() < until, err, SKS_ERROR_EXTERNAL, "%s: nobody has answered",
                path);
        pause_shortly();
    }
    refused = json_string_value(json_object_get(*answer, "error"));
    REQUIRE(refused == NULL, err, SKS_ERROR_EXTERNAL, "%s", refused);
out:
    return rc;
}

enum sks_status desk_ask(const char *folder, json_t *question, unsigned seconds, json_t **answer,
                         struct sks_error *err)
{
    char question_file[PATH_MAX], answer_file[PATH_MAX], number[NUMBER_SIZE + 1];
    enum sks_status rc;

    *answer = NULL;
    TRY(file_path(question_file, sizeof question_file, folder, QUESTION));
    TRY(file_path(answer_file, sizeof answer_file, folder, ANSWER));
    TRY(random_id(number, NUMBER_SIZE));
    REQUIRE(json_object_set_new(question, "number", json_string(number)) == 0, err,
            SKS_ERROR_STORAGE, "no memory for a question");
    TRY(write_json(question_file, question, err));
    TRY(wait_for_answer(answer_file, number, seconds, answer, err));
out:
    json_decref(question);
    return sks_explain(err, rc);
}

/* The number of the question, so that an older answer is not taken for this one's. */
static enum sks_status reply(const char *path, const json_t *question, json_t *answer,
                             struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    REQUIRE(json_object_set(answer, "number", json_object_get(question, "number")) == 0, err,
            SKS_ERROR_STORAGE, "no memory for an answer");
    TRY(write_json(path, answer, err));
out:
    return rc;
}

enum sks_status desk_serve(const char *folder, desk_clerk *clerk, void *ctx,
                           const volatile sig_atomic_t *stop, struct sks_error *err)
{
    char question_file[PATH_MAX], answer_file[PATH_MAX];
    enum sks_status rc;

    TRY(sks_explain(err, file_path(question_file, sizeof question_file, folder, QUESTION)));
    TRY(sks_explain(err, file_path(answer_file, sizeof answer_file, folder, ANSWER)));
    while (*stop == 0) {
        json_t *question = read_json(question_file), *answer;

        if (question == NULL) {
            pause_shortly();
            continue;
        }
        (void)unlink(question_file);
        answer = clerk(ctx, question);
        rc = reply(answer_file, question, answer, err);
        json_decref(answer);
        json_decref(question);
        TRY(rc);
    }
out:
    return rc;
}
