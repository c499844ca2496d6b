#include "tests/plain/parts/ledger.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

const char LEDGER_PUK[] = "900900", LEDGER_WRONG_PIN[] = "11112222", LEDGER_WRONG_PUK[] = "111222";

/* Relaxed: the ledger must not order what the token itself does not. */
uint64_t ledger_now(void)
{
    static _Atomic uint64_t last;

    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

static bool was_answered_before(const struct change_note *note, uint64_t moment)
{
    return !note->never && note->end != 0 && note->end < moment;
}

void must_be_one_of(enum sks_status status, unsigned allowed, const char *what, uint32_t key)
{
    char text[120];

    if ((one_of(status) & allowed) != 0)
        return;
    (void)snprintf(text, sizeof text, "%s, key %u: status %d, allowed is the set %x", what, key,
                   (int)status, allowed);
    must(false, text);
}

/* ---- PINs ---- */

static struct pin_value *find_value(struct pin_book *book, const char *text)
{
    for (unsigned i = 0; i < book->values; i++)
        if (strcmp(book->value[i].text, text) == 0)
            return &book->value[i];
    return NULL;
}

void pin_book_current(struct pin_book *book, char text[PIN_TEXT_SIZE])
{
    const struct pin_value *last = &book->value[0];

    (void)pthread_mutex_lock(&book->lock);
    for (unsigned i = 0; i < book->values; i++)
        if (was_answered_before(&book->value[i].note, UINT64_MAX) &&
            book->value[i].note.end > last->note.end)
            last = &book->value[i];
    memcpy(text, last->text, PIN_TEXT_SIZE);
    (void)pthread_mutex_unlock(&book->lock);
}

struct pin_value *pin_book_ask(struct pin_book *book)
{
    struct pin_value *value = NULL;

    (void)pthread_mutex_lock(&book->lock);
    if (book->values < PIN_VALUES_MAX) {
        value = &book->value[book->values];
        *value = (struct pin_value){ .note.begin = ledger_now() };
        (void)snprintf(value->text, sizeof value->text, "%08u", 47110000U + book->values);
        book->values++;
    }
    (void)pthread_mutex_unlock(&book->lock);
    return value;
}

void pin_book_answer(struct pin_book *book, struct pin_value *asked, const char *from, bool done)
{
    struct pin_value *old;

    (void)pthread_mutex_lock(&book->lock);
    asked->note.never = !done;
    asked->note.end = ledger_now();
    old = done && from != NULL ? find_value(book, from) : NULL;
    must(old == NULL || !old->spent, "one PIN was changed to two others");
    if (old != NULL)
        old->spent = true;
    (void)pthread_mutex_unlock(&book->lock);
}

/* Another value came after this one, and was there before the moment. */
static bool is_replaced(const struct pin_book *book, const struct pin_value *value, uint64_t moment)
{
    for (unsigned i = 0; i < book->values; i++)
        if (value->note.end != 0 && book->value[i].note.begin > value->note.end &&
            was_answered_before(&book->value[i].note, moment))
            return true;
    return false;
}

/* It was there before the moment, and nothing can have taken its place since. */
static bool is_certain(const struct pin_book *book, const struct pin_value *value, uint64_t moment,
                       const struct pin_value *own)
{
    if (!was_answered_before(&value->note, moment))
        return false;
    for (unsigned i = 0; i < book->values; i++) {
        const struct pin_value *other = &book->value[i];

        if (other != value && other != own && !other->note.never &&
            !was_answered_before(&other->note, value->note.begin))
            return false;
    }
    return true;
}

unsigned allowed_by_pin(struct pin_book *book, const char *pin, uint64_t since,
                        const struct pin_value *own)
{
    const struct pin_value *value;
    unsigned allowed = one_of(SKS_ERROR_AUTHORIZATION);

    if (book == NULL)
        return one_of(pin[0] == '\0' ? SKS_OK : SKS_ERROR_OPTION);
    (void)pthread_mutex_lock(&book->lock);
    value = find_value(book, pin);
    if (value != NULL && !value->note.never && !is_replaced(book, value, since))
        allowed |= one_of(SKS_OK);
    if (value != NULL && !book->blocks && is_certain(book, value, since, own))
        allowed = one_of(SKS_OK);
    (void)pthread_mutex_unlock(&book->lock);
    return allowed;
}

unsigned allowed_by_puk(const struct pin_book *book, const char *puk)
{
    if (book == NULL)
        return one_of(SKS_ERROR_OPTION);
    if (strcmp(puk, LEDGER_PUK) != 0)
        return one_of(SKS_ERROR_AUTHORIZATION);
    return one_of(SKS_OK) | (book->blocks ? one_of(SKS_ERROR_AUTHORIZATION) : 0);
}

/* ---- keys ---- */

unsigned allowed_on_key(struct key_book *key, uint64_t since, unsigned there)
{
    unsigned allowed = there;

    (void)pthread_mutex_lock(&key->lock);
    if (key->gone != 0 || key->deletions > 0)
        allowed |= one_of(SKS_ERROR_NO_KEY);
    if (key->gone != 0 && key->gone < since)
        allowed = one_of(SKS_ERROR_NO_KEY);
    (void)pthread_mutex_unlock(&key->lock);
    return allowed;
}

static bool is_possible(const struct key_book *key, unsigned number, uint64_t since)
{
    if (key->generation[number].note.never)
        return false;
    for (unsigned i = number + 1; i < key->generations; i++)
        if (was_answered_before(&key->generation[i].note, since))
            return false;
    return true;
}

bool generation_is_possible(struct key_book *key, unsigned number, uint64_t since)
{
    bool possible;

    (void)pthread_mutex_lock(&key->lock);
    possible = number < key->generations && is_possible(key, number, since);
    (void)pthread_mutex_unlock(&key->lock);
    return possible;
}

int generation_find(struct key_book *key, uint64_t since,
                    bool (*is)(const struct generation *generation, const void *what),
                    const void *what)
{
    int found = -1;

    (void)pthread_mutex_lock(&key->lock);
    for (unsigned i = 0; i < key->generations && found < 0; i++)
        if (is_possible(key, i, since) && is(&key->generation[i], what))
            found = (int)i;
    (void)pthread_mutex_unlock(&key->lock);
    return found;
}

struct generation generation_current(struct key_book *key)
{
    struct generation current = { 0 };

    (void)pthread_mutex_lock(&key->lock);
    for (unsigned i = 0; i < key->generations; i++)
        if (was_answered_before(&key->generation[i].note, UINT64_MAX))
            current = key->generation[i];
    (void)pthread_mutex_unlock(&key->lock);
    return current;
}

struct generation *key_book_ask_update(struct key_book *key, const struct generation *asked)
{
    struct generation *noted;

    (void)pthread_mutex_lock(&key->lock);
    must(key->generations < GENERATIONS_MAX, "room for a generation");
    noted = &key->generation[key->generations++];
    *noted = *asked;
    (void)pthread_mutex_unlock(&key->lock);
    return noted;
}

void key_book_answer_update(struct key_book *key, struct generation *asked, bool done)
{
    (void)pthread_mutex_lock(&key->lock);
    asked->note.never = !done;
    asked->note.end = ledger_now();
    (void)pthread_mutex_unlock(&key->lock);
}

void key_book_ask_deletion(struct key_book *key)
{
    (void)pthread_mutex_lock(&key->lock);
    key->deletions++;
    (void)pthread_mutex_unlock(&key->lock);
}

void key_book_answer_deletion(struct key_book *key, bool done)
{
    (void)pthread_mutex_lock(&key->lock);
    must(!done || key->gone == 0, "one key was deleted twice");
    key->deletions--;
    if (done)
        key->gone = ledger_now();
    (void)pthread_mutex_unlock(&key->lock);
}

bool key_book_is_gone(struct key_book *key)
{
    bool gone;

    (void)pthread_mutex_lock(&key->lock);
    gone = key->gone != 0;
    (void)pthread_mutex_unlock(&key->lock);
    return gone;
}

bool key_book_may_be_gone(struct key_book *key, unsigned own)
{
    bool may;

    (void)pthread_mutex_lock(&key->lock);
    may = key->gone != 0 || key->deletions > own;
    (void)pthread_mutex_unlock(&key->lock);
    return may;
}
