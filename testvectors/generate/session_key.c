/* SK = HMAC-SHA256(Z, clientSessionId || serverSessionId || issuerUri || DeviceID). */
#include "testvectors/generate/der.h"
#include "testvectors/generate/scene.h"
#include "testvectors/generate/session_key_2010.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <string.h>

static const char SECTION[] = "SKS V1.07 createProvisioningSession; docs/wire.md 4";

struct agreement {
    struct key server, client;
    struct bytes z;
    struct fields fields;
    struct bytes sk;
    bool shared; /* the group has the fields */
};

static struct agreement agree(struct suite *s, int curve, const char *label, struct bytes device_id)
{
    struct agreement a = { 0 };
    char name[100];

    (void)snprintf(name, sizeof name, "server %s", label);
    a.server = ec_key(s, curve, name);
    (void)snprintf(name, sizeof name, "client %s", label);
    a.client = ec_key(s, curve, name);
    a.z = ecdh(s, &a.server, &a.client);
    field_bytes(&a.fields, "clientSessionId", FORM_ARRAY, draw_id(s, 32, name));
    (void)snprintf(name, sizeof name, "server %s", label);
    field_bytes(&a.fields, "serverSessionId", FORM_ARRAY, draw_id(s, 32, name));
    field_bytes(&a.fields, "issuerUri", FORM_ARRAY, bytes_of(ISSUER_URI_TEXT));
    field_bytes(&a.fields, "deviceId", FORM_ARRAY, device_id);
    return a;
}

/* One whose Z begins with 0. */
static struct agreement agree_on_zero(struct suite *s, int curve, struct bytes device_id)
{
    struct agreement a = agree(s, curve, "zero", device_id);
    char name[40];

    for (int i = 0; a.z.ptr[0] != 0; i++) {
        (void)snprintf(name, sizeof name, "client zero %s %d", CURVE[curve].name, i);
        a.client = ec_key(s, curve, name);
        a.z = ecdh(s, &a.server, &a.client);
    }
    return a;
}

static void add(struct suite *s, const struct agreement *a, bool token, const struct expect *e,
                const char *flag, struct bytes peer, struct bytes sk, const char *comment)
{
    const struct key *own = token ? &a->client : &a->server;
    json_t *input = a->shared ? json_object() : fields_input(s, &a->fields);

    (void)with(input, "end", json_string(token ? "token" : "issuer"));
    (void)with(input, "ownKey", key_json(own));
    (void)with(input, "peerKey", hex(peer));
    (void)with(input, "z", hex(a->z));
    (void)with(input, "sessionKey", hex(sk));
    suite_test(s, e, flag, SECTION, e->valid && own->curve >= &CURVE[SECP256K1] ? "text" : NULL,
               input, "%s: %s", own->curve->name, comment);
}

static void begin_group(struct suite *s, const struct curve *curve, json_t *fixtures)
{
    char requires[40];

    (void)snprintf(requires, sizeof requires, "curve:%s", curve->name);
    suite_group(s, "agreement", requires, fixtures);
}

/* Begins a group of tests of one agreement. */
static void share(struct suite *s, struct agreement *a)
{
    begin_group(s, a->server.curve, fields_input(s, &a->fields));
    a->shared = true;
}

static void add_good(struct suite *s, struct agreement *a, bool token, const char *flag,
                     const char *comment)
{
    const struct expect valid = EXPECT_VALID;

    a->sk = hmac(s, a->z, fields_data(s, &a->fields));
    add(s, a, token, &valid, flag, token ? a->server.spki : a->client.spki, a->sk, comment);
}

static void good(struct suite *s, struct bytes device)
{
    struct agreement a;
    char label[40];

    for (int curve = 0; curve < CURVES; curve++) {
        begin_group(s, &CURVE[curve], json_object());
        for (int i = 0; i < 4; i++) {
            (void)snprintf(label, sizeof label, "%s %d", CURVE[curve].name, i);
            a = agree(s, curve, label, i < 2 ? device : bytes_of(ANONYMOUS));
            add_good(s, &a, i % 2 == 0, i < 2 ? "Normal" : "Privacy",
                     i < 2 ? "device certificate" : "privacy mode");
        }
        a = agree_on_zero(s, curve, device);
        add_good(s, &a, true, "LeadingZero", "x coordinate that begins with 0");
        add_good(s, &a, false, "LeadingZero", "x coordinate that begins with 0");
    }
}

