/* Calls of a session: changed, authenticated, sent, and what they attest verified. */
#include "conform/token/session.h"

#include "keygen2/crypto/attestation.h"

#include <string.h>

/* ---- changes ---- */

static enum sks_status changed_bytes(struct session *s, const struct change *change,
                                     struct bytes *value)
{
    uint8_t *octets;

    if (change->text != NULL) {
        *value = change->size == 0 ? bytes_of(change->text) : bytes_at(change->text, change->size);
        return SKS_OK;
    }
    octets = arena_alloc(&s->check->arena, change->size + 1, 1);
    if (octets == NULL)
        return sks_fail(&s->check->err, SKS_ERROR_STORAGE, "no memory");
    memset(octets, (int)change->number, change->size);
    *value = bytes_at(octets, change->size);
    return SKS_OK;
}

static enum sks_status set_field(struct session *s, const struct wire_field *field, void *values,
                                 const struct change *change)
{
    void *member = (uint8_t *)values + field->offset;

    switch (field->type) {
    case WIRE_BYTE:
        *(uint8_t *)member = (uint8_t)change->number;
        return SKS_OK;
    case WIRE_BOOL:
        *(bool *)member = change->number != 0;
        return SKS_OK;
    case WIRE_USHORT:
        *(uint16_t *)member = (uint16_t)change->number;
        return SKS_OK;
    case WIRE_UINT:
        *(uint32_t *)member = (uint32_t)change->number;
        return SKS_OK;
    case WIRE_ARRAYS:
    case WIRE_STRINGS: /* a list of one */
        ((struct bytes_list *)member)->item =
            arena_alloc(&s->check->arena, 1, sizeof(struct bytes));
        if (((struct bytes_list *)member)->item == NULL)
            return sks_fail(&s->check->err, SKS_ERROR_STORAGE, "no memory");
        ((struct bytes_list *)member)->count = 1;
        return changed_bytes(s, change, ((struct bytes_list *)member)->item);
    default:
        return changed_bytes(s, change, member);
    }
}

enum sks_status call_change(struct session *s, struct call *call, const struct change *change)
{
    const struct sks_method *method = sks_method((uint8_t)call->method);

    if (change == NULL || change->field == NULL)
        return SKS_OK;
    for (size_t i = 0; i < method->in_count; i++)
        if (strcmp(method->in[i].name, change->field) == 0)
            return set_field(s, &method->in[i], &call->in, change);
    return sks_fail(&s->check->err, SKS_ERROR_INTERNAL, "%s has no input %s", method->name,
                    change->field);
}

/* ---- MACs ---- */

static const struct {
    enum method_id method;
    const char *name;
    size_t offset; /* of `mac` in the inputs */
} MACS[] = {
    { CLOSE_PROVISIONING_SESSION, MAC_CLOSE_SESSION, offsetof(union sks_in, close_session.mac) },
    { CREATE_PUK_POLICY, MAC_CREATE_PUK_POLICY, offsetof(union sks_in, create_puk_policy.mac) },
    { CREATE_PIN_POLICY, MAC_CREATE_PIN_POLICY, offsetof(union sks_in, create_pin_policy.mac) },
    { CREATE_KEY_ENTRY, MAC_CREATE_KEY_ENTRY, offsetof(union sks_in, create_key_entry.mac) },
    { SET_CERTIFICATE_PATH, MAC_SET_CERTIFICATE_PATH,
      offsetof(union sks_in, set_certificate_path.mac) },
    { IMPORT_SYMMETRIC_KEY, MAC_IMPORT_SYMMETRIC_KEY, offsetof(union sks_in, import_key.mac) },
    { IMPORT_PRIVATE_KEY, MAC_IMPORT_PRIVATE_KEY, offsetof(union sks_in, import_key.mac) },
    { ADD_EXTENSION, MAC_ADD_EXTENSION, offsetof(union sks_in, add_extension.mac) },
    { POST_DELETE_KEY, MAC_POST_DELETE_KEY, offsetof(union sks_in, post_session.mac) },
    { POST_UNLOCK_KEY, MAC_POST_UNLOCK_KEY, offsetof(union sks_in, post_session.mac) },
    { POST_UPDATE_KEY, MAC_POST_UPDATE_KEY, offsetof(union sks_in, post_key.mac) },
    { POST_CLONE_KEY_PROTECTION, MAC_POST_CLONE_KEY_PROTECTION,
      offsetof(union sks_in, post_key.mac) },
};

bool method_has_mac(enum method_id method)
{
    for (size_t i = 0; i < NITEMS(MACS); i++)
        if (MACS[i].method == method)
            return true;
    return false;
}

