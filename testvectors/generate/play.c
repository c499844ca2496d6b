#include "testvectors/generate/play.h"

#include "testvectors/generate/der.h"

#include <stdio.h>
#include <string.h>

enum { LIFE_TIME = 3600, LABEL_MAX = 100 };

static const char SYMMETRIC_LABEL[] = "symmetric key";

static struct bytes drawn(struct play *p, const char *what, size_t len)
{
    return draw(p->s, len, "%s %s %zu", p->label, what, p->count);
}

static void text(struct fields *f, const char *name, const char *value)
{
    field_bytes(f, name, FORM_ARRAY, bytes_of(value));
}

static void array(struct fields *f, const char *name, struct bytes value)
{
    field_bytes(f, name, FORM_ARRAY, value);
}

static void number(struct play *p, struct fields *f, const char *name, enum form form,
                   uint32_t value)
{
    field_number(p->s, f, name, form, value);
}

/* ---- exchanges ---- */

static struct exchange *begin_call(struct play *p, unsigned id, const char *method,
                                   const char *mac_name)
{
    struct exchange *x = &p->exchange[p->count];

    need(p->count < EXCHANGES_MAX, "room for an exchange");
    *x = (struct exchange){ .method = method, .path = "/sks", .mac_name = mac_name };
    number(p, &x->request, "methodId", FORM_BYTE, id);
    number(p, &x->answer, "status", FORM_BYTE, 0);
    return x;
}

/* The MAC behind the arguments; what else the call takes of the limit. */
static struct bytes end_call(struct play *p, struct exchange *x, long other_operations)
{
    struct bytes mac = { 0 };

    if (x->mac_name != NULL) {
        x->mac_counter = (uint16_t)p->counter++;
        mac = method_mac(p->s, p->sk, x->mac_name, x->mac_counter, fields_data(p->s, &x->data));
        array(&x->request, "mac", mac);
        p->limit -= 1 + other_operations;
    }
    x->counter = p->counter;
    x->limit = p->limit;
    p->count++;
    return mac;
}

/* An attestation in the answer. */
static void attest(struct play *p, struct exchange *x)
{
    array(&x->answer, "attestation",
          method_mac(p->s, p->sk, "DeviceAttestation", (uint16_t)p->counter++,
                     fields_data(p->s, &x->attested)));
    p->limit--;
    x->counter = p->counter;
    x->limit = p->limit;
}

static struct bytes encrypted(struct play *p, struct bytes clear)
{
    return session_encrypted(p->s, p->sk, drawn(p, "iv", 16), clear);
}

static void token_draws(struct play *p, const char *what, json_t *value)
{
    need(json_array_append_new(p->draws, json_pack("{s:s, s:o}", "what", what, "value", value)) ==
             0,
         "memory");
}

static void give_handle(struct play *p, struct exchange *x, enum play_handle kind, const char *name)
{
    number(p, &x->answer, name, FORM_UINT, ++p->handles[kind]);
}

/* ---- the session ---- */

void play_open(struct play *p, struct suite *s, const char *label, int device)
{
    *p = (struct play){ .s = s, .label = label, .draws = json_array(), .sessions = json_array() };
    p->device = scene_device(s, device);
}

static void tell_session(struct play *p, const struct key *server)
{
    json_t *session = with(json_object(), "sessionKey", hex(p->sk));

    (void)with(session, "serverKey", key_json(server));
    (void)with(session, "deviceId", hex(p->privacy ? bytes_of(ANONYMOUS) : p->device.certificate));
    need(json_array_append_new(p->sessions, session) == 0, "memory");
}

static void begin_ids(struct play *p)
{
    char label[LABEL_MAX];

    p->number++;
    (void)snprintf(label, sizeof label, "%s server id %zu", p->label, p->number);
    p->server_id = draw_id(p->s, 32, label);
    (void)snprintf(label, sizeof label, "%s client id %zu", p->label, p->number);
    p->client_id = draw_id(p->s, 32, label);
}

static void derive(struct play *p, const struct key *server, const struct key *client)
{
    struct fields f = { 0 };

    array(&f, "clientSessionId", p->client_id);
    array(&f, "serverSessionId", p->server_id);
    text(&f, "issuerUri", ISSUER_URI_TEXT);
    array(&f, "deviceId", p->privacy ? bytes_of(ANONYMOUS) : p->device.certificate);
    p->sk = hmac(p->s, ecdh(p->s, server, client), fields_data(p->s, &f));
}

