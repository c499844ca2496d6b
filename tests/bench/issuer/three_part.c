#include "proxy/dialogue.h"
#include "proxy/provision.h"
#include "tests/bench/bench.h"
#include "tests/bench/issuer/bare_session.h"
#include "tests/bench/issuer/bare_store.h"
#include "tests/bench/issuer/crowd.h"
#include "tests/bench/issuer/folder.h"
#include "tests/bench/issuer/issuer_parts.h"
#include "tests/bench/issuer/plumbing.h"
#include "tests/plain/support/must.h"

#include <stdio.h>

enum { ROUNDS = 9, PROXIES = 8 };
static const double WINDOW = 0.8, BARE_WINDOW = 0.3, WARM_UP = 0.3; /* seconds */

/* A proxy: the library of sks-proxy, on links that are kept from one enrolment to the next. */
struct proxy {
    struct enrolment e; /* what is given in it, copied for each enrolment */
    volatile sig_atomic_t stop;
};

struct three {
    char issuer_folder[FOLDER_MAX], token_folder[FOLDER_MAX], token_url[FILE_MAX];
    char state_folder[FOLDER_MAX]; /* where the proxies keep each closing proof until it is sent */
    struct issuer_server issuer;
    struct child *token;
    struct proxy proxy[PROXIES];
};

static void enrol(void *proxy, unsigned number)
{
    struct proxy *p = proxy;
    struct enrolment e = p->e;
    struct outcome outcome;

    (void)number;
    dialogue_run(&e, &outcome);
    must(outcome.kind == OUTCOME_SUCCEEDED, outcome.cause);
    arena_free(&e.arena);
}

static void open_proxy(struct proxy *p, const struct three *t)
{
    static const char *const PIN = "471108";
    const struct issuer_link_config issuer = { .stop = &p->stop };
    const struct user_config user = { .yes = true, .pins = &PIN, .pin_count = 1, .stop = &p->stop };
    struct token_link_config token = { .stop = &p->stop, .watch = provision_watch };
    struct sks_error err = { 0 };

    must(trace_open(false, NULL, &p->e.trace, &err) == SKS_OK, err.text);
    token.watch_ctx = p->e.trace;
    p->e.stop = &p->stop;
    p->e.state_folder = t->state_folder;
    must(issuer_link_open(t->issuer.url, &issuer, &p->e.issuer, &err) == SKS_OK &&
             user_open(&user, &p->e.user, &err) == SKS_OK &&
             token_link_open(t->token_url, &token, &p->e.token, &err) == SKS_OK,
         err.text);
}

static void close_proxy(struct proxy *p)
{
    token_link_close(p->e.token);
    issuer_link_close(p->e.issuer);
    trace_close(p->e.trace);
    user_close(p->e.user);
}

static void open_three(struct three *t)
{
    const char *const init[] = { "init", "--store", t->token_folder, NULL };
    char trust[FILE_MAX], address[FILE_MAX];
    const char *const serve[] = { "serve",    "--store", t->token_folder,
                                  "--listen", address,   "--rsa-pool",
                                  "0",        NULL };

    folder_make(t->issuer_folder);
    folder_make(t->token_folder);
    folder_make(t->state_folder);
    child_run("sks-token", init);
    folder_file(t->token_folder, "device-ca.pem", trust);
    (void)snprintf(address, sizeof address, "unix:%.80s/bench.sock", t->token_folder);
    t->token = child_start("sks-token", serve, t->token_url, sizeof t->token_url);
    issuer_server_start(&t->issuer, t->issuer_folder, trust, STORE_AS_IT_IS);
    for (size_t i = 0; i < PROXIES; i++)
        open_proxy(&t->proxy[i], t);
}

static void close_three(struct three *t)
{
    for (size_t i = 0; i < PROXIES; i++)
        close_proxy(&t->proxy[i]);
    child_stop(t->issuer.child);
    child_stop(t->token);
    folder_remove(t->issuer_folder);
    folder_remove(t->token_folder);
    folder_remove(t->state_folder);
}

enum { ISSUER, TOKEN, PROXY, ENDS };

/* Seconds of CPU that each has used. */
struct cpu {
    double used[ENDS];
};

/* Sessions for a second of the clock, and for a second of CPU of whoever took part. */
struct rate {
    double wall, cpu;
    struct cpu each; /* microseconds a session */
};

