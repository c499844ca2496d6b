#include "tests/plain/support/must.h"

#include <stdio.h>
#include <stdlib.h>

void must(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "FAILED: %s\n", what);
    abort();
}
