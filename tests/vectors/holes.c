/*
 * Do the vectors find holes? With one of the checks of the ends saying yes to everything, some
 * tests must come out otherwise than their file says. A vector is given to the check itself, so
 * that of a hole with several parts each shows alone.
 *
 *   holes --list                the holes, part by part: PART PROFILE HOLE
 *   holes PART HOLE FILE...     runs the vector files with that part missing; exit code of
 *                               `sks-vectors check`
 */
#include "tests/matrix/holes.h"
#include "tests/plain/support/must.h"
#include "testvectors/check/run.h"

#include <stdio.h>
#include <string.h>

static int list(void)
{
    for (size_t i = 0; i < HOLES_COUNT; i++)
        for (size_t k = 0; k < HOLE_PARTS_MAX && HOLES[i].part[k].check != CHECK_NONE; k++)
            (void)printf("%zu %s %s\n", k + 1, HOLES[i].profile, HOLES[i].name);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    enum exit_code worst = EXIT_DONE;

    must(argc > 1, "a part and a hole");
    if (strcmp(argv[1], "--list") == 0)
        return list();
    must(argc > 2 && holes_open_part(argv[1], argv[2]), "a part of a hole of that name");
    for (int i = 3; i < argc; i++) {
        enum exit_code code = run_check(argv[i]);

        worst = code > worst ? code : worst;
    }
    return (int)worst;
}
