#include "testvectors/generate/play_internal.h"

#include <stdio.h>
#include <string.h>

enum { LIFE_TIME = 3600, LABEL_MAX = 100 };

struct bytes play_drawn(struct play *p, const char *what, size_t len)
{
    return draw(p->s, len, "%s %s %zu", p->label, what, p->count);
}

void play_text(struct fields *f, const char *name, const char *value)
{
    field_bytes(f, name, FORM_ARRAY, bytes_of(value));
}

void play_array(struct fields *f, const char *name, struct bytes value)
{
    field_bytes(f, name, FORM_ARRAY, value);
}

void play_number(struct play *p, struct fields *f, const char *name, enum form form, uint32_t value)
{
    field_number(p->s, f, name, form, value);
}

/* ---- exchanges ---- */

struct exchange *play_call(struct play *p, unsigned id, const char *method, const char *mac_name)
{
    struct exchange *x = &p->exchange[p->count];

    need(p->count < EXCHANGES_MAX, "room for an exchange");
    *x = (struct exchange){ .method = method, .path = "/sks", .mac_name = mac_name };
    play_number(p, &x->request, "methodId", FORM_BYTE, id);
    play_number(p, &x->answer, "status", FORM_BYTE, 0);
    return x;
}

/* The MAC behind the arguments; what else the call takes of the limit. */
struct bytes play_called(struct play *p, struct exchange *x, long other_operations)
{
    struct bytes mac = { 0 };

    if (x->mac_name != NULL) {
        x->mac_counter = (uint16_t)p->counter++;
        mac = method_mac(p->s, p->sk, x->mac_name, x->mac_counter, fields_data(p->s, &x->data));
        play_array(&x->request, "mac", mac);
        p->limit -= 1 + other_operations;
    }
    x->counter = p->counter;
    x->limit = p->limit;
    p->count++;
    return mac;
}

/* An attestation in the answer. */
void play_attest(struct play *p, struct exchange *x)
{
    play_array(&x->answer, "attestation",
               method_mac(p->s, p->sk, "DeviceAttestation", (uint16_t)p->counter++,
                          fields_data(p->s, &x->attested)));
    p->limit--;
    x->counter = p->counter;
    x->limit = p->limit;
}

struct bytes play_encrypted(struct play *p, struct bytes clear)
{
    return session_encrypted(p->s, p->sk, play_drawn(p, "iv", 16), clear);
}

void play_draws(struct play *p, const char *what, json_t *value)
{
    need(json_array_append_new(p->draws, json_pack("{s:s, s:o}", "what", what, "value", value)) ==
             0,
         "memory");
}

void play_gives(struct play *p, struct exchange *x, enum play_handle kind, const char *name)
{
    play_number(p, &x->answer, name, FORM_UINT, ++p->handles[kind]);
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

    play_array(&f, "clientSessionId", p->client_id);
    play_array(&f, "serverSessionId", p->server_id);
    play_text(&f, "issuerUri", ISSUER_URI_TEXT);
    play_array(&f, "deviceId", p->privacy ? bytes_of(ANONYMOUS) : p->device.certificate);
    p->sk = hmac(p->s, ecdh(p->s, server, client), fields_data(p->s, &f));
}

