/* What is in an open token: as its callers see it, and row by row. */
#include "tests/crash/checker.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROW_DIGEST = 8 };

/* ---- what a caller sees, as the raw answers ---- */

static enum sks_status put_sessions(struct checker *c, bool open)
{
    union sks_in in = { .enumerate_sessions.provisioning_state = open };
    union sks_out out;
    struct bytes raw;
    enum sks_status rc;

    put_name(c, open ? "open" : "closed");
    put_text(&c->out, "[");
    for (;;) {
        TRY(checker_call(c, ENUMERATE_PROVISIONING_SESSIONS, &in, &raw, &out));
        in.enumerate_sessions.provisioning_handle = out.enumerate_sessions.provisioning_handle;
        if (in.enumerate_sessions.provisioning_handle == 0)
            break;
        put_comma(c);
        put_hex(c, raw);
    }
    put_text(&c->out, "]");
out:
    return rc;
}

static enum sks_status put_extensions(struct checker *c, uint32_t key, struct bytes_list types)
{
    uint8_t digest[32];
    union sks_out out;
    struct bytes raw;
    enum sks_status rc = SKS_OK;

    put_name(c, "extensions");
    put_text(&c->out, "[");
    for (size_t i = 0; i < types.count; i++) {
        const union sks_in in = { .get_extension = { key, types.item[i] } };

        TRY(checker_call(c, GET_EXTENSION, &in, &raw, &out));
        digest_of(raw, digest);
        put_comma(c);
        put_hex(c, bytes_at(digest, sizeof digest));
    }
    put_text(&c->out, "]");
out:
    return rc;
}

static enum sks_status put_described_key(struct checker *c, uint32_t key, struct bytes enumerated)
{
    const union sks_in in = { .key_handle.key_handle = key };
    union sks_out out;
    struct bytes raw;
    enum sks_status rc;

    put_comma(c);
    put_text(&c->out, "{");
    put_name(c, "enumerated");
    put_hex(c, enumerated);
    TRY(checker_call(c, GET_KEY_PROTECTION_INFO, &in, &raw, &out));
    put_name(c, "protection");
    put_hex(c, raw);
    TRY(checker_call(c, GET_KEY_ATTRIBUTES, &in, &raw, &out));
    put_name(c, "attributes");
    put_hex(c, raw);
    TRY(put_extensions(c, key, out.key_attributes.extension_types));
    put_text(&c->out, "}");
out:
    return rc;
}

static enum sks_status put_keys(struct checker *c)
{
    union sks_in in = { 0 };
    union sks_out out;
    struct bytes raw;
    enum sks_status rc;

    put_name(c, "keys");
    put_text(&c->out, "[");
    for (;;) {
        TRY(checker_call(c, ENUMERATE_KEYS, &in, &raw, &out));
        in.key_handle.key_handle = out.enumerate_keys.key_handle;
        if (in.key_handle.key_handle == 0)
            break;
        TRY(put_described_key(c, in.key_handle.key_handle, raw));
    }
    put_text(&c->out, "]");
out:
    return rc;
}

/* ---- rows: what no caller sees is old or new as well ---- */

static void put_row(struct checker *c, const struct store_row *row)
{
    struct buf all = { 0 };
    uint8_t digest[32];
    char name[32];

    put_uint(&all, row->owner);
    put_uint(&all, row->refers);
    put_bool(&all, row->closed);
    put_array(&all, row->name);
    put_array(&all, row->tag);
    put_blob(&all, row->body);
    if (all.status != SKS_OK)
        abort();
    digest_of(buf_bytes(&all), digest);
    buf_free(&all);
    (void)snprintf(name, sizeof name, "%d.%u", (int)row->kind, row->handle);
    put_name(c, name);
    put_hex(c, bytes_at(digest, ROW_DIGEST));
}

static enum sks_status put_rows_of(struct checker *c, enum store_kind kind, bool closed)
{
    struct store_row row = { 0 };
    enum sks_status rc;

    for (;;) {
        TRY(store_next(c->token->store, kind, closed, row.handle, &c->arena, &row, &c->err));
        if (row.handle == 0)
            break;
        put_row(c, &row);
    }
out:
    return rc;
}

static enum sks_status put_rows(struct checker *c)
{
    char name[32];
    enum sks_status rc;

    put_name(c, "rows");
    put_text(&c->out, "{");
    for (int kind = STORE_DEVICE; kind < STORE_KINDS; kind++) {
        TRY(put_rows_of(c, (enum store_kind)kind, false));
        TRY(put_rows_of(c, (enum store_kind)kind, true));
    }
    for (int kind = STORE_DEVICE; kind < STORE_KINDS; kind++) {
        (void)snprintf(name, sizeof name, "next.%d", kind);
        put_name(c, name);
        put_number(c, store_new_handle(c->token->store, (enum store_kind)kind));
    }
    put_text(&c->out, "}");
out:
    return rc;
}

enum sks_status describe_token(struct checker *c)
{
    enum sks_status rc;

    TRY(put_sessions(c, true));
    TRY(put_sessions(c, false));
    TRY(put_keys(c));
    TRY(put_rows(c));
out:
    return rc;
}
