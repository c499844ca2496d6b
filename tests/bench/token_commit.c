#include "tests/bench/bench.h"
#include "tests/bench/meters.h"
#include "tests/bench/token_parts.h"
#include "tests/plain/support/enrol.h"

#include <stdio.h>

enum { CLOSES = 300 };

static const char PIN[] = "471108";

static void measure_close(struct token *token, unsigned keys)
{
    const struct enrolment_plan plan = { .algorithm = P256, .keys = keys, .pin = PIN };
    double ms[CLOSES];
    unsigned long calls = 0;
    char name[64], text[64];

    for (unsigned i = 0; i < CLOSES; i++) {
        struct enrolment *e = enrolment_begin(token, &plan);
        unsigned long before = meter_system_calls();
        double begin = bench_now();

        enrolment_close(e);
        ms[i] = 1e3 * (bench_now() - begin);
        calls += meter_system_calls() - before;
        enrolment_free(e);
    }
    (void)snprintf(name, sizeof name, "close_%u_p50", keys);
    (void)snprintf(text, sizeof text, "close with %u keys, p50", keys);
    bench_figure(name, text, bench_percentile(ms, CLOSES, 50), "ms");
    (void)snprintf(name, sizeof name, "close_%u_p99", keys);
    (void)snprintf(text, sizeof text, "close with %u keys, p99", keys);
    bench_figure(name, text, bench_percentile(ms, CLOSES, 99), "ms");
    (void)snprintf(name, sizeof name, "close_%u_calls", keys);
    bench_figure(name, "file system calls of one", (double)calls / CLOSES, "");
}

void measure_commit(void)
{
    static const unsigned KEYS[] = { 1, 4, 16 };
    char folder[STORE_FOLDER_MAX];
    struct token *token;

    make_store(folder);
    token = open_store(folder);
    bench_section("closeProvisioningSession, durable");
    for (size_t i = 0; i < NITEMS(KEYS); i++)
        measure_close(token, KEYS[i]);
    token_close(token);
    remove_store(folder);
}

void measure_heap(void)
{
    const struct enrolment_plan plan = {
        .algorithm = P256, .keys = 4, .pin = PIN, .puk = "123456", .extension_size = 4096
    };
    struct token *token;
    struct enrolment *e;
    char folder[STORE_FOLDER_MAX];

    bench_section("memory");
    make_store(folder);
    meter_heap_reset();
    token = open_store(folder);
    e = enrolment_begin(token, &plan);
    enrolment_close(e);
    bench_figure("heapPeak", "heap of our own code, 4 keys, PIN, PUK, 4 KiB",
                 (double)meter_heap_peak() / 1024, "KiB");
    enrolment_free(e);
    token_close(token);
    remove_store(folder);
}
