/* What the token's work costs, against the bare libcrypto operation in it. */
#include "tests/bench/bench.h"
#include "tests/bench/token_parts.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;

    if (argc > 1 && !json) {
        (void)fprintf(stderr, "usage: %s [--json]\n", argv[0]);
        return 2;
    }
    bench_begin(json);
    measure_operations();
    measure_commit();
    measure_heap();
    measure_sizes(); /* last: the disk goes on writing 100,000 keys for a while */
    bench_end();
    return 0;
}
