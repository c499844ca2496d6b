#include "issuer/client_caps.h"
#include "keygen2/base/clock.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum {
    COOKIE_HASH = 32,
    KEY = 16,
    RATES_MAX = 65536, /* addresses that are remembered; who is silent longest is forgotten */
    GUESSES = 5,       /* at once; then one in CAPS_GUESS_SECONDS */
};

static const int64_t ONE = 1000000; /* what a request, or a guess, takes out of its bucket */

/* Fills with time. */
struct bucket {
    int64_t level, at;
};

struct rate {
    uint8_t address[KEY];
    struct bucket requests, guesses;
    UT_hash_handle hh;
};

struct holder {
    uint8_t address[KEY];
    uint32_t sessions;
    UT_hash_handle hh;
};

struct held {
    uint8_t cookie[COOKIE_HASH];
    struct holder *holder; /* NULL: nobody knows */
    int64_t expires;
    size_t place; /* in the heap */
    UT_hash_handle hh;
};

struct client_caps {
    pthread_mutex_t lock;
    struct client_limits limits;
    bool loopback_sessions, loopback_requests; /* they are limited too */
    struct rate *rates;                        /* those heard of longest ago first */
    struct holder *holders;
    struct held *sessions;
    struct held **heap; /* the next to expire first; HASH_COUNT(sessions) of them */
    size_t room;
};

struct client_caps *client_caps_new(const struct client_limits *limits)
{
    struct client_caps *caps = calloc(1, sizeof *caps);

    if (caps == NULL)
        return NULL;
    (void)pthread_mutex_init(&caps->lock, NULL);
    caps->limits = *limits;
    caps->loopback_sessions = limits->address_sessions != 0;
    caps->loopback_requests = limits->address_requests != 0;
    if (limits->sessions == 0)
        caps->limits.sessions = CAPS_SESSIONS_DEFAULT;
    if (limits->address_sessions == 0)
        caps->limits.address_sessions = CAPS_ADDRESS_SESSIONS_DEFAULT;
    if (limits->address_requests == 0)
        caps->limits.address_requests = CAPS_ADDRESS_REQUESTS_DEFAULT;
    return caps;
}

/* ---- addresses ---- */

static bool is_v4(const struct http_address *address)
{
    static const uint8_t MAPPED[12] = { [10] = 0xFF, [11] = 0xFF };

    return memcmp(address->octet, MAPPED, sizeof MAPPED) == 0;
}

static bool is_loopback(const struct http_address *address)
{
    static const uint8_t V6[KEY] = { [15] = 1 };

    return is_v4(address) ? address->octet[12] == 127 : memcmp(address->octet, V6, sizeof V6) == 0;
}

static void key_of(const struct http_address *address, uint8_t key[KEY])
{
    memcpy(key, address->octet, KEY);
    if (!is_v4(address))
        memset(key + 8, 0, 8);
}

void http_address_text(const struct http_address *address, char text[CAPS_ADDRESS_TEXT])
{
    bool v4 = is_v4(address);

    if (inet_ntop(v4 ? AF_INET : AF_INET6, address->octet + (v4 ? 12 : 0), text,
                  CAPS_ADDRESS_TEXT) == NULL)
        text[0] = '\0';
}

/* ---- rates ---- */

static bool take(struct bucket *bucket, int64_t size, int64_t fill_per_second)
{
    int64_t now = clock_monotonic_ms(), gap = now - bucket->at;

    if (gap > 3600 * 1000)
        gap = 3600 * 1000;
    bucket->level += gap * fill_per_second / 1000;
    bucket->at = now;
    if (bucket->level > size)
        bucket->level = size;
    if (bucket->level < ONE)
        return false;
    bucket->level -= ONE;
    return true;
}

static struct rate *new_rate(const struct client_caps *caps, const uint8_t key[KEY])
{
    struct rate *rate = calloc(1, sizeof *rate);

    if (rate == NULL)
        return NULL;
    memcpy(rate->address, key, KEY);
    rate->requests.level = 2 * ONE * caps->limits.address_requests;
    rate->guesses.level = ONE * GUESSES;
    rate->requests.at = rate->guesses.at = clock_monotonic_ms();
    return rate;
}

