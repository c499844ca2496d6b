/*
 * Does the plan leave anything out? Each node of each message of a clean session, gathered here
 * anew, must have its cases, and each message as a whole.
 *
 *   coverage [SCENARIO]...
 */
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "matrix/sweep.h"
#include "tests/plain/support/must.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_MAX = 700 };

/* A clean session: what there is, by "hop message answer occurrence path", and the plan of it. */
struct session {
    struct plan *plan;
    json_t *nodes; /* the values */
    json_t *seen;  /* messages by name: how many */
};

/* ---- what there is ---- */

static void gather(struct session *s, const char *key, const json_t *value)
{
    char below[KEY_MAX];
    const char *name;
    json_t *member;
    size_t i;

    (void)json_object_set(s->nodes, key, (json_t *)(uintptr_t)value);
    if (json_is_object(value))
        json_object_foreach((json_t *)(uintptr_t)value, name, member)
        {
            must(snprintf(below, sizeof below, "%s/%s", key, name) < KEY_MAX, "length of a path");
            gather(s, below, member);
        }
    else if (json_is_array(value))
        json_array_foreach(value, i, member)
        {
            must(snprintf(below, sizeof below, "%s/%zu", key, i) < KEY_MAX, "length of a path");
            gather(s, below, member);
        }
}

static void watch(void *ctx, const struct message *message, bool answer, struct bytes body)
{
    struct session *s = ctx;
    char name[KEY_MAX / 2], key[KEY_MAX];
    json_int_t count;

    plan_watch(s->plan, message, answer, body);
    if (message->name[0] == '\0')
        return;
    must(message->decoded != NULL, message->name);
    (void)snprintf(name, sizeof name, "%d %s %d", (int)message->hop, message->name, (int)answer);
    count = json_integer_value(json_object_get(s->seen, name)) + 1;
    (void)json_object_set_new(s->seen, name, json_integer(count));
    (void)snprintf(key, sizeof key, "%s %lld ", name, (long long)count);
    gather(s, key, message->decoded);
}

/* ---- what is planned ---- */

/* By the same keys: names of the operations. */
static json_t *planned(const struct plan *plan)
{
    json_t *all = json_object();
    size_t count;
    const struct plan_case *item = plan_cases(plan, &count);

    must(item != NULL, "memory for a plan");
    for (size_t i = 0; i < count; i++) {
        char key[KEY_MAX];
        json_t *names;

        (void)snprintf(key, sizeof key, "%d %s %d %u %s", (int)item[i].hop, item[i].message,
                       (int)item[i].answer, item[i].occurrence, item[i].path);
        names = json_object_get(all, key);
        if (names == NULL)
            (void)json_object_set_new(all, key, names = json_object());
        (void)json_object_set_new(names, name_of_value(OPERATION_NAMES, item[i].operation),
                                  json_true());
    }
    return all;
}

/* ---- what must be ---- */

/* All, or one of them, up to NULL. */
static bool has(const json_t *operations, bool all, const char *const *name)
{
    for (; *name != NULL; name++)
        if ((json_object_get(operations, *name) != NULL) != all)
            return !all;
    return all;
}

static const char *const WHOLE[] = { "drop", "delay", "flip", "truncate", "extend", "empty", NULL };
static const char *const REQUESTS[] = { "repeat", "reflect", NULL };
static const char *const NUMBERS[] = { "zero", "increment", "decrement", "maximum", NULL };
static const char *const BOOLEANS[] = { "invert", NULL };
static const char *const FORGERIES[] = { "forge", NULL };
static const char *const STRINGS[] = { "flip", "extend", NULL };
static const char *const FREE[] = { "delete", "type", NULL };
static const char *const ANY[] = { "empty",   "delete", "duplicate", "insert",
                                   "replace", "swap",   "type",      NULL };

