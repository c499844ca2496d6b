/* What the issuer's work costs, against the bare libcrypto operations in it. */
#include "keygen2/base/log.h"
#include "tests/bench/bench.h"
#include "tests/bench/issuer/issuer_parts.h"
#include "tests/bench/issuer/memory_server.h"
#include "tests/bench/issuer/plumbing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 1000000 };

static void measure_stored(void);

static const struct part {
    const char *name;
    void (*measure)(void);
} PARTS[] = {
    { "crypto", measure_crypto }, { "local", measure_local },  { "http", measure_http },
    { "three", measure_three },   { "sizes", measure_stored },
};

static unsigned sessions = SESSIONS;

static void measure_stored(void)
{
    measure_sizes(sessions);
}

static int usage(const char *program)
{
    (void)fprintf(stderr, "usage: %s [--json] [--sessions N] [--only PART]\nparts:", program);
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        (void)fprintf(stderr, " %s", PARTS[i].name);
    (void)fprintf(stderr, "\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    bool json = false;

    if (argc > 1 && strcmp(argv[1], "serve") == 0) /* a child of measure_http() */
        return memory_server(argc, argv);
    if (argc == 3 && strcmp(argv[1], "answer") == 0) /* a child of measure_three() */
        return plumbing_answer(argv[2]);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--sessions") == 0 && i + 1 < argc)
            sessions = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else
            return usage(argv[0]);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_ERROR);
    bench_begin(json);
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        if (only == NULL || strcmp(only, PARTS[i].name) == 0)
            PARTS[i].measure();
    bench_end();
    return 0;
}
