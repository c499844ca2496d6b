#include "testvectors/generate/method_data.h"

#include <string.h>

struct list {
    struct suite *s;
    struct method_data *item;
    size_t count;
    struct bytes certificate, spki;
};

static struct fields *begin(struct list *l, const char *mac_name, const char *method,
                            const char *comment)
{
    struct method_data *d = &l->item[l->count++];

    need(l->count <= METHOD_DATA_MAX, "room for a method");
    *d = (struct method_data){ .mac_name = mac_name, .method = method, .comment = comment };
    return &d->fields;
}

static void text(struct fields *f, const char *name, const char *value)
{
    field_bytes(f, name, FORM_ARRAY, bytes_of(value));
}

static void drawn(struct list *l, struct fields *f, const char *name, size_t len)
{
    field_bytes(f, name, FORM_ARRAY, draw(l->s, len, "%s %zu", name, l->count));
}

static void number(struct list *l, struct fields *f, const char *name, enum form form,
                   uint32_t value)
{
    field_number(l->s, f, name, form, value);
}

static void closes(struct list *l)
{
    static const struct {
        const char *comment;
        size_t nonce;
    } CASES[] = { { "nonce of 32 bytes", 32 }, { "nonce of 1 byte", 1 } };

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct fields *f =
            begin(l, "closeProvisioningSession", "closeProvisioningSession", CASES[i].comment);

        field_bytes(f, "clientSessionId", FORM_ARRAY, draw_id(l->s, 32, "clientSessionId"));
        field_bytes(f, "serverSessionId", FORM_ARRAY, draw_id(l->s, 32, "serverSessionId"));
        text(f, "issuerUri", ISSUER_URI_TEXT);
        drawn(l, f, "nonce", CASES[i].nonce);
    }
}

static void puk_policies(struct list *l)
{
    static const struct {
        const char *comment, *id;
        size_t puk;
        uint32_t format, retry;
    } CASES[] = { { "numeric, 3 tries", "PUK.1", 32, 0, 3 },
                  { "binary, never blocks", "!", 160, 3, 0 } };

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct fields *f = begin(l, "createPUKPolicy", "createPukPolicy", CASES[i].comment);

        text(f, "id", CASES[i].id);
        drawn(l, f, "encryptedPuk", CASES[i].puk);
        number(l, f, "format", FORM_BYTE, CASES[i].format);
        number(l, f, "retryLimit", FORM_USHORT, CASES[i].retry);
    }
}

static void pin_policies(struct list *l)
{
    static const char *const NAMES[] = { "userDefined", "userModifiable", "format",
                                         "retryLimit",  "grouping",       "patternRestrictions",
                                         "minLength",   "maxLength",      "inputMethod" };
    static const enum form FORMS[] = { FORM_BOOL, FORM_BOOL,   FORM_BYTE,   FORM_USHORT, FORM_BYTE,
                                       FORM_BYTE, FORM_USHORT, FORM_USHORT, FORM_BYTE };
    static const struct {
        const char *comment, *id, *puk;
        uint32_t value[9];
    } CASES[] = {
        { "under a PUK policy", "PIN.1", "PUK.1", { 1, 1, 0, 3, 1, 6, 4, 8, 0 } },
        { "without a PUK policy, preset PIN",
          "PIN~with+an(id)of.32-characters!",
          "",
          { 0, 0, 2, 10000, 3, 31, 1, 128, 2 } },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct fields *f = begin(l, "createPINPolicy", "createPinPolicy", CASES[i].comment);

        text(f, "id", CASES[i].id);
        text(f, "pukPolicyId", CASES[i].puk);
        for (size_t k = 0; k < NITEMS(NAMES); k++)
            number(l, f, NAMES[k], FORMS[k], CASES[i].value[k]);
    }
}

struct key_entry_case {
    const char *comment, *id, *pin_policy;
    size_t seed, pin;
    uint32_t device_pin, caching, biometric, export, delete, usage;
    const char *name, *algorithm;
    struct bytes parameters;
    const char *endorsed[3];
};

static void key_entry(struct list *l, const struct key_entry_case *c)
{
    struct fields *f = begin(l, "createKeyEntry", "createKeyEntry", c->comment);

    text(f, "id", c->id);
    text(f, "keyEntryAlgorithm", KEY_1);
    drawn(l, f, "serverSeed", c->seed);
    text(f, "pinPolicyId", c->pin_policy);
    drawn(l, f, "encryptedPin", c->pin);
    number(l, f, "devicePinProtection", FORM_BOOL, c->device_pin);
    number(l, f, "enablePinCaching", FORM_BOOL, c->caching);
    number(l, f, "biometricProtection", FORM_BYTE, c->biometric);
    number(l, f, "exportProtection", FORM_BYTE, c->export);
    number(l, f, "deleteProtection", FORM_BYTE, c->delete);
    number(l, f, "appUsage", FORM_BYTE, c->usage);
    text(f, "friendlyName", c->name);
    text(f, "keyAlgorithm", c->algorithm);
    field_bytes(f, "keyParameters", FORM_ARRAY, c->parameters);
    for (size_t k = 0; c->endorsed[k] != NULL; k++)
        text(f, "endorsedAlgorithm", c->endorsed[k]);
}

