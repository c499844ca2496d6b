#include "token/object.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/fetched.h"

#include <string.h>

/* A body begins with the version of its layout. Keys of the first have no devicePinProtection,
 * sessions of the first a ushort for their life time. */
enum { LAYOUT = 1, LAYOUT_KEY = 2, LAYOUT_SESSION = 2 };

static enum sks_status get_layout(struct bytes *body)
{
    uint8_t layout;
    enum sks_status rc = get_byte(body, &layout);

    return rc == SKS_OK && layout != LAYOUT ? SKS_ERROR_OPTION : rc;
}

typedef void row_putter(struct changes *changes, const struct store *store,
                        const struct store_row *row);

/* Writes a row whose body was serialized, and wipes the body. */
static void finish_put(row_putter *put, struct changes *changes, struct store *store,
                       struct store_row row, struct buf *body)
{
    row.body = buf_bytes(body);
    if (changes->status == SKS_OK)
        changes->status = body->status;
    put(changes, store, &row);
    buf_free(body);
}

static void put_reference(struct buf *body, const struct reference *reference)
{
    put_uint(body, reference->handle);
    put_ulong(body, reference->birth);
}

static enum sks_status get_reference(struct bytes *in, struct reference *reference)
{
    enum sks_status rc = get_uint(in, &reference->handle);

    return rc == SKS_OK ? get_ulong(in, &reference->birth) : rc;
}

enum sks_status draw_birth(uint64_t *birth)
{
    enum sks_status rc;

    do
        rc = random_bytes(birth, sizeof *birth);
    while (rc == SKS_OK && *birth == 0);
    return rc;
}

/* ---- session ---- */

static void put_session(struct buf *body, const struct session *s)
{
    put_byte(body, LAYOUT_SESSION);
    put_array(body, s->terms.session_key_algorithm);
    put_bool(body, s->terms.privacy_enabled);
    put_array(body, s->terms.server_session_id);
    put_array(body, s->terms.client_session_id);
    put_array(body, s->terms.issuer_uri);
    put_array(body, s->terms.key_management_key);
    put_uint(body, s->terms.client_time);
    put_uint(body, s->life_time);
    put_ushort(body, s->terms.session_key_limit);
    put_raw(body, bytes_at(s->sk.key, sizeof s->sk.key));
    put_ushort(body, s->sk.counter);
    put_ushort(body, s->operations_left);
    put_ulong(body, (uint64_t)s->created);
    put_ulong(body, (uint64_t)s->seen);
}

static void finish_session(row_putter *put, struct changes *changes, struct store *store,
                           const struct session *s)
{
    struct buf body = { 0 };

    put_session(&body, s);
    finish_put(
        put, changes, store,
        (struct store_row){
            .kind = STORE_SESSION, .handle = s->handle, .owner = s->handle, .closed = s->closed },
        &body);
}

void session_put(struct changes *changes, struct store *store, const struct session *s)
{
    finish_session(changes_put, changes, store, s);
}

void session_keep(struct changes *changes, struct store *store, const struct session *s)
{
    finish_session(changes_put_content, changes, store, s);
}

static enum sks_status get_life_time(struct bytes *in, uint8_t layout, uint32_t *seconds)
{
    uint16_t shorter = 0;
    enum sks_status rc;

    if (layout == LAYOUT_SESSION)
        return get_uint(in, seconds);
    rc = get_ushort(in, &shorter);
    *seconds = shorter;
    return rc;
}

enum sks_status session_from_row(const struct store_row *row, struct session *s)
{
    struct bytes in = row->body, key;
    uint64_t created, seen;
    uint8_t layout;
    enum sks_status rc;

