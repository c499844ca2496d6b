#include "tests/bench/issuer/processors.h"
#include "tests/plain/support/must.h"

#include <sched.h>
#include <stdbool.h>

static cpu_set_t given(void)
{
    static cpu_set_t all;
    static bool known;

    if (!known)
        must(sched_getaffinity(0, sizeof all, &all) == 0, "processors");
    known = true;
    return all;
}

void processors_use(enum processors which)
{
    const cpu_set_t all = given();
    const size_t count = (size_t)CPU_COUNT(&all);
    cpu_set_t used = all;

    for (size_t i = 0, seen = 0; i < CPU_SETSIZE && count > 1; i++)
        if (CPU_ISSET(i, &all) && which != ALL_PROCESSORS &&
            (seen++ < count / 2) != (which == OF_THE_SERVER))
            CPU_CLR(i, &used);
    must(sched_setaffinity(0, sizeof used, &used) == 0, "processors are shared out");
}