/* What of a node's cases is missing; NULL: nothing. */
static const char *missing(const char *key, const json_t *value, const json_t *operations)
{
    const char *path = strchr(key, '/');
    bool free_form = key[0] == '0' + HOP_ISSUER, request = strstr(key, " 0 ") != NULL;

    if (path == NULL) {
        if (!has(operations, true, WHOLE))
            return "the whole message";
        if (!free_form && !request && !has(operations, true, FORGERIES))
            return "a forged answer";
        return request && !has(operations, true, REQUESTS) ? "the whole request" : NULL;
    }
    if (free_form && !has(operations, true, FREE))
        return "delete and type";
    /* Alone it makes an answer of another form: that is a forgery of the whole one. */
    if (json_is_integer(value) && json_integer_value(value) == 0 && !free_form && !request)
        return NULL;
    if (json_is_integer(value))
        return has(operations, false, NUMBERS) ? NULL : "a number's";
    if (json_is_boolean(value))
        return has(operations, true, BOOLEANS) ? NULL : "a boolean's";
    if (json_is_string(value))
        return has(operations, false, STRINGS) ? NULL : "a string's";
    return has(operations, false, ANY) ? NULL : "any";
}

static size_t compare(const char *profile, const struct session *s)
{
    json_t *cases = planned(s->plan), *value;
    const char *key;
    size_t count = 0, bad = 0;

    json_object_foreach(s->nodes, key, value)
    {
        const char *what = missing(key, value, json_object_get(cases, key));

        count++;
        bad += what != NULL;
        if (what != NULL)
            (void)printf("%s: '%s' has no cases: %s\n", profile, key, what);
    }
    must(count > 100, "a session has some nodes");
    (void)printf("%-24s %5zu nodes, %zu without what they must have\n", profile, count, bad);
    (void)fflush(stdout);
    json_decref(cases);
    return bad;
}

/* ---- one scenario ---- */

static void run_clean(struct rig *rig, const char *profile, run_watcher *watcher, void *ctx)
{
    struct sks_error err = { 0 };
    struct run *run = calloc(1, sizeof *run);

    must(run != NULL, "memory");
    must(rig_run(rig, RIG_DEVICE, profile, NULL, watcher, ctx, run, &err) == SKS_OK, err.text);
    must(run->end == RUN_SUCCEEDED, run->cause);
    free(run);
}

static size_t try_scenario(const struct scenario *scenario, const char *folder,
                           struct made_keys *keys)
{
    struct recording *const none[PLAN_SOURCES] = { NULL };
    struct session s = { plan_new(none), json_object(), json_object() };
    const struct rig_ends ends = { .keys = keys };
    struct sks_error err = { 0 };
    struct rig *rig = NULL;
    char path[PATH_MAX];
    size_t bad;

    must(file_path(path, sizeof path, folder, scenario->profile) == SKS_OK &&
             file_make_folder(path, 0700, &err) == SKS_OK,
         "folder");
    must(rig_new(path, "issuer/profiles", &ends, &rig, &err) == SKS_OK, err.text);
    rig_set_waiting(rig, scenario->waits);
    for (size_t i = 0; scenario->before[i] != NULL; i++)
        if (strcmp(scenario->before[i], ROLL_OVER) == 0)
            must(rig_roll_over(rig, &err) == SKS_OK, err.text);
        else
            run_clean(rig, scenario->before[i], NULL, NULL);
    must(rig_try_wrong_pins(rig, RIG_DEVICE, &err) == SKS_OK, err.text);
    run_clean(rig, scenario->profile, watch, &s);
    bad = compare(scenario->profile, &s);
    rig_free(rig);
    plan_free(s.plan);
    json_decref(s.nodes);
    json_decref(s.seen);
    return bad;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat, (void)kind, (void)ftw;
    return remove(path);
}

static bool is_asked_for(const struct scenario *scenario, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], scenario->profile) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/sks-coverage.XXXXXX";
    struct sks_error err = { 0 };
    struct made_keys *keys;
    size_t bad = 0, tried = 0;

    log_set_level(LOG_LEVEL_NONE);
    must(mkdtemp(folder) != NULL, "temporary folder");
    must(made_keys_new(&keys, &err) == SKS_OK, err.text);
    for (size_t i = 0; i < SCENARIOS_COUNT; i++)
        if (is_asked_for(&SCENARIOS[i], argc, argv)) {
            bad += try_scenario(&SCENARIOS[i], folder, keys);
            tried++;
        }
    made_keys_free(keys);
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return tried == 0 ? 2 : bad > 0;
}