    *s = (struct session){ .handle = row->handle, .closed = row->closed };
    TRY(get_byte(&in, &layout));
    TRY(layout == LAYOUT || layout == LAYOUT_SESSION ? SKS_OK : SKS_ERROR_OPTION);
    TRY(get_array(&in, &s->terms.session_key_algorithm));
    TRY(get_bool(&in, &s->terms.privacy_enabled));
    TRY(get_array(&in, &s->terms.server_session_id));
    TRY(get_array(&in, &s->terms.client_session_id));
    TRY(get_array(&in, &s->terms.issuer_uri));
    TRY(get_array(&in, &s->terms.key_management_key));
    TRY(get_uint(&in, &s->terms.client_time));
    TRY(get_life_time(&in, layout, &s->life_time));
    TRY(get_ushort(&in, &s->terms.session_key_limit));
    TRY(get_raw(&in, sizeof s->sk.key, &key));
    memcpy(s->sk.key, key.ptr, key.len);
    TRY(get_ushort(&in, &s->sk.counter));
    TRY(get_ushort(&in, &s->operations_left));
    TRY(get_ulong(&in, &created));
    TRY(get_ulong(&in, &seen));
    s->created = (int64_t)created;
    s->seen = (int64_t)seen;
    TRY(get_end(&in));
out:
    return rc == SKS_OK ? SKS_OK : SKS_ERROR_INTERNAL;
}

/* ---- PUK and PIN values ---- */

void put_secret(struct buf *body, const struct secret *s)
{
    put_byte(body, LAYOUT);
    put_ulong(body, s->birth);
    put_array(body, s->value);
    put_ushort(body, s->tries.charged);
    put_bool(body, s->tries.has_candidate);
    put_raw(body, bytes_at(s->tries.candidate, sizeof s->tries.candidate));
    put_byte(body, s->format);
    put_ushort(body, s->retry_limit);
}

void secret_put(struct changes *changes, struct store *store, const struct secret *s)
{
    struct buf body = { 0 };

    put_secret(&body, s);
    finish_put(changes_put, changes, store,
               (struct store_row){ .kind = s->kind,
                                   .handle = s->handle,
                                   .owner = s->owner,
                                   .refers = s->policy,
                                   .closed = s->closed,
                                   .name = s->name },
               &body);
}

enum sks_status secret_from_row(const struct store_row *row, struct secret *s)
{
    struct bytes in = row->body, candidate;
    enum sks_status rc;

    *s = (struct secret){ .kind = row->kind,
                          .handle = row->handle,
                          .owner = row->owner,
                          .policy = row->refers,
                          .closed = row->closed,
                          .name = row->name };
    TRY(get_layout(&in));
    TRY(get_ulong(&in, &s->birth));
    TRY(get_array(&in, &s->value));
    TRY(get_ushort(&in, &s->tries.charged));
    TRY(get_bool(&in, &s->tries.has_candidate));
    TRY(get_raw(&in, sizeof s->tries.candidate, &candidate));
    memcpy(s->tries.candidate, candidate.ptr, candidate.len);
    TRY(get_byte(&in, &s->format));
    TRY(get_ushort(&in, &s->retry_limit));
    TRY(get_end(&in));
out:
    return rc == SKS_OK ? SKS_OK : SKS_ERROR_INTERNAL;
}

/* ---- PIN policy ---- */

void put_pin_policy(struct buf *body, const struct pin_policy_object *p)
{
    put_byte(body, LAYOUT);
    put_ulong(body, p->birth);
    put_bool(body, p->policy.user_defined);
    put_bool(body, p->policy.user_modifiable);
    put_byte(body, p->policy.format);
    put_ushort(body, p->policy.retry_limit);
    put_byte(body, p->policy.grouping);
    put_byte(body, p->policy.pattern_restrictions);
    put_ushort(body, p->policy.min_length);
    put_ushort(body, p->policy.max_length);
    put_byte(body, p->policy.input_method);
    put_reference(body, &p->puk);
}

void pin_policy_put(struct changes *changes, struct store *store, const struct pin_policy_object *p)
{
    struct buf body = { 0 };

    put_pin_policy(&body, p);
    finish_put(changes_put, changes, store,
               (struct store_row){ .kind = STORE_PIN_POLICY,
                                   .handle = p->handle,
                                   .owner = p->owner,
                                   .refers = p->puk.handle,
                                   .closed = p->closed,
                                   .name = p->policy.id },
               &body);
}

enum sks_status pin_policy_from_row(const struct store_row *row, struct pin_policy_object *p)
{
    struct bytes in = row->body;
    enum sks_status rc;