static struct cpu cpu_seconds(const struct three *t)
{
    return (struct cpu){ { [ISSUER] = child_cpu_seconds(t->issuer.child),
                           [TOKEN] = child_cpu_seconds(t->token),
                           [PROXY] = bench_process_cpu_now() } };
}

static struct rate run_window(struct three *t, double seconds)
{
    struct operation member[PROXIES];
    struct crowd_result result;
    struct cpu before = cpu_seconds(t), after;
    struct rate rate = { 0 };
    double all = 0;

    for (size_t i = 0; i < PROXIES; i++)
        member[i] = (struct operation){ enrol, &t->proxy[i], NULL };
    result = crowd_run(member, PROXIES, seconds);
    after = cpu_seconds(t);
    for (unsigned i = 0; i < ENDS; i++) {
        rate.each.used[i] = 1e6 * (after.used[i] - before.used[i]) / result.done;
        all += after.used[i] - before.used[i];
    }
    rate.wall = result.done / result.seconds;
    rate.cpu = result.done / all;
    return rate;
}

static struct rate bare_window(struct bare_session *const bare[2])
{
    const struct operation member[] = { { run_bare_both, bare[0], NULL },
                                        { run_bare_both, bare[1], NULL } };
    double before = bench_process_cpu_now();
    struct crowd_result result = crowd_run(member, 2, BARE_WINDOW);

    return (struct rate){ .wall = result.done / result.seconds,
                          .cpu = result.done / (bench_process_cpu_now() - before) };
}

static void print_ratio(const char *name, const char *text, double *ours, double *bare)
{
    double share[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++)
        share[i] = ours[i] / bare[i];
    bench_ratio(name, text,
                (struct ratio){ bench_percentile(ours, ROUNDS, 50),
                                bench_percentile(bare, ROUNDS, 50),
                                bench_percentile(share, ROUNDS, 50) });
}

static void print_each(const struct rate *rate)
{
    static const char *const NAME[ENDS][2] = {
        [ISSUER] = { "threeIssuer", "of it, in sks-issuer" },
        [TOKEN] = { "threeToken", "of it, in sks-token" },
        [PROXY] = { "threeProxy", "of it, in the library of sks-proxy" },
    };
    double used[ROUNDS];

    for (unsigned end = 0; end < ENDS; end++) {
        for (unsigned i = 0; i < ROUNDS; i++)
            used[i] = rate[i].each.used[end];
        bench_figure(NAME[end][0], NAME[end][1], bench_percentile(used, ROUNDS, 50),
                     "CPU us a session");
    }
}

/* What all have to do at the least: its requests, its cryptography, a transaction at each end. */
static double bound_rate(struct plumbing *plumbing, struct bare_store *store, double bare,
                         double *plumbing_cpu)
{
    *plumbing_cpu = plumbing_us(plumbing);
    return 1e6 / (*plumbing_cpu + 2 * bare_store_us(store) + 1e6 / bare);
}

void measure_three(void)
{
    static struct three three;
    struct bare_session *const bare[] = { bare_session_new(), bare_session_new() };
    struct plumbing *plumbing = plumbing_new();
    struct bare_store *store;
    double ours[3][ROUNDS], theirs[3][ROUNDS], requests[ROUNDS];
    struct rate rate[ROUNDS];

    open_three(&three);
    store = bare_store_new(three.state_folder);
    (void)run_window(&three, WARM_UP);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rate limit;

        rate[i] = run_window(&three, WINDOW);
        limit = bare_window(bare);
        ours[0][i] = rate[i].wall;
        theirs[0][i] = limit.wall;
        ours[1][i] = rate[i].cpu;
        theirs[1][i] = theirs[2][i] = limit.cpu;
        ours[2][i] = bound_rate(plumbing, store, limit.cpu, &requests[i]);
    }
    bench_section("sks-issuer, sks-token and 8 threads of sks-proxy's library, on 2 cores");
    print_ratio("three", "session, against the cryptography of both ends", ours[0], theirs[0]);
    print_ratio("threeCpu", "the same, of a second of all their CPU", ours[1], theirs[1]);
    print_each(rate);
    bench_figure("threePlumbing", "its requests with nothing behind them",
                 bench_percentile(requests, ROUNDS, 50), "CPU us a session");
    print_ratio("threeBound", "those, bare cryptography and two bare stores: the bound", ours[2],
                theirs[2]);
    bare_store_free(store);
    close_three(&three);
    plumbing_free(plumbing);
    bare_session_free(bare[0]);
    bare_session_free(bare[1]);
}
