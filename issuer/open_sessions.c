#include "issuer/open_sessions.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum { HASH_SIZE = 32, USUAL_REST = 512 /* bytes of a session beside its state */ };

struct entry {
    uint8_t cookie_hash[HASH_SIZE];
    int64_t version;
    enum phase phase;
    struct buf body; /* the session, as put_session() writes it; a secret */
    UT_hash_handle hh;
};

struct open_sessions {
    pthread_mutex_t lock;
    struct entry *entries; /* in the order of their last change, oldest first */
    size_t max;
    size_t count[PHASE_COUNT];
};

struct open_sessions *open_sessions_new(size_t max)
{
    struct open_sessions *sessions = calloc(1, sizeof *sessions);

    if (sessions == NULL)
        return NULL;
    (void)pthread_mutex_init(&sessions->lock, NULL);
    sessions->max = max;
    return sessions;
}

static void free_entry(struct entry *entry)
{
    if (entry == NULL)
        return;
    buf_free(&entry->body);
    free(entry);
}

static void drop(struct open_sessions *sessions, struct entry *entry)
{
    if (entry == NULL)
        return;
    sessions->count[entry->phase]--;
    HASH_DELETE(hh, sessions->entries, entry);
    free_entry(entry);
}

void open_sessions_free(struct open_sessions *sessions)
{
    if (sessions == NULL)
        return;
    while (sessions->entries != NULL)
        drop(sessions, sessions->entries);
    (void)pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

static struct entry *find(struct open_sessions *sessions, struct bytes cookie_hash)
{
    struct entry *entry = NULL;

    if (cookie_hash.len == HASH_SIZE)
        HASH_FIND(hh, sessions->entries, cookie_hash.ptr, HASH_SIZE, entry);
    return entry;
}

/* ---- the form in memory: of an open session, so verdict, cause and end are not in it ---- */

static void put_session(struct buf *out, const struct session *session, struct bytes state)
{
    put_ulong(out, (uint64_t)session->number);
    put_ulong(out, (uint64_t)session->version);
    put_string(out, session->id);
    put_string(out, session->profile);
    put_string(out, session->issuer_uri);
    put_bool(out, session->tls);
    put_ulong(out, (uint64_t)session->started);
    put_ulong(out, (uint64_t)session->expires);
    put_byte(out, (uint8_t)session->phase);
    put_array(out, session->last_message);
    put_raw(out, state);
}

static enum sks_status get_number(struct bytes *in, int64_t *number)
{
    uint64_t value = 0;
    enum sks_status rc = get_ulong(in, &value);

    *number = (int64_t)value;
    return rc;
}

static enum sks_status get_text(struct bytes *in, struct arena *arena, const char **text)
{
    struct bytes value;
    enum sks_status rc;

    TRY(get_array(in, &value));
    *text = arena_text(arena, value);
    rc = *text == NULL ? SKS_ERROR_STORAGE : SKS_OK;
out:
    return rc;
}

static enum sks_status get_session(struct bytes in, struct arena *arena, struct session *session)
{
    uint8_t phase = 0;
    enum sks_status rc;

    TRY(get_number(&in, &session->number));
    TRY(get_number(&in, &session->version));
    TRY(get_text(&in, arena, &session->id));
    TRY(get_text(&in, arena, &session->profile));
    TRY(get_text(&in, arena, &session->issuer_uri));
    TRY(get_bool(&in, &session->tls));
    TRY(get_number(&in, &session->started));
    TRY(get_number(&in, &session->expires));
    TRY(get_byte(&in, &phase));
    session->phase = (enum phase)phase;
    session->cause = "";
    TRY(get_array(&in, &session->last_message));
    TRY(session_get_state(in, arena, session));
out:
    return rc;
}

/* ---- in and out ---- */

static struct entry *make_entry(const struct session *session, struct bytes state)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL || session->cookie_hash.len != HASH_SIZE)
        goto fail;
    memcpy(entry->cookie_hash, session->cookie_hash.ptr, HASH_SIZE);
    entry->version = session->version;
    entry->phase = session->phase;
    (void)buf_reserve(&entry->body, state.len + USUAL_REST);
    put_session(&entry->body, session, state);
    if (entry->body.status == SKS_OK)
        return entry;
fail:
    free_entry(entry);
    return NULL;
}

static void add(struct open_sessions *sessions, struct entry *entry)
{
    HASH_ADD(hh, sessions->entries, cookie_hash, HASH_SIZE, entry);
    if (entry->hh.tbl == NULL) { /* no memory */
        free_entry(entry);
        return;
    }
    sessions->count[entry->phase]++;
    if (HASH_COUNT(sessions->entries) > sessions->max)
        drop(sessions, sessions->entries);
}

void open_sessions_keep(struct open_sessions *sessions, const struct session *session,
                        struct bytes state)
{
    struct entry *entry = make_entry(session, state), *before;

    (void)pthread_mutex_lock(&sessions->lock);
    before = find(sessions, session->cookie_hash);
    if (entry != NULL && (before == NULL || before->version < entry->version)) {
        drop(sessions, before);
        add(sessions, entry);
        entry = NULL;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    free_entry(entry);
}

bool open_sessions_find(struct open_sessions *sessions, struct bytes cookie_hash,
                        struct arena *arena, struct session *session)
{
    struct bytes body = { 0 };
    struct entry *entry;

    (void)pthread_mutex_lock(&sessions->lock);
    entry = find(sessions, cookie_hash);
    if (entry != NULL)
        body = arena_copy(arena, buf_bytes(&entry->body));
    (void)pthread_mutex_unlock(&sessions->lock);
    *session = (struct session){ .cookie_hash = cookie_hash };
    return body.ptr != NULL && get_session(body, arena, session) == SKS_OK;
}

void open_sessions_drop(struct open_sessions *sessions, struct bytes cookie_hash)
{
    (void)pthread_mutex_lock(&sessions->lock);
    drop(sessions, find(sessions, cookie_hash));
    (void)pthread_mutex_unlock(&sessions->lock);
}

void open_sessions_count(struct open_sessions *sessions, size_t count[PHASE_COUNT])
{
    (void)pthread_mutex_lock(&sessions->lock);
    memcpy(count, sessions->count, sizeof sessions->count);
    (void)pthread_mutex_unlock(&sessions->lock);
}
