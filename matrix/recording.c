#include "matrix/recording.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECTION = 1000 }; /* of none that is under way */

struct recorded {
    struct message message; /* without what it decodes to */
    bool answer;
    struct bytes body;
};

struct recording {
    struct arena arena;
    struct recorded *item;
    size_t count, room;
    bool failed;
};

struct recording *recording_new(void)
{
    return calloc(1, sizeof(struct recording));
}

void recording_watch(void *ctx, const struct message *message, bool answer, struct bytes body)
{
    struct recording *r = ctx;
    size_t room = r->room == 0 ? 64 : 2 * r->room;
    struct recorded *item = r->item;

    if (message->name[0] == '\0')
        return;
    if (r->count == r->room) {
        item = realloc(r->item, room * sizeof *item);
        if (item == NULL) {
            r->failed = true;
            return;
        }
        r->item = item;
        r->room = room;
    }
    item = &r->item[r->count++];
    *item = (struct recorded){ *message, answer, arena_copy(&r->arena, body) };
    item->message.decoded = NULL;
    r->failed = r->failed || item->body.ptr == NULL;
}

static bool is_of(const struct recorded *recorded, const struct message *message, bool answer)
{
    return recorded->message.hop == message->hop && recorded->answer == answer &&
           strcmp(recorded->message.name, message->name) == 0;
}

struct bytes recording_find(const struct recording *r, const struct message *message, bool answer,
                            uint32_t occurrence)
{
    for (size_t i = 0; i < r->count; i++)
        if (is_of(&r->item[i], message, answer) && --occurrence == 0)
            return r->item[i].body;
    return (struct bytes){ 0 };
}

void recording_show(const struct recording *r, const struct plan_case *item, struct attack *attack)
{
    struct message of = { .hop = item->hop };
    uint32_t left = item->occurrence;

    memcpy(of.name, item->message, strlen(item->message) + 1);
    for (size_t i = 0; i < r->count; i++) {
        const struct recorded *recorded = &r->item[i];

        if (is_of(recorded, &of, item->answer) && left-- == 0)
            return;
        attack_remember(attack, &recorded->message, recorded->answer, CONNECTION, recorded->body);
    }
}

bool recording_is_whole(const struct recording *r)
{
    return !r->failed;
}

void recording_free(struct recording *r)
{
    if (r == NULL)
        return;
    arena_free(&r->arena);
    free(r->item);
    free(r);
}
