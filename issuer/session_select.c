/* Sessions by what they have in common, page by page. */
#include "issuer/certificate_store.h"
#include "issuer/session_store.h"

#include <string.h>

enum { PAGE = 64 };

/* `state` is read where it is needed only: it is the most of a row. */
#define SELECT(state)                                                                              \
    "SELECT number, id, profile, issuer_uri, started, expires, ended, phase, verdict, cause,"      \
    " " state " FROM session WHERE number < ? AND verdict BETWEEN ? AND ?"                         \
    " AND started >= ? AND started < ? AND (? IS NULL OR profile = ?)"                             \
    " ORDER BY number DESC LIMIT ?"

struct page {
    struct session session[PAGE];
    struct bytes sealed[PAGE];
    size_t count;
    struct arena arena;
};

static bool read_session(sqlite3_stmt *row, struct page *page)
{
    struct session *s = &page->session[page->count];

    *s = (struct session){
        .number = sqlite3_column_int64(row, 0),
        .id = arena_text(&page->arena, database_bytes(row, 1)),
        .profile = arena_text(&page->arena, database_bytes(row, 2)),
        .issuer_uri = arena_text(&page->arena, database_bytes(row, 3)),
        .started = sqlite3_column_int64(row, 4),
        .expires = sqlite3_column_int64(row, 5),
        .ended = sqlite3_column_int64(row, 6),
        .phase = (enum phase)sqlite3_column_int(row, 7),
        .verdict = (enum verdict)sqlite3_column_int(row, 8),
        .cause = arena_text(&page->arena, database_bytes(row, 9)),
    };
    page->sealed[page->count] = arena_copy(&page->arena, database_bytes(row, 10));
    if (s->id == NULL || s->profile == NULL || s->issuer_uri == NULL || s->cause == NULL ||
        page->sealed[page->count].ptr == NULL)
        return false;
    page->count++;
    return true;
}

static enum sks_status read_page(struct session_store *store, const struct session_filter *filter,
                                 int64_t before, struct page *page, struct sks_error *err)
{
    uint32_t least = filter->by_verdict ? (uint32_t)filter->verdict : 0;
    uint32_t most = filter->by_verdict ? (uint32_t)filter->verdict : UINT8_MAX;
    bool good = true;
    sqlite3_stmt *row;
    int step = 0;

    page->count = 0;
    database_lock(store->db);
    row = database_query(store->db, filter->device.len > 0 ? SELECT("state") : SELECT("x''"),
                         "iuuiittu", before, least, most, filter->since,
                         filter->until == 0 ? INT64_MAX : filter->until, filter->profile,
                         filter->profile, (uint32_t)PAGE);
    while (good && (step = database_step(row, err)) > 0)
        good = read_session(row, page);
    database_done(row);
    database_unlock(store->db);
    if (!good)
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for sessions");
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

static enum sks_status is_of_device(struct session_store *store, struct bytes wanted,
                                    struct bytes sealed, struct arena *arena,
                                    struct session *session, bool *is, struct sks_error *err)
{
    struct buf name = { 0 };
    enum sks_status rc;

    *is = true;
    if (wanted.len == 0)
        return SKS_OK;
    TRY(session_store_open_state(store, sealed, arena, session, err));
    TRY(sks_explain(err, put_device_name(&name, &session->state)));
    *is = name.len >= wanted.len && memcmp(name.ptr, wanted.ptr, wanted.len) == 0;
out:
    buf_free(&name);
    return rc;
}

/* @param left how many more may be shown */
static enum sks_status show_page(struct session_store *store, const struct session_filter *filter,
                                 struct page *page, uint32_t *left,
                                 void (*each)(void *ctx, const struct session *session), void *ctx,
                                 struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i<page->count && * left> 0; i++) {
        bool is;

        TRY(is_of_device(store, filter->device, page->sealed[i], &page->arena, &page->session[i],
                         &is, err));
        if (!is)
            continue;
        each(ctx, &page->session[i]);
        --*left;
    }
out:
    return rc;
}

enum sks_status session_store_select(struct session_store *store,
                                     const struct session_filter *filter,
                                     void (*each)(void *ctx, const struct session *session),
                                     void *ctx, struct sks_error *err)
{
    uint32_t left = filter->limit == 0 ? UINT32_MAX : filter->limit;
    struct page page = { .count = PAGE };
    int64_t before = INT64_MAX;
    enum sks_status rc = SKS_OK;

    while (left > 0 && page.count == PAGE) {
        TRY(read_page(store, filter, before, &page, err));
        if (page.count > 0)
            before = page.session[page.count - 1].number;
        TRY(show_page(store, filter, &page, &left, each, ctx, err));
        arena_free(&page.arena);
    }
out:
    arena_free(&page.arena);
    return rc;
}
