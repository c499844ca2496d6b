/* What the issuer's work costs, against the bare libcrypto operations in it. */
#include "keygen2/base/log.h"
#include "tests/bench/bench.h"
#include "tests/bench/issuer/issuer_parts.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 1000000 };

static int usage(const char *program)
{
    (void)fprintf(stderr, "usage: %s [--json] [--sessions N]\n", program);
    return 2;
}

int main(int argc, char **argv)
{
    unsigned sessions = SESSIONS;
    bool json = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--sessions") == 0 && i + 1 < argc)
            sessions = (unsigned)strtoul(argv[++i], NULL, 10);
        else
            return usage(argv[0]);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_ERROR);
    bench_begin(json);
    measure_crypto();
    measure_local();
    measure_http();
    measure_three();
    measure_sizes(sessions);
    bench_end();
    return 0;
}
