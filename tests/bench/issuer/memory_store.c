#include "tests/bench/issuer/memory_store.h"
#include "issuer/open_sessions.h"
#include "issuer/session_store.h"

#include <stdatomic.h>

enum { KEPT = 1024, KEEP_MAX = 16 };

/* What is kept of a session. Each is one client's, who sends one message after the other. */
struct kept {
    int64_t number, version;
    struct bytes piece[KEEP_MAX];
    unsigned pieces;
    struct arena arena;
};

static struct kept kept[KEPT]; /* the last ones */
static _Atomic int64_t last;
static atomic_uint succeeded;
static bool in_use;

void memory_store_use(bool on)
{
    in_use = on;
    last = 0;
    succeeded = 0;
    for (size_t i = 0; i < KEPT; i++) {
        arena_free(&kept[i].arena);
        kept[i] = (struct kept){ 0 };
    }
}

unsigned memory_store_succeeded(void)
{
    return succeeded;
}

static void keep(struct kept *k, struct bytes piece)
{
    if (piece.len > 0 && k->pieces < KEEP_MAX)
        k->piece[k->pieces++] = arena_copy(&k->arena, piece);
}

static void keep_change(struct kept *k, const struct session *session, const struct change *change)
{
    struct buf checks = { 0 };

    put_checks(&checks, change->check, change->checks);
    keep(k, change->message);
    keep(k, change->answer);
    keep(k, buf_bytes(&checks));
    if (change->state && session->phase == PHASE_FINALIZATION)
        for (size_t i = 0; i < session->state.credentials; i++)
            keep(k, session->state.credential[i].certificate);
    buf_free(&checks);
}

static void remember(struct session_store *store, const struct session *session, bool goes_on)
{
    struct buf state = { 0 };

    put_session_state(&state, &session->state);
    if (goes_on)
        open_sessions_keep(store->open, session, buf_bytes(&state));
    else
        open_sessions_drop(store->open, session->cookie_hash);
    buf_free(&state);
}

/* ---- in the place of session_store.c ---- */

enum sks_status __real_session_store_add(struct session_store *store, struct session *session,
                                         struct bytes answer, struct sks_error *err);
enum sks_status __wrap_session_store_add(struct session_store *store, struct session *session,
                                         struct bytes answer, struct sks_error *err);
enum sks_status __wrap_session_store_add(struct session_store *store, struct session *session,
                                         struct bytes answer, struct sks_error *err)
{
    const struct change change = { .answer = answer };
    struct kept *k;

    if (!in_use)
        return __real_session_store_add(store, session, answer, err);
    session->number = atomic_fetch_add(&last, 1) + 1;
    session->version = 1;
    k = &kept[session->number % KEPT];
    arena_free(&k->arena);
    *k = (struct kept){ .number = session->number, .version = 1 };
    keep_change(k, session, &change);
    remember(store, session, true);
    return SKS_OK;
}

enum sks_status __real_session_store_save(struct session_store *store, struct session *session,
                                          const struct change *change, bool *won,
                                          struct sks_error *err);
enum sks_status __wrap_session_store_save(struct session_store *store, struct session *session,
                                          const struct change *change, bool *won,
                                          struct sks_error *err);
enum sks_status __wrap_session_store_save(struct session_store *store, struct session *session,
                                          const struct change *change, bool *won,
                                          struct sks_error *err)
{
    struct kept *k = &kept[session->number % KEPT];

    if (!in_use)
        return __real_session_store_save(store, session, change, won, err);
    *won = k->number == session->number && k->version == session->version;
    if (!*won)
        return SKS_OK;
    keep_change(k, session, change);
    k->version = ++session->version;
    succeeded += session->verdict == VERDICT_SUCCEEDED;
    remember(store, session, session->verdict == VERDICT_OPEN && change->state);
    return SKS_OK;
}

enum sks_status __real_session_store_expire(struct session_store *store, int64_t now,
                                            struct sks_error *err);
enum sks_status __wrap_session_store_expire(struct session_store *store, int64_t now,
                                            struct sks_error *err);
enum sks_status __wrap_session_store_expire(struct session_store *store, int64_t now,
                                            struct sks_error *err)
{
    return in_use ? SKS_OK : __real_session_store_expire(store, now, err);
}
