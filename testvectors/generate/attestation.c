/* What the device signs of a new session; in privacy mode, an HMAC with the session key. */
#include "testvectors/generate/scene.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <string.h>

static const char SECTION[] = "SKS V1.07 createProvisioningSession; docs/wire.md 4";
static const char SECTION_2010[] = "docs/2010-profile.md";
static const char CHECK[] = "session attestation";

struct scene {
    struct suite *s;
    const char *type, *section;
    struct device_fixture device;
    struct bytes sk;
    struct fields fields;
    struct key server, client; /* ephemeral */
};

/* ---- V1.07 ---- */

static void terms(struct scene *c, int turn, bool privacy)
{
    static const struct {
        uint32_t life_time, limit, time;
        bool kmk, certificate;
    } TURNS[] = { { 600, 200, SCENE_TIME, true, true },
                  { 1, 1, 0, false, false },
                  { 65535, 65535, 0xFFFFFFFF, true, false },
                  { 0x1234, 0x5678, 0x9ABCDEF0, false, true } };
    struct suite *s = c->s;
    struct fields *f = &c->fields;
    const struct key kmk = ec_key(s, P256, "key management");
    const struct bytes none = { 0 };

    c->server = ec_key(s, turn % 3, "server ephemeral");
    c->client = ec_key(s, turn % 3, "client ephemeral");
    *f = (struct fields){ 0 };
    field_bytes(f, "clientSessionId", FORM_ARRAY, draw_id(s, 32, "clientSessionId"));
    field_bytes(f, "serverSessionId", FORM_ARRAY, draw_id(s, 32, "serverSessionId"));
    field_bytes(f, "issuerUri", FORM_ARRAY, bytes_of(ISSUER_URI_TEXT));
    field_bytes(f, "deviceId", FORM_ARRAY, privacy ? bytes_of(ANONYMOUS) : c->device.certificate);
    field_bytes(f, "sessionKeyAlgorithm", FORM_ARRAY, bytes_of(SESSION_1));
    field_number(s, f, "privacyEnabled", FORM_BOOL, privacy);
    field_bytes(f, "serverEphemeralKey", FORM_ARRAY, c->server.spki);
    field_bytes(f, "clientEphemeralKey", FORM_ARRAY, c->client.spki);
    field_bytes(f, "keyManagementKey", FORM_ARRAY, TURNS[turn].kmk ? kmk.spki : none);
    field_number(s, f, "clientTime", FORM_UINT, TURNS[turn].time);
    field_number(s, f, "sessionLifeTime", FORM_USHORT, TURNS[turn].life_time);
    field_number(s, f, "sessionKeyLimit", FORM_USHORT, TURNS[turn].limit);
    field_bytes(f, "serverCertificate", FORM_ARRAY,
                TURNS[turn].certificate ? scene_certificate(s, "issuer.example", kmk.spki) : none);
}

/* ---- 2010 ---- */

static void terms_2010(struct scene *c, int turn)
{
    static const uint32_t LIFE_TIME[] = { 600, 1, 65536, 0xFFFFFFFF };
    struct suite *s = c->s;
    struct fields *f = &c->fields;

    *f = (struct fields){ 0 };
    field_bytes(f, "sessionKeyProof", FORM_ARRAY,
                hmac(s, c->sk, bytes_of("SessionKeyAttestation")));
    field_bytes(f, "server_session_id", FORM_ARRAY, draw(s, 32, "server nonce %d", turn));
    field_bytes(f, "client_session_id", FORM_ARRAY, draw(s, 32, "client nonce %d", turn));
    field_bytes(f, "provisioning_uri", FORM_ARRAY, bytes_of(ISSUER_URI_TEXT));
    field_bytes(f, "server_public_key", FORM_ARRAY, rsa_key(s, RSA_MANAGEMENT).spki);
    field_number(s, f, "life_time", FORM_UINT, LIFE_TIME[turn]);
}

/* ---- a test ---- */

static void add(struct scene *c, bool valid, const char *flag, struct bytes attestation,
                const char *comment)
{
    const struct expect good = EXPECT_VALID, bad = EXPECT_ISSUER(CHECK);
    json_t *input = with(json_object(), "attestation", hex(attestation));
    /* The classes of a reference issuer want the curve's own hash. */
    const char *profile = valid && c->type[0] == 'd' && c->device.key.curve != NULL &&
                                  c->device.key.curve != &CURVE[P256]
                              ? "text"
                              : NULL;

    suite_test(c->s, valid ? &good : &bad, flag, c->section, profile, input, "%s: %s",
               key_name(&c->device.key), comment);
}

