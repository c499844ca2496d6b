#include "tests/plain/support/dump.h"
#include "tests/plain/support/user.h"
#include "token/call.h"

#include <stdarg.h>
#include <stdio.h>

static void say(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct buf *out, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_text(out, text);
    must(out->status == SKS_OK, "memory");
}

/* Length and checksum. */
static void say_bytes(struct buf *out, const char *name, struct bytes value)
{
    uint32_t sum = 2166136261U; /* FNV-1a */

    for (size_t i = 0; i < value.len; i++)
        sum = (sum ^ value.ptr[i]) * 16777619U;
    say(out, " %s=%zu:%08x", name, value.len, (unsigned)sum);
}

static void say_list(struct buf *out, const char *name, const struct bytes_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        say_bytes(out, name, list->item[i]);
}

/* ---- the rows ---- */

static void say_session(struct buf *out, const struct store_row *row)
{
    struct session s;

    must(session_from_row(row, &s) == SKS_OK, "session");
    say_bytes(out, "kmk", s.terms.key_management_key);
    say_bytes(out, "issuer", s.terms.issuer_uri);
    say(out, " counter=%u left=%u", s.sk.counter, s.operations_left);
}

static void say_secret(struct buf *out, const struct store_row *row)
{
    struct secret s;

    must(secret_from_row(row, &s) == SKS_OK, "PIN or PUK");
    say_bytes(out, "value", s.value);
    say(out, " format=%u limit=%u", s.format, s.retry_limit);
}

static void say_pin_policy(struct buf *out, const struct store_row *row)
{
    struct pin_policy_object p;

    must(pin_policy_from_row(row, &p) == SKS_OK, "PIN policy");
    say(out, " puk=%u limit=%u grouping=%u", p.puk.handle, p.policy.retry_limit, p.policy.grouping);
}

static void say_key(struct buf *out, const struct store_row *row, struct arena *arena)
{
    struct key k;

    must(key_from_row(row, arena, &k) == SKS_OK, "key");
    say_bytes(out, "id", k.id);
    say_bytes(out, "symmetric", k.symmetric_key);
    say_list(out, "certificate", &k.certificate_path);
    say_list(out, "extension", &k.extension_types);
    if (k.certificate_path.count > 0) { /* not yet the one that was just drawn */
        say_bytes(out, "public", k.public_key);
        say_bytes(out, "private", k.private_key);
    }
    say(out, " policy=%u pin=%u backup=%u usage=%u", k.pin_policy.handle, k.pin.handle,
        k.key_backup, k.app_usage);
}

static void say_row(struct buf *out, const struct store_row *row, struct arena *arena)
{
    say(out, "%u.%u owner=%u refers=%u closed=%u", (unsigned)row->kind, row->handle, row->owner,
        row->refers, row->closed);
    say_bytes(out, "name", row->name);
    say_bytes(out, "tag", row->tag);
    switch (row->kind) {
    case STORE_SESSION:
        say_session(out, row);
        break;
    case STORE_PUK:
    case STORE_PIN:
        say_secret(out, row);
        break;
    case STORE_PIN_POLICY:
        say_pin_policy(out, row);
        break;
    case STORE_KEY:
        say_key(out, row, arena);
        break;
    default:
        say_bytes(out, "body", row->body);
    }
    say(out, "\n");
}

static void say_rows(struct buf *out, struct store *store)
{
    for (unsigned kind = 1; kind < STORE_KINDS; kind++)
        for (unsigned closed = 0; closed < 2; closed++) {
            struct store_row row = { 0 };
            struct arena arena = { 0 };

            do {
                struct sks_error err = { 0 };

                arena_free(&arena);
                must(store_next(store, (enum store_kind)kind, closed != 0, row.handle, &arena, &row,
                                &err) == SKS_OK,
                     err.text);
                if (row.handle != 0)
                    say_row(out, &row, &arena);
            } while (row.handle != 0);
            arena_free(&arena);
        }
}

/* ---- the view ---- */

