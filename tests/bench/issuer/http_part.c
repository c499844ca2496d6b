#include "tests/bench/bench.h"
#include "tests/bench/issuer/bare_session.h"
#include "tests/bench/issuer/bare_store.h"
#include "tests/bench/issuer/fill.h"
#include "tests/bench/issuer/folder.h"
#include "tests/bench/issuer/issuer_parts.h"
#include "tests/bench/issuer/processors.h"
#include "tests/bench/issuer/visitors.h"
#include "tests/plain/support/must.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 9, SOME_SESSIONS = 100 };
static const double WINDOW = 0.6, BARE_WINDOW = 0.2, WARM_UP = 0.3; /* seconds */

/* An issuer with its own folder, and those who enrol at it. */
struct place {
    char folder[FOLDER_MAX];
    struct issuer_server server;
    struct visitors *visitors;
};

static void open_place(struct place *place, struct device *device, const char *trust,
                       enum issuer_store store)
{
    processors_use(OF_THE_SERVER);
    issuer_server_start(&place->server, place->folder, trust, store);
    processors_use(OF_THE_CLIENTS);
    place->visitors = visitors_new(device, place->server.url);
    (void)visitors_run(place->visitors, WARM_UP);
}

static void close_place(struct place *place)
{
    visitors_free(place->visitors);
    child_stop(place->server.child);
    processors_use(ALL_PROCESSORS);
}

/* Sessions for a second of the issuer's CPU, and for a second of the clock. */
struct rate {
    double cpu, wall;
};

static struct rate run_window(struct place *place)
{
    double before = child_cpu_seconds(place->server.child);
    struct crowd_result result;
    double used;

    processors_use(OF_THE_CLIENTS);
    result = visitors_run(place->visitors, WINDOW);
    used = child_cpu_seconds(place->server.child) - before;

    return (struct rate){ result.done / used, result.done / result.seconds };
}

/* On all processors, as the load is: they may share more than their memory. */
static double bare_window(struct bare_session *const bare[2])
{
    const double before = *bare_session_spent(bare[0]) + *bare_session_spent(bare[1]);
    const struct operation member[] = { { run_bare_issuer, bare[0], NULL },
                                        { run_bare_issuer, bare[1], NULL } };
    struct crowd_result result;

    processors_use(ALL_PROCESSORS);
    result = crowd_run(member, 2, BARE_WINDOW);
    return result.done / (*bare_session_spent(bare[0]) + *bare_session_spent(bare[1]) - before);
}

static void print_times(struct visitors *visitors)
{
    static const double PERCENT[] = { 50, 99 };
    char name[64], text[64];

    for (unsigned i = 0; i < VISITOR_MESSAGES; i++)
        for (size_t j = 0; j < sizeof PERCENT / sizeof *PERCENT; j++) {
            (void)snprintf(name, sizeof name, "%s_p%.0f", VISITOR_MESSAGE[i], PERCENT[j]);
            (void)snprintf(text, sizeof text, "%s, p%.0f", VISITOR_MESSAGE[i], PERCENT[j]);
            bench_figure(name, text, visitors_percentile(visitors, i, PERCENT[j]), "ms");
        }
}

static double bare_store_window(struct bare_store *store)
{
    processors_use(OF_THE_SERVER);
    return bare_store_us(store);
}

/* What the windows of measure_http() have found. */
struct http_figures {
    double bare[ROUNDS], wall[ROUNDS];
    double cpu[ROUNDS], share[ROUNDS];               /* sks-issuer */
    double memory_cpu[ROUNDS], memory_share[ROUNDS]; /* the same, nothing kept */
    double store_us[ROUNDS];
    double bound[ROUNDS], bound_share[ROUNDS]; /* nothing kept, and a bare store */
};

static void compare(struct http_figures *f, struct place *real, struct place *memory,
                    struct bare_store *store)
{
    struct bare_session *const bare[] = { bare_session_new(), bare_session_new() };

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rate rate = run_window(real);

        f->cpu[i] = rate.cpu;
        f->wall[i] = rate.wall;
        f->bare[i] = bare_window(bare);
        f->memory_cpu[i] = run_window(memory).cpu;
        f->store_us[i] = bare_store_window(store);
        f->bound[i] = 1e6 / (1e6 / f->memory_cpu[i] + f->store_us[i]);
        f->share[i] = f->cpu[i] / f->bare[i];
        f->memory_share[i] = f->memory_cpu[i] / f->bare[i];
        f->bound_share[i] = f->bound[i] / f->bare[i];
    }
    bare_session_free(bare[0]);
    bare_session_free(bare[1]);
}

