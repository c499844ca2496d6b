#include "issuer/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DETAIL_MAX = 400 };

static void add_check(struct exchange *x, const char *name, bool passed, const char *detail)
{
    if (x->checks == x->room) {
        size_t room = x->room == 0 ? 16 : 2 * x->room;
        struct check *more = arena_alloc(x->arena, room, sizeof *more);

        if (more == NULL) {
            x->lost_check = true;
            return;
        }
        if (x->checks > 0)
            memcpy(more, x->check, x->checks * sizeof *more);
        x->check = more;
        x->room = room;
    }
    x->check[x->checks] = (struct check){ name, arena_text(x->arena, bytes_of(detail)), passed };
    x->lost_check |= x->check[x->checks++].detail == NULL;
}

void check_pass(struct exchange *x, const char *name, const char *format, ...)
{
    char detail[DETAIL_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    add_check(x, name, true, detail);
}

enum sks_status check_fail(struct exchange *x, enum sks_status status, const char *name,
                           const char *format, ...)
{
    char detail[DETAIL_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    add_check(x, name, false, detail);
    return sks_fail(x->err, status, "%s: %s", name, detail);
}

enum sks_status check_ids(struct exchange *x, struct bytes server_id, const struct bytes *client_id)
{
    const struct session *session = x->session;

    if (!bytes_equal(server_id, bytes_of(session->id)))
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_SESSION_IDS,
                          "serverSessionId is that of another session");
    if (client_id != NULL && !bytes_equal(*client_id, session->state.terms.client_session_id))
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_SESSION_IDS,
                          "clientSessionId is that of another session");
    check_pass(x, EVIDENCE_CHECK_SESSION_IDS, "those of this session");
    return SKS_OK;
}

enum sks_status answer_with(struct exchange *x, const struct json_type *type, const void *message)
{
    enum sks_status rc = keygen2_encode(type, message, &x->answer);

    if (rc != SKS_OK)
        return sks_fail(x->err, rc, "cannot encode the %s", type->name);
    if (x->answer.len > KEYGEN2_MESSAGE_MAX)
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_PROFILE,
                          "its %s would have %zu bytes, more than the %d of a message", type->name,
                          x->answer.len, KEYGEN2_MESSAGE_MAX);
    return SKS_OK;
}

enum sks_status keep_bytes(struct exchange *x, struct bytes from, struct bytes *to)
{
    *to = arena_copy(x->arena, from);
    return to->ptr == NULL ? sks_fail(x->err, SKS_ERROR_STORAGE, "no memory") : SKS_OK;
}

void exchange_free(struct exchange *x)
{
    buf_free(&x->answer);
}