static void good_lengths(struct suite *s, struct bytes device)
{
    static const size_t LENGTHS[] = { 1, 2, 31, 255, 256, 1000 };
    struct agreement a;
    char uri[1001];

    begin_group(s, &CURVE[P256], json_object());
    for (size_t i = 0; i < NITEMS(LENGTHS); i++) {
        const size_t id = LENGTHS[i] > 32 ? 32 : LENGTHS[i];

        (void)snprintf(uri, sizeof uri, "https://issuer.example/%0977d", 0);
        uri[LENGTHS[i]] = '\0';
        a = agree(s, P256, "lengths", device);
        field_of(&a.fields, "clientSessionId")->value = draw_id(s, id, "short client");
        field_of(&a.fields, "serverSessionId")->value = draw_id(s, id, "short server");
        field_of(&a.fields, "issuerUri")->value = arena_copy(&s->arena, bytes_at(uri, LENGTHS[i]));
        add_good(s, &a, true, "Lengths", "ids and issuerUri short or long");
        a = agree(s, P256, "device lengths", draw(s, 60 * (i + 1), "device id"));
        add_good(s, &a, false, "Lengths", "device certificates of other lengths");
    }
}

/* ---- somebody has it wrong ----
 *
 * In privacy mode, where the session attestation is made with the session key. Else it is the first
 * MAC that shows a wrong one.
 */

static void bad_fields(struct suite *s, struct bytes device)
{
    const struct expect issuer = EXPECT_ISSUER("session attestation");
    struct mistake mistake[8];

    for (int curve = 0; curve < 3; curve++) {
        struct agreement a = agree(s, curve, "mistakes", device);
        size_t count = mistakes(s, &a.fields, (size_t)curve, NITEMS(mistake), mistake);

        share(s, &a);
        for (size_t i = 0; i < count; i++)
            add(s, &a, false, &issuer, mistake[i].flag, a.client.spki,
                hmac(s, a.z, mistake[i].data), mistake[i].comment);
    }
}

static void bad_secret(struct suite *s, struct bytes device)
{
    const struct expect issuer = EXPECT_ISSUER("session attestation");

    for (int curve = 0; curve < CURVES; curve++) {
        struct agreement a = agree_on_zero(s, curve, device);
        struct bytes data, bare, y = { 0 };
        size_t zeros = 0;

        share(s, &a);
        data = fields_data(s, &a.fields);
        while (a.z.ptr[zeros] == 0)
            zeros++;
        bare = bytes_at(a.z.ptr + zeros, a.z.len - zeros);
        y = a.client.y;
        add(s, &a, false, &issuer, "WrongSecret", a.client.spki, hmac(s, bare, data),
            "leading zeros of Z dropped");
        if (a.z.len <= 64) /* HMAC itself hashes a longer key */
            add(s, &a, false, &issuer, "WrongSecret", a.client.spki, hmac(s, hash256(s, a.z), data),
                "Z hashed");
        add(s, &a, false, &issuer, "WrongSecret", a.client.spki,
            hmac(s, JOIN(s, bytes_at("", 1), a.z), data), "a zero more in front of Z");
        add(s, &a, false, &issuer, "WrongSecret", a.client.spki, hmac(s, JOIN(s, a.z, y), data),
            "another coordinate behind Z");
        add(s, &a, false, &issuer, "WrongDerivation", a.client.spki, hmac(s, data, a.z),
            "key and data of the HMAC changed over");
        add(s, &a, false, &issuer, "WrongDerivation", a.client.spki, hash256(s, JOIN(s, a.z, data)),
            "a hash, no HMAC");
        add(s, &a, false, &issuer, "WrongDerivation", a.client.spki,
            a.z.len == 32 ? a.z : bytes_at(a.z.ptr, 32), "Z itself");
    }
}

