#include "tests/bench/issuer/crowd.h"
#include "tests/plain/support/must.h"

#include <pthread.h>

enum { MEMBERS_MAX = 64 };

struct member {
    const struct operation *operation;
    double until;
    unsigned done;
};

static void *work(void *arg)
{
    struct member *m = arg;

    do
        m->operation->run(m->operation->ctx, m->done++);
    while (bench_now() < m->until);
    return NULL;
}

struct crowd_result crowd_run(const struct operation *operation, unsigned members, double seconds)
{
    struct member member[MEMBERS_MAX];
    pthread_t thread[MEMBERS_MAX];
    struct crowd_result result = { 0 };
    double begin = bench_now();

    must(members <= MEMBERS_MAX, "a crowd of that size");
    for (unsigned i = 0; i < members; i++) {
        member[i] = (struct member){ &operation[i], begin + seconds, 0 };
        must(pthread_create(&thread[i], NULL, work, &member[i]) == 0, "thread");
    }
    for (unsigned i = 0; i < members; i++) {
        (void)pthread_join(thread[i], NULL);
        result.done += member[i].done;
    }
    result.seconds = bench_now() - begin;
    return result;
}
