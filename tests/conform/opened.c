/*
 * Goes into a program that is else what its name says: with the environment SKS_HOLE="PART HOLE" it
 * is without that part of the hole's checks, or without "all". `build/vectors/holes --list` names
 * all of them.
 */
#include "tests/matrix/holes.h"
#include "tests/plain/support/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((constructor)) static void open_asked(void)
{
    const char *asked = getenv("SKS_HOLE"), *name = asked == NULL ? NULL : strchr(asked, ' ');
    char part[8];

    if (asked == NULL)
        return;
    must(name != NULL && name - asked < (ptrdiff_t)sizeof part, "SKS_HOLE is PART HOLE");
    (void)snprintf(part, sizeof part, "%.*s", (int)(name - asked), asked);
    must(holes_open_part(part, name + 1), "SKS_HOLE names a part of a hole");
}
