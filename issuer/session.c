#include "issuer/session.h"

#include <string.h>

/* First byte of a stored state. 1 knew no post operations, 2 no sessions of the 2010 profile, 3 not
 * what the device was asked about. */
enum { STATE_FORM = 4 };

const struct name NAMES_PHASE[] = {
    { "invocation", PHASE_INVOCATION },
    { "initialization", PHASE_INITIALIZATION },
    { "key creation", PHASE_KEY_CREATION },
    { "finalization", PHASE_FINALIZATION },
    { "over", PHASE_OVER },
    { "discovery", PHASE_DISCOVERY },
    { "pending", PHASE_PENDING },
    { "approved", PHASE_APPROVED },
    { "resumed", PHASE_RESUMED },
    { "unconfirmed", PHASE_UNCONFIRMED },
    { NULL, 0 },
};

/* The state is written and read by one table, so that the two cannot part. */
enum field_kind { FIELD_BYTES, FIELD_LIST, FIELD_BOOL, FIELD_USHORT, FIELD_UINT };

struct field {
    enum field_kind kind;
    size_t offset;
    uint8_t since; /* form that has it first; 0: all */
};

#define AT(member) .offset = offsetof(struct session_state, member)

static const struct field STATE[] = {
    { FIELD_BYTES, AT(terms.session_key_algorithm) },
    { FIELD_BOOL, AT(terms.privacy_enabled) },
    { FIELD_BYTES, AT(terms.client_session_id) },
    { FIELD_BYTES, AT(terms.server_ephemeral_key) },
    { FIELD_BYTES, AT(terms.key_management_key) },
    { FIELD_UINT, AT(terms.client_time) },
    { FIELD_USHORT, AT(terms.session_life_time) },
    { FIELD_USHORT, AT(terms.session_key_limit) },
    { FIELD_BYTES, AT(terms.server_certificate) },
    { FIELD_BYTES, AT(server_time) },
    { FIELD_BYTES, AT(ephemeral_key) },
    { FIELD_BYTES, AT(client_ephemeral_key) },
    { FIELD_LIST, AT(device_path) },
    { FIELD_BYTES, AT(session_key) },
    { FIELD_USHORT, AT(counter) },
    { FIELD_BOOL, AT(carries_secrets) },
    { FIELD_BYTES, AT(nonce) },
    { FIELD_USHORT, AT(credentials) },
    { FIELD_USHORT, AT(kmk_generation), .since = 2 },
    { FIELD_USHORT, AT(oldest_generation), .since = 2 },
    { FIELD_USHORT, AT(found_credentials), .since = 2 },
    { FIELD_USHORT, AT(operations), .since = 2 },
    { FIELD_UINT, AT(life_time), .since = 3 },
    { FIELD_BYTES, AT(server_public_key), .since = 3 },
    { FIELD_BYTES, AT(encrypted_session_key), .since = 3 },
    { FIELD_BYTES, AT(session_key_proof), .since = 3 },
    { FIELD_BYTES, AT(lookups), .since = 4 },
};

#undef AT
#define AT(member) .offset = offsetof(struct credential, member)

static const struct field CREDENTIAL[] = {
    { FIELD_BYTES, AT(id) },
    { FIELD_BYTES, AT(key_algorithm) },
    { FIELD_BYTES, AT(key_parameters) },
    { FIELD_BYTES, AT(mac) },
    { FIELD_USHORT, AT(attestation_counter) },
    { FIELD_BYTES, AT(public_key) },
    { FIELD_BYTES, AT(serial) },
    { FIELD_BYTES, AT(certificate) },
};

#undef AT
#define AT(member) .offset = offsetof(struct found_credential, member)

static const struct field FOUND[] = {
    { FIELD_USHORT, AT(lookup) },           { FIELD_USHORT, AT(generation) },
    { FIELD_BYTES, AT(certificate) },       { FIELD_BYTES, AT(server_session_id) },
    { FIELD_BYTES, AT(client_session_id) },
};

#undef AT
#define AT(member) .offset = offsetof(struct asked_operation, member)

static const struct field OPERATION[] = {
    { FIELD_USHORT, AT(operation) },
    { FIELD_BYTES, AT(target) },
};

#undef AT

static void put_field(struct buf *out, enum field_kind kind, const void *member)
{
    switch (kind) {
    case FIELD_BYTES:
        put_array(out, *(const struct bytes *)member);
        break;
    case FIELD_LIST:
        put_list(out, member);
        break;
    case FIELD_BOOL:
        put_bool(out, *(const bool *)member);
        break;
    case FIELD_USHORT:
        put_ushort(out, *(const uint16_t *)member);
        break;
    case FIELD_UINT:
        put_uint(out, *(const uint32_t *)member);
        break;
    }
}

