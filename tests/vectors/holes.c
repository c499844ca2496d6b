/*
 * Do the vectors find holes? With one of the checks of the ends saying yes to everything, some
 * tests must come out otherwise than their file says.
 *
 *   holes --list           names of the holes
 *   holes HOLE FILE...     runs the vector files with that hole; exit code as of `sks-vectors
 * check`
 */
#include "tests/matrix/open_hole.h"
#include "tests/plain/support/must.h"
#include "testvectors/check/run.h"

#include <stdio.h>
#include <string.h>

static const struct hole *find(const char *name)
{
    for (size_t i = 0; i < HOLES_COUNT; i++)
        if (strcmp(HOLES[i].name, name) == 0)
            return &HOLES[i];
    return NULL;
}

int main(int argc, char **argv)
{
    enum exit_code worst = EXIT_DONE;

    must(argc > 1, "a hole");
    if (strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < HOLES_COUNT; i++)
            (void)printf("%s\n", HOLES[i].name);
        return EXIT_DONE;
    }
    must(find(argv[1]) != NULL, "a hole of that name");
    hole_open(find(argv[1]));
    for (int i = 2; i < argc; i++) {
        enum exit_code code = run_check(argv[i]);

        worst = code > worst ? code : worst;
    }
    return (int)worst;
}