/* What goes into the request, into what is attested, or both, in the order of each. */
static void put_terms(struct play *p, struct exchange *x, const struct key *server,
                      const struct key *client, struct bytes kmk, uint32_t limit)
{
    struct fields *in = &x->request, *t = &x->attested;

    text(in, "sessionKeyAlgorithm", SESSION_1);
    number(p, in, "privacyEnabled", FORM_BOOL, p->privacy);
    array(in, "serverSessionId", p->server_id);
    array(in, "serverEphemeralKey", server->spki);
    text(in, "issuerUri", ISSUER_URI_TEXT);
    array(in, "keyManagementKey", kmk);
    array(t, "clientSessionId", p->client_id);
    array(t, "serverSessionId", p->server_id);
    text(t, "issuerUri", ISSUER_URI_TEXT);
    array(t, "deviceId", p->privacy ? bytes_of(ANONYMOUS) : p->device.certificate);
    text(t, "sessionKeyAlgorithm", SESSION_1);
    number(p, t, "privacyEnabled", FORM_BOOL, p->privacy);
    array(t, "serverEphemeralKey", server->spki);
    array(t, "clientEphemeralKey", client->spki);
    array(t, "keyManagementKey", kmk);
    for (int i = 0; i < 2; i++) {
        struct fields *f = i == 0 ? in : t;

        number(p, f, "clientTime", FORM_UINT, SCENE_TIME);
        number(p, f, "sessionLifeTime", FORM_USHORT, LIFE_TIME);
        number(p, f, "sessionKeyLimit", FORM_USHORT, limit);
        array(f, "serverCertificate", (struct bytes){ 0 });
    }
}

void play_begin(struct play *p, int curve, bool privacy, const struct key *kmk, uint32_t limit)
{
    struct exchange *x = begin_call(p, 2, "createProvisioningSession", NULL);
    char label[LABEL_MAX];
    struct key server, client;
    struct bytes attestation;

    begin_ids(p);
    (void)snprintf(label, sizeof label, "%s server %zu", p->label, p->number);
    server = ec_key(p->s, curve, label);
    (void)snprintf(label, sizeof label, "%s client %zu", p->label, p->number);
    client = ec_key(p->s, curve, label);
    p->privacy = privacy;
    derive(p, &server, &client);
    p->counter = 0;
    p->limit = (long)limit;
    put_terms(p, x, &server, &client, kmk == NULL ? (struct bytes){ 0 } : kmk->spki, limit);
    attestation = privacy ? hmac(p->s, p->sk, fields_data(p->s, &x->attested))
                          : key_sign(p->s, &p->device.key, fields_data(p->s, &x->attested));
    array(&x->answer, "clientSessionId", p->client_id);
    array(&x->answer, "clientEphemeralKey", client.spki);
    array(&x->answer, "attestation", attestation);
    give_handle(p, x, HANDLE_SESSION, "provisioningHandle");
    p->handle = p->handles[HANDLE_SESSION];
    token_draws(p, "id", hex(p->client_id));
    token_draws(p, "key", key_json(&client));
    tell_session(p, &server);
    (void)end_call(p, x, 0);
}

void play_begin_2010(struct play *p)
{
    struct exchange *x = begin_call(p, 24, "createProvisioningSession", NULL);
    const struct key server = rsa_key(p->s, RSA_MANAGEMENT);
    struct bytes cipher;

    begin_ids(p);
    x->path = "/sks/2010";
    p->privacy = false;
    p->counter = 0;
    p->limit = 65535;
    p->sk = drawn(p, "session key", 32);
    cipher = rsa_oaep(p->s, &server, "SHA256", p->sk);
    for (int i = 0; i < 2; i++) {
        struct fields *f = i == 0 ? &x->request : &x->attested;

        if (i == 1)
            array(f, "sessionKeyProof", hmac(p->s, p->sk, bytes_of("SessionKeyAttestation")));
        array(f, "server_session_id", p->server_id);
        array(f, "client_session_id", p->client_id);
        text(f, "provisioning_uri", ISSUER_URI_TEXT);
        array(f, "server_public_key", server.spki);
        number(p, f, "life_time", FORM_UINT, LIFE_TIME);
    }
    array(&x->answer, "encrypted_session_key", cipher);
    array(&x->answer, "attested_session_key",
          key_sign(p->s, &p->device.key, fields_data(p->s, &x->attested)));
    give_handle(p, x, HANDLE_SESSION, "provisioning_id");
    p->handle = p->handles[HANDLE_SESSION];
    token_draws(p, "sessionKey", hex(p->sk));
    token_draws(p, "encryptedSessionKey", hex(cipher));
    tell_session(p, &server);
    (void)end_call(p, x, 0);
}

