#include "matrix/combine.h"

#include <stdlib.h>

uint64_t combine_draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717U;
}

static char *join_rules(const struct plan_case *const *part, size_t parts)
{
    json_t *rules = json_array(), *file = NULL;
    char *text = NULL;

    for (size_t i = 0; i < parts; i++) {
        json_t *one = json_loads(part[i]->rules, 0, NULL);

        (void)json_array_extend(rules, json_object_get(one, "rules"));
        json_decref(one);
    }
    if (json_array_size(rules) == parts && (file = json_pack("{s:O}", "rules", rules)) != NULL)
        text = json_dumps(file, JSON_COMPACT);
    json_decref(rules);
    json_decref(file);
    return text;
}

const struct plan_case *combine(const struct plan_case *const *part, size_t parts,
                                struct arena *arena)
{
    struct plan_case *made = arena_alloc(arena, 1, sizeof *made);
    const struct plan_case **kept = arena_alloc(arena, parts, sizeof *kept);
    char *rules = join_rules(part, parts);

    if (made == NULL || kept == NULL || rules == NULL) {
        free(rules);
        return NULL;
    }
    for (size_t i = 0; i < parts; i++)
        kept[i] = part[i];
    *made = *part[0];
    made->part = kept;
    made->parts = parts;
    made->rules = arena_text(arena, bytes_of(rules));
    free(rules);
    return made->rules == NULL ? NULL : made;
}

const struct plan_case *combine_random(const struct plan_case *item, const size_t *chosen,
                                       size_t count, uint64_t *state, struct arena *arena)
{
    const struct plan_case *part[COMBINE_MAX];
    size_t parts = 2 + combine_draw(state) % (COMBINE_MAX - 1);

    for (size_t i = 0; i < parts; i++)
        part[i] = &item[chosen[combine_draw(state) % count]];
    return combine(part, parts, arena);
}
