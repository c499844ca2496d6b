#include "proxy/attack/memory.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 512 };

struct kept {
    enum hop hop;
    bool answer;
    uint32_t connection;
    char name[MESSAGE_NAME_MAX];
    struct buf body;
};

struct memory {
    struct kept kept[KEPT_MAX]; /* a ring */
    size_t count;               /* all that were ever added */
};

struct memory *memory_new(void)
{
    return calloc(1, sizeof(struct memory));
}

void memory_add(struct memory *memory, const struct message *message, bool answer,
                uint32_t connection, struct bytes body)
{
    struct kept *kept = &memory->kept[memory->count++ % KEPT_MAX];

    buf_free(&kept->body);
    *kept = (struct kept){ message->hop, answer, connection, "", { 0 } };
    memcpy(kept->name, message->name, sizeof kept->name);
    put_raw(&kept->body, body);
}

static bool is_from(const struct kept *kept, enum rule_source from, uint32_t connection)
{
    return from == RULE_ANY_SESSION ||
           (kept->connection == connection) == (from == RULE_THIS_SESSION);
}

struct bytes memory_find(const struct memory *memory, enum hop hop, struct bytes name, bool answer,
                         enum rule_source from, uint32_t connection)
{
    size_t oldest = memory->count > KEPT_MAX ? memory->count - KEPT_MAX : 0;

    for (size_t i = memory->count; i > oldest; i--) {
        const struct kept *kept = &memory->kept[(i - 1) % KEPT_MAX];

        if (kept->hop == hop && kept->answer == answer && kept->body.status == SKS_OK &&
            is_from(kept, from, connection) && bytes_equal(bytes_of(kept->name), name))
            return buf_bytes(&kept->body);
    }
    return (struct bytes){ 0 };
}

void memory_free(struct memory *memory)
{
    if (memory == NULL)
        return;
    for (size_t i = 0; i < KEPT_MAX; i++)
        buf_free(&memory->kept[i].body);
    free(memory);
}