void play_close(struct play *p)
{
    struct exchange *x = begin_call(p, 3, "closeProvisioningSession", "closeProvisioningSession");
    struct bytes nonce = drawn(p, "nonce", 32);

    number(p, &x->request, "provisioningHandle", FORM_UINT, p->handle);
    array(&x->request, "nonce", nonce);
    array(&x->data, "clientSessionId", p->client_id);
    array(&x->data, "serverSessionId", p->server_id);
    text(&x->data, "issuerUri", ISSUER_URI_TEXT);
    array(&x->data, "nonce", nonce);
    array(&x->attested, "nonce", nonce);
    (void)end_call(p, x, 0);
    attest(p, x);
}

/* ---- policies and keys ---- */

struct play_policy play_puk(struct play *p, const char *id, const char *value)
{
    struct exchange *x = begin_call(p, 8, "createPukPolicy", "createPUKPolicy");
    struct bytes puk = encrypted(p, bytes_of(value));

    number(p, &x->request, "provisioningHandle", FORM_UINT, p->handle);
    for (int i = 0; i < 2; i++) {
        struct fields *f = i == 0 ? &x->request : &x->data;

        text(f, "id", id);
        array(f, "encryptedPuk", puk);
        number(p, f, "format", FORM_BYTE, 0);
        number(p, f, "retryLimit", FORM_USHORT, 5);
    }
    give_handle(p, x, HANDLE_PUK, "pukPolicyHandle");
    (void)end_call(p, x, 1);
    return (struct play_policy){ p->handles[HANDLE_PUK], bytes_of(id), true };
}

struct play_policy play_pin(struct play *p, const char *id, const struct play_policy *puk,
                            bool preset, unsigned grouping)
{
    const struct {
        const char *name;
        enum form form;
        uint32_t value;
    } REST[] = { { "userDefined", FORM_BOOL, !preset },
                 { "userModifiable", FORM_BOOL, 1 },
                 { "format", FORM_BYTE, 0 },
                 { "retryLimit", FORM_USHORT, 3 },
                 { "grouping", FORM_BYTE, grouping },
                 { "patternRestrictions", FORM_BYTE, 4 },
                 { "minLength", FORM_USHORT, 4 },
                 { "maxLength", FORM_USHORT, 8 },
                 { "inputMethod", FORM_BYTE, 0 } };
    struct exchange *x = begin_call(p, 9, "createPinPolicy", "createPINPolicy");

    number(p, &x->request, "provisioningHandle", FORM_UINT, p->handle);
    text(&x->request, "id", id);
    number(p, &x->request, "pukPolicyHandle", FORM_UINT, puk == NULL ? 0 : puk->handle);
    text(&x->data, "id", id);
    array(&x->data, "pukPolicyId", puk == NULL ? (struct bytes){ 0 } : puk->id);
    for (size_t i = 0; i < NITEMS(REST); i++) {
        number(p, &x->request, REST[i].name, REST[i].form, REST[i].value);
        number(p, &x->data, REST[i].name, REST[i].form, REST[i].value);
    }
    give_handle(p, x, HANDLE_PIN, "pinPolicyHandle");
    (void)end_call(p, x, 0);
    return (struct play_policy){ p->handles[HANDLE_PIN], bytes_of(id), preset };
}

/* Those of createKeyEntry that stand in request and MAC alike, from enablePinCaching on. */
static void put_protection(struct play *p, struct fields *f)
{
    number(p, f, "enablePinCaching", FORM_BOOL, 0);
    number(p, f, "biometricProtection", FORM_BYTE, 0);
    number(p, f, "exportProtection", FORM_BYTE, 3);
    number(p, f, "deleteProtection", FORM_BYTE, 0);
    number(p, f, "appUsage", FORM_BYTE, 1);
    text(f, "friendlyName", "Key of \xC3\x85sa");
}

