#include "interop/desk.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MODE = 0600, FILE_MAX_BYTES = 8 * 1024 * 1024, PAUSE_MS = 20, NUMBER_SIZE = 16 };

/* A question and its answer are NUMBER.question and NUMBER.answer. */
static const char QUESTION[] = ".question", ANSWER[] = ".answer", THERE[] = "there?";

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

static enum sks_status path_of(char path[PATH_MAX], const char *folder, const char *number,
                               const char *ending)
{
    char name[NAME_MAX + 1];

    return snprintf(name, sizeof name, "%s%s", number, ending) < (int)sizeof name
               ? file_path(path, PATH_MAX, folder, name)
               : SKS_ERROR_OPTION;
}

static enum sks_status wait_for_answer(const char *path, unsigned seconds, json_t **answer,
                                       struct sks_error *err)
{
    int64_t until = clock_monotonic_ms() + 1000 * (int64_t)seconds;
    const char *refused;
    enum sks_status rc = SKS_OK;

    while ((*answer = read_json(path)) == NULL) {
        REQUIRE(clock_monotonic_ms() < until, err, SKS_ERROR_EXTERNAL, "%s: nobody has answered",
                path);
        pause_shortly();
    }
    (void)unlink(path);
    refused = json_string_value(json_object_get(*answer, "error"));
    REQUIRE(refused == NULL, err, SKS_ERROR_EXTERNAL, "%s", refused);
out:
    return rc;
}

enum sks_status desk_put(const char *folder, json_t *question, struct desk_place *place,
                         struct sks_error *err)
{
    char number[NUMBER_SIZE + 1];
    enum sks_status rc;

    REQUIRE(question != NULL, err, SKS_ERROR_STORAGE, "no memory for a question");
    TRY(random_id(number, NUMBER_SIZE));
    TRY(path_of(place->question, folder, number, QUESTION));
    TRY(path_of(place->answer, folder, number, ANSWER));
    rc = write_json(place->question, question, err);
out:
    json_decref(question);
    return sks_explain(err, rc);
}

enum sks_status desk_take(const struct desk_place *place, unsigned seconds, json_t **answer,
                          struct sks_error *err)
{
    enum sks_status rc = wait_for_answer(place->answer, seconds, answer, err);

    (void)unlink(place->question); /* of one that nobody has taken */
    return rc;
}

enum sks_status desk_ask(const char *folder, json_t *question, unsigned seconds, json_t **answer,
                         struct sks_error *err)
{
    struct desk_place place;
    enum sks_status rc;

    *answer = NULL;
    TRY(desk_put(folder, question, &place, err));
    rc = desk_take(&place, seconds, answer, err);
out:
    return rc;
}

enum sks_status desk_is_there(const char *folder, unsigned seconds, struct sks_error *err)
{
    json_t *answer = NULL;
    enum sks_status rc = desk_ask(folder, json_pack("{s:s}", "ask", THERE), seconds, &answer, err);

    json_decref(answer);
    return rc;
}

/* ---- the clerk ---- */

struct desk {
    const char *folder;
    desk_clerk *clerk;
    void *ctx;
};

static json_t *answer_to(const struct desk *desk, const json_t *question)
{
    const char *ask = json_string_value(json_object_get(question, "ask"));

    return ask != NULL && strcmp(ask, THERE) == 0 ? json_object()
                                                  : desk->clerk(desk->ctx, question);
}

/* A question is taken off the desk before it is looked at: one that kills the clerk does so once.
 */
static enum sks_status take_question(const struct desk *desk, const char *number,
                                     struct sks_error *err)
{
    char question_file[PATH_MAX], answer_file[PATH_MAX];
    json_t *question = NULL, *answer = NULL;
    enum sks_status rc;

    TRY(path_of(question_file, desk->folder, number, QUESTION));
    TRY(path_of(answer_file, desk->folder, number, ANSWER));
    question = read_json(question_file);
    if (unlink(question_file) != 0 || question == NULL)
        goto out;
    answer = answer_to(desk, question);
    REQUIRE(answer != NULL, err, SKS_ERROR_STORAGE, "no memory for an answer");
    rc = write_json(answer_file, answer, err);
out:
    json_decref(question);
    json_decref(answer);
    return rc;
}

static enum sks_status look(const struct desk *desk, struct sks_error *err)
{
    DIR *folder = opendir(desk->folder);
    const struct dirent *entry;
    enum sks_status rc = SKS_OK;

    REQUIRE(folder != NULL, err, SKS_ERROR_EXTERNAL, "%s: %s", desk->folder, strerror(errno));
    while (rc == SKS_OK && (entry = readdir(folder)) != NULL) {
        const char *ending = strchr(entry->d_name, '.');
        char number[NUMBER_SIZE + 1];

        if (ending == NULL || strcmp(ending, QUESTION) != 0 ||
            (size_t)(ending - entry->d_name) >= sizeof number)
            continue; /* not ours, or not whole yet */
        (void)snprintf(number, sizeof number, "%.*s", (int)(ending - entry->d_name), entry->d_name);
        rc = take_question(desk, number, err);
    }
    (void)closedir(folder);
out:
    return rc;
}

enum sks_status desk_serve(const char *folder, desk_clerk *clerk, void *ctx,
                           const volatile sig_atomic_t *stop, struct sks_error *err)
{
    const struct desk desk = { folder, clerk, ctx };
    enum sks_status rc = SKS_OK;

    while (*stop == 0) {
        TRY(look(&desk, err));
        pause_shortly();
    }
out:
    return rc;
}