static void ask(struct token *token, enum method_id id, const union sks_in *in, union sks_out *out,
                struct arena *arena)
{
    struct sks_error err = { 0 };

    must(user_call(token, id, in, out, arena, &err) == SKS_OK, err.text);
}

static void view_sessions(struct token *token, struct buf *view, bool open)
{
    union sks_in in = { .enumerate_sessions.provisioning_state = open };
    struct enumerate_sessions_out *s;
    struct arena arena = { 0 };
    union sks_out out;

    for (;;) {
        ask(token, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, &arena);
        s = &out.enumerate_sessions;
        if (s->provisioning_handle == 0)
            break;
        say(view, "session %u open=%u life=%u", s->provisioning_handle, open, s->session_life_time);
        say_bytes(view, "kmk", s->key_management_key);
        say(view, "\n");
        in.enumerate_sessions.provisioning_handle = s->provisioning_handle;
    }
    arena_free(&arena);
}

static void view_extensions(struct token *token, struct buf *view, uint32_t key,
                            const struct bytes_list *types, struct arena *arena)
{
    for (size_t i = 0; i < types->count; i++) {
        const union sks_in in = { .get_extension = { key, types->item[i] } };
        union sks_out out;

        ask(token, GET_EXTENSION, &in, &out, arena);
        say_bytes(view, "extension", types->item[i]);
        say_bytes(view, "data", out.extension.extension_data);
    }
}

/* Wrong tries, which are part of no text; gives all else that protects the key. */
static struct key_protection_out note_tries(struct token *token, uint32_t key, struct dump *dump)
{
    struct key_protection_out protection;

    must(try_protection(token, key, &protection) == SKS_OK, "getKeyProtectionInfo");
    must(dump->keys < DUMP_KEYS_MAX, "too many keys for a dump");
    dump->tries[dump->keys].key = key;
    dump->tries[dump->keys].pin = protection.pin_error_count;
    dump->tries[dump->keys].puk = protection.puk_error_count;
    dump->keys++;
    return protection;
}

static void view_key(struct token *token, uint32_t key, struct dump *dump)
{
    const union sks_in in = { .key_handle = { key } };
    const uint8_t blocked = PROTECTION_STATUS_PIN_BLOCKED | PROTECTION_STATUS_PUK_BLOCKED;
    struct key_protection_out protection;
    struct buf *view = &dump->view;
    struct arena arena = { 0 };
    union sks_out out;

    ask(token, GET_KEY_ATTRIBUTES, &in, &out, &arena);
    say_list(view, "certificate", &out.key_attributes.certificate_path);
    say(view, " symmetric=%u usage=%u", out.key_attributes.symmetric_key_length,
        out.key_attributes.app_usage);
    view_extensions(token, view, key, &out.key_attributes.extension_types, &arena);
    protection = note_tries(token, key, dump);
    say(view, " status=%u limit=%u/%u backup=%u\n", protection.protection_status & ~blocked,
        protection.retry_limit, protection.puk_retry_limit, protection.key_backup);
    arena_free(&arena);
}

void dump_view(struct token *token, struct dump *dump)
{
    *dump = (struct dump){ 0 };
    view_sessions(token, &dump->view, true);
    view_sessions(token, &dump->view, false);
    for (uint32_t key = next_key(token, 0); key != 0; key = next_key(token, key)) {
        say(&dump->view, "key %u", key);
        view_key(token, key, dump);
    }
}

void dump_rows(struct token *token, struct dump *dump)
{
    *dump = (struct dump){ 0 };
    say_rows(&dump->rows, token->store);
    for (uint32_t key = next_key(token, 0); key != 0; key = next_key(token, key))
        (void)note_tries(token, key, dump);
}

void dump_token(struct token *token, struct dump *dump)
{
    dump_view(token, dump);
    say_rows(&dump->rows, token->store);
}

void dump_free(struct dump *dump)
{
    buf_free(&dump->rows);
    buf_free(&dump->view);
}
