/* What the world knows: looking it up, and what a close makes of it. */
#include "tests/fuzz/support/world.h"

const char *const EXTENSION_TYPE[EXTENSION_TYPES] = { "https://x.example/0", "https://x.example/1",
                                                      "https://x.example/2" };

struct known_session *world_session(struct world *w, uint32_t handle, bool open)
{
    for (size_t i = 0; i < w->sessions; i++)
        if (w->session[i].handle == handle && w->session[i].open == open)
            return &w->session[i];
    return NULL;
}

struct known_policy *world_policy(struct world *w, uint32_t handle, bool is_puk)
{
    for (size_t i = 0; i < w->policies; i++)
        if (w->policy[i].handle == handle && w->policy[i].is_puk == is_puk)
            return &w->policy[i];
    return NULL;
}

struct known_key *world_key(struct world *w, uint32_t handle, bool closed)
{
    for (size_t i = 0; i < w->keys; i++)
        if (w->key[i].handle == handle && w->key[i].closed == closed)
            return &w->key[i];
    return NULL;
}

static void drop_session(struct world *w, uint32_t handle)
{
    for (size_t i = 0; i < w->sessions; i++)
        if (w->session[i].handle == handle)
            w->session[i--] = w->session[--w->sessions];
}

static void drop_key(struct world *w, uint32_t handle, bool closed)
{
    for (size_t i = 0; i < w->keys; i++)
        if (w->key[i].handle == handle && w->key[i].closed == closed)
            w->key[i--] = w->key[--w->keys];
}

/* What lives no longer than the session is open. */
static void drop_open(struct world *w, uint32_t session)
{
    for (size_t i = 0; i < w->policies; i++)
        if (w->policy[i].session == session)
            w->policy[i--] = w->policy[--w->policies];
    for (size_t i = 0; i < w->posts; i++)
        if (w->post[i].session == session)
            w->post[i--] = w->post[--w->posts];
    for (size_t i = 0; i < w->keys; i++)
        if (w->key[i].session == session && !w->key[i].closed)
            w->key[i--] = w->key[--w->keys];
}

static bool owns_key(const struct world *w, uint32_t session)
{
    for (size_t i = 0; i < w->keys; i++)
        if (w->key[i].session == session)
            return true;
    return false;
}

void world_forget_session(struct world *w, uint32_t handle)
{
    drop_open(w, handle);
    drop_session(w, handle);
}

void world_forget_key(struct world *w, uint32_t handle)
{
    const struct known_key *key = world_key(w, handle, true);
    uint32_t owner = key == NULL ? 0 : key->session;

    drop_key(w, handle, true);
    if (owner != 0 && !owns_key(w, owner))
        drop_session(w, owner);
}

/* All keys of a session that an operation touches change their owner. SKS V1.07, postUpdateKey. */
static void take_over(struct world *w, uint32_t old, uint32_t session)
{
    for (size_t i = 0; i < w->keys; i++)
        if (w->key[i].session == old)
            w->key[i].session = session;
    drop_session(w, old);
}

static void apply(struct world *w, const struct known_post *post)
{
    struct known_key *target = world_key(w, post->target, true);

    if (target->session != post->session)
        take_over(w, target->session, post->session);
    if (post->kind == POST_DELETE_KEY || post->kind == POST_UPDATE_KEY)
        drop_key(w, post->target, true);
    if (post->kind == POST_UPDATE_KEY) {
        struct known_key *new_key = world_key(w, post->new_key, false);

        new_key->handle = post->target;
        new_key->closed = true;
    }
}

void world_close_session(struct world *w, uint32_t handle)
{
    struct known_session *session;

    /* Updates last: until then their targets are named by their handles. */
    for (size_t i = 0; i < w->posts; i++)
        if (w->post[i].session == handle && w->post[i].kind != POST_UPDATE_KEY)
            apply(w, &w->post[i]);
    for (size_t i = 0; i < w->posts; i++)
        if (w->post[i].session == handle && w->post[i].kind == POST_UPDATE_KEY)
            apply(w, &w->post[i]);
    for (size_t i = 0; i < w->keys; i++)
        if (w->key[i].session == handle)
            w->key[i].closed = true;
    drop_open(w, handle);
    session = world_session(w, handle, true);
    if (session != NULL)
        session->open = false;
    if (!owns_key(w, handle))
        drop_session(w, handle);
}