/* ---- what is wrong about a signature ---- */

static struct bytes minus(struct suite *s, const struct curve *curve, struct bytes number)
{
    struct bytes order = curve_order(s, curve);
    struct buf out = { 0 };
    int borrow = 0;

    put_raw(&out, order);
    for (size_t i = order.len; i > 0; i--) {
        int digit = order.ptr[i - 1] - number.ptr[i - 1] - borrow;

        borrow = digit < 0;
        out.ptr[i - 1] = (uint8_t)(digit + 256 * borrow);
    }
    return keep(s, &out);
}

static void bad_ecdsa(struct scene *c, struct bytes right)
{
    struct suite *s = c->s;
    const size_t half = right.len / 2;
    const struct bytes r = bytes_at(right.ptr, half), sv = bytes_at(right.ptr + half, half),
                       zero = bytes_at(arena_alloc(&s->arena, half, 1), half),
                       order = curve_order(s, c->device.key.curve);

    add(c, true, "Malleable", JOIN(s, r, minus(s, c->device.key.curve, sv)),
        "the other s of the same signature");
    add(c, false, "SignatureForm", der_signature(s, right), "signature in DER");
    add(c, false, "SignatureForm", JOIN(s, sv, r), "s in front of r");
    add(c, false, "SignatureForm", bytes_at(right.ptr, right.len - 1), "last byte missing");
    add(c, false, "SignatureForm", JOIN(s, right, bytes_at("", 1)), "a byte behind the signature");
    add(c, false, "SignatureRange", JOIN(s, zero, zero), "r and s are 0");
    add(c, false, "SignatureRange", JOIN(s, zero, sv), "r is 0");
    add(c, false, "SignatureRange", JOIN(s, r, zero), "s is 0");
    add(c, false, "SignatureRange", JOIN(s, order, sv), "r is the order");
    add(c, false, "SignatureRange", JOIN(s, r, order), "s is the order");
}

static void bad_rsa(struct scene *c, struct bytes right, struct bytes data)
{
    struct suite *s = c->s;

    add(c, false, "SignatureForm", rsa_sign_pss(s, &c->device.key, data), "RSASSA-PSS");
    add(c, false, "SignatureForm", bytes_at(right.ptr, right.len - 1), "last byte missing");
    add(c, false, "SignatureForm", JOIN(s, bytes_at("", 1), right), "a byte before the signature");
    add(c, false, "SignatureRange", c->device.key.modulus, "the modulus");
    add(c, false, "SignatureRange", bytes_at(arena_alloc(&s->arena, right.len, 1), right.len), "0");
    add(c, false, "WrongHash", key_sign_by(s, &c->device.key, "SHA1", data), "SHA-1");
}

static void bad_signatures(struct scene *c)
{
    struct suite *s = c->s;
    const struct bytes data = fields_data(s, &c->fields), right = key_sign(s, &c->device.key, data);
    const struct key other = c->device.key.curve == NULL
                                 ? rsa_key(s, RSA_CA)
                                 : ec_key(s, (int)(c->device.key.curve - CURVE), "other device");

    add(c, false, "Altered", flipped(s, right, right.len / 2, 0), "one bit flipped");
    add(c, false, "Altered", flipped(s, right, right.len - 1, 3), "another bit flipped");
    add(c, false, "SignatureForm", (struct bytes){ 0 }, "no signature");
    add(c, false, "WrongKey", key_sign(s, &other, data), "signature of another device");
    add(c, false, "WrongHash", key_sign_by(s, &c->device.key, "SHA384", data), "SHA-384");
    add(c, false, "WrongHash", key_sign_by(s, &c->device.key, "SHA512", data), "SHA-512");
    add(c, false, "WrongKey", hmac(s, c->sk, data), "an HMAC with the session key");
    if (c->device.key.curve == NULL)
        bad_rsa(c, right, data);
    else
        bad_ecdsa(c, right);
}

static void bad_data(struct scene *c, size_t turn, size_t max, bool privacy)
{
    struct mistake mistake[12];
    size_t count = mistakes(c->s, &c->fields, turn, max, mistake);

    for (size_t i = 0; i < count; i++)
        add(c, false, mistake[i].flag,
            privacy ? hmac(c->s, c->sk, mistake[i].data)
                    : key_sign(c->s, &c->device.key, mistake[i].data),
            mistake[i].comment);
}

/* ---- groups ---- */

