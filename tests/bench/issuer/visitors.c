#include "tests/bench/issuer/visitors.h"
#include "keygen2/base/http_client.h"
#include "tests/plain/support/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES_MAX = 1 << 16 }; /* of one message of one visitor */

const char *const VISITOR_MESSAGE[VISITOR_MESSAGES] = {
    "init",
    "InvocationResponse",
    "ProvisioningInitializationResponse",
    "KeyCreationResponse",
    "ProvisioningFinalizationResponse",
};

struct visitor {
    struct device *device;
    const char *url;
    char init_url[256];
    struct http_client *http;
    struct client client;
    float *ms[VISITOR_MESSAGES];
    size_t sessions;
};

struct visitors {
    struct visitor visitor[VISITORS];
};

static void exchange(struct visitor *v, unsigned message, struct http_exchange *exchange)
{
    bool first = message == 0, last = message == VISITOR_MESSAGES - 1;
    struct sks_error err = { 0 };
    double begin = bench_now();

    must(http_client_exchange(v->http, first ? "GET" : "POST", first ? v->init_url : v->url,
                              first ? NULL : "application/json", NULL,
                              first ? (struct bytes){ 0 } : buf_bytes(&v->client.response),
                              exchange, &err) == SKS_OK,
         err.text);
    must(exchange->status == (last ? 302 : 200), VISITOR_MESSAGE[message]);
    if (v->sessions < TIMES_MAX)
        v->ms[message][v->sessions] = (float)(1e3 * (bench_now() - begin));
}

static void visit(void *visitor, unsigned number)
{
    struct visitor *v = visitor;
    struct http_exchange answer = { 0 };

    (void)number;
    client_begin(&v->client, v->device, v->url);
    for (unsigned i = 0; i < VISITOR_MESSAGES; i++) {
        if (i > 0)
            client_respond(&v->client, buf_bytes(&answer.body));
        exchange(v, i, &answer);
    }
    must(strstr(answer.location, "/done/") != NULL, "the session succeeds");
    v->sessions++;
    http_exchange_free(&answer);
}

struct visitors *visitors_new(struct device *device, const char *url)
{
    const struct http_client_config config = { .never_twice = true };
    struct visitors *all = calloc(1, sizeof *all);

    must(all != NULL, "memory");
    for (size_t i = 0; i < VISITORS; i++) {
        struct visitor *v = &all->visitor[i];

        v->device = device;
        v->url = url;
        (void)snprintf(v->init_url, sizeof v->init_url, "%s?init=true", url);
        must(http_client_new(&config, &v->http, NULL) == SKS_OK, "HTTP client");
        for (size_t j = 0; j < VISITOR_MESSAGES; j++)
            must((v->ms[j] = calloc(TIMES_MAX, sizeof **v->ms)) != NULL, "memory");
    }
    return all;
}

void visitors_free(struct visitors *all)
{
    for (size_t i = 0; i < VISITORS; i++) {
        struct visitor *v = &all->visitor[i];

        http_client_free(v->http);
        client_end(&v->client);
        for (size_t j = 0; j < VISITOR_MESSAGES; j++)
            free(v->ms[j]);
    }
    free(all);
}

struct crowd_result visitors_run(struct visitors *all, double seconds)
{
    struct operation member[VISITORS];

    for (size_t i = 0; i < VISITORS; i++)
        member[i] = (struct operation){ visit, &all->visitor[i], NULL };
    return crowd_run(member, VISITORS, seconds);
}

double visitors_percentile(struct visitors *all, unsigned message, double p)
{
    double *ms = calloc((size_t)VISITORS * TIMES_MAX, sizeof *ms), at;
    size_t count = 0;

    must(ms != NULL, "memory");
    for (size_t i = 0; i < VISITORS; i++) {
        const struct visitor *v = &all->visitor[i];

        for (size_t j = 0; j < v->sessions && j < TIMES_MAX; j++)
            ms[count++] = (double)v->ms[message][j];
    }
    at = bench_percentile(ms, count, p);
    free(ms);
    return at;
}
