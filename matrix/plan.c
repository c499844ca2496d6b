#include "matrix/plan.h"

#include "proxy/attack/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 400, NAMES_MAX = 64 };

static const char UNKNOWN[] = "{\"name\":\"unknown\",\"value\":1}";

/* A message that was seen, to count its occurrences and to be replayed later. */
struct seen {
    enum hop hop;
    bool answer;
    char name[MESSAGE_NAME_MAX];
    uint32_t count;
};

struct plan {
    struct arena arena;
    struct plan_case *item;
    size_t count, room;
    bool failed;
    struct seen seen[NAMES_MAX];
    size_t names;
};

/* What is under way. */
struct walk {
    struct plan *plan;
    const struct message *message;
    bool answer;
    uint32_t occurrence;
    char path[PATH_MAX_BYTES];
};

/* ---- one case ---- */

static struct plan_case *new_case(struct plan *plan)
{
    size_t room = plan->room == 0 ? 256 : 2 * plan->room;
    struct plan_case *item;

    if (plan->count == plan->room) {
        item = realloc(plan->item, room * sizeof *item);
        if (item == NULL)
            return NULL;
        plan->item = item;
        plan->room = room;
    }
    return &plan->item[plan->count++];
}

static json_t *make_rule(const struct walk *w, uint8_t operation, const char *more)
{
    json_t *rule = json_pack(
        "{s:s, s:s, s:s, s:s, s:I}", "hop", name_of_value(HOP_NAMES, (uint8_t)w->message->hop),
        "message", w->message->name, "direction", w->answer ? "answer" : "request", "operation",
        name_of_value(OPERATION_NAMES, operation), "occurrence", (json_int_t)w->occurrence);
    json_t *extra = more == NULL ? NULL : json_loads(more, 0, NULL);

    if (operation_is_of_value(operation))
        (void)json_object_set_new(rule, "path", json_string(w->path));
    (void)json_object_update(rule, extra);
    json_decref(extra);
    return rule;
}

/* @param more  members of the rule besides, as a JSON object; NULL: none */
static void add_case(struct walk *w, uint8_t operation, const char *more)
{
    struct plan *plan = w->plan;
    json_t *file = json_pack("{s:[o]}", "rules", make_rule(w, operation, more));
    char *text = file == NULL ? NULL : json_dumps(file, JSON_COMPACT);
    struct plan_case *item = text == NULL ? NULL : new_case(plan);

    if (item != NULL) {
        *item = (struct plan_case){
            .hop = w->message->hop,
            .answer = w->answer,
            .operation = operation,
            .occurrence = w->occurrence,
            .message = arena_text(&plan->arena, bytes_of(w->message->name)),
            .path = arena_text(&plan->arena, bytes_of(w->path)),
            .rules = arena_text(&plan->arena, bytes_of(text)),
        };
        plan->failed = plan->failed || item->rules == NULL;
    }
    plan->failed = plan->failed || item == NULL;
    free(text);
    json_decref(file);
}

/* ---- nodes ---- */

/* On the wire a field cannot be missing, unknown or of another kind. */
static bool is_free(const struct walk *w)
{
    return w->message->hop == HOP_ISSUER;
}

static void add_any(struct walk *w, bool element)
{
    static const uint8_t FREE[] = { OPERATION_DELETE, OPERATION_TYPE };

    for (size_t i = 0; i < NITEMS(FREE); i++)
        if (is_free(w) || (element && FREE[i] == OPERATION_DELETE))
            add_case(w, FREE[i], NULL);
    if (element)
        add_case(w, OPERATION_DUPLICATE, NULL);
    add_case(w, OPERATION_SWAP, NULL);
}

static void add_flips(struct walk *w, size_t characters)
{
    size_t bits = characters * 6 / 8 * 8; /* as if it were base64url */
    const size_t at[] = { 0, bits / 2 / 8 * 8 + 3, bits < 8 ? 0 : bits - 8 };
    char more[32];

    for (size_t i = 0; i < NITEMS(at) && at[i] < bits; i++) {
        (void)snprintf(more, sizeof more, "{\"bit\":%zu}", at[i]);
        add_case(w, OPERATION_FLIP, more);
    }
}

static void add_string(struct walk *w, const json_t *value)
{
    static const uint8_t OF_STRINGS[] = { OPERATION_TRUNCATE, OPERATION_EXTEND, OPERATION_EMPTY,
                                          OPERATION_SHIFT };

    add_flips(w, json_string_length(value));
    for (size_t i = 0; i < NITEMS(OF_STRINGS); i++)
        add_case(w, OF_STRINGS[i], NULL);
    if (!is_free(w) && json_string_length(value) > 80)
        add_case(w, OPERATION_OWN_KEY, NULL);
}

static void add_number(struct walk *w)
{
    static const uint8_t OF_NUMBERS[] = { OPERATION_ZERO, OPERATION_INCREMENT, OPERATION_DECREMENT,
                                          OPERATION_MAXIMUM };

    for (size_t i = 0; i < NITEMS(OF_NUMBERS); i++)
        add_case(w, OF_NUMBERS[i], NULL);
}