/* What goes into the request, into what is attested, or both, in the order of each. */
static void put_terms(struct play *p, struct exchange *x, const struct key *server,
                      const struct key *client, struct bytes kmk, uint32_t limit)
{
    struct fields *in = &x->request, *t = &x->attested;

    play_text(in, "sessionKeyAlgorithm", SESSION_1);
    play_number(p, in, "privacyEnabled", FORM_BOOL, p->privacy);
    play_array(in, "serverSessionId", p->server_id);
    play_array(in, "serverEphemeralKey", server->spki);
    play_text(in, "issuerUri", ISSUER_URI_TEXT);
    play_array(in, "keyManagementKey", kmk);
    play_array(t, "clientSessionId", p->client_id);
    play_array(t, "serverSessionId", p->server_id);
    play_text(t, "issuerUri", ISSUER_URI_TEXT);
    play_array(t, "deviceId", p->privacy ? bytes_of(ANONYMOUS) : p->device.certificate);
    play_text(t, "sessionKeyAlgorithm", SESSION_1);
    play_number(p, t, "privacyEnabled", FORM_BOOL, p->privacy);
    play_array(t, "serverEphemeralKey", server->spki);
    play_array(t, "clientEphemeralKey", client->spki);
    play_array(t, "keyManagementKey", kmk);
    for (int i = 0; i < 2; i++) {
        struct fields *f = i == 0 ? in : t;

        play_number(p, f, "clientTime", FORM_UINT, SCENE_TIME);
        play_number(p, f, "sessionLifeTime", FORM_USHORT, LIFE_TIME);
        play_number(p, f, "sessionKeyLimit", FORM_USHORT, limit);
        play_array(f, "serverCertificate", (struct bytes){ 0 });
    }
}

void play_begin(struct play *p, int curve, bool privacy, const struct key *kmk, uint32_t limit)
{
    struct exchange *x = play_call(p, 2, "createProvisioningSession", NULL);
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
    play_array(&x->answer, "clientSessionId", p->client_id);
    play_array(&x->answer, "clientEphemeralKey", client.spki);
    play_array(&x->answer, "attestation", attestation);
    play_gives(p, x, HANDLE_SESSION, "provisioningHandle");
    p->handle = p->handles[HANDLE_SESSION];
    play_draws(p, "id", hex(p->client_id));
    play_draws(p, "key", key_json(&client));
    tell_session(p, &server);
    (void)play_called(p, x, 0);
}

void play_begin_2010(struct play *p)
{
    struct exchange *x = play_call(p, 24, "createProvisioningSession", NULL);
    const struct key server = rsa_key(p->s, RSA_MANAGEMENT);
    struct bytes cipher;

    begin_ids(p);
    x->path = "/sks/2010";
    p->privacy = false;
    p->counter = 0;
    p->limit = 65535;
    p->sk = play_drawn(p, "session key", 32);
    cipher = rsa_oaep(p->s, &server, "SHA256", p->sk);
    for (int i = 0; i < 2; i++) {
        struct fields *f = i == 0 ? &x->request : &x->attested;

        if (i == 1)
            play_array(f, "sessionKeyProof", hmac(p->s, p->sk, bytes_of("SessionKeyAttestation")));
        play_array(f, "server_session_id", p->server_id);
        play_array(f, "client_session_id", p->client_id);
        play_text(f, "provisioning_uri", ISSUER_URI_TEXT);
        play_array(f, "server_public_key", server.spki);
        play_number(p, f, "life_time", FORM_UINT, LIFE_TIME);
    }
    play_array(&x->answer, "encrypted_session_key", cipher);
    play_array(&x->answer, "attested_session_key",
               key_sign(p->s, &p->device.key, fields_data(p->s, &x->attested)));
    play_gives(p, x, HANDLE_SESSION, "provisioning_id");
    p->handle = p->handles[HANDLE_SESSION];
    play_draws(p, "sessionKey", hex(p->sk));
    play_draws(p, "encryptedSessionKey", hex(cipher));
    tell_session(p, &server);
    (void)play_called(p, x, 0);
}

void play_close(struct play *p)
{
    struct exchange *x = play_call(p, 3, "closeProvisioningSession", "closeProvisioningSession");
    struct bytes nonce = play_drawn(p, "nonce", 32);

    play_number(p, &x->request, "provisioningHandle", FORM_UINT, p->handle);
    play_array(&x->request, "nonce", nonce);
    play_array(&x->data, "clientSessionId", p->client_id);
    play_array(&x->data, "serverSessionId", p->server_id);
    play_text(&x->data, "issuerUri", ISSUER_URI_TEXT);
    play_array(&x->data, "nonce", nonce);
    play_array(&x->attested, "nonce", nonce);
    (void)play_called(p, x, 0);
    play_attest(p, x);
}
