/*
 * Do the vectors find holes? With one of the checks of the ends saying yes to everything, some
 * tests must come out otherwise than their file says. A vector is given to the check itself, so
 * that of a hole with several parts each shows alone.
 *
 *   holes --list                the holes, part by part: PART HOLE
 *   holes PART HOLE FILE...     runs the vector files with that part missing; exit code of
 *                               `sks-vectors check`
 */
#include "tests/matrix/holes.h"
#include "tests/plain/support/must.h"
#include "testvectors/check/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct hole *find(const char *name)
{
    for (size_t i = 0; i < HOLES_COUNT; i++)
        if (strcmp(HOLES[i].name, name) == 0)
            return &HOLES[i];
    return NULL;
}

static int list(void)
{
    for (size_t i = 0; i < HOLES_COUNT; i++)
        for (size_t k = 0; k < HOLE_PARTS_MAX && HOLES[i].part[k].check != CHECK_NONE; k++)
            (void)printf("%zu %s\n", k + 1, HOLES[i].name);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    enum exit_code worst = EXIT_DONE;
    unsigned long part;

    must(argc > 1, "a part and a hole");
    if (strcmp(argv[1], "--list") == 0)
        return list();
    part = strtoul(argv[1], NULL, 10);
    must(argc > 2 && find(argv[2]) != NULL, "a hole of that name");
    must(part > 0 && part <= HOLE_PARTS_MAX && find(argv[2])->part[part - 1].check != CHECK_NONE,
         "a part of it");
    holes_open(find(argv[2]), 1U << (part - 1));
    for (int i = 3; i < argc; i++) {
        enum exit_code code = run_check(argv[i]);

        worst = code > worst ? code : worst;
    }
    return (int)worst;
}