static void walk_value(struct walk *w, const json_t *value, bool element);

static void walk_at(struct walk *w, const char *step, const json_t *value, bool element)
{
    size_t before = strlen(w->path);

    if (snprintf(w->path + before, sizeof w->path - before, "/%s", step) <
        (int)(sizeof w->path - before))
        walk_value(w, value, element);
    w->path[before] = '\0';
}

/* Names of properties have neither '/' nor '~' here, so that no step wants an escape. */
static void walk_object(struct walk *w, const json_t *value)
{
    const char *name;
    json_t *member;

    if (is_free(w)) {
        add_case(w, OPERATION_INSERT, UNKNOWN);
        add_case(w, OPERATION_EMPTY, NULL);
        if (json_object_get(value, "kty") != NULL)
            add_case(w, OPERATION_OWN_KEY, NULL);
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member) walk_at(w, name, member, false);
}

static void walk_array(struct walk *w, const json_t *value)
{
    char index[24];

    add_case(w, OPERATION_EMPTY, NULL);
    for (size_t i = 0; i < json_array_size(value); i++) {
        (void)snprintf(index, sizeof index, "%zu", i);
        walk_at(w, index, json_array_get(value, i), true);
    }
}

static void walk_value(struct walk *w, const json_t *value, bool element)
{
    add_any(w, element);
    if (json_is_string(value))
        add_string(w, value);
    else if (json_is_integer(value))
        add_number(w);
    else if (json_is_boolean(value))
        add_case(w, OPERATION_INVERT, NULL);
    else if (json_is_object(value))
        walk_object(w, value);
    else if (json_is_array(value))
        walk_array(w, value);
}

/* ---- messages ---- */

static void add_replays(struct walk *w)
{
    char more[MESSAGE_NAME_MAX + 20];

    for (size_t i = 0; i < w->plan->names; i++) {
        const struct seen *seen = &w->plan->seen[i];

        if (seen->hop != w->message->hop || seen->answer != w->answer)
            continue;
        (void)snprintf(more, sizeof more, "{\"of\":\"%s\"}", seen->name);
        add_case(w, OPERATION_REPLAY, more);
    }
}

static void add_whole(struct walk *w)
{
    add_case(w, OPERATION_DROP, NULL);
    if (!w->answer) {
        add_case(w, OPERATION_REPEAT, NULL);
        add_case(w, OPERATION_REFLECT, NULL);
    }
    add_replays(w);
}

static uint32_t count_seen(struct plan *plan, const struct message *message, bool answer)
{
    struct seen *seen;

    for (size_t i = 0; i < plan->names; i++) {
        seen = &plan->seen[i];
        if (seen->hop == message->hop && seen->answer == answer &&
            strcmp(seen->name, message->name) == 0)
            return ++seen->count;
    }
    if (plan->names == NAMES_MAX) {
        plan->failed = true;
        return 1;
    }
    seen = &plan->seen[plan->names++];
    *seen = (struct seen){ message->hop, answer, "", 1 };
    memcpy(seen->name, message->name, sizeof seen->name);
    return 1;
}

void plan_watch(void *ctx, const struct message *message, bool answer, struct bytes body)
{
    struct plan *plan = ctx;
    struct walk w = { .plan = plan, .message = message, .answer = answer };
    const char *name;
    json_t *member;

    (void)body;
    if (message->name[0] == '\0' || message->decoded == NULL)
        return;
    w.occurrence = count_seen(plan, message, answer);
    add_whole(&w);
    if (is_free(&w))
        add_case(&w, OPERATION_INSERT, UNKNOWN);
    json_object_foreach(message->decoded, name, member) walk_at(&w, name, member, false);
}

void plan_add(struct plan *plan, const struct plan_case *item)
{
    struct plan_case *made = new_case(plan);

    plan->failed = plan->failed || made == NULL;
    if (made == NULL)
        return;
    *made = *item;
    made->message = arena_text(&plan->arena, bytes_of(item->message));
    made->path = arena_text(&plan->arena, bytes_of(item->path));
    made->rules = arena_text(&plan->arena, bytes_of(item->rules));
    plan->failed = made->message == NULL || made->path == NULL || made->rules == NULL;
}

bool plan_is_below(const char *path, struct bytes other)
{
    size_t len = strlen(path);

    return len >= other.len && (other.len == 0 || memcmp(path, other.ptr, other.len) == 0) &&
           (path[other.len] == '\0' || path[other.len] == '/');
}

struct plan *plan_new(void)
{
    return calloc(1, sizeof(struct plan));
}

const struct plan_case *plan_cases(const struct plan *plan, size_t *count)
{
    *count = plan->count;
    return plan->failed ? NULL : plan->item;
}

void plan_free(struct plan *plan)
{
    if (plan == NULL)
        return;
    arena_free(&plan->arena);
    free(plan->item);
    free(plan);
}
