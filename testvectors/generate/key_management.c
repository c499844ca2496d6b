/* Signatures of a key management key: target key references and roll-overs. */
#include "testvectors/generate/scene.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <string.h>

static const char SECTION[] = "SKS V1.07 6 Target Key Reference; docs/wire.md 4";
static const char SECTION_ROLL_OVER[] = "SKS V1.07 updateKeyManagementKey; docs/wire.md 4";

struct scene {
    struct suite *s;
    const char *section;
    struct key kmk;
    struct bytes sk, device_id, target; /* of a target reference */
    struct fields fields;               /* what is signed */
};

/* 5 for one that cannot be a signature of the key, 9 for one that is none. */
static void add(struct scene *c, int status, const char *flag, struct bytes authorization,
                const char *comment)
{
    const struct expect good = EXPECT_VALID,
                        bad = EXPECT_TOKEN(status, c->target.len > 0 ? "removed" : "closed");

    const bool ec = c->kmk.curve != NULL;
    /* The reference passes over one byte too many, and has an exception for zeros. */
    const char *profile =
        ec && strcmp(flag, "SignatureRange") == 0 ? "rig"
        : ec && status == SKS_ERROR_CRYPTO && authorization.len == 2 * c->kmk.curve->size + 1
            ? "text"
            : NULL;

    suite_test(c->s, status == 0 ? &good : &bad, flag, c->section, profile,
               with(json_object(), "authorization", hex(authorization)), "%s: %s",
               key_name(&c->kmk), comment);
}

static struct bytes signed_by(struct scene *c, const struct key *key, struct bytes data)
{
    return key_sign(c->s, key, data);
}

static struct bytes reference(struct scene *c, struct bytes key, struct bytes data)
{
    return JOIN(c->s, bytes_of("TargetKeyReference"), hmac(c->s, key, data));
}

/* ---- what somebody signs in the place of the reference ---- */

static void bad_references(struct scene *c)
{
    struct suite *s = c->s;
    const uint8_t length[2] = { (uint8_t)(c->device_id.len >> 8), (uint8_t)c->device_id.len },
                  target_length[2] = { (uint8_t)(c->target.len >> 8), (uint8_t)c->target.len };
    const struct bytes key = JOIN(s, c->sk, c->device_id), mac = hmac(s, key, c->target);
    const struct {
        const char *flag, *comment;
        struct bytes data;
    } CASES[] = {
        { "WithoutLength", "a length in front of DeviceID",
          reference(c, JOIN(s, c->sk, bytes_at(length, 2), c->device_id), c->target) },
        { "WithoutLength", "a length in front of the certificate",
          reference(c, key, JOIN(s, bytes_at(target_length, 2), c->target)) },
        { "WithoutLength", "a length in front of the HMAC",
          JOIN(s, bytes_of("TargetKeyReference"), bytes_at("\0\x20", 2), mac) },
        { "WrongReference", "no DeviceID", reference(c, c->sk, c->target) },
        { "WrongReference", "another device",
          reference(c, JOIN(s, c->sk, draw(s, 40, "another device")), c->target) },
        { "WrongReference", "another session key",
          reference(c, JOIN(s, draw(s, 32, "another session"), c->device_id), c->target) },
        { "WrongReference", "another certificate",
          reference(c, key, scene_certificate(s, "Mallory", c->kmk.spki)) },
        { "WrongReference", "DeviceID of the other mode",
          reference(c,
                    JOIN(s, c->sk,
                         c->device_id.len == strlen(ANONYMOUS) ? draw(s, 300, "device certificate")
                                                               : bytes_of(ANONYMOUS)),
                    c->target) },
        { "WrongPrefix", "no prefix", mac },
        { "WrongPrefix", "prefix of a roll-over", JOIN(s, bytes_of("RollOverAuthorization"), mac) },
        { "WrongReference", "a fingerprint in the place of the certificate",
          reference(c, key, hash256(s, c->target)) },
        { "WrongReference", "the certificate itself",
          JOIN(s, bytes_of("TargetKeyReference"), c->target) },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++)
        add(c, SKS_ERROR_OPTION, CASES[i].flag, signed_by(c, &c->kmk, CASES[i].data),
            CASES[i].comment);
}