static void put_key_data(const struct call *call, struct buf *data)
{
    const struct policy *pin = call->pin;

    put_mac_key_entry(data, &call->in.create_key_entry.key, pin == NULL ? bytes_of("") : pin->id,
                      pin != NULL && !pin->user_defined);
}

static void put_data(const struct session *s, const struct call *call, struct buf *data)
{
    const union sks_in *in = &call->in;
    const struct key *key = call->key;

    switch (call->method) {
    case CLOSE_PROVISIONING_SESSION:
        put_mac_close(data, &s->terms, in->close_session.nonce);
        break;
    case CREATE_PUK_POLICY:
        put_mac_puk_policy(data, &in->create_puk_policy.policy);
        break;
    case CREATE_PIN_POLICY:
        put_mac_pin_policy(data, &in->create_pin_policy.policy,
                           call->puk == NULL ? bytes_of("") : call->puk->id);
        break;
    case CREATE_KEY_ENTRY:
        put_key_data(call, data);
        break;
    case SET_CERTIFICATE_PATH:
        put_mac_certificate_path(data, key->public_key, key->id,
                                 &in->set_certificate_path.certificate_path);
        break;
    case IMPORT_SYMMETRIC_KEY:
    case IMPORT_PRIVATE_KEY:
        put_mac_import(data, key->certificate, in->import_key.encrypted_key);
        break;
    case ADD_EXTENSION:
        put_mac_extension(data, key->certificate, &in->add_extension.extension);
        break;
    case POST_DELETE_KEY:
    case POST_UNLOCK_KEY:
        put_mac_post_session(data, in->post_session.authorization);
        break;
    default:
        put_mac_post_key(data, key->certificate, in->post_key.authorization);
    }
}

enum sks_status call_mac_as(struct session *s, struct call *call, const char *name)
{
    struct buf data = { 0 };
    uint8_t *mac = arena_alloc(&s->check->arena, SKS_MAC_SIZE, 1);
    enum sks_status rc;

    REQUIRE(mac != NULL, &s->check->err, SKS_ERROR_STORAGE, "no memory");
    put_data(s, call, &data);
    TRY(sks_explain(&s->check->err, data.status));
    for (size_t i = 0; i < NITEMS(MACS); i++)
        if (MACS[i].method == call->method) {
            TRY(session_mac(&s->sk, name == NULL ? MACS[i].name : name, buf_bytes(&data), mac));
            *(struct bytes *)((uint8_t *)&call->in + MACS[i].offset) = bytes_at(mac, SKS_MAC_SIZE);
        }
out:
    buf_free(&data);
    return rc;
}

enum sks_status call_mac(struct session *s, struct call *call)
{
    return call_mac_as(s, call, NULL);
}

/* ---- what a call attests ---- */

static enum sks_status verify(struct session *s, struct buf *data, struct bytes attestation,
                              const char *field)
{
    enum sks_status rc = data->status;

    if (rc == SKS_OK)
        rc = verify_attestation(&s->sk, s->sk.counter, buf_bytes(data), attestation);
    s->sk.counter++;
    buf_free(data);
    return expect_true(s->check, rc == SKS_OK, field,
                       "MAC by the name DeviceAttestation with the next counter", "another");
}

static enum sks_status take_key(struct session *s, const struct call *call)
{
    const struct create_key_entry_out *out = &call->out.create_key_entry;
    struct buf data = { 0 };
    enum sks_status rc;

    put_attested_key(&data, out->public_key, call->in.create_key_entry.mac);
    TRY(verify(s, &data, out->attestation, "createKeyEntry: attestation"));
    rc = expect_true(s->check, out->key_handle != 0, "createKeyEntry: keyHandle", "not 0", "0");
out:
    return rc;
}

static enum sks_status take_proof(struct session *s, const struct call *call)
{
    struct buf data = { 0 };

    put_attested_close(&data, call->in.close_session.nonce);
    return verify(s, &data, call->out.close_session.attestation,
                  "closeProvisioningSession: attestation");
}

enum sks_status call_send(struct session *s, struct call *call, enum sks_status wanted)
{
    enum sks_status rc =
        target_call(s->target, s->check, call->method, &call->in, &call->out, wanted);

    if (rc != SKS_OK || wanted != SKS_OK)
        return rc;
    if (call->method == CREATE_KEY_ENTRY)
        return take_key(s, call);
    return call->method == CLOSE_PROVISIONING_SESSION ? take_proof(s, call) : SKS_OK;
}

enum sks_status call_do(struct session *s, struct call *call, enum sks_status wanted)
{
    enum sks_status rc = call_mac(s, call);

    return rc == SKS_OK ? call_send(s, call, wanted) : rc;
}
