/* Which hole is open, for all threads. */
#include "tests/matrix/holes.h"

#include <stdatomic.h>
#include <string.h>

static _Atomic(const struct hole *) open_hole;
static _Atomic unsigned open_parts;

void holes_open(const struct hole *hole, unsigned parts)
{
    open_parts = parts;
    open_hole = hole;
}

bool is_missing(enum missing_check check, const char *of)
{
    const struct hole *hole = open_hole;

    for (size_t i = 0; hole != NULL && i < HOLE_PARTS_MAX; i++)
        if ((open_parts & 1U << i) != 0 && hole->part[i].check == check &&
            (of == NULL || strcmp(of, hole->part[i].of) == 0))
            return true;
    return false;
}