    *p = (struct pin_policy_object){ .handle = row->handle,
                                     .owner = row->owner,
                                     .closed = row->closed };
    p->policy.id = row->name;
    TRY(get_layout(&in));
    TRY(get_ulong(&in, &p->birth));
    TRY(get_bool(&in, &p->policy.user_defined));
    TRY(get_bool(&in, &p->policy.user_modifiable));
    TRY(get_byte(&in, &p->policy.format));
    TRY(get_ushort(&in, &p->policy.retry_limit));
    TRY(get_byte(&in, &p->policy.grouping));
    TRY(get_byte(&in, &p->policy.pattern_restrictions));
    TRY(get_ushort(&in, &p->policy.min_length));
    TRY(get_ushort(&in, &p->policy.max_length));
    TRY(get_byte(&in, &p->policy.input_method));
    TRY(get_reference(&in, &p->puk));
    TRY(get_end(&in));
out:
    return rc == SKS_OK ? SKS_OK : SKS_ERROR_INTERNAL;
}

/* ---- key ---- */

void put_key(struct buf *body, const struct key *k)
{
    put_byte(body, LAYOUT_KEY);
    put_array(body, k->id);
    put_array(body, k->public_key);
    put_array(body, k->private_key);
    put_array(body, k->symmetric_key);
    put_list(body, &k->certificate_path);
    put_array(body, k->friendly_name);
    put_list(body, &k->endorsed_algorithms);
    put_reference(body, &k->pin_policy);
    put_reference(body, &k->pin);
    put_bool(body, k->enable_pin_caching);
    put_byte(body, k->app_usage);
    put_byte(body, k->biometric_protection);
    put_byte(body, k->export_protection);
    put_byte(body, k->delete_protection);
    put_byte(body, k->key_backup);
    put_list(body, &k->extension_types);
    put_bool(body, k->device_pin_protection);
}

static void finish_key(row_putter *put, struct changes *changes, struct store *store,
                       const struct key *k)
{
    struct buf body = { 0 };
    uint8_t fingerprint[32];
    const struct bytes nameless = { 0 }; /* ids share a name space only until the session closes */
    struct bytes tag = { 0 };

    if (k->certificate_path.count > 0) {
        const struct bytes *leaf = &k->certificate_path.item[0];

        if (sha256(*leaf, fingerprint) != SKS_OK)
            body.status = SKS_ERROR_CRYPTO;
        tag = bytes_at(fingerprint, sizeof fingerprint);
    }
    put_key(&body, k);
    finish_put(put, changes, store,
               (struct store_row){ .kind = STORE_KEY,
                                   .handle = k->handle,
                                   .owner = k->owner,
                                   .refers = k->pin.handle,
                                   .closed = k->closed,
                                   .name = k->closed ? nameless : k->id,
                                   .tag = tag },
               &body);
}

void key_put(struct changes *changes, struct store *store, const struct key *k)
{
    finish_key(changes_put, changes, store, k);
}

void key_keep(struct changes *changes, struct store *store, const struct key *k)
{
    finish_key(changes_put_content, changes, store, k);
}

enum sks_status key_from_row(const struct store_row *row, struct arena *arena, struct key *k)
{
    struct bytes in = row->body;
    uint8_t layout;
    enum sks_status rc;

    *k = (struct key){ .handle = row->handle, .owner = row->owner, .closed = row->closed };
    TRY(get_byte(&in, &layout));
    TRY(layout == LAYOUT || layout == LAYOUT_KEY ? SKS_OK : SKS_ERROR_OPTION);
    TRY(get_array(&in, &k->id));
    TRY(get_array(&in, &k->public_key));
    TRY(get_array(&in, &k->private_key));
    TRY(get_array(&in, &k->symmetric_key));
    TRY(get_list(&in, arena, &k->certificate_path));
    TRY(get_array(&in, &k->friendly_name));
    TRY(get_list(&in, arena, &k->endorsed_algorithms));
    TRY(get_reference(&in, &k->pin_policy));
    TRY(get_reference(&in, &k->pin));
    TRY(get_bool(&in, &k->enable_pin_caching));
    TRY(get_byte(&in, &k->app_usage));
    TRY(get_byte(&in, &k->biometric_protection));
    TRY(get_byte(&in, &k->export_protection));
    TRY(get_byte(&in, &k->delete_protection));
    TRY(get_byte(&in, &k->key_backup));
    TRY(get_list(&in, arena, &k->extension_types));
    if (layout == LAYOUT_KEY)
        TRY(get_bool(&in, &k->device_pin_protection));
    TRY(get_end(&in));
out:
    return rc == SKS_OK ? SKS_OK : SKS_ERROR_INTERNAL;
}

