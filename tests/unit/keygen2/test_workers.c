#include "keygen2/base/workers.h"

#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { MAX = 3, WORK = 8 };

/* Work that says that it has begun, and then waits until it may end. */
static struct piece {
    struct work work;
    atomic_bool begun;
    sem_t has_begun, may_end;
} piece[WORK];

static struct workers *workers;

static void run(struct work *work)
{
    struct piece *p = (struct piece *)work;

    atomic_store(&p->begun, true);
    (void)sem_post(&p->has_begun);
    (void)sem_wait(&p->may_end);
}

static void init(void)
{
    cr_assert_not_null(workers = workers_new(MAX));
}

static void add(unsigned number, uint64_t subject)
{
    struct piece *p = &piece[number];

    (void)sem_init(&p->has_begun, 0, 0);
    (void)sem_init(&p->may_end, 0, 0);
    p->work = (struct work){ .run = run, .subject = subject };
    cr_assert(workers_add(workers, &p->work));
}

static void wait_for(unsigned number)
{
    (void)sem_wait(&piece[number].has_begun);
}

static void end(unsigned number)
{
    (void)sem_post(&piece[number].may_end);
}

TestSuite(workers, .init = init, .timeout = 60);

Test(workers, as_many_at_a_time_as_there_may_be)
{
    for (unsigned i = 0; i <= MAX; i++)
        add(i, 0);
    for (unsigned i = 0; i < MAX; i++)
        wait_for(i);
    cr_assert_not(atomic_load(&piece[MAX].begun));
    end(0);
    wait_for(MAX);
    for (unsigned i = 1; i <= MAX; i++)
        end(i);
    workers_free(workers);
}

Test(workers, one_of_a_subject_at_a_time)
{
    add(0, 7);
    add(1, 7);
    add(2, 7);
    add(3, 8);
    add(4, 0);
    wait_for(0);
    wait_for(3);
    wait_for(4);
    end(3);
    end(4);
    add(5, 0);
    wait_for(5);
    cr_assert_not(atomic_load(&piece[1].begun));
    end(0);
    wait_for(1);
    cr_assert_not(atomic_load(&piece[2].begun), "in the order in which they came");
    end(1);
    wait_for(2);
    end(2);
    end(5);
    workers_free(workers);
}

Test(workers, ends_with_nothing_left)
{
    for (unsigned i = 0; i < WORK; i++) {
        add(i, i % 2);
        end(i);
    }
    workers_free(workers);
    for (unsigned i = 0; i < WORK; i++)
        cr_assert(atomic_load(&piece[i].begun));
}

Test(workers, takes_nothing_once_stopped)
{
    add(0, 0);
    end(0);
    workers_stop(workers);
    cr_assert(atomic_load(&piece[0].begun));
    cr_assert_not(workers_add(workers, &piece[1].work));
    workers_free(workers);
}