static void bad_roll_overs(struct scene *c, const struct key *new_key)
{
    struct suite *s = c->s;
    const struct bytes name = bytes_of("RollOverAuthorization"), spki = new_key->spki,
                       data = JOIN(s, name, spki);
    const uint8_t length[2] = { (uint8_t)(spki.len >> 8), (uint8_t)spki.len };

    add(c, SKS_ERROR_OPTION, "WithoutLength",
        signed_by(c, &c->kmk, JOIN(s, name, bytes_at(length, 2), spki)),
        "a length in front of the new key");
    add(c, SKS_ERROR_OPTION, "WrongPrefix", signed_by(c, &c->kmk, spki), "no prefix");
    add(c, SKS_ERROR_OPTION, "WrongPrefix",
        signed_by(c, &c->kmk, JOIN(s, bytes_of("TargetKeyReference"), spki)),
        "prefix of a target reference");
    add(c, SKS_ERROR_OPTION, "WrongReference",
        signed_by(c, &c->kmk, JOIN(s, name, hash256(s, spki))), "a hash of the new key");
    add(c, SKS_ERROR_OPTION, "WrongReference", signed_by(c, &c->kmk, JOIN(s, name, c->kmk.spki)),
        "the old key in the place of the new one");
    if (new_key->spki.len == c->kmk.spki.len)
        add(c, SKS_ERROR_OPTION, "WrongKey", signed_by(c, new_key, data),
            "signed by the new key, not by the old one");
}

/* ---- what is no signature ---- */

static void bad_signatures(struct scene *c)
{
    struct suite *s = c->s;
    const struct bytes data = fields_data(s, &c->fields), right = key_sign(s, &c->kmk, data);
    const struct key other = c->kmk.curve == NULL
                                 ? rsa_key(s, RSA_CA)
                                 : ec_key(s, (int)(c->kmk.curve - CURVE), "another issuer");
    const struct bytes zero = bytes_at(arena_alloc(&s->arena, right.len, 1), right.len);

    add(c, SKS_ERROR_OPTION, "Altered", flipped(s, right, right.len - 1, 0), "one bit flipped");
    add(c, SKS_ERROR_OPTION, "WrongKey", key_sign(s, &other, data), "signed by another issuer");
    add(c, SKS_ERROR_OPTION, "WrongHash", key_sign_by(s, &c->kmk, "SHA512", data), "SHA-512");
    add(c, SKS_ERROR_CRYPTO, "SignatureForm", bytes_at(right.ptr, right.len - 1),
        "last byte missing");
    add(c, SKS_ERROR_CRYPTO, "SignatureForm", JOIN(s, right, bytes_at("", 1)),
        "a byte behind the signature");
    add(c, SKS_ERROR_CRYPTO, "SignatureForm", (struct bytes){ 0 }, "no signature");
    if (c->kmk.curve != NULL)
        add(c, SKS_ERROR_CRYPTO, "SignatureForm", der_signature(s, right), "signature in DER");
    else
        add(c, SKS_ERROR_OPTION, "SignatureForm", rsa_sign_pss(s, &c->kmk, data), "RSASSA-PSS");
    add(c, SKS_ERROR_OPTION, "SignatureRange", zero, "zeros");
}

/* ---- groups ---- */

static struct key management_key(struct suite *s, int curve)
{
    return curve < 0 ? rsa_key(s, RSA_MANAGEMENT) : ec_key(s, curve, "key management");
}

static void fixtures(struct scene *c, const char *type)
{
    json_t *f = with(json_object(), "keyManagementKey", key_json(&c->kmk));
    char requires[60];

    if (c->target.len > 0) {
        (void)with(f, "sessionKey", hex(c->sk));
        (void)with(f, "deviceId", hex(c->device_id));
        (void)with(f, "targetCertificate", hex(c->target));
    }
    (void)with(f, "fields", fields_json(&c->fields));
    (void)with(f, "data", hex(fields_data(c->s, &c->fields)));
    (void)snprintf(requires, sizeof requires, "key-management-key:%s", key_name(&c->kmk));
    suite_group(c->s, type, requires, f);
}