/* ---- extension ---- */

/* The blank keeps it apart from all ids. */
static void put_extension_name(struct buf *name, uint32_t key, struct bytes type)
{
    put_text(name, " e");
    put_uint(name, key);
    put_raw(name, type);
}

void extension_put(struct changes *changes, struct store *store, const struct key_extension *e)
{
    struct buf body = { 0 }, name = { 0 };

    put_extension_name(&name, e->key, e->extension.type);
    put_byte(&body, LAYOUT);
    put_uint(&body, e->key);
    put_array(&body, e->extension.type);
    put_byte(&body, e->extension.sub_type);
    put_array(&body, e->extension.qualifier);
    put_blob(&body, e->extension.data);
    if (name.status != SKS_OK)
        body.status = name.status;
    finish_put(changes_put, changes, store,
               (struct store_row){ .kind = STORE_EXTENSION,
                                   .handle = e->handle,
                                   .owner = e->owner,
                                   .closed = e->closed,
                                   .name = buf_bytes(&name) },
               &body);
    buf_free(&name);
}

enum sks_status extension_from_row(const struct store_row *row, struct key_extension *e)
{
    struct bytes in = row->body;
    enum sks_status rc;

    *e =
        (struct key_extension){ .handle = row->handle, .owner = row->owner, .closed = row->closed };
    TRY(get_layout(&in));
    TRY(get_uint(&in, &e->key));
    TRY(get_array(&in, &e->extension.type));
    TRY(get_byte(&in, &e->extension.sub_type));
    TRY(get_array(&in, &e->extension.qualifier));
    TRY(get_blob(&in, &e->extension.data));
    TRY(get_end(&in));
out:
    return rc == SKS_OK ? SKS_OK : SKS_ERROR_INTERNAL;
}

enum sks_status extension_load(struct store *store, const struct key *key, struct bytes type,
                               struct arena *arena, struct key_extension *extension, bool *found,
                               struct sks_error *err)
{
    struct buf name = { 0 };
    struct store_row row = { 0 };
    enum sks_status rc;

    *found = false;
    put_extension_name(&name, key->handle, type);
    TRY(name.status);
    TRY(store_by_name(store, key->owner, buf_bytes(&name), arena, &row, err));
    *found = row.handle != 0 && row.kind == STORE_EXTENSION;
    if (*found)
        TRY(extension_from_row(&row, extension));
out:
    buf_free(&name);
    return rc;
}

/* ---- post operation ---- */

void post_put(struct changes *changes, struct store *store, const struct post_operation *p)
{
    struct buf body = { 0 };

    put_byte(&body, LAYOUT);
    put_byte(&body, p->kind);
    put_uint(&body, p->target);
    put_uint(&body, p->new_key);
    finish_put(changes_put, changes, store,
               (struct store_row){ .kind = STORE_POST, .handle = p->handle, .owner = p->owner },
               &body);
}

enum sks_status post_from_row(const struct store_row *row, struct post_operation *p)
{
    struct bytes in = row->body;
    enum sks_status rc;

    *p = (struct post_operation){ .handle = row->handle, .owner = row->owner };
    TRY(get_layout(&in));
    TRY(get_byte(&in, &p->kind));
    TRY(get_uint(&in, &p->target));
    TRY(get_uint(&in, &p->new_key));
    TRY(get_end(&in));
out:
    return rc == SKS_OK ? SKS_OK : SKS_ERROR_INTERNAL;
}