static void put_key_arguments(struct play *p, struct exchange *x, const struct play_policy *pin,
                              struct bytes pin_value, struct bytes id, const char *algorithm,
                              const char *endorsed)
{
    const struct bytes none = { 0 };
    struct fields *in = &x->request, *data = &x->data;

    number(p, in, "provisioningHandle", FORM_UINT, p->handle);
    array(in, "id", id);
    text(in, "keyEntryAlgorithm", KEY_1);
    array(in, "serverSeed", none);
    number(p, in, "devicePinProtection", FORM_BOOL, 0);
    number(p, in, "pinPolicyHandle", FORM_UINT, pin == NULL ? 0 : pin->handle);
    array(in, "pinValue", pin_value);
    put_protection(p, in);
    text(in, "keyAlgorithm", algorithm);
    array(in, "keyParameters", none);
    number(p, in, "endorsedAlgorithm count", FORM_BYTE, endorsed != NULL);
    array(data, "id", id);
    text(data, "keyEntryAlgorithm", KEY_1);
    array(data, "serverSeed", none);
    array(data, "pinPolicyId", pin == NULL ? none : pin->id);
    array(data, "encryptedPin", pin != NULL && pin->preset ? pin_value : none);
    number(p, data, "devicePinProtection", FORM_BOOL, 0);
    put_protection(p, data);
    text(data, "keyAlgorithm", algorithm);
    array(data, "keyParameters", none);
    if (endorsed != NULL) {
        text(in, "endorsedAlgorithm", endorsed);
        text(data, "endorsedAlgorithm", endorsed);
    }
}

struct play_key play_key(struct play *p, const char *id, const struct play_policy *pin, int curve,
                         const char *endorsed)
{
    const struct bytes clear = bytes_of("1357"), none = { 0 };
    const bool preset = pin != NULL && pin->preset;
    struct exchange *x = begin_call(p, 10, "createKeyEntry", "createKeyEntry");
    struct play_key k = { .id = bytes_of(id) };
    char label[LABEL_MAX], algorithm[LABEL_MAX];
    struct bytes mac;

    (void)snprintf(label, sizeof label, "%s user %zu", p->label, p->count);
    k.key = curve < 0 ? rsa_key(p->s, RSA_CA) : ec_key(p->s, curve, label);
    (void)snprintf(algorithm, sizeof algorithm, ALGORITHM_URI "%s",
                   curve < 0 ? "rsa2048" : CURVE[curve].uri);
    put_key_arguments(p, x, pin,
                      pin == NULL ? none
                      : preset    ? encrypted(p, clear)
                                  : clear,
                      k.id, arena_text(&p->s->arena, bytes_of(algorithm)), endorsed);
    token_draws(p, "key", key_json(&k.key));
    give_handle(p, x, HANDLE_KEY, "keyHandle");
    k.handle = p->handles[HANDLE_KEY];
    mac = end_call(p, x, preset);
    array(&x->answer, "publicKey", k.key.spki);
    array(&x->attested, "publicKey", k.key.spki);
    array(&x->attested, "mac", mac);
    attest(p, x);
    return k;
}

void play_certify(struct play *p, struct play_key *k, const struct key *key, size_t length)
{
    struct exchange *x = begin_call(p, 12, "setCertificatePath", "setCertificatePath");
    char name[LABEL_MAX];

    (void)snprintf(name, sizeof name, "User of %s %zu", p->label, p->count);
    k->certificate = scene_certificate(p->s, name, key->spki);
    number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    number(p, &x->request, "certificate count", FORM_BYTE, (uint32_t)length);
    array(&x->data, "publicKey", k->key.spki);
    array(&x->data, "id", k->id);
    for (size_t i = 0; i < length; i++) {
        struct bytes certificate = i == 0 ? k->certificate : scene_ca(p->s);

        array(&x->request, "certificate", certificate);
        array(&x->data, "certificate", certificate);
    }
    (void)end_call(p, x, 0);
}

/* PKCS #8 of an EC key. */
static struct bytes pkcs8(struct play *p, const struct key *key)
{
    struct suite *s = p->s;
    const struct bytes number_1 = der_integer(s, bytes_at("\x01", 1)),
                       number_0 = der_integer(s, bytes_at("\0", 1));

