/*
 * A token elsewhere, over the SKS wire. It cannot be set back: what the sweep made there is removed
 * again, as far as the token lets anybody, and what it holds of others is only looked at.
 */
#include "matrix/token_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT_SHOWN = 8 };

struct token_elsewhere {
    struct token_end end;
    struct token_transport transport;
    uint32_t *session; /* those that were made through this end, since the last restore() */
    size_t sessions, room;
    json_t *left; /* handles of keys that could not be deleted */
};

/* ---- whose is it ---- */

static bool owns(const struct token_end *base, uint32_t provisioning_handle)
{
    const struct token_elsewhere *end = (const struct token_elsewhere *)base;

    for (size_t i = 0; i < end->sessions; i++)
        if (end->session[i] == provisioning_handle)
            return true;
    return false;
}

/* A session that the token has made is ours, whatever becomes of its answer on the way. */
static enum sks_status note_session(struct token_elsewhere *end, struct bytes request,
                                    struct bytes answer, struct sks_error *err)
{
    size_t room = end->room == 0 ? 16 : 2 * end->room;
    struct bytes handle = answer;
    uint32_t *grown;
    enum sks_status rc = SKS_OK;

    if (request.len == 0 || answer.len < 5 || answer.ptr[0] != SKS_OK ||
        (request.ptr[0] != CREATE_PROVISIONING_SESSION && request.ptr[0] != CREATE_SESSION_2010))
        return SKS_OK;
    if (end->sessions == end->room) {
        grown = realloc(end->session, room * sizeof *grown);
        REQUIRE(grown != NULL, err, SKS_ERROR_STORAGE, "no memory for the token's sessions");
        end->session = grown;
        end->room = room;
    }
    handle.ptr += handle.len - 4; /* the last output of either method */
    handle.len = 4;
    TRY(get_uint(&handle, &end->session[end->sessions]));
    end->sessions++;
out:
    return rc;
}

static enum sks_status make_call(struct token_end *base, const struct sks_dialect *dialect,
                                 struct bytes request, struct buf *answer, enum call_fate *fate,
                                 struct sks_error *err)
{
    struct token_elsewhere *end = (struct token_elsewhere *)base;
    struct token_transport *way = &end->transport;
    struct bytes told;
    size_t before = answer->len;
    enum sks_status rc;

    way->set_path(way->ctx, dialect->path);
    TRY(way->exchange(way->ctx, request, answer, fate, err));
    told = bytes_at(answer->ptr + before, answer->len - before);
    rc = note_session(end, request, told, err);
out:
    return rc;
}

/* ---- its state ---- */

static enum sks_status keep(struct token_end *base, struct sks_error *err)
{
    (void)base, (void)err;
    return SKS_OK; /* as it is without anything of ours */
}

static enum sks_status restore(struct token_end *base, struct sks_error *err)
{
    struct token_elsewhere *end = (struct token_elsewhere *)base;
    enum sks_status rc;

    if (end->sessions == 0)
        return SKS_OK;
    TRY(token_end_expire(base, err));
    TRY(token_end_delete_keys(base, end->left, err));
    end->sessions = 0;
out:
    return rc;
}

static void limits(const struct token_end *base, json_t *texts)
{
    const struct token_elsewhere *end = (const struct token_elsewhere *)base;
    size_t count = json_array_size(end->left);
    char text[300];
    int used;

    (void)json_array_append_new(
        texts, json_string("the token is not set back between cases: sessions of the sweep are "
                           "aborted, and its keys deleted"));
    if (base->shared)
        (void)json_array_append_new(
            texts, json_string("what the token holds of others is not compared, as several cases "
                               "run at once"));
    if (count == 0)
        return;
    used = snprintf(text, sizeof text,
                    "%zu keys stay in the token, which does not delete them: ", count);
    for (size_t i = 0; i < count && i < LEFT_SHOWN; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%lld", i == 0 ? "" : ", ",
                         (long long)json_integer_value(json_array_get(end->left, i)));
    if (count > LEFT_SHOWN)
        (void)snprintf(text + used, sizeof text - (size_t)used, ", ...");
    (void)json_array_append_new(texts, json_string(text));
}

/* ---- its life ---- */

static void end_free(struct token_end *base)
{
    struct token_elsewhere *end = (struct token_elsewhere *)base;

    if (end->transport.close != NULL)
        end->transport.close(end->transport.ctx);
    json_decref(end->left);
    free(end->session);
    free(end);
}

static const struct token_end_kind KIND = {
    .keep = keep,
    .restore = restore,
    .call = make_call,
    .owns = owns,
    .limits = limits,
    .free = end_free,
};

enum sks_status token_end_elsewhere(const char *url, unsigned timeout, bool shared,
                                    struct token_end **end, struct sks_error *err)
{
    const struct token_link_config config = { .timeout = timeout };
    struct token_elsewhere *made = calloc(1, sizeof *made);
    enum sks_status rc;

    *end = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for a token");
    made->end.kind = &KIND;
    made->end.shared = shared;
    made->left = json_array();
    REQUIRE(made->left != NULL, err, SKS_ERROR_STORAGE, "no memory for a token");
    TRY(token_transport_open(url, &config, &made->transport, err));
    *end = &made->end;
    made = NULL;
out:
    if (made != NULL)
        end_free(&made->end);
    return rc;
}
