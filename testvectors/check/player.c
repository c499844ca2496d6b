#include "testvectors/check/player.h"

#include <string.h>

static size_t number_of(struct player *p, const json_t *operation, const char *name)
{
    const json_t *value = json_object_get(operation, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        subject_break(p->s, "operation without %s", name);
    return (size_t)json_integer_value(value);
}

static void alter_body(struct player *p, const char *op, const json_t *operation, struct made *call)
{
    const char *part = json_string_value(json_object_get(operation, "part"));
    const bool answer = part != NULL && strcmp(part, "answer") == 0;
    struct buf *body = answer ? &call->answer : &call->request;
    size_t at;

    if (answer)
        call->answer_altered = true;
    else
        call->request_altered = true;
    if (strcmp(op, "flip") == 0) {
        at = number_of(p, operation, "offset");
        if (at >= body->len || number_of(p, operation, "bit") > 7)
            subject_break(p->s, "operation beyond the end");
        else
            body->ptr[at] ^= (uint8_t)(1U << number_of(p, operation, "bit"));
    } else if (strcmp(op, "cut") == 0 && number_of(p, operation, "length") < body->len) {
        body->len = number_of(p, operation, "length");
    } else if (strcmp(op, "append") == 0) {
        put_raw(body, subject_hex(p->s, json_object_get(operation, "bytes")));
    } else {
        subject_break(p->s, "no such operation: %s", op);
    }
}

static void copy_call(struct made *to, const struct made *from)
{
    *to = (struct made){ .exchange = from->exchange };
    put_raw(&to->request, buf_bytes(&from->request));
    put_raw(&to->answer, buf_bytes(&from->answer));
}

static void free_call(struct made *call)
{
    buf_free(&call->request);
    buf_free(&call->answer);
}

static void alter(struct player *p, const json_t *operation)
{
    const char *op = json_string_value(json_object_get(operation, "op"));
    const size_t step = number_of(p, operation, "step");
    struct made other;

    if (op == NULL || step >= p->count || p->count == CALLS_MAX) {
        subject_break(p->s, "no such operation or step");
    } else if (strcmp(op, "remove") == 0) {
        free_call(&p->call[step]);
        memmove(&p->call[step], &p->call[step + 1], (--p->count - step) * sizeof p->call[0]);
    } else if (strcmp(op, "repeat") == 0) {
        memmove(&p->call[step + 1], &p->call[step], (p->count++ - step) * sizeof p->call[0]);
        copy_call(&p->call[step], &p->call[step + 1]);
    } else if (strcmp(op, "swap") == 0 && number_of(p, operation, "with") < p->count) {
        other = p->call[step];
        p->call[step] = p->call[number_of(p, operation, "with")];
        p->call[number_of(p, operation, "with")] = other;
    } else if (strcmp(op, "wait") == 0) {
        p->call[step].wait = (uint32_t)number_of(p, operation, "seconds");
    } else {
        alter_body(p, op, operation, &p->call[step]);
    }
}

void player_load(struct player *p)
{
    const json_t *exchanges = subject_value(p->s, "exchanges"),
                 *operations =
                     subject_has(p->s, "calls") ? NULL : subject_value(p->s, "operations");

    for (size_t i = 0; i < json_array_size(exchanges) && i < CALLS_MAX - 1; i++) {
        struct made *call = &p->call[p->count++];

        *call = (struct made){ .exchange = json_array_get(exchanges, i) };
        put_raw(&call->request, subject_hex(p->s, json_object_get(call->exchange, "request")));
        put_raw(&call->answer, subject_hex(p->s, json_object_get(call->exchange, "answer")));
    }
    for (size_t i = 0; i < json_array_size(operations); i++)
        alter(p, json_array_get(operations, i));
}

void player_unload(struct player *p)
{
    for (size_t i = 0; i < p->count; i++)
        free_call(&p->call[i]);
}
