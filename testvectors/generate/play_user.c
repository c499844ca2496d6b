#include "testvectors/generate/play_internal.h"

#include <string.h>

/* ---- calls that are refused, and those of the user ---- */

static struct field *find_field(struct fields *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->item[i].name, name) == 0)
            return &f->item[i];
    return NULL;
}

void play_change(struct play *p, const char *name, struct bytes value)
{
    struct exchange *x = &p->exchange[p->count - 1];
    struct field *of_mac = find_field(&x->data, name);

    field_of(&x->request, name)->value = value;
    if (of_mac != NULL)
        of_mac->value = value;
    field_of(&x->request, "mac")->value =
        method_mac(p->s, p->sk, x->mac_name, x->mac_counter, fields_data(p->s, &x->data));
}

void play_change_number(struct play *p, const char *name, uint32_t value)
{
    const struct field *old = field_of(&p->exchange[p->count - 1].request, name);
    struct fields one = { 0 };

    field_number(p->s, &one, name, old->form, value);
    play_change(p, name, one.item[0].value);
}

void play_attest_again(struct play *p)
{
    struct exchange *x = &p->exchange[p->count - 1];

    field_of(&x->attested, "mac")->value = field_of(&x->request, "mac")->value;
    field_of(&x->answer, "attestation")->value =
        method_mac(p->s, p->sk, "DeviceAttestation", (uint16_t)(x->mac_counter + 1),
                   fields_data(p->s, &x->attested));
}

void play_refused(struct play *p, int status)
{
    p->exchange[p->count - 1].status = status;
}

void play_sign(struct play *p, const struct play_key *k, const char *pin)
{
    struct exchange *x = play_call(p, 100, "signHashedData", NULL);

    play_number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    play_text(&x->request, "algorithm", ES256_URI);
    play_array(&x->request, "parameters", (struct bytes){ 0 });
    play_number(p, &x->request, "biometricAuth", FORM_BOOL, 0);
    play_text(&x->request, "authorization", pin);
    play_array(&x->request, "data", play_drawn(p, "hash", 32));
    x->answer_unknown = true;
    (void)play_called(p, x, 0);
}

void play_manage(struct play *p, unsigned id, const struct play_key *k, const char *authorization,
                 const char *new_pin)
{
    struct exchange *x = play_call(p, id,
                                   id == 82   ? "unlockKey"
                                   : id == 83 ? "changePin"
                                              : "setPin",
                                   NULL);

    play_number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    play_text(&x->request, "authorization", authorization);
    if (new_pin != NULL)
        play_text(&x->request, "newPin", new_pin);
    (void)play_called(p, x, 0);
}

/* ---- what it looks like ---- */

json_t *play_calls(struct play *p, size_t first)
{
    json_t *list = json_array();

    for (size_t i = first; i < p->count; i++) {
        const struct exchange *x = &p->exchange[i];
        json_t *call = json_pack("{s:s, s:s}", "method", x->method, "path", x->path);

        (void)with(call, "request", hex(fields_data(p->s, &x->request)));
        (void)with(call, "status", json_integer(x->status));
        if (x->status == 0 && !x->answer_unknown)
            (void)with(call, "answer", hex(fields_data(p->s, &x->answer)));
        need(json_array_append_new(list, call) == 0, "memory");
    }
    return list;
}

size_t body_offset(const struct fields *body, const char *name)
{
    size_t at = 0;

    for (size_t i = 0; i < body->count; i++) {
        const struct field *f = &body->item[i];
        size_t length = f->form == FORM_ARRAY ? 2 : f->form == FORM_BLOB ? 4 : 0;

        if (strcmp(f->name, name) == 0)
            return at + length;
        at += length + f->value.len;
    }
    need(false, name);
    return 0;
}

static json_t *exchange_json(struct play *p, const struct exchange *x)
{
    json_t *out = json_pack("{s:s, s:s}", "method", x->method, "path", x->path);

    (void)with(out, "request", hex(fields_data(p->s, &x->request)));
    (void)with(out, "answer", hex(fields_data(p->s, &x->answer)));
    if (x->mac_name != NULL)
        (void)with(out, "mac",
                   json_pack("{s:s, s:i, s:o}", "name", x->mac_name, "counter", x->mac_counter,
                             "fields", fields_json(&x->data)));
    if (x->attested.count > 0)
        (void)with(out, "attested", fields_json(&x->attested));
    (void)with(out, "counter", json_integer(x->counter));
    return with(out, "limit", json_integer(x->limit));
}

json_t *play_fixtures(struct play *p)
{
    json_t *fixtures = with(json_object(), "deviceKey", key_json(&p->device.key)),
           *exchanges = json_array();

    for (size_t i = 0; i < p->count; i++)
        need(json_array_append_new(exchanges, exchange_json(p, &p->exchange[i])) == 0, "memory");
    (void)with(fixtures, "deviceCertificate", hex(p->device.certificate));
    (void)with(fixtures, "tokenDraws", p->draws);
    (void)with(fixtures, "sessions", p->sessions);
    return with(fixtures, "exchanges", exchanges);
}
