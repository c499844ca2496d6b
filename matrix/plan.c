#include "matrix/plan.h"

#include "matrix/recording.h"
#include "proxy/attack/operations.h"
#include "proxy/attack/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_MAX_BYTES = 400,
    NAMES_MAX = 64,
    OCTETS = 10,       /* of a body that are altered, evenly over it */
    LIFE_TIME = 100000 /* seconds: more than a session has */
};

const char *const PLAN_SOURCE_NAMES[PLAN_SOURCES] = {
    [PLAN_THIS_SESSION] = "this session",
    [PLAN_EARLIER_SESSION] = "an earlier session",
    [PLAN_OTHER_DEVICE] = "a session of another device",
};

static const char SUCCESS[] = "{\"value\":{\"verdict\":\"succeeded\"}}";
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
    struct recording *other[PLAN_SOURCES];
    struct message last; /* the request that was seen last, without what it decodes to */
    uint32_t last_occurrence;
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
    struct bytes body;
    json_t *other[PLAN_SOURCES]; /* the same message of other sessions; NULL: there is none */
    uint8_t source;              /* of the cases that are added */
    const char *hit;             /* likewise; NULL: the path */
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

static json_t *make_rule(const struct walk *w, uint8_t operation, json_t *more)
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
static bool fits(const struct walk *w, const char *text)
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

static void keep_case(struct walk *w, uint8_t operation, const char *text)
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
static void add_case_of(struct walk *w, uint8_t operation, json_t *more)
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

static void add_case(struct walk *w, uint8_t operation, const char *more)
{
    add_case_of(w, operation, more == NULL ? NULL : json_loads(more, 0, NULL));
}

/* ---- nodes ---- */

/* On the wire a field cannot be missing, unknown or of another kind. */
static bool is_free(const struct walk *w)
{
    return w->message->hop == HOP_ISSUER;
}

/* What stands there in other sessions. */
static void add_splices(struct walk *w, const json_t *value)
{
    for (uint8_t i = PLAN_EARLIER_SESSION; i < PLAN_SOURCES; i++) {
        struct place place;

        if (w->other[i] == NULL || !place_find(w->other[i], bytes_of(w->path), &place) ||
            json_equal(place.value, value))
            continue;
        w->source = i;
        add_case(w, OPERATION_SPLICE, NULL);
        w->source = PLAN_THIS_SESSION;
    }
}

static void add_any(struct walk *w, const json_t *value, bool element)
{
    static const uint8_t FREE[] = { OPERATION_DELETE, OPERATION_TYPE };

    for (size_t i = 0; i < NITEMS(FREE); i++)
        if (is_free(w) || (element && FREE[i] == OPERATION_DELETE))
            add_case(w, FREE[i], NULL);
    if (element)
        add_case(w, OPERATION_DUPLICATE, NULL);
    add_case(w, OPERATION_SWAP, NULL);
    add_splices(w, value);
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

    if (json_array_size(value) ==
        0) /* all that can be done to it; the lists of calls are of URIs */
        add_case(w, OPERATION_REPLACE,
                 "{\"value\":[\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"]}");
    add_case(w, OPERATION_EMPTY, NULL);
    for (size_t i = 0; i < json_array_size(value); i++) {
        (void)snprintf(index, sizeof index, "%zu", i);
        walk_at(w, index, json_array_get(value, i), true);
    }
}

