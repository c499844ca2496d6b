#include "token/command/key.h"
#include "token/command/algorithm.h"
#include "token/command/certificate.h"

#include <stdio.h>

/* ---- reading ---- */

static enum sks_status read_key(struct port *port, uint32_t handle, struct key_view *key,
                                struct arena *arena, struct sks_error *err)
{
    const union sks_in in = { .key_handle.key_handle = handle };
    union sks_out out;
    enum sks_status rc;

    *key = (struct key_view){ .handle = handle };
    TRY(port_call(port, GET_KEY_PROTECTION_INFO, &in, &out, arena, err));
    key->protection = out.key_protection;
    TRY(port_call(port, GET_KEY_ATTRIBUTES, &in, &out, arena, err));
    key->attributes = out.key_attributes;
    key->name = clean_text(arena, key->attributes.friendly_name);
out:
    return rc;
}

static enum sks_status next_handle(struct port *port, uint32_t after,
                                   struct enumerate_keys_out *next, struct arena *arena,
                                   struct sks_error *err)
{
    const union sks_in in = { .key_handle.key_handle = after };
    union sks_out out;
    enum sks_status rc;

    *next = (struct enumerate_keys_out){ 0 };
    TRY(port_call(port, ENUMERATE_KEYS, &in, &out, arena, err));
    if (out.enumerate_keys.key_handle != 0)
        *next = out.enumerate_keys;
out:
    return rc;
}

enum sks_status key_next(struct port *port, uint32_t after, struct key_view *key,
                         struct arena *arena, struct sks_error *err)
{
    struct enumerate_keys_out next;
    enum sks_status rc;

    *key = (struct key_view){ 0 };
    TRY(next_handle(port, after, &next, arena, err));
    if (next.key_handle == 0)
        return SKS_OK;
    TRY(read_key(port, next.key_handle, key, arena, err));
    key->session = next.provisioning_handle;
out:
    return rc;
}

/* ---- finding ---- */

/* The keys of a name: how many, the last one, and all handles as a text. */
struct namesakes {
    size_t count;
    uint32_t handle;
    char list[200];
    size_t len;
};

static enum sks_status find_namesakes(struct port *port, struct bytes name, struct namesakes *found,
                                      struct sks_error *err)
{
    struct enumerate_keys_out next = { 0 };
    struct arena arena = { 0 };
    union sks_in in;
    union sks_out out;
    enum sks_status rc;

    for (;;) {
        TRY(next_handle(port, next.key_handle, &next, &arena, err));
        if (next.key_handle == 0)
            break;
        in.key_handle.key_handle = next.key_handle;
        TRY(port_call(port, GET_KEY_ATTRIBUTES, &in, &out, &arena, err));
        if (bytes_equal(out.key_attributes.friendly_name, name)) {
            found->handle = next.key_handle;
            if (found->len < sizeof found->list)
                found->len +=
                    (size_t)snprintf(found->list + found->len, sizeof found->list - found->len,
                                     "%s%u", found->count == 0 ? "" : ", ", found->handle);
            found->count++;
        }
        arena_free(&arena);
    }
out:
    arena_free(&arena);
    return rc;
}

static enum sks_status resolve(struct key_command *c, const char *text, uint32_t *handle)
{
    const char *shown = clean_text(&c->arena, bytes_of(text));
    struct namesakes found = { 0 };
    enum sks_status rc;

    REQUIRE(text[0] != '\0', &c->err, SKS_ERROR_OPTION, "KEY is empty");
    if (port_parse_handle(text, handle)) /* also where a key is called so */
        return SKS_OK;
    TRY(find_namesakes(&c->port, bytes_of(text), &found, &c->err));
    REQUIRE(found.count > 0, &c->err, SKS_ERROR_NO_KEY,
            "no key has the friendly name \"%s\" (see sks-token list)", shown);
    REQUIRE(found.count == 1, &c->err, SKS_ERROR_OPTION,
            "%zu keys have the friendly name \"%s\"; give the handle: %s%s", found.count, shown,
            found.list, found.len < sizeof found.list ? "" : "...");
    *handle = found.handle;
out:
    return rc;
}

enum sks_status key_open(struct key_command *c, const void *options, const char *key)
{
    uint32_t handle = 0;
    enum sks_status rc;

    *c = (struct key_command){ .options = options };
    TRY(port_open(c->options->store, c->options->key_file, &c->port, &c->err));
    TRY(resolve(c, key, &handle));
    TRY(read_key(&c->port, handle, &c->key, &c->arena, &c->err));
out:
    return rc;
}

enum exit_code key_finish(struct key_command *c, enum sks_status rc)
{
    buf_free(&c->authorization);
    buf_free(&c->new_pin);
    arena_free(&c->arena);
    return port_finish(&c->port, rc, &c->err);
}

/* ---- words ---- */

const char *key_title(const struct key_view *key, struct arena *arena)
{
    const char *text = key->name == NULL || key->name[0] == '\0'
                           ? arena_printf(arena, "key %u", key->handle)
                           : arena_printf(arena, "key %u \"%s\"", key->handle, key->name);

    return text == NULL ? "the key" : text;
}

const char *key_algorithm_text(const struct key_view *key, struct arena *arena)
{
    const struct key_attributes_out *a = &key->attributes;
    unsigned bits = 8U * a->symmetric_key_length;
    const char *text;

    if (bits == 0)
        return a->certificate_path.count == 0
                   ? "?"
                   : certificate_key_text(a->certificate_path.item[0], arena);
    text = may_be_used_for(a, ALGORITHM_CIPHER) ? arena_printf(arena, "AES-%u", bits)
                                                : arena_printf(arena, "symmetric %u bit", bits);
    return text == NULL ? "?" : text;
}

static const char *tries_text(bool blocked, unsigned limit, unsigned errors, struct arena *arena)
{
    unsigned left = errors < limit ? limit - errors : 0;
    const char *text = blocked ? arena_printf(arena, "BLOCKED after %u wrong tries", limit)
                               : arena_printf(arena, "%u of %u tries left", left, limit);

    return text == NULL ? "?" : text;
}

const char *pin_tries_text(const struct key_protection_out *p, struct arena *arena)
{
    return tries_text((p->protection_status & PROTECTION_STATUS_PIN_BLOCKED) != 0, p->retry_limit,
                      p->pin_error_count, arena);
}

const char *puk_tries_text(const struct key_protection_out *p, struct arena *arena)
{
    if (p->puk_retry_limit == 0)
        return "never blocks; each try waits";
    return tries_text((p->protection_status & PROTECTION_STATUS_PUK_BLOCKED) != 0,
                      p->puk_retry_limit, p->puk_error_count, arena);
}

struct pin_policy pin_policy_of(const struct key_protection_out *p)
{
    return (struct pin_policy){ .user_defined = p->user_defined,
                                .user_modifiable = p->user_modifiable,
                                .format = p->format,
                                .retry_limit = p->retry_limit,
                                .grouping = p->grouping,
                                .pattern_restrictions = p->pattern_restrictions,
                                .min_length = p->min_length,
                                .max_length = p->max_length,
                                .input_method = p->input_method };
}
