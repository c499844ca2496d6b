/*
 * Does the sweep find holes? The linker sends checks of the ends here; a hole is one of them that
 * says yes to everything. Each must turn the sweep red, with a message that the check is about.
 *
 *   holes [--random] [HOLE]...     --random: by combinations, of which the smallest part is left
 */
#include "keygen2/base/log.h"
#include "matrix/sweep.h"
#include "tests/matrix/open_hole.h"
#include "tests/plain/support/must.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one hole ---- */

struct finding {
    const struct hole *hole;
    char first[300];
    size_t count, large; /* the second: those of more than one rule */
};

static void look(void *ctx, const struct case_result *result)
{
    struct finding *finding = ctx;
    const struct plan_case *item = result->item;

    if (result->verdict != MATRIX_UNDETECTED && !result->leftover)
        return;
    if (strcmp(item->message, finding->hole->message) != 0)
        return;
    finding->large += item->parts > 1;
    if (finding->count++ == 0)
        (void)snprintf(finding->first, sizeof finding->first, "%s %s %s", item->message,
                       name_of_value(OPERATION_NAMES, item->operation), item->path);
}

enum { COMBINATIONS = 2000 };

static volatile sig_atomic_t never;
static bool by_combinations;

/* True if the sweep of the messages that the check is about sees it. */
static bool try_hole(const struct hole *hole, const char *folder)
{
    struct finding finding = { .hole = hole };
    struct sweep_config config = { .profiles = "issuer/profiles",
                                   .folder = folder,
                                   .only = hole->message,
                                   .random = by_combinations ? COMBINATIONS : 0,
                                   .seed = 1,
                                   .jobs = 1,
                                   .stop = &never,
                                   .told = look,
                                   .ctx = &finding };
    struct sweep_result result = { 0 };
    struct sks_error err = { 0 };
    size_t cases = 0;

    hole_open(hole);
    must(sweep(&config, scenario_find(hole->profile), &result, &err) == SKS_OK, err.text);
    hole_open(NULL);
    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        cases += result.cases[i];
    (void)printf("%-32s %-24s %3zu of %4zu cases not noticed%s%s\n", hole->name, hole->profile,
                 finding.count, cases, finding.count == 0 ? "" : ", first: ", finding.first);
    (void)fflush(stdout);
    return finding.count > finding.large;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat, (void)kind, (void)ftw;
    return remove(path);
}

static bool is_asked_for(const struct hole *hole, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], hole->name) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    size_t missed = 0, tried = 0;

    log_set_level(LOG_LEVEL_NONE);
    if (argc > 1 && strcmp(argv[1], "--random") == 0) {
        by_combinations = true;
        argv++, argc--;
    }
    for (size_t i = 0; i < HOLES_COUNT; i++) {
        char folder[] = "/tmp/sks-holes.XXXXXX";

        if (!is_asked_for(&HOLES[i], argc, argv))
            continue;
        must(mkdtemp(folder) != NULL, "temporary folder");
        tried++;
        missed += !try_hole(&HOLES[i], folder);
        (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    (void)printf("%zu holes, %zu not seen\n", tried, missed);
    return tried == 0 ? 2 : missed > 0;
}
