/* The cases of a message as a whole: its octets, its way, its answer. */
#include "matrix/plan_internal.h"

#include <stdio.h>
#include <string.h>

enum {
    OCTETS = 10,       /* of a body that are altered, evenly over it */
    LIFE_TIME = 100000 /* seconds: more than a session has */
};

static const char SUCCESS[] = "{\"value\":{\"verdict\":\"succeeded\"}}";

/* ---- octets ---- */

/* Where two documents differ; where there is more than one place, what holds them all. */
static void find_difference(const json_t *a, const json_t *b, char *path, size_t size)
{
    const json_t *left = NULL, *right = NULL;
    const char *name;
    char step[PLAN_PATH_MAX] = "";
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

static void add_octet_flip(struct plan_walk *w, size_t place)
{
    const struct message asked = { .hop = w->message->hop, .method = w->message->method };
    const char *type = w->message->hop == HOP_TOKEN ? "application/octet-stream" : NULL;
    char path[PLAN_PATH_MAX] = "";
    struct message altered = { 0 };
    struct buf body = { 0 };

    put_raw(&body, w->body);
    if (body.status == SKS_OK) {
        body.ptr[place] ^= (uint8_t)(1U << place % 8);
        message_read(type, buf_bytes(&body), w->answer ? &asked : NULL, &altered);
        if (altered.decoded != NULL)
            find_difference(w->message->decoded, altered.decoded, path, sizeof path);
        w->hit = path;
        plan_add_case(w, OPERATION_FLIP,
                      json_pack("{s:I}", "bit", (json_int_t)(8 * place + place % 8)));
        w->hit = NULL;
    }
    w->plan->failed = w->plan->failed || body.status != SKS_OK;
    message_free(&altered);
    buf_free(&body);
}

/* The stride begins elsewhere in each message, so that all kinds of octets have their turn. */
void plan_add_octets(struct plan_walk *w)
{
    size_t len = w->body.len, count = len < OCTETS ? len : OCTETS;
    size_t first = count == 0 ? 0 : (w->plan->count * 7 + w->occurrence) % (len / count);

    for (size_t i = 0; i < count; i++)
        add_octet_flip(w, first + i * len / count < len ? first + i * len / count : len - 1);
    plan_add_text(w, OPERATION_TRUNCATE, NULL);
    plan_add_case(w, OPERATION_TRUNCATE, json_pack("{s:I}", "bytes", (json_int_t)((len + 1) / 2)));
    plan_add_text(w, OPERATION_EXTEND, NULL);
    plan_add_text(w, OPERATION_EMPTY, NULL);
}

/* ---- messages ---- */

static void add_replays(struct plan_walk *w)
{
    for (size_t i = 0; i < w->plan->names; i++) {
        const struct plan_seen *seen = &w->plan->seen[i];

        if (seen->hop != w->message->hop || seen->answer != w->answer ||
            (seen->count < 2 && strcmp(seen->name, w->message->name) == 0))
            continue;
        plan_add_case(w, OPERATION_REPLAY,
                      json_pack("{s:s, s:s}", "of", seen->name, "from", "this-session"));
    }
    for (uint8_t i = PLAN_EARLIER_SESSION; i < PLAN_SOURCES; i++) {
        w->source = i;
        if (w->other[i] != NULL && !json_equal(w->other[i], w->message->decoded))
            plan_add_text(w, OPERATION_REPLAY, "{\"from\":\"another-session\"}");
    }
    w->source = PLAN_THIS_SESSION;
}

void plan_add_whole(struct plan_walk *w)
{
    plan_add_text(w, OPERATION_DROP, NULL);
    plan_add_case(w, OPERATION_DELAY, json_pack("{s:I}", "seconds", (json_int_t)LIFE_TIME));
    if (!w->answer) {
        plan_add_text(w, OPERATION_REPEAT, NULL);
        plan_add_text(w, OPERATION_REFLECT, NULL);
        if (plan_is_free(w))
            plan_add_text(w, OPERATION_FORGE, SUCCESS);
    }
    add_replays(w);
    if (w->other[PLAN_OTHER_DEVICE] != NULL &&
        !json_equal(w->other[PLAN_OTHER_DEVICE], w->message->decoded))
        plan_add_text(w, OPERATION_CROSS, NULL);
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
void plan_add_forgeries(const struct plan_walk *answer)
{
    struct plan *plan = answer->plan;
    struct plan_walk w = { .plan = plan,
                           .message = &plan->last,
                           .occurrence = plan->last_occurrence };
    bool octets = answer->message->hop == HOP_TOKEN;
    const json_t *value = octets ? answer->message->decoded : answer->other[PLAN_OTHER_DEVICE];

    if (octets) {
        w = *answer;
        plan_add_text(&w, OPERATION_FORGE, "{\"value\":{\"status\":6,\"errorString\":\"forged\"}}");
        w = (struct plan_walk){ .plan = plan,
                                .message = &plan->last,
                                .occurrence = plan->last_occurrence };
    }
    if (plan->last.name[0] == '\0' || value == NULL)
        return;
    plan_add_case(&w, OPERATION_FORGE, json_pack("{s:o}", "value", forge_answer(value)));
    if (octets)
        plan_add_case(&w, OPERATION_REORDER, json_pack("{s:o}", "value", forge_answer(value)));
}

/* The same message of other sessions. */
void plan_read_others(struct plan_walk *w)
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
