/*
 * Does the sweep find holes? Each hole must turn it red, at the message and the field that the
 * missing check is about. Where two checks cover the same, either alone must do, and only without
 * both is it red.
 *
 *   holes [--random] [HOLE]...   --random: by combinations, the smallest part is left
 *   holes --list                 names all holes
 *   holes --unprotected          is each row of the list of the unprotected made use of?
 */
#include "tests/matrix/holes.h"

#include "issuer/trust.h"
#include "keygen2/base/log.h"
#include "matrix/unprotected.h"
#include "tests/plain/support/must.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMBINATIONS = 2000, ROW_CASES = 120 };
static const unsigned ALL_PARTS = ~0U;

/* ---- one sweep ---- */

struct finding {
    const struct hole *hole;
    char first[300];                 /* not noticed */
    char last[300];                  /* what was, and how */
    size_t cases, red, quiet, large; /* large: of the red ones, those of more than one rule */
};

static bool is_noticed(enum matrix_verdict verdict)
{
    return verdict == MATRIX_TOKEN || verdict == MATRIX_ISSUER || verdict == MATRIX_MIDDLEWARE;
}

static void look(void *ctx, const struct case_result *result)
{
    struct finding *f = ctx;
    const struct plan_case *item = result->item;
    bool red = result->verdict == MATRIX_UNDETECTED || result->leftover;

    if (result->verdict == MATRIX_UNFIT || strcmp(item->message, f->hole->message) != 0)
        return;
    f->cases++;
    f->red += red;
    f->quiet += !is_noticed(result->verdict);
    if (is_noticed(result->verdict))
        (void)snprintf(f->last, sizeof f->last, "%s: %.200s", MATRIX_VERDICT_NAMES[result->verdict],
                       result->run->cause);
    f->large += red && item->parts > 1;
    if (f->first[0] == '\0' && (f->hole->quiet ? !is_noticed(result->verdict) : red))
        (void)snprintf(f->first, sizeof f->first, "%s %s %s", item->message,
                       name_of_value(OPERATION_NAMES, item->operation), item->path);
}

static volatile sig_atomic_t never;
static bool by_combinations;

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat, (void)kind, (void)ftw;
    return remove(path);
}

/* The part of the plan that a hole is about, with some of its parts missing. */
static enum sks_status sweep_hole(const struct hole *hole, unsigned parts, struct finding *finding)
{
    const struct scenario *swept = scenario_find(hole->profile);
    struct scenario scenario =
        swept == NULL ? (struct scenario){ .profile = hole->profile } : *swept;
    const struct plan_case own = {
        .hop = HOP_TOKEN, .message = hole->message, .path = "", .rules = hole->rules
    };
    char folder[] = "/dev/shm/sks-holes.XXXXXX";
    struct sweep_config config = { .profiles =
                                       swept == NULL ? "tests/matrix/profiles" : "issuer/profiles",
                                   .folder = folder,
                                   .only = hole->message,
                                   .only_at = hole->path,
                                   .own = hole->rules == NULL ? NULL : &own,
                                   .owns = 1,
                                   .random = by_combinations ? COMBINATIONS : 0,
                                   .seed = 1,
                                   .checking = hole->checking,
                                   .jobs = 1,
                                   .stop = &never,
                                   .told = look,
                                   .ctx = finding };
    struct sweep_result result = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    if (hole->before[0] != NULL)
        memcpy(scenario.before, hole->before, sizeof scenario.before);
    *finding = (struct finding){ .hole = hole };
    must(mkdtemp(folder) != NULL, "temporary folder");
    holes_open(hole, parts);
    rc = sweep(&config, &scenario, &result, &err);
    holes_open(NULL, 0);
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    must(rc == SKS_OK || (rc == SKS_ERROR_NOT_ALLOWED && hole->part[0].check == CHECK_DEVICE_PATH),
         err.text);
    return rc;
}

/* ---- one hole ---- */

static size_t count_parts(const struct hole *hole)
{
    size_t count = 0;

    while (count < HOLE_PARTS_MAX && hole->part[count].check != CHECK_NONE)
        count++;
    return count;
}

/* True if nothing is red as long as one of the parts is there. Of a hole with one part that is the
 * sound ends, which the matrix itself shows, unless something is not noticed there either. */
static bool is_covered(const struct hole *hole, const struct finding *found)
{
    size_t parts = count_parts(hole);
    struct finding less;

    if (parts == 1 && !hole->quiet)
        return true;
    for (size_t i = 0; i < parts; i++) {
        (void)!sweep_hole(hole, ALL_PARTS & ~(1U << i), &less);
        if (less.red > 0 || (hole->quiet && less.quiet >= found->quiet)) {
            (void)printf(
                "  without its part %zu it shows too: %zu red, %zu not noticed, first %s\n", i + 1,
                less.red, less.quiet, less.first);
            return false;
        }
    }
    return true;
}

