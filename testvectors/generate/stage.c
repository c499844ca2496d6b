#include "testvectors/generate/stage.h"

#include <stdlib.h>

void stage_new(struct stage *g, struct suite *s, const char *profile)
{
    *g = (struct stage){ s, profile, malloc(sizeof *g->base), malloc(sizeof *g->now) };
    need(g->base != NULL && g->now != NULL, "memory");
}

void stage_free(struct stage *g)
{
    free(g->base);
    free(g->now);
}

void stage_set(struct stage *g, const char *type)
{
    suite_group(g->s, type, "", play_fixtures(g->base));
}

struct play *stage_again(struct stage *g)
{
    *g->now = *g->base;
    g->now->draws = json_array();
    return g->now;
}

void stage_add(struct stage *g, const struct expect *e, const char *flag, const char *section,
               const char *comment)
{
    json_t *input = with(json_object(), "tokenDraws", g->now->draws);

    play_refused(g->now, e->valid ? 0 : e->status);
    suite_test(g->s, e, flag, section, g->profile,
               with(input, "calls", play_calls(g->now, g->base->count)), "%s", comment);
}
