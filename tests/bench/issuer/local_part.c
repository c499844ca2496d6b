#include "issuer/data_folder.h"
#include "issuer/phase.h"
#include "tests/bench/bench.h"
#include "tests/bench/issuer/bare_session.h"
#include "tests/bench/issuer/client.h"
#include "tests/bench/issuer/folder.h"
#include "tests/bench/issuer/issuer_parts.h"
#include "tests/bench/issuer/memory_store.h"
#include "tests/plain/support/must.h"

#define ISSUER_URI "http://127.0.0.1:8080/kg2/" PROFILE

struct local {
    struct issuer issuer;
    struct texts trust;
    const struct profile *profile;
    struct device *device;
    struct client client;
    double spent; /* in the issuer; the client's work is not counted */
};

static void open_local(struct local *l, const char *folder, char trust[FILE_MAX])
{
    struct sks_error err = { 0 };

    folder_file(folder, "device-ca.pem", trust);
    l->device = device_new(trust);
    l->trust = (struct texts){ { trust }, 1 };
    must(data_folder_make(folder, NULL, &err) == SKS_OK &&
             data_folder_load(folder, &l->issuer, &err) == SKS_OK &&
             profiles_load(PROFILES_FOLDER, &l->issuer.profiles, &err) == SKS_OK &&
             trust_open(&l->issuer.trust, &l->trust, &err) == SKS_OK &&
             session_store_open(&l->issuer.store, ":memory:", &err) == SKS_OK,
         err.text);
    l->profile = profile_find(&l->issuer.profiles, PROFILE);
}

static void close_local(struct local *l)
{
    client_end(&l->client);
    trust_close(&l->issuer.trust);
    profiles_free(&l->issuer.profiles);
    data_folder_close(&l->issuer);
    device_free(l->device);
}

/* One message: its text goes in, the next one comes out. */
static void send(struct local *l, struct arrival *arrival, struct arena *arena,
                 struct outcome *outcome)
{
    double begin;

    client_respond(&l->client, outcome->answer);
    arrival->body = buf_bytes(&l->client.response);
    begin = bench_cpu_now();
    phase_message(&l->issuer, arrival, arena, outcome);
    l->spent += bench_cpu_now() - begin;
}

static void run_local(void *ctx, unsigned number)
{
    struct local *l = ctx;
    char cookie[COOKIE_LENGTH + 1];
    struct arrival arrival = { .cookie = cookie, .issuer_uri = ISSUER_URI };
    struct arena arena[CLIENT_REQUESTS + 1] = { 0 }; /* one a message, as in the server */
    struct outcome outcome;
    double begin = bench_cpu_now();

    (void)number;
    phase_begin(&l->issuer, l->profile, &arrival, &arena[0], cookie, &outcome);
    l->spent += bench_cpu_now() - begin;
    client_begin(&l->client, l->device, ISSUER_URI);
    for (size_t i = 0; i < CLIENT_REQUESTS; i++) {
        must(outcome.kind == OUTCOME_ANSWER, "the issuer goes on");
        send(l, &arrival, &arena[i + 1], &outcome);
    }
    must(outcome.kind == OUTCOME_DONE, "the session succeeds");
    begin = bench_cpu_now();
    for (size_t i = 0; i <= CLIENT_REQUESTS; i++)
        arena_free(&arena[i]);
    l->spent += bench_cpu_now() - begin;
}

void measure_local(void)
{
    struct bare_session *bare = bare_session_new();
    static struct local local;
    const struct operation ours = { run_local, &local, &local.spent };
    const struct operation theirs = { run_bare_issuer, bare, bare_session_spent(bare) };
    char folder[FOLDER_MAX], trust[FILE_MAX];

    folder_make(folder);
    open_local(&local, folder, trust);
    memory_store_use(true);
    bench_ratio("issuerLocal", "session, text in, text out, store in memory",
                bench_compare(&ours, &theirs));
    must(memory_store_succeeded() > 0, "sessions are in the store");
    memory_store_use(false);
    bench_ratio("issuerLocalSqlite", "the same, SQLite in memory", bench_compare(&ours, &theirs));
    close_local(&local);
    folder_remove(folder);
    bare_session_free(bare);
}
