#include "proxy/token_walk.h"

#include "proxy/provision.h"

enum sks_status walk_sessions(struct enrolment *e, bool open,
                              enum sks_status (*visit)(void *ctx,
                                                       const struct enumerate_sessions_out *session,
                                                       bool *enough),
                              void *ctx)
{
    union sks_in in = { .enumerate_sessions = { 0, open } };
    const uint32_t *handle = &in.enumerate_sessions.provisioning_handle;
    struct arena arena = { 0 };
    bool enough = false;
    enum sks_status rc;

    do {
        union sks_out out;

        arena_free(&arena);
        TRY(provision_call_in(e, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, &arena));
        if (out.enumerate_sessions.provisioning_handle == 0)
            break;
        REQUIRE(out.enumerate_sessions.provisioning_handle > *handle, &e->err, SKS_ERROR_OPTION,
                "the token's sessions do not come to an end");
        in.enumerate_sessions.provisioning_handle = out.enumerate_sessions.provisioning_handle;
        TRY(visit(ctx, &out.enumerate_sessions, &enough));
    } while (!enough);
out:
    arena_free(&arena);
    return rc;
}

enum sks_status walk_keys(struct enrolment *e,
                          enum sks_status (*visit)(void *ctx, const struct enumerate_keys_out *key,
                                                   bool *enough),
                          void *ctx)
{
    union sks_in in = { .key_handle = { 0 } };
    struct arena arena = { 0 };
    bool enough = false;
    enum sks_status rc;

    do {
        union sks_out out;

        arena_free(&arena);
        TRY(provision_call_in(e, ENUMERATE_KEYS, &in, &out, &arena));
        if (out.enumerate_keys.key_handle == 0)
            break;
        REQUIRE(out.enumerate_keys.key_handle > in.key_handle.key_handle, &e->err, SKS_ERROR_OPTION,
                "the token's keys do not come to an end");
        in.key_handle.key_handle = out.enumerate_keys.key_handle;
        TRY(visit(ctx, &out.enumerate_keys, &enough));
    } while (!enough);
out:
    arena_free(&arena);
    return rc;
}