static void begin_group(struct scene *c, const char *type)
{
    json_t *fixtures = json_object();
    char requires[40] = "profile-2010";

    c->type = type;
    if (type[0] != '2')
        (void)snprintf(requires, sizeof requires, "device-key:%s", key_name(&c->device.key));
    (void)with(fixtures, "sessionKey", hex(c->sk));
    (void)with(fixtures, "deviceKey", key_json(&c->device.key));
    (void)with(fixtures, "deviceCertificate", hex(c->device.certificate));
    (void)with(fixtures, "fields", fields_json(&c->fields));
    (void)with(fixtures, "data", hex(fields_data(c->s, &c->fields)));
    suite_group(c->s, type, type[0] == 'p' ? "" : requires, fixtures);
}

static void device_group(struct scene *c, int curve)
{
    c->device = scene_device(c->s, curve);
    c->section = SECTION;
    for (int turn = 3; turn >= 0; turn--) {
        terms(c, turn, false);
        begin_group(c, "deviceSignature");
        add(c, true, "Normal", key_sign(c->s, &c->device.key, fields_data(c->s, &c->fields)),
            "attestation of a session");
    }
    bad_signatures(c);
    bad_data(c, (size_t)(curve + 1) * 2, 7, false);
}

static void privacy_group(struct scene *c)
{
    c->device = scene_device(c->s, P256);
    c->section = SECTION;
    for (int turn = 0; turn < 4; turn++) {
        terms(c, turn, true);
        begin_group(c, "privacy");
        add(c, true, "Normal", hmac(c->s, c->sk, fields_data(c->s, &c->fields)),
            "attestation in privacy mode");
    }
    add(c, false, "WrongKey", key_sign(c->s, &c->device.key, fields_data(c->s, &c->fields)),
        "signature of the device in privacy mode");
    add(c, false, "WrongKey",
        method_mac(c->s, c->sk, "DeviceAttestation", 0, fields_data(c->s, &c->fields)),
        "a method MAC with counter 0");
    bad_data(c, 5, 10, true);
}

static void group_2010(struct scene *c, int curve)
{
    c->device = scene_device(c->s, curve);
    c->section = SECTION_2010;
    for (int turn = 3; turn >= 0; turn--) {
        terms_2010(c, turn);
        begin_group(c, "2010");
        add(c, true, "Normal", key_sign(c->s, &c->device.key, fields_data(c->s, &c->fields)),
            "attestation of a session of the 2010 profile");
    }
    bad_signatures(c);
    bad_data(c, 3, 7, false);
    field_of(&c->fields, "sessionKeyProof")->value = c->sk;
    add(c, false, "WrongProof", key_sign(c->s, &c->device.key, fields_data(c->s, &c->fields)),
        "the session key itself in the place of its proof");
}

static void notes(struct suite *s)
{
    mistakes_explain(s, SECTION);
    suite_note(s, "Normal", "BASIC", "An attestation as it must be.", "Nothing works without it.",
               SECTION);
    suite_note(s, "Malleable", "SIGNATURE_MALLEABILITY",
               "ECDSA has two values of s for one signature; both verify.",
               "Devices that give the greater one would be refused.", SECTION);
    suite_note(s, "SignatureForm", "ENCODING",
               "The signature is not in its one form: r and s of field length one behind the "
               "other, or PKCS #1 v1.5 as long as the modulus.",
               "Several texts for one signature, or reads behind the end.", SECTION);
    suite_note(s, "SignatureRange", "RANGE_CHECK", "A number of the signature is out of range.",
               "Some implementations take such for the signature of anything.", SECTION);
    suite_note(s, "Altered", "MISSING_AUTHENTICATION", "A bit of the signature is another one.",
               "A middleman could be the device.", SECTION);
    suite_note(s, "WrongKey", "WRONG_KEY", "The attestation was made with another key.",
               "A middleman could be the device.", SECTION);
    suite_note(s, "WrongHash", "WRONG_PRIMITIVE",
               "Another hash than SHA-256, which goes with every device key.",
               "No other implementation would agree.", SECTION);
    suite_note(s, "WrongProof", "WRONG_PRIMITIVE",
               "What stands for the session key is not HMAC-SHA256(SK, SessionKeyAttestation).",
               "What is signed would tell the session key, or not bind it.", SECTION_2010);
}

void generate_attestation(struct suite *s)
{
    struct scene c = { .s = s, .sk = draw(s, 32, "session key") };

    notes(s);
    for (int curve = -1; curve < 3; curve++)
        device_group(&c, curve);
    privacy_group(&c);
    group_2010(&c, -1);
    group_2010(&c, P256);
}
