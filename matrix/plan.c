#include "matrix/plan.h"

#include "matrix/plan_internal.h"
#include "proxy/attack/operations.h"
#include "proxy/attack/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const PLAN_SOURCE_NAMES[PLAN_SOURCES] = {
    [PLAN_THIS_SESSION] = "this session",
    [PLAN_EARLIER_SESSION] = "an earlier session",
    [PLAN_OTHER_DEVICE] = "a session of another device",
};

static const char UNKNOWN[] = "{\"name\":\"unknown\",\"value\":1}";

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

static json_t *make_rule(const struct plan_walk *w, uint8_t operation, json_t *more)
{
    json_t *rule = json_pack(
        "{s:s, s:s, s:s, s:s, s:I}", "hop", name_of_value(HOP_NAMES, (uint8_t)w->message->hop),
        "message", w->message->name, "direction", w->answer ? "answer" : "request", "operation",
        name_of_value(OPERATION_NAMES, operation), "occurrence", (json_int_t)w->occurrence);

    if (w->path[0] != '\0')
        (void)json_object_set_new(rule, "path", json_string(w->path));
    (void)json_object_update(rule, more);
    return rule;
}

/* What cannot be done to this message is no case. What is taken from elsewhere was looked at. */
static bool fits(const struct plan_walk *w, const char *text)
{
    struct message message = *w->message;
    struct arena arena = { 0 };
    struct rule_file file;
    struct own_keys keys = { 0 };
    struct buf body = { 0 };
    const struct rule *rule = NULL;
    bool good = rules_read(bytes_of(text), &file, &arena, NULL) == SKS_OK;

    if (good)
        rule = file.rules.item;
    if (good && operation_is_of_value(rule->operation) && rule->path.len > 0 &&
        rule->operation != OPERATION_SPLICE) {
        message.decoded = json_deep_copy(w->message->decoded);
        good =
            operation_apply(&(struct operation_context){ rule, &message, w->answer, NULL, &keys },
                            NULL) == SKS_OK &&
            !json_equal(message.decoded, w->message->decoded) &&
            message_write(&message, w->answer, &body, NULL) == SKS_OK;
        json_decref(message.decoded);
    }
    own_keys_free(&keys);
    buf_free(&body);
    arena_free(&arena);
    return good;
}

static uint32_t count_alike(const struct plan *plan, const struct plan_case *item)
{
    const struct plan_case *before = item == plan->item ? NULL : item - 1;

    return before != NULL && before->hop == item->hop && before->answer == item->answer &&
                   before->operation == item->operation && before->occurrence == item->occurrence &&
                   before->source == item->source && strcmp(before->message, item->message) == 0 &&
                   strcmp(before->path, item->path) == 0
               ? before->nth + 1
               : 0;
}

static void keep_case(struct plan_walk *w, uint8_t operation, const char *text)
{
    struct plan *plan = w->plan;
    struct plan_case *item = new_case(plan);

    if (item != NULL) {
        *item = (struct plan_case){
            .hop = w->message->hop,
            .answer = w->answer,
            .operation = operation,
            .occurrence = w->occurrence,
            .message = arena_text(&plan->arena, bytes_of(w->message->name)),
            .path = arena_text(&plan->arena, bytes_of(w->path)),
            .hit = w->hit == NULL ? NULL : arena_text(&plan->arena, bytes_of(w->hit)),
            .source = w->source,
            .rules = arena_text(&plan->arena, bytes_of(text)),
        };
        plan->failed = plan->failed || item->message == NULL || item->path == NULL ||
                       (item->hit == NULL) != (w->hit == NULL) || item->rules == NULL;
        if (!plan->failed)
            item->nth = count_alike(plan, item);
    }
    plan->failed = plan->failed || item == NULL;
}

/* @param more  members of the rule besides, as a JSON object; NULL: none */
void plan_add_case(struct plan_walk *w, uint8_t operation, json_t *more)
{
    json_t *file = json_pack("{s:[o]}", "rules", make_rule(w, operation, more));
    char *text = file == NULL ? NULL : json_dumps(file, JSON_COMPACT);

    if (text == NULL)
        w->plan->failed = true;
    else if (fits(w, text))
        keep_case(w, operation, text);
    free(text);
    json_decref(more);
    json_decref(file);
}

void plan_add_text(struct plan_walk *w, uint8_t operation, const char *more)
{
    plan_add_case(w, operation, more == NULL ? NULL : json_loads(more, 0, NULL));
}

/* ---- nodes ---- */

/* What stands there in other sessions. */
static void add_splices(struct plan_walk *w, const json_t *value)
{
    for (uint8_t i = PLAN_EARLIER_SESSION; i < PLAN_SOURCES; i++) {
        struct place place;

        if (w->other[i] == NULL || !place_find(w->other[i], bytes_of(w->path), &place) ||
            json_equal(place.value, value))
            continue;
        w->source = i;
        plan_add_text(w, OPERATION_SPLICE, NULL);
        w->source = PLAN_THIS_SESSION;
    }
}

static void add_any(struct plan_walk *w, const json_t *value, bool element)
{
    static const uint8_t FREE[] = { OPERATION_DELETE, OPERATION_TYPE };

    for (size_t i = 0; i < NITEMS(FREE); i++)
        if (plan_is_free(w) || (element && FREE[i] == OPERATION_DELETE))
            plan_add_text(w, FREE[i], NULL);
    if (element)
        plan_add_text(w, OPERATION_DUPLICATE, NULL);
    plan_add_text(w, OPERATION_SWAP, NULL);
    add_splices(w, value);
}