/* The rate of an address, now the last in order. NULL without memory. */
static struct rate *rate_of(struct client_caps *caps, const struct http_address *from)
{
    uint8_t key[KEY];
    struct rate *rate = NULL, *oldest;

    key_of(from, key);
    HASH_FIND(hh, caps->rates, key, KEY, rate);
    if (rate != NULL)
        HASH_DELETE(hh, caps->rates, rate);
    else
        rate = new_rate(caps, key);
    if (rate == NULL)
        return NULL;
    HASH_ADD(hh, caps->rates, address, KEY, rate);
    if (rate->hh.tbl == NULL) {
        free(rate);
        return NULL;
    }
    if (HASH_COUNT(caps->rates) > RATES_MAX) {
        oldest = caps->rates;
        HASH_DELETE(hh, caps->rates, oldest);
        free(oldest);
    }
    return rate;
}

bool client_caps_request(struct client_caps *caps, const struct http_address *from)
{
    struct rate *of;
    int64_t rate;
    bool granted;

    if (caps == NULL || (is_loopback(from) && !caps->loopback_requests))
        return true;
    rate = caps->limits.address_requests;
    (void)pthread_mutex_lock(&caps->lock);
    of = rate_of(caps, from);
    granted = of == NULL || take(&of->requests, 2 * ONE * rate, ONE * rate);
    (void)pthread_mutex_unlock(&caps->lock);
    return granted;
}

bool client_caps_guess(struct client_caps *caps, const struct http_address *from)
{
    struct rate *of;
    bool granted;

    if (caps == NULL || (is_loopback(from) && !caps->loopback_requests))
        return true;
    (void)pthread_mutex_lock(&caps->lock);
    of = rate_of(caps, from);
    granted = of == NULL || take(&of->guesses, ONE * GUESSES, ONE / CAPS_GUESS_SECONDS);
    (void)pthread_mutex_unlock(&caps->lock);
    return granted;
}

void client_caps_right(struct client_caps *caps, const struct http_address *from)
{
    struct rate *of;

    if (caps == NULL)
        return;
    (void)pthread_mutex_lock(&caps->lock);
    of = rate_of(caps, from);
    if (of != NULL)
        of->guesses.level += ONE;
    (void)pthread_mutex_unlock(&caps->lock);
}

/* ---- the heap of open sessions ---- */

static void put_at(struct client_caps *caps, size_t place, struct held *held)
{
    caps->heap[place] = held;
    held->place = place;
}