/* ---- a key that is none ---- */

static void bad_peer(struct suite *s, struct bytes device)
{
    const struct expect token = {
        .status = SKS_ERROR_CRYPTO, .end = "token", .counter = -1, .limit = -1, .step = -1
    };
    const struct expect issuer = EXPECT_ISSUER("client key");

    for (int curve = 0; curve < CURVES; curve++) {
        const struct curve *c = &CURVE[curve];
        struct agreement a = agree(s, curve, "bad peer", device);
        const struct key *k = &a.server;
        const struct key other = ec_key(s, curve == P256 ? P384 : P256, "other curve");
        const struct bytes point = ec_point(s, k);
        const struct {
            const char *flag, *comment;
            struct bytes spki;
        } peers[] = {
            { "InvalidPoint", "server's point is not on the curve",
              ec_spki(s, c, flipped(s, point, point.len - 1, 0)) },
            { "InvalidPoint", "server's point is infinity", ec_spki(s, c, bytes_at("", 1)) },
            { "PointForm", "server's point is compressed",
              ec_spki(s, c,
                      JOIN(s, bytes_at(k->y.ptr[k->y.len - 1] & 1 ? "\x03" : "\x02", 1), k->x)) },
            { "PointForm", "server's point is in the hybrid form",
              ec_spki(
                  s, c,
                  JOIN(s, bytes_at(k->y.ptr[k->y.len - 1] & 1 ? "\x07" : "\x06", 1), k->x, k->y)) },
            { "PointForm", "server's point is one byte short",
              ec_spki(s, c, bytes_at(point.ptr, point.len - 1)) },
        };

        share(s, &a);
        a.sk = hmac(s, a.z, fields_data(s, &a.fields));
        for (size_t i = 0; i < NITEMS(peers); i++)
            add(s, &a, true, &token, peers[i].flag, peers[i].spki, a.sk, peers[i].comment);
        add(s, &a, false, &issuer, "OtherCurve", other.spki, a.sk,
            "client's key is on another curve");
    }
}

void generate_session_key(struct suite *s)
{
    const struct device_fixture device = scene_device(s, P256);

    mistakes_explain(s, SECTION);
    suite_note(s, "Normal", "BASIC", "A session with a device certificate.",
               "Nothing works without it.", SECTION);
    suite_note(s, "Privacy", "BASIC", "A session in privacy mode: DeviceID is \"Anonymous\".",
               "Nothing works without it.", SECTION);
    suite_note(s, "LeadingZero", "ARITHMETIC_ERROR",
               "The x coordinate has a leading zero byte; Z keeps the length of the field.",
               "One session in 256 would fail.", SECTION);
    suite_note(s, "Lengths", "LENGTH_FIELD", "Ids, issuerUri and DeviceID of other lengths.",
               "Sessions of other issuers would fail.", SECTION);
    suite_note(s, "WrongSecret", "WRONG_PRIMITIVE",
               "The session key was derived from something else than the plain x coordinate.",
               "The ends would not agree.", SECTION);
    suite_note(s, "WrongDerivation", "WRONG_PRIMITIVE",
               "The session key was not derived by HMAC-SHA256 with Z as its key.",
               "The ends would not agree.", SECTION);
    suite_note(s, "InvalidPoint", "INVALID_CURVE",
               "The peer's point is not one of the curve's prime group.",
               "Whoever computes with it may tell its private key.", SECTION);
    suite_note(s, "PointForm", "ENCODING", "The peer's point is not in the uncompressed form.",
               "What one end reads, the other end cannot; the attestation covers the bytes.",
               SECTION);
    suite_note(s, "OtherCurve", "INVALID_CURVE",
               "The client's key is not on the curve of the server's.",
               "There is no secret to agree on.", SECTION);
    good(s, device.certificate);
    good_lengths(s, device.certificate);
    bad_fields(s, bytes_of(ANONYMOUS));
    bad_secret(s, bytes_of(ANONYMOUS));
    bad_peer(s, device.certificate);
    generate_session_key_2010(s);
}