static double median(const double value[ROUNDS])
{
    double sorted[ROUNDS];

    memcpy(sorted, value, sizeof sorted);
    return bench_percentile(sorted, ROUNDS, 50);
}

static void print_ratio(const char *name, const char *text, const struct http_figures *f,
                        const double ours[ROUNDS], const double share[ROUNDS])
{
    bench_ratio(name, text, (struct ratio){ median(ours), median(f->bare), median(share) });
}

static void print_figures(const struct http_figures *f)
{
    print_ratio("issuerHttp", "session, of a second of the issuer's CPU", f, f->cpu, f->share);
    bench_figure("issuerHttpRate", "sessions with these clients on this machine", median(f->wall),
                 "/s");
    print_ratio("issuerHttpMemory", "the same, nothing kept", f, f->memory_cpu, f->memory_share);
    bench_figure("bareStore", "a session's bytes in SQLite, one sync each", median(f->store_us),
                 "CPU us a session");
    print_ratio("issuerHttpBound", "those two together: the bound", f, f->bound, f->bound_share);
}

void measure_http(void)
{
    char trust_folder[FOLDER_MAX], trust[FILE_MAX];
    struct place place = { 0 }, memory = { 0 };
    struct http_figures figures;
    struct bare_store *store;
    struct device *device;

    folder_make(trust_folder);
    folder_make(place.folder);
    folder_make(memory.folder);
    folder_file(trust_folder, "device-ca.pem", trust);
    device = device_new(trust);
    open_place(&place, device, trust, STORE_AS_IT_IS);
    open_place(&memory, device, trust, STORE_IN_MEMORY);
    store = bare_store_new(memory.folder);
    bench_section("sks-issuer over http, 8 clients, durable");
    compare(&figures, &place, &memory, store);
    print_figures(&figures);
    print_times(place.visitors);
    bare_store_free(store);
    close_place(&place);
    close_place(&memory);
    device_free(device);
    folder_remove(place.folder);
    folder_remove(memory.folder);
    folder_remove(trust_folder);
}

/* ---- few and many sessions stored ---- */

static void make_filled(struct place *place, struct device *device, const char *trust,
                        unsigned sessions)
{
    folder_make(place->folder);
    open_place(place, device, trust, STORE_AS_IT_IS);
    close_place(place);
    fill_sessions(place->folder, sessions);
    open_place(place, device, trust, STORE_AS_IT_IS);
}

/* One beside the other, window by window. */
static void compare_places(struct place *few, struct place *many)
{
    double few_rate[ROUNDS], many_rate[ROUNDS], share[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++) {
        few_rate[i] = run_window(few).cpu;
        many_rate[i] = run_window(many).cpu;
        share[i] = many_rate[i] / few_rate[i];
    }
    bench_figure("issuerFew", "100 finished sessions stored",
                 bench_percentile(few_rate, ROUNDS, 50), "sessions a CPU second");
    bench_figure("issuerMany", "as many as were asked for", bench_percentile(many_rate, ROUNDS, 50),
                 "sessions a CPU second");
    bench_figure("issuerManyShare", "the second of the first",
                 100 * bench_percentile(share, ROUNDS, 50), "%");
    bench_figure("issuerManyShare_p10", "in the worst of ten windows",
                 100 * bench_percentile(share, ROUNDS, 10), "%");
    bench_figure("issuerManyShare_p90", "in the best of ten windows",
                 100 * bench_percentile(share, ROUNDS, 90), "%");
}

void measure_sizes(unsigned sessions)
{
    char trust_folder[FOLDER_MAX], trust[FILE_MAX], title[80];
    struct place few = { 0 }, many = { 0 };
    struct device *device;

    folder_make(trust_folder);
    folder_file(trust_folder, "device-ca.pem", trust);
    device = device_new(trust);
    make_filled(&few, device, trust, SOME_SESSIONS);
    make_filled(&many, device, trust, sessions);
    (void)snprintf(title, sizeof title, "sks-issuer with 100 and with %u finished sessions",
                   sessions);
    bench_section(title);
    compare_places(&few, &many);
    close_place(&few);
    close_place(&many);
    device_free(device);
    folder_remove(few.folder);
    folder_remove(many.folder);
    folder_remove(trust_folder);
}