static void rise(struct client_caps *caps, size_t place)
{
    struct held *held = caps->heap[place];

    while (place > 0 && caps->heap[(place - 1) / 2]->expires > held->expires) {
        put_at(caps, place, caps->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(caps, place, held);
}

static void sink(struct client_caps *caps, size_t place, size_t count)
{
    struct held *held = caps->heap[place];

    for (size_t child = 2 * place + 1; child < count; child = 2 * place + 1) {
        if (child + 1 < count && caps->heap[child + 1]->expires < caps->heap[child]->expires)
            child++;
        if (caps->heap[child]->expires >= held->expires)
            break;
        put_at(caps, place, caps->heap[child]);
        place = child;
    }
    put_at(caps, place, held);
}

static bool make_room(struct client_caps *caps)
{
    size_t room = caps->room == 0 ? 64 : 2 * caps->room;
    struct held **heap;

    if (HASH_COUNT(caps->sessions) < caps->room)
        return true;
    heap = realloc(caps->heap, room * sizeof(struct held *));
    if (heap == NULL)
        return false;
    caps->heap = heap;
    caps->room = room;
    return true;
}

static void leave_holder(struct client_caps *caps, struct holder *holder)
{
    if (holder == NULL || --holder->sessions > 0)
        return;
    HASH_DELETE(hh, caps->holders, holder);
    free(holder);
}

static void drop(struct client_caps *caps, struct held *held)
{
    size_t last = HASH_COUNT(caps->sessions) - 1, place = held->place;

    HASH_DELETE(hh, caps->sessions, held);
    if (place < last) {
        put_at(caps, place, caps->heap[last]);
        sink(caps, place, last);
        rise(caps, place);
    }
    leave_holder(caps, held->holder);
    free(held);
}

void client_caps_free(struct client_caps *caps)
{
    if (caps == NULL)
        return;
    while (caps->sessions != NULL)
        drop(caps, caps->sessions);
    while (caps->rates != NULL) {
        struct rate *rate = caps->rates;

        HASH_DELETE(hh, caps->rates, rate);
        free(rate);
    }
    free(caps->heap);
    (void)pthread_mutex_destroy(&caps->lock);
    free(caps);
}

/* ---- open sessions ---- */

static struct holder *enter_holder(struct client_caps *caps, const uint8_t key[KEY])
{
    struct holder *holder = NULL;

    HASH_FIND(hh, caps->holders, key, KEY, holder);
    if (holder == NULL && (holder = calloc(1, sizeof *holder)) != NULL) {
        memcpy(holder->address, key, KEY);
        HASH_ADD(hh, caps->holders, address, KEY, holder);
        if (holder->hh.tbl == NULL) {
            free(holder);
            holder = NULL;
        }
    }
    if (holder != NULL)
        holder->sessions++;
    return holder;
}

/* Without memory a session is not counted; the store's own limits still hold. */
static void add(struct client_caps *caps, const uint8_t *key, struct bytes cookie, int64_t expires)
{
    struct held *held;

    if (!make_room(caps) || (held = calloc(1, sizeof *held)) == NULL)
        return;
    memcpy(held->cookie, cookie.ptr, COOKIE_HASH);
    held->expires = expires;
    HASH_ADD(hh, caps->sessions, cookie, COOKIE_HASH, held);
    if (held->hh.tbl == NULL) {
        free(held);
        return;
    }
    held->holder = key == NULL ? NULL : enter_holder(caps, key);
    put_at(caps, HASH_COUNT(caps->sessions) - 1, held);
    rise(caps, held->place);
}

static uint32_t sessions_of(const struct client_caps *caps, const uint8_t key[KEY])
{
    struct holder *holder = NULL;

    HASH_FIND(hh, caps->holders, key, KEY, holder);
    return holder == NULL ? 0 : holder->sessions;
}

enum caps_answer client_caps_open(struct client_caps *caps, const struct http_address *from,
                                  struct bytes cookie, int64_t expires)
{
    enum caps_answer answer = CAPS_GRANTED;
    bool limited;
    struct held *before = NULL;
    int64_t now = clock_now();
    uint8_t key[KEY];

    if (caps == NULL || cookie.len != COOKIE_HASH)
        return CAPS_GRANTED;
    limited = from != NULL && (!is_loopback(from) || caps->loopback_sessions);
    if (from != NULL)
        key_of(from, key);
    (void)pthread_mutex_lock(&caps->lock);
    while (caps->sessions != NULL && caps->heap[0]->expires < now)
        drop(caps, caps->heap[0]); /* each was paid for when it was added */
    HASH_FIND(hh, caps->sessions, cookie.ptr, COOKIE_HASH, before);
    if (before == NULL) {
        if (from != NULL && HASH_COUNT(caps->sessions) >= caps->limits.sessions)
            answer = CAPS_FULL;
        else if (limited && sessions_of(caps, key) >= caps->limits.address_sessions)
            answer = CAPS_ADDRESS_FULL;
        else
            add(caps, from == NULL ? NULL : key, cookie, expires);
    }
    (void)pthread_mutex_unlock(&caps->lock);
    return answer;
}

void client_caps_close(struct client_caps *caps, struct bytes cookie)
{
    struct held *held = NULL;

    if (caps == NULL || cookie.len != COOKIE_HASH)
        return;
    (void)pthread_mutex_lock(&caps->lock);
    HASH_FIND(hh, caps->sessions, cookie.ptr, COOKIE_HASH, held);
    if (held != NULL)
        drop(caps, held);
    (void)pthread_mutex_unlock(&caps->lock);
}
