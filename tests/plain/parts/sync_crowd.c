#include "tests/plain/parts/sync_crowd.h"

#include <pthread.h>

enum { KEYS_MAX = 2 * CROWD_CLIENTS * CROWD_SESSIONS, CUTS_MAX = 2 * KEYS_MAX };

static struct {
    pthread_mutex_t lock;
    uint32_t key[KEYS_MAX];
    unsigned keys;
    struct cut {
        struct disk_image *disk;
        unsigned keys; /* that somebody had an answer of */
    } cut[CUTS_MAX];
    unsigned cuts;
} book = { .lock = PTHREAD_MUTEX_INITIALIZER };

static atomic_bool over;

/* A client has learned of a key: what would be left of it now? */
static void learn(uint32_t key)
{
    bool known = false;

    (void)pthread_mutex_lock(&book.lock);
    for (unsigned i = 0; i < book.keys; i++)
        known = known || book.key[i] == key;
    if (!known) {
        must(book.keys < KEYS_MAX && book.cuts < CUTS_MAX, "room");
        book.key[book.keys++] = key;
        book.cut[book.cuts++] = (struct cut){ disk_take(DISK_POWER_CUT, 0), book.keys };
    }
    (void)pthread_mutex_unlock(&book.lock);
}

static void *enrol_some(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < CROWD_SESSIONS; i++) {
        struct enrolment *e = enrolment_begin(world.token, world_plan());
        uint32_t key = enrolment_key(e, 0);

        enrolment_close(e);
        learn(key);
        must(try_sign(world.token, key, WORLD_PIN) == SKS_OK, "sign");
        enrolment_free(e);
    }
    return NULL;
}

/* Handles go up, so the last one is the newest. */
static void *look_on(void *unused)
{
    (void)unused;
    for (uint32_t last = 0, key; !atomic_load(&over); last = key == 0 ? last : key)
        if ((key = next_key(world.token, last)) != 0)
            learn(key);
    return NULL;
}

/* @return how many keys that somebody knew of are not there */
static unsigned lost_in(const struct cut *cut)
{
    unsigned lost = 0;

    disk_put(cut->disk);
    world.token = open_store(world.folder);
    for (unsigned i = 0; i < cut->keys; i++)
        if (try_sign(world.token, book.key[i], WORLD_PIN) != SKS_OK)
            lost++;
    token_close(world.token);
    return lost;
}

unsigned sync_crowd(enum sync_defect with)
{
    pthread_t client[CROWD_CLIENTS], reader;
    unsigned lost = 0;

    (void)world_begin();
    syncs.defect = with;
    atomic_store(&over, false);
    must(pthread_create(&reader, NULL, look_on, NULL) == 0, "thread");
    for (unsigned i = 0; i < CROWD_CLIENTS; i++)
        must(pthread_create(&client[i], NULL, enrol_some, NULL) == 0, "thread");
    for (unsigned i = 0; i < CROWD_CLIENTS; i++)
        (void)pthread_join(client[i], NULL);
    atomic_store(&over, true);
    (void)pthread_join(reader, NULL);
    syncs.defect = NO_DEFECT;
    token_close(world.token);
    must(book.keys >= CROWD_CLIENTS * CROWD_SESSIONS, "the keys were seen");
    for (unsigned i = 0; i < book.cuts; i++) {
        lost += lost_in(&book.cut[i]);
        disk_image_free(book.cut[i].disk);
    }
    book.keys = book.cuts = 0;
    remove_store(world.folder);
    return lost;
}