static void add_flips(struct plan_walk *w, size_t characters)
{
    size_t bits = characters * 6 / 8 * 8; /* as if it were base64url */
    const size_t at[] = { 0, bits / 2 / 8 * 8 + 3, bits < 8 ? 0 : bits - 8 };
    char more[32];

    for (size_t i = 0; i < NITEMS(at) && at[i] < bits; i++) {
        (void)snprintf(more, sizeof more, "{\"bit\":%zu}", at[i]);
        plan_add_text(w, OPERATION_FLIP, more);
    }
}

static void add_string(struct plan_walk *w, const json_t *value)
{
    static const uint8_t OF_STRINGS[] = { OPERATION_TRUNCATE, OPERATION_EXTEND, OPERATION_EMPTY,
                                          OPERATION_SHIFT };

    add_flips(w, json_string_length(value));
    for (size_t i = 0; i < NITEMS(OF_STRINGS); i++)
        plan_add_text(w, OF_STRINGS[i], NULL);
    if (!plan_is_free(w) && json_string_length(value) > 80)
        plan_add_text(w, OPERATION_OWN_KEY, NULL);
}

static void add_number(struct plan_walk *w)
{
    static const uint8_t OF_NUMBERS[] = { OPERATION_ZERO, OPERATION_INCREMENT, OPERATION_DECREMENT,
                                          OPERATION_MAXIMUM };

    for (size_t i = 0; i < NITEMS(OF_NUMBERS); i++)
        plan_add_text(w, OF_NUMBERS[i], NULL);
}

static void walk_value(struct plan_walk *w, const json_t *value, bool element);

static void walk_at(struct plan_walk *w, const char *step, const json_t *value, bool element)
{
    size_t before = strlen(w->path);

    if (snprintf(w->path + before, sizeof w->path - before, "/%s", step) <
        (int)(sizeof w->path - before))
        walk_value(w, value, element);
    w->path[before] = '\0';
}

/* Names of properties have neither '/' nor '~' here, so that no step wants an escape. */
static void walk_object(struct plan_walk *w, const json_t *value)
{
    const char *name;
    json_t *member;

    if (plan_is_free(w)) {
        plan_add_text(w, OPERATION_INSERT, UNKNOWN);
        plan_add_text(w, OPERATION_EMPTY, NULL);
        if (json_object_get(value, "kty") != NULL)
            plan_add_text(w, OPERATION_OWN_KEY, NULL);
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member) walk_at(w, name, member, false);
}

static void walk_array(struct plan_walk *w, const json_t *value)
{
    char index[24];

    if (json_array_size(value) ==
        0) /* all that can be done to it; the lists of calls are of URIs */
        plan_add_text(w, OPERATION_REPLACE,
                      "{\"value\":[\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"]}");
    plan_add_text(w, OPERATION_EMPTY, NULL);
    for (size_t i = 0; i < json_array_size(value); i++) {
        (void)snprintf(index, sizeof index, "%zu", i);
        walk_at(w, index, json_array_get(value, i), true);
    }
}

static void walk_value(struct plan_walk *w, const json_t *value, bool element)
{
    add_any(w, value, element);
    if (json_is_string(value))
        add_string(w, value);
    else if (json_is_integer(value))
        add_number(w);
    else if (json_is_boolean(value))
        plan_add_text(w, OPERATION_INVERT, NULL);
    else if (json_is_object(value))
        walk_object(w, value);
    else if (json_is_array(value))
        walk_array(w, value);
}

static uint32_t count_seen(struct plan *plan, const struct message *message, bool answer)
{
    struct plan_seen *seen;

    for (size_t i = 0; i < plan->names; i++) {
        seen = &plan->seen[i];
        if (seen->hop == message->hop && seen->answer == answer &&
            strcmp(seen->name, message->name) == 0)
            return ++seen->count;
    }
    if (plan->names == PLAN_NAMES_MAX) {
        plan->failed = true;
        return 1;
    }
    seen = &plan->seen[plan->names++];
    *seen = (struct plan_seen){ message->hop, answer, "", 1 };
    memcpy(seen->name, message->name, sizeof seen->name);
    return 1;
}

void plan_watch(void *ctx, const struct message *message, bool answer, struct bytes body)
{
    struct plan *plan = ctx;
    struct plan_walk w = { .plan = plan, .message = message, .answer = answer, .body = body };
    const char *name;
    json_t *member;

    if (message->name[0] == '\0' || message->decoded == NULL)
        return;
    w.occurrence = count_seen(plan, message, answer);
    plan_read_others(&w);
    plan_add_whole(&w);
    if (plan_is_free(&w))
        plan_add_text(&w, OPERATION_INSERT, UNKNOWN);
    json_object_foreach(message->decoded, name, member) walk_at(&w, name, member, false);
    plan_add_octets(&w);
    if (answer) {
        plan_add_forgeries(&w);
    } else {
        plan->last = *message;
        plan->last.decoded = NULL;
        plan->last_occurrence = w.occurrence;
    }
    for (size_t i = 0; i < PLAN_SOURCES; i++)
        json_decref(w.other[i]);
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

bool plan_fits(const char *pattern, const char *path, bool below)
{
    while (*pattern == '/') {
        size_t wanted = strcspn(pattern + 1, "/"), given;

        if (strcmp(pattern, "/**") == 0)
            return true;
        if (*path != '/')
            return false;
        given = strcspn(path + 1, "/");
        if (!(wanted == 1 && pattern[1] == '*') &&
            (wanted != given || memcmp(pattern, path, given + 1) != 0))
            return false;
        pattern += wanted + 1;
        path += given + 1;
    }
    return *path == '\0' || (below && *path == '/');
}

struct plan *plan_new(struct recording *const other[PLAN_SOURCES])
{
    struct plan *plan = calloc(1, sizeof *plan);

    for (size_t i = 0; plan != NULL && i < PLAN_SOURCES; i++)
        plan->other[i] = other[i];
    return plan;
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