static void target_group(struct scene *c, int curve, bool privacy, bool bad)
{
    c->section = SECTION;
    c->kmk = management_key(c->s, curve);
    c->sk = draw(c->s, 32, "session key %d", privacy);
    c->device_id = privacy ? bytes_of(ANONYMOUS) : scene_device(c->s, P256).certificate;
    c->target = scene_certificate(c->s, privacy ? "Bob" : "Alice", c->kmk.spki);
    c->fields = (struct fields){ 0 };
    field_bytes(&c->fields, "prefix", FORM_RAW, bytes_of("TargetKeyReference"));
    field_bytes(&c->fields, "HMAC(SK || deviceId, targetCertificate)", FORM_RAW,
                hmac(c->s, JOIN(c->s, c->sk, c->device_id), c->target));
    fixtures(c, "targetKeyReference");
    add(c, 0, "Normal", key_sign(c->s, &c->kmk, fields_data(c->s, &c->fields)),
        "target key reference");
    if (bad) {
        bad_references(c);
        bad_signatures(c);
    }
}

static void roll_over_group(struct scene *c, int curve, int next, bool bad)
{
    struct key new_key;

    c->section = SECTION_ROLL_OVER;
    c->kmk = management_key(c->s, curve);
    new_key = ec_key(c->s, next, "next key management");
    c->target = (struct bytes){ 0 };
    c->fields = (struct fields){ 0 };
    field_bytes(&c->fields, "prefix", FORM_RAW, bytes_of("RollOverAuthorization"));
    field_bytes(&c->fields, "keyManagementKey", FORM_RAW, new_key.spki);
    fixtures(c, "rollOver");
    add(c, 0, "Normal", key_sign(c->s, &c->kmk, fields_data(c->s, &c->fields)), "roll-over");
    if (bad) {
        bad_roll_overs(c, &new_key);
        bad_signatures(c);
    }
}

static void notes(struct suite *s)
{
    suite_note(s, "Normal", "BASIC", "An authorization as it must be.", "Nothing works without it.",
               SECTION);
    suite_note(s, "WithoutLength", "LENGTH_FIELD",
               "What is signed has a length where there is none: these are the only two "
               "constructs without lengths.",
               "The ends would not agree.", SECTION);
    suite_note(s, "WrongReference", "MISSING_AUTHENTICATION",
               "What is signed stands for another device, session, certificate or key.",
               "An authorization could be used again somewhere else.", SECTION);
    suite_note(s, "WrongPrefix", "MISSING_AUTHENTICATION",
               "What is signed lacks the prefix that says what it is.",
               "A signature made for one thing could serve for another.", SECTION);
    suite_note(s, "Altered", "MISSING_AUTHENTICATION", "A bit of the signature is another one.",
               "Anybody could delete keys.", SECTION);
    suite_note(s, "WrongKey", "WRONG_KEY", "Signed by another key.", "Anybody could delete keys.",
               SECTION);
    suite_note(s, "WrongHash", "WRONG_PRIMITIVE", "Another hash than SHA-256.",
               "The ends would not agree.", SECTION);
    suite_note(s, "SignatureForm", "ENCODING",
               "Not r and s of field length one behind the other, or not PKCS #1 v1.5 as long as "
               "the modulus. Another length is status 5.",
               "Several texts for one signature, or reads behind the end.", SECTION);
    suite_note(s, "SignatureRange", "RANGE_CHECK", "The numbers of the signature are 0.",
               "Some implementations take such for the signature of anything.", SECTION);
}

void generate_key_management(struct suite *s)
{
    struct scene c = { .s = s };

    notes(s);
    for (int curve = -1; curve < CURVES; curve++) {
        target_group(&c, curve, false, curve < 3);
        target_group(&c, curve, true, false);
        roll_over_group(&c, curve, P256, false);
        roll_over_group(&c, curve, curve == P256 ? P256 : P384, curve == P256 || curve == -1);
    }
}
