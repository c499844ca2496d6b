#include "matrix/made_keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { EXPONENT_MAX = 8, PILE_MAX = 64 };

struct pile {
    const struct algorithm *algorithm; /* NULL: it is not in use yet */
    uint8_t exponent[EXPONENT_MAX];
    size_t exponent_length, count;
    EVP_PKEY *key[PILE_MAX];
};

struct made_keys {
    pthread_mutex_t lock;
    struct pile pile[MADE_KEYS_PILES];
};

enum sks_status made_keys_new(struct made_keys **keys, struct sks_error *err)
{
    *keys = calloc(1, sizeof **keys);
    if (*keys == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for keys");
    (void)pthread_mutex_init(&(*keys)->lock, NULL);
    return SKS_OK;
}

void made_keys_free(struct made_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < MADE_KEYS_PILES; i++)
        for (size_t j = 0; j < keys->pile[i].count; j++)
            EVP_PKEY_free(keys->pile[i].key[j]);
    (void)pthread_mutex_destroy(&keys->lock);
    free(keys);
}

/* The pile of a kind of keys; NULL: there is no room for one. */
static struct pile *find_pile(struct made_keys *keys, const struct algorithm *algorithm,
                              struct bytes exponent)
{
    for (size_t i = 0; i < MADE_KEYS_PILES && exponent.len <= EXPONENT_MAX; i++) {
        struct pile *pile = &keys->pile[i];

        if (pile->algorithm == NULL) {
            pile->algorithm = algorithm;
            pile->exponent_length = exponent.len;
            if (exponent.len > 0)
                memcpy(pile->exponent, exponent.ptr, exponent.len);
        }
        if (pile->algorithm == algorithm &&
            bytes_equal(bytes_at(pile->exponent, pile->exponent_length), exponent))
            return pile;
    }
    return NULL;
}

static enum sks_status deal(struct key_dealer *dealer, struct pile *pile, EVP_PKEY **pkey)
{
    size_t *place = &dealer->dealt[pile - dealer->keys->pile];
    struct bytes exponent = bytes_at(pile->exponent, pile->exponent_length);
    enum sks_status rc = SKS_OK;

    if (*place == pile->count) {
        TRY(private_key_generate(pile->algorithm, exponent, &pile->key[pile->count]));
        pile->count++;
    }
    *pkey = pile->key[(*place)++];
    EVP_PKEY_up_ref(*pkey);
out:
    return rc;
}

static enum sks_status make(void *ctx, const struct algorithm *algorithm, struct bytes exponent,
                            EVP_PKEY **pkey)
{
    struct key_dealer *dealer = ctx;
    struct pile *pile = NULL;
    enum sks_status rc = SKS_OK;

    *pkey = NULL;
    if (dealer->keys == NULL || algorithm->kind != KEY_KIND_RSA)
        return private_key_generate(algorithm, exponent, pkey);
    (void)pthread_mutex_lock(&dealer->keys->lock);
    pile = find_pile(dealer->keys, algorithm, exponent);
    if (pile != NULL && dealer->dealt[pile - dealer->keys->pile] < PILE_MAX)
        rc = deal(dealer, pile, pkey);
    (void)pthread_mutex_unlock(&dealer->keys->lock);
    return rc == SKS_OK && *pkey == NULL ? private_key_generate(algorithm, exponent, pkey) : rc;
}

void key_dealer_begin(struct key_dealer *dealer, struct made_keys *keys)
{
    *dealer = (struct key_dealer){ .maker = { make, dealer }, .keys = keys };
}

void key_dealer_keep(struct key_dealer *dealer)
{
    memcpy(dealer->kept, dealer->dealt, sizeof dealer->kept);
}

void key_dealer_restore(struct key_dealer *dealer)
{
    memcpy(dealer->dealt, dealer->kept, sizeof dealer->dealt);
}
