#include "issuer/drawn_keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SPKI_MAX = 96 };

/* Each key has one place that it may be in. */
struct place {
    uint8_t spki[SPKI_MAX];
    size_t len;
    EVP_PKEY *key;
};

struct drawn_keys {
    pthread_mutex_t lock;
    size_t count;
    struct place place[DRAWN_KEYS_MAX];
};

struct drawn_keys *drawn_keys_new(void)
{
    struct drawn_keys *keys = calloc(1, sizeof *keys);

    if (keys != NULL)
        (void)pthread_mutex_init(&keys->lock, NULL);
    return keys;
}

void drawn_keys_free(struct drawn_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < DRAWN_KEYS_MAX; i++)
        EVP_PKEY_free(keys->place[i].key);
    (void)pthread_mutex_destroy(&keys->lock);
    free(keys);
}

/* A public key that we drew ends in bits as good as random. */
static struct place *place_of(struct drawn_keys *keys, struct bytes spki)
{
    size_t number = (size_t)spki.ptr[spki.len - 1] << 8 | spki.ptr[spki.len - 2];

    return &keys->place[number % DRAWN_KEYS_MAX];
}

static bool fits(struct bytes spki)
{
    return spki.len >= 2 && spki.len <= SPKI_MAX;
}

void drawn_keys_keep(struct drawn_keys *keys, struct bytes spki, EVP_PKEY *key)
{
    struct place *place;

    if (!fits(spki) || !EVP_PKEY_up_ref(key))
        return;
    (void)pthread_mutex_lock(&keys->lock);
    place = place_of(keys, spki);
    keys->count += place->key == NULL;
    EVP_PKEY_free(place->key);
    memcpy(place->spki, spki.ptr, spki.len);
    place->len = spki.len;
    place->key = key;
    (void)pthread_mutex_unlock(&keys->lock);
}

EVP_PKEY *drawn_keys_take(struct drawn_keys *keys, struct bytes spki)
{
    struct place *place;
    EVP_PKEY *key = NULL;

    if (!fits(spki))
        return NULL;
    (void)pthread_mutex_lock(&keys->lock);
    place = place_of(keys, spki);
    if (place->key != NULL && bytes_equal(bytes_at(place->spki, place->len), spki)) {
        key = place->key;
        place->key = NULL;
        keys->count--;
    }
    (void)pthread_mutex_unlock(&keys->lock);
    return key;
}

size_t drawn_keys_count(struct drawn_keys *keys)
{
    size_t count;

    (void)pthread_mutex_lock(&keys->lock);
    count = keys->count;
    (void)pthread_mutex_unlock(&keys->lock);
    return count;
}