static void key_entries(struct list *l)
{
    static const struct key_entry_case CASES[] = {
        { "user's PIN, two endorsed algorithms",
          "Key.1",
          "PIN.1",
          0,
          0,
          0,
          0,
          0,
          3,
          0,
          0,
          "Na\xC3\xAFve \xE2\x82\xAC card",
          ALGORITHM_URI "ec.nist.p256",
          { 0 },
          { ES256_URI, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512" } },
        { "preset PIN, seed, exponent",
          "Key.2",
          "PIN.2",
          64,
          32,
          0,
          1,
          1,
          1,
          2,
          3,
          "",
          ALGORITHM_URI "rsa2048.exp",
          { (const uint8_t *)"\x00\x00\x00\x03", 4 },
          { NULL } },
        { "device PIN, for nothing",
          "Key.3",
          "",
          1,
          0,
          1,
          0,
          2,
          0,
          3,
          1,
          "x",
          ALGORITHM_URI "ed25519",
          { 0 },
          { ALGORITHM_URI "none" } },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++)
        key_entry(l, &CASES[i]);
}

static void certificates(struct list *l)
{
    struct fields *f = begin(l, "setCertificatePath", "setCertificatePath", "one certificate");

    field_bytes(f, "publicKey", FORM_ARRAY, l->spki);
    text(f, "id", "Key.1");
    field_bytes(f, "certificate", FORM_ARRAY, l->certificate);
    f = begin(l, "setCertificatePath", "setCertificatePath", "two certificates");
    field_bytes(f, "publicKey", FORM_ARRAY, l->spki);
    text(f, "id", "Key.2");
    field_bytes(f, "certificate", FORM_ARRAY, l->certificate);
    field_bytes(f, "certificate", FORM_ARRAY, scene_ca(l->s));
}

static void imports(struct list *l)
{
    static const struct {
        const char *name, *comment;
        size_t len;
    } CASES[] = { { "importSymmetricKey", "16 bytes, encrypted", 48 },
                  { "importSymmetricKey", "128 bytes, encrypted", 160 },
                  { "importPrivateKey", "PKCS #8, encrypted", 160 },
                  { "importPrivateKey", "a longer one", 272 } };

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct fields *f = begin(l, CASES[i].name, CASES[i].name, CASES[i].comment);

        field_bytes(f, "endEntityCertificate", FORM_ARRAY, l->certificate);
        drawn(l, f, "encryptedKey", CASES[i].len);
    }
}

static void extensions(struct list *l)
{
    static const struct {
        const char *comment, *qualifier;
        uint32_t sub_type;
        size_t len;
    } CASES[] = { { "plain", "", 0, 60 },
                  { "encrypted", "", 1, 48 },
                  { "no data", "", 0, 0 },
                  { "logotype", "image/png", 3, 300 } };

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct fields *f = begin(l, "addExtension", "addExtension", CASES[i].comment);

        field_bytes(f, "endEntityCertificate", FORM_ARRAY, l->certificate);
        text(f, "type", "http://example.com/extension");
        number(l, f, "subType", FORM_BYTE, CASES[i].sub_type);
        text(f, "qualifier", CASES[i].qualifier);
        field_bytes(f, "extensionData", FORM_BLOB, draw(l->s, CASES[i].len, "extension %zu", i));
    }
}

static void posts(struct list *l)
{
    static const struct {
        const char *name;
        bool of_key;
    } CASES[] = { { "postDeleteKey", false },
                  { "postUnlockKey", false },
                  { "postUpdateKey", true },
                  { "postCloneKeyProtection", true } };

    for (size_t i = 0; i < 2 * NITEMS(CASES); i++) {
        const char *name = CASES[i / 2].name;
        struct fields *f =
            begin(l, name, name, i % 2 == 0 ? "EC authorization" : "RSA authorization");

        if (CASES[i / 2].of_key)
            field_bytes(f, "endEntityCertificate", FORM_ARRAY, l->certificate);
        drawn(l, f, "authorization", i % 2 == 0 ? 64 : 256);
    }
}

static void attestations(struct list *l)
{
    struct fields *f = begin(l, "DeviceAttestation", "createKeyEntry", "P-256 key");

    field_bytes(f, "publicKey", FORM_ARRAY, l->spki);
    drawn(l, f, "mac", 32);
    f = begin(l, "DeviceAttestation", "createKeyEntry", "RSA key");
    field_bytes(f, "publicKey", FORM_ARRAY, rsa_key(l->s, RSA_MANAGEMENT).spki);
    drawn(l, f, "mac", 32);
    f = begin(l, "DeviceAttestation", "closeProvisioningSession", "nonce of 32 bytes");
    drawn(l, f, "nonce", 32);
    f = begin(l, "DeviceAttestation", "closeProvisioningSession", "nonce of 1 byte");
    drawn(l, f, "nonce", 1);
    for (size_t i = l->count - 4; i < l->count; i++) {
        l->item[i].answer = true;
        l->item[i].check = i < l->count - 2 ? "key attestation" : "closing proof";
    }
}

size_t method_data(struct suite *s, struct method_data *out)
{
    const struct key user = ec_key(s, P256, "user");
    struct list l = { s, out, 0, scene_certificate(s, "Alice", user.spki), user.spki };

    closes(&l);
    puk_policies(&l);
    pin_policies(&l);
    key_entries(&l);
    certificates(&l);
    imports(&l);
    extensions(&l);
    posts(&l);
    attestations(&l);
    return l.count;
}