static void walk_value(struct walk *w, const json_t *value, bool element)
{
    add_any(w, value, element);
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

/* ---- octets ---- */

/* Where two documents differ; where there is more than one place, what holds them all. */
static void find_difference(const json_t *a, const json_t *b, char *path, size_t size)
{
    const json_t *left = NULL, *right = NULL;
    const char *name;
    char step[PATH_MAX_BYTES] = "";
    size_t differing = 0, used = strlen(path), i;
    json_t *value;

    if (json_is_object(a) && json_is_object(b) && json_object_size(a) == json_object_size(b))
        json_object_foreach((json_t *)(uintptr_t)a, name, value)
        {
            if (json_equal(value, json_object_get(b, name)))
                continue;
            differing++;
            left = value;
            right = json_object_get(b, name);
            (void)snprintf(step, sizeof step, "/%s", name);
        }
    else if (json_is_array(a) && json_is_array(b) && json_array_size(a) == json_array_size(b))
        json_array_foreach(a, i, value)
        {
            if (json_equal(value, json_array_get(b, i)))
                continue;
            differing++;
            left = value;
            right = json_array_get(b, i);
            (void)snprintf(step, sizeof step, "/%zu", i);
        }
    if (differing != 1 || used + strlen(step) >= size)
        return;
    memcpy(path + used, step, strlen(step) + 1);
    if (right != NULL) /* else it has another name now */
        find_difference(left, right, path, size);
}

static void add_octet_flip(struct walk *w, size_t place)
{
    const struct message asked = { .hop = w->message->hop, .method = w->message->method };
    const char *type = w->message->hop == HOP_TOKEN ? "application/octet-stream" : NULL;
    char path[PATH_MAX_BYTES] = "";
    struct message altered = { 0 };
    struct buf body = { 0 };

    put_raw(&body, w->body);
    if (body.status == SKS_OK) {
        body.ptr[place] ^= (uint8_t)(1U << place % 8);
        message_read(type, buf_bytes(&body), w->answer ? &asked : NULL, &altered);
        if (altered.decoded != NULL)
            find_difference(w->message->decoded, altered.decoded, path, sizeof path);
        w->hit = path;
        add_case_of(w, OPERATION_FLIP,
                    json_pack("{s:I}", "bit", (json_int_t)(8 * place + place % 8)));
        w->hit = NULL;
    }
    w->plan->failed = w->plan->failed || body.status != SKS_OK;
    message_free(&altered);
    buf_free(&body);
}

/* The stride begins elsewhere in each message, so that all kinds of octets have their turn. */
static void add_octets(struct walk *w)
{
    size_t len = w->body.len, count = len < OCTETS ? len : OCTETS;
    size_t first = count == 0 ? 0 : (w->plan->count * 7 + w->occurrence) % (len / count);

    for (size_t i = 0; i < count; i++)
        add_octet_flip(w, first + i * len / count < len ? first + i * len / count : len - 1);
    add_case(w, OPERATION_TRUNCATE, NULL);
    add_case_of(w, OPERATION_TRUNCATE, json_pack("{s:I}", "bytes", (json_int_t)((len + 1) / 2)));
    add_case(w, OPERATION_EXTEND, NULL);
    add_case(w, OPERATION_EMPTY, NULL);
}

/* ---- messages ---- */

static void add_replays(struct walk *w)
{
    for (size_t i = 0; i < w->plan->names; i++) {
        const struct seen *seen = &w->plan->seen[i];

        if (seen->hop != w->message->hop || seen->answer != w->answer ||
            (seen->count < 2 && strcmp(seen->name, w->message->name) == 0))
            continue;
        add_case_of(w, OPERATION_REPLAY,
                    json_pack("{s:s, s:s}", "of", seen->name, "from", "this-session"));
    }
    for (uint8_t i = PLAN_EARLIER_SESSION; i < PLAN_SOURCES; i++) {
        w->source = i;
        if (w->other[i] != NULL && !json_equal(w->other[i], w->message->decoded))
            add_case(w, OPERATION_REPLAY, "{\"from\":\"another-session\"}");
    }
    w->source = PLAN_THIS_SESSION;
}

static void add_whole(struct walk *w)
{
    add_case(w, OPERATION_DROP, NULL);
    add_case_of(w, OPERATION_DELAY, json_pack("{s:I}", "seconds", (json_int_t)LIFE_TIME));
    if (!w->answer) {
        add_case(w, OPERATION_REPEAT, NULL);
        add_case(w, OPERATION_REFLECT, NULL);
        if (is_free(w))
            add_case(w, OPERATION_FORGE, SUCCESS);
    }
    add_replays(w);
    if (w->other[PLAN_OTHER_DEVICE] != NULL &&
        !json_equal(w->other[PLAN_OTHER_DEVICE], w->message->decoded))
        add_case(w, OPERATION_CROSS, NULL);
}

/* ---- answers that are made without a key ---- */

/* Proofs are out of thin air; all else may be known. */
static json_t *forge_answer(const json_t *answer)
{
    static const char NOTHING[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    json_t *forged = json_deep_copy(answer);

    if (json_object_get(forged, "attestation") != NULL)
        (void)json_object_set_new(forged, "attestation", json_string(NOTHING));
    return forged;
}

/* A request that never gets there, or only later, and yet is answered. */
static void add_forgeries(const struct walk *answer)
{
    struct plan *plan = answer->plan;
    struct walk w = { .plan = plan, .message = &plan->last, .occurrence = plan->last_occurrence };
    bool octets = answer->message->hop == HOP_TOKEN;
    const json_t *value = octets ? answer->message->decoded : answer->other[PLAN_OTHER_DEVICE];

    if (octets) {
        w = *answer;
        add_case(&w, OPERATION_FORGE, "{\"value\":{\"status\":6,\"errorString\":\"forged\"}}");
        w = (struct walk){ .plan = plan,
                           .message = &plan->last,
                           .occurrence = plan->last_occurrence };
    }
    if (plan->last.name[0] == '\0' || value == NULL)
        return;
    add_case_of(&w, OPERATION_FORGE, json_pack("{s:o}", "value", forge_answer(value)));
    if (octets)
        add_case_of(&w, OPERATION_REORDER, json_pack("{s:o}", "value", forge_answer(value)));
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

/* The same message of other sessions. */
static void read_others(struct walk *w)
{
    const struct message asked = { .hop = w->message->hop, .method = w->message->method };
    const char *type = w->message->hop == HOP_TOKEN ? "application/octet-stream" : NULL;

    for (size_t i = 0; i < PLAN_SOURCES; i++) {
        struct message other = { 0 };

        if (w->plan->other[i] != NULL)
            message_read(type,
                         recording_find(w->plan->other[i], w->message, w->answer, w->occurrence),
                         w->answer ? &asked : NULL, &other);
        w->other[i] = other.decoded;
    }
}

void plan_watch(void *ctx, const struct message *message, bool answer, struct bytes body)
{
    struct plan *plan = ctx;
    struct walk w = { .plan = plan, .message = message, .answer = answer, .body = body };
    const char *name;
    json_t *member;

    if (message->name[0] == '\0' || message->decoded == NULL)
        return;
    w.occurrence = count_seen(plan, message, answer);
    read_others(&w);
    add_whole(&w);
    if (is_free(&w))
        add_case(&w, OPERATION_INSERT, UNKNOWN);
    json_object_foreach(message->decoded, name, member) walk_at(&w, name, member, false);
    add_octets(&w);
    if (answer) {
        add_forgeries(&w);
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
