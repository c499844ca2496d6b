/* Which hole is open, for all threads. */
#include "tests/matrix/holes.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic(const struct hole *) open_hole;
static _Atomic unsigned open_parts;

void holes_open(const struct hole *hole, unsigned parts)
{
    open_parts = parts;
    open_hole = hole;
}

bool holes_open_part(const char *number, const char *name)
{
    const bool all = strcmp(number, "all") == 0;
    unsigned long part = strtoul(number, NULL, 10);

    for (size_t i = 0; i < HOLES_COUNT; i++) {
        if (strcmp(HOLES[i].name, name) != 0)
            continue;
        if (!all &&
            (part == 0 || part > HOLE_PARTS_MAX || HOLES[i].part[part - 1].check == CHECK_NONE))
            return false;
        holes_open(&HOLES[i], all ? ~0U : 1U << (part - 1));
        return true;
    }
    return false;
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