static bool try_hole(const struct hole *hole)
{
    struct finding found;
    size_t count;

    (void)!sweep_hole(hole, ALL_PARTS, &found);
    count = hole->quiet ? found.quiet : found.red;
    (void)printf("%-44s %-24s %3zu of %4zu cases not noticed%s%s\n", hole->name, hole->profile,
                 count, found.cases,
                 count == 0 ? ", last: " : ", first: ", count == 0 ? found.last : found.first);
    (void)fflush(stdout);
    if (by_combinations)
        return found.red > found.large;
    return count > 0 && is_covered(hole, &found);
}

/* ---- a device that nobody trusts ---- */

static bool is_foreign; /* the issuer trusts another CA than the device's */

enum sks_status __real_trust_open(struct trust *trust, const struct texts *sources,
                                  struct sks_error *err);
enum sks_status __wrap_trust_open(struct trust *trust, const struct texts *sources,
                                  struct sks_error *err);
enum sks_status __wrap_trust_open(struct trust *trust, const struct texts *sources,
                                  struct sks_error *err)
{
    static char other[300];
    static const struct texts OTHERS = { { other }, 1 };

    (void)snprintf(other, sizeof other, "%.*s/issuer/ca.pem",
                   (int)(strstr(sources->item[0], "/token/") - sources->item[0]), sources->item[0]);
    return __real_trust_open(trust, is_foreign ? &OTHERS : sources, err);
}

/* No clean session there: with the hole there is one. */
static bool try_device_path(const struct hole *hole)
{
    struct finding found;
    bool refused, taken;

    is_foreign = true;
    refused = sweep_hole(hole, 0, &found) == SKS_ERROR_NOT_ALLOWED;
    taken = sweep_hole(hole, ALL_PARTS, &found) == SKS_OK;
    is_foreign = false;
    (void)printf("%-44s %-24s a foreign device is %s, and %s\n", hole->name, hole->profile,
                 refused ? "refused" : "taken", taken ? "taken with the hole" : "refused with it");
    return refused && taken;
}

/* ---- all of them ---- */

static bool is_asked_for(const struct hole *hole, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], hole->name) == 0)
            return true;
    return argc < 2;
}

/* ---- the list of the unprotected ---- */

static void look_for_use(void *ctx, const struct case_result *result)
{
    *(bool *)ctx = *(bool *)ctx || result->verdict == MATRIX_UNPROTECTED;
}

/* True if a case of a scenario falls under a row. */
static bool is_used_in(const struct unprotected *row, const struct scenario *scenario)
{
    char folder[] = "/dev/shm/sks-holes.XXXXXX";
    bool used = false;
    struct sweep_config config = { .profiles = "issuer/profiles",
                                   .folder = folder,
                                   .only = row->message,
                                   .only_at = row->path,
                                   .max = ROW_CASES,
                                   .seed = 1,
                                   .jobs = 1,
                                   .stop = &never,
                                   .told = look_for_use,
                                   .ctx = &used };
    struct sweep_result result = { 0 };
    struct sks_error err = { 0 };

    must(mkdtemp(folder) != NULL, "temporary folder");
    (void)!sweep(&config, scenario, &result, &err); /* it may have no such message */
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return used;
}

static bool try_row(const struct unprotected *row)
{
    bool used = is_used_in(row, scenario_find(row->shown_in));

    (void)printf("%-34s %-46s %s%s\n", row->message, row->path, used ? "" : "no case of ",
                 row->shown_in);
    (void)fflush(stdout);
    return used;
}

static int try_rows(void)
{
    size_t unused = 0;

    for (size_t i = 0; i < UNPROTECTED_COUNT; i++)
        unused += UNPROTECTED[i].apart == NULL && !try_row(&UNPROTECTED[i]);
    return unused > 0;
}

static int list(void)
{
    for (size_t i = 0; i < HOLES_COUNT; i++)
        (void)printf("%s\n", HOLES[i].name);
    return 0;
}

int main(int argc, char **argv)
{
    size_t missed = 0, tried = 0;

    log_set_level(LOG_LEVEL_NONE);
    if (argc > 1 && strcmp(argv[1], "--list") == 0)
        return list();
    if (argc > 1 && strcmp(argv[1], "--unprotected") == 0)
        return try_rows();
    if (argc > 1 && strcmp(argv[1], "--random") == 0) {
        by_combinations = true;
        argv++, argc--;
    }
    for (size_t i = 0; i < HOLES_COUNT; i++) {
        if (!is_asked_for(&HOLES[i], argc, argv))
            continue;
        tried++;
        if (HOLES[i].part[0].check == CHECK_DEVICE_PATH)
            missed += !try_device_path(&HOLES[i]);
        else
            missed += !try_hole(&HOLES[i]);
    }
    (void)printf("%zu holes, %zu not seen\n", tried, missed);
    return tried == 0 ? 2 : missed > 0;
}