static enum sks_status get_field(struct bytes *in, struct arena *arena, enum field_kind kind,
                                 void *member)
{
    switch (kind) {
    case FIELD_BYTES:
        return get_array(in, member);
    case FIELD_LIST:
        return get_list(in, arena, member);
    case FIELD_BOOL:
        return get_bool(in, member);
    case FIELD_USHORT:
        return get_ushort(in, member);
    case FIELD_UINT:
        return get_uint(in, member);
    }
    return SKS_ERROR_INTERNAL;
}

static void put_fields(struct buf *out, const struct field *field, size_t count, const void *from)
{
    for (size_t i = 0; i < count; i++)
        put_field(out, field[i].kind, (const char *)from + field[i].offset);
}

static enum sks_status get_fields(struct bytes *in, struct arena *arena, uint8_t form,
                                  const struct field *field, size_t count, void *to)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < count; i++)
        if (field[i].since <= form)
            TRY(get_field(in, arena, field[i].kind, (char *)to + field[i].offset));
out:
    return rc;
}

/* The lists behind the fixed part, in their order. Their counts are in that part. */
static const struct list {
    size_t items, count; /* offsets in the state */
    size_t size;
    const struct field *field;
    size_t fields;
} LISTS[] = {
#define LIST(member, counter, structure, table)                                                    \
    {                                                                                              \
        offsetof(struct session_state, member), offsetof(struct session_state, counter),           \
            sizeof(structure), table, NITEMS(table)                                                \
    }
    LIST(credential, credentials, struct credential, CREDENTIAL),
    LIST(found_credential, found_credentials, struct found_credential, FOUND),
    LIST(operation, operations, struct asked_operation, OPERATION),
#undef LIST
};

static uint16_t count_of(const struct list *list, const struct session_state *state)
{
    return *(const uint16_t *)(const void *)((const char *)state + list->count);
}

void put_session_state(struct buf *out, const struct session_state *state)
{
    put_byte(out, STATE_FORM);
    put_fields(out, STATE, NITEMS(STATE), state);
    for (size_t i = 0; i < NITEMS(LISTS); i++) {
        const char *item = *(void *const *)(const void *)((const char *)state + LISTS[i].items);

        for (size_t j = 0; j < count_of(&LISTS[i], state); j++)
            put_fields(out, LISTS[i].field, LISTS[i].fields, item + j * LISTS[i].size);
    }
}

static enum sks_status read_list(struct bytes *in, struct arena *arena, uint8_t form,
                                 const struct list *list, struct session_state *state)
{
    uint16_t count = count_of(list, state);
    char *item = arena_alloc(arena, count, list->size);
    enum sks_status rc = SKS_OK;

    if (item == NULL)
        return SKS_ERROR_STORAGE;
    *(void **)(void *)((char *)state + list->items) = item;
    for (size_t i = 0; i < count; i++)
        TRY(get_fields(in, arena, form, list->field, list->fields, item + i * list->size));
out:
    return rc;
}

enum sks_status get_session_state(struct bytes in, struct arena *arena, struct session_state *state)
{
    uint8_t form;
    enum sks_status rc;

    *state = (struct session_state){ 0 };
    TRY(get_byte(&in, &form));
    if (form == 0 || form > STATE_FORM)
        return SKS_ERROR_OPTION;
    TRY(get_fields(&in, arena, form, STATE, NITEMS(STATE), state));
    if (form < 3)
        state->life_time = state->terms.session_life_time;
    for (size_t i = 0; i < NITEMS(LISTS); i++)
        TRY(read_list(&in, arena, form, &LISTS[i], state));
    rc = get_end(&in);
out:
    return rc;
}

enum sks_status session_get_state(struct bytes in, struct arena *arena, struct session *session)
{
    enum sks_status rc;

    TRY(get_session_state(in, arena, &session->state));
    session->state.terms.server_session_id = bytes_of(session->id);
    session->state.terms.issuer_uri = bytes_of(session->issuer_uri);
out:
    return rc;
}

struct bytes session_device_id(const struct session_state *state)
{
    if (state->terms.privacy_enabled)
        return bytes_of(SKS_DEVICE_ANONYMOUS);
    return state->device_path.count == 0 ? (struct bytes){ 0 } : state->device_path.item[0];
}

enum session_key_status session_key_status(const struct session_state *state)
{
    if (state->session_key.len > 0 || state->ephemeral_key.len > 0)
        return SESSION_KEY_SEALED;
    return state->terms.server_ephemeral_key.len > 0 || state->server_public_key.len > 0
               ? SESSION_KEY_FORGOTTEN
               : SESSION_KEY_NONE;
}

void session_take_key(const struct session_state *state, struct session_key *sk)
{
    *sk = (struct session_key){ .counter = state->counter };
    if (state->session_key.len == sizeof sk->key)
        memcpy(sk->key, state->session_key.ptr, sizeof sk->key);
}

enum sks_status session_keep_key(struct session_state *state, struct arena *arena,
                                 const struct session_key *sk)
{
    state->session_key = arena_copy(arena, bytes_at(sk->key, sizeof sk->key));
    state->counter = sk->counter;
    return state->session_key.ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
}