    return DER_SEQUENCE_OF(
        s, number_0,
        DER_SEQUENCE_OF(s, der_oid(s, "1.2.840.10045.2.1"), der_oid(s, key->curve->oid)),
        der(s, DER_OCTET_STRING,
            DER_SEQUENCE_OF(s, number_1, der(s, DER_OCTET_STRING, key->d),
                            der(s, 0xA1, der_bits(s, ec_point(s, key))))));
}

void play_import(struct play *p, const struct play_key *k, const struct key *private_key)
{
    const char *name = private_key == NULL ? "importSymmetricKey" : "importPrivateKey";
    struct exchange *x = begin_call(p, private_key == NULL ? 13 : 14, name, name);
    struct bytes value =
        encrypted(p, private_key == NULL ? drawn(p, SYMMETRIC_LABEL, 16) : pkcs8(p, private_key));

    number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    array(&x->request, "encryptedKey", value);
    array(&x->data, "endEntityCertificate", k->certificate);
    array(&x->data, "encryptedKey", value);
    (void)end_call(p, x, 1);
}

void play_extend(struct play *p, const struct play_key *k, unsigned sub_type)
{
    static const char *const TYPES[] = { "https://example.com/plain", "https://example.com/secret",
                                         "https://example.com/bag",
                                         "https://example.com/logotype" };
    struct exchange *x = begin_call(p, 15, "addExtension", "addExtension");
    struct bytes data = sub_type == 2   ? bytes_at("\0\x04name\x01\0\x05value", 14)
                        : sub_type == 1 ? encrypted(p, bytes_of("a secret"))
                                        : drawn(p, "extension", 24);

    number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    array(&x->data, "endEntityCertificate", k->certificate);
    for (int i = 0; i < 2; i++) {
        struct fields *f = i == 0 ? &x->request : &x->data;

        text(f, "type", TYPES[sub_type]);
        number(p, f, "subType", FORM_BYTE, sub_type);
        text(f, "qualifier", sub_type == 3 ? "image/png" : "");
        field_bytes(f, "extensionData", FORM_BLOB, data);
    }
    (void)end_call(p, x, sub_type == 1);
}

void play_post(struct play *p, const char *name, const struct key *kmk, const struct play_key *k,
               const struct play_key *target)
{
    static const struct {
        const char *name;
        unsigned id;
    } IDS[] = { { "postDeleteKey", 50 },
                { "postUnlockKey", 51 },
                { "postUpdateKey", 52 },
                { "postCloneKeyProtection", 53 } };
    const struct bytes device = p->privacy ? bytes_of(ANONYMOUS) : p->device.certificate;
    struct bytes authorization;
    struct exchange *x;
    size_t i = 0;

    while (strcmp(IDS[i].name, name) != 0)
        i++;
    x = begin_call(p, IDS[i].id, name, name);
    authorization = key_sign(p->s, kmk,
                             JOIN(p->s, bytes_of("TargetKeyReference"),
                                  hmac(p->s, JOIN(p->s, p->sk, device), target->certificate)));
    if (k != NULL) {
        number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
        array(&x->data, "endEntityCertificate", k->certificate);
    } else {
        number(p, &x->request, "provisioningHandle", FORM_UINT, p->handle);
    }
    number(p, &x->request, "targetKeyHandle", FORM_UINT, target->handle);
    array(&x->request, "authorization", authorization);
    array(&x->data, "authorization", authorization);
    (void)end_call(p, x, 1);
}

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
    struct exchange *x = begin_call(p, 100, "signHashedData", NULL);

    number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    text(&x->request, "algorithm", ES256_URI);
    array(&x->request, "parameters", (struct bytes){ 0 });
    number(p, &x->request, "biometricAuth", FORM_BOOL, 0);
    text(&x->request, "authorization", pin);
    array(&x->request, "data", drawn(p, "hash", 32));
    x->answer_unknown = true;
    (void)end_call(p, x, 0);
}

void play_manage(struct play *p, unsigned id, const struct play_key *k, const char *authorization,
                 const char *new_pin)
{
    struct exchange *x = begin_call(p, id,
                                    id == 82   ? "unlockKey"
                                    : id == 83 ? "changePin"
                                               : "setPin",
                                    NULL);

    number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    text(&x->request, "authorization", authorization);
    if (new_pin != NULL)
        text(&x->request, "newPin", new_pin);
    (void)end_call(p, x, 0);
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
