#include "proxy/attack/watched.h"

#include "keygen2/base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* An attack that was read; those before it may still be at work on a message. */
struct reading {
    struct attack *attack;
    struct reading *before;
};

struct watched_attack {
    const char *file;
    pthread_mutex_t lock;
    struct stat seen; /* of the file that was read last; zero: there was none */
    struct attack *now;
    struct reading *readings;
};

enum sks_status watched_attack_open(const char *file, struct watched_attack **watched,
                                    struct sks_error *err)
{
    struct watched_attack *made = NULL;
    enum sks_status rc = SKS_OK;

    *watched = NULL;
    if (file == NULL)
        return SKS_OK;
    made = calloc(1, sizeof *made);
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for the attack");
    made->file = file;
    (void)pthread_mutex_init(&made->lock, NULL);
    *watched = made;
out:
    return rc;
}

/* A file that is renamed into its place is another one. */
static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void read_rules(struct watched_attack *watched)
{
    struct reading *reading = calloc(1, sizeof *reading);
    struct sks_error err = { 0 };

    watched->now = NULL;
    if (reading == NULL || attack_load(watched->file, &reading->attack, &err) != SKS_OK) {
        log_error("no attack: %s", reading == NULL ? "no memory" : err.text);
        free(reading);
        return;
    }
    reading->before = watched->readings;
    watched->readings = reading;
    watched->now = reading->attack;
}

struct attack *watched_attack_now(struct watched_attack *watched)
{
    struct attack *now;
    struct stat found;

    if (watched == NULL)
        return NULL;
    (void)pthread_mutex_lock(&watched->lock);
    if (stat(watched->file, &found) != 0) {
        watched->seen = (struct stat){ 0 };
        watched->now = NULL;
    } else if (!is_same(&found, &watched->seen)) {
        watched->seen = found;
        read_rules(watched);
    }
    now = watched->now;
    (void)pthread_mutex_unlock(&watched->lock);
    return now;
}

void watched_attack_close(struct watched_attack *watched)
{
    struct reading *before;

    if (watched == NULL)
        return;
    for (struct reading *r = watched->readings; r != NULL; r = before) {
        before = r->before;
        attack_free(r->attack);
        free(r);
    }
    (void)pthread_mutex_destroy(&watched->lock);
    free(watched);
}
