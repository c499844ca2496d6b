/* What sks-proxy relay adds to a message: the same calls of a token directly and through it, in
 * turns, with one connection and with two. */
#include "keygen2/base/http_client.h"
#include "tests/bench/bench.h"
#include "tests/bench/child.h"
#include "tests/bench/issuer/crowd.h"
#include "tests/bench/issuer/folder.h"
#include "tests/plain/support/must.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 10, CALLERS_MAX = 2, TIMES_MAX = 1 << 17, URL_SIZE = 300 };
static const double WINDOW = 0.3, WARM_UP = 0.2; /* seconds */

/* One connection; getDeviceInfo, whose answer is of the size of a KeyGen2 message. */
struct caller {
    const char *url;
    struct http_client *http;
    double *ms;
    size_t count;
};

struct way {
    char url[URL_SIZE];
    struct caller caller[CALLERS_MAX];
};

static void call(void *ctx, unsigned number)
{
    struct caller *c = ctx;
    struct http_exchange answer = { 0 };
    struct sks_error err = { 0 };
    double begin = bench_now();

    (void)number;
    must(http_client_exchange(c->http, "POST", c->url, "application/octet-stream", NULL,
                              bytes_of("\1"), &answer, &err) == SKS_OK,
         err.text);
    must(answer.status == 200 && answer.body.len > 100, "the token answers");
    if (c->count < TIMES_MAX)
        c->ms[c->count++] = 1e3 * (bench_now() - begin);
    http_exchange_free(&answer);
}

static void open_way(struct way *way, const char *server)
{
    const struct http_client_config config = { .never_twice = true };

    (void)snprintf(way->url, sizeof way->url, "%s/sks", server);
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        struct caller *c = &way->caller[i];

        c->url = way->url;
        c->ms = calloc(TIMES_MAX, sizeof *c->ms);
        must(c->ms != NULL && http_client_new(&config, &c->http, NULL) == SKS_OK, "HTTP client");
    }
}

static void close_way(struct way *way)
{
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        http_client_free(way->caller[i].http);
        free(way->caller[i].ms);
    }
}

static void run(struct way *way, unsigned callers, double seconds)
{
    struct operation member[CALLERS_MAX];

    for (size_t i = 0; i < callers; i++)
        member[i] = (struct operation){ call, &way->caller[i], NULL };
    (void)crowd_run(member, callers, seconds);
}

static double percentile(struct way *way, unsigned callers, double p)
{
    double *ms = calloc((size_t)callers * TIMES_MAX, sizeof *ms), at;
    size_t count = 0;

    must(ms != NULL, "memory");
    for (size_t i = 0; i < callers; i++) {
        memcpy(ms + count, way->caller[i].ms, way->caller[i].count * sizeof *ms);
        count += way->caller[i].count;
    }
    at = bench_percentile(ms, count, p);
    free(ms);
    return at;
}

static void compare(struct way *direct, struct way *relayed, unsigned callers)
{
    static const double PERCENT[] = { 50, 99 };
    char name[40], text[60];

    run(direct, callers, WARM_UP);
    run(relayed, callers, WARM_UP);
    for (size_t i = 0; i < CALLERS_MAX; i++)
        direct->caller[i].count = relayed->caller[i].count = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        run(direct, callers, WINDOW);
        run(relayed, callers, WINDOW);
    }
    for (size_t i = 0; i < NITEMS(PERCENT); i++) {
        double without = percentile(direct, callers, PERCENT[i]);
        double with = percentile(relayed, callers, PERCENT[i]);

        (void)snprintf(name, sizeof name, "relay%u_p%.0f", callers, PERCENT[i]);
        (void)snprintf(text, sizeof text, "%u connection%s, p%.0f: %.3f ms direct, the relay adds",
                       callers, callers == 1 ? "" : "s", PERCENT[i], without);
        bench_figure(name, text, with - without, "ms");
    }
}

int main(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    char folder[FOLDER_MAX], store[FILE_MAX], token_url[URL_SIZE], relay_url[URL_SIZE];
    struct way direct, relayed;
    struct child *token, *relay;

    if (argc > 1 && !json) {
        (void)fprintf(stderr, "usage: %s [--json]\n", argv[0]);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    memset(&direct, 0, sizeof direct);
    memset(&relayed, 0, sizeof relayed);
    folder_make(folder);
    folder_file(folder, "store", store);
    child_run("sks-token", (const char *[]){ "init", "--store", store, NULL });
    token = child_start(
        "sks-token", (const char *[]){ "serve", "--store", store, "--listen", "127.0.0.1:0", NULL },
        token_url, sizeof token_url);
    relay =
        child_start("sks-proxy",
                    (const char *[]){ "relay", "--listen", "127.0.0.1:0", "--to", token_url, NULL },
                    relay_url, sizeof relay_url);
    open_way(&direct, token_url);
    open_way(&relayed, relay_url);
    bench_begin(json);
    bench_section("sks-proxy relay, no rule active");
    for (unsigned callers = 1; callers <= CALLERS_MAX; callers++)
        compare(&direct, &relayed, callers);
    bench_end();
    close_way(&direct);
    close_way(&relayed);
    child_stop(relay);
    child_stop(token);
    folder_remove(folder);
    return 0;
}
