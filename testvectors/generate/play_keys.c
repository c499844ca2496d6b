#include "testvectors/generate/play_internal.h"

#include "testvectors/generate/der.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 100 };

static const char SYMMETRIC_LABEL[] = "symmetric key";

/* ---- policies and keys ---- */

struct play_policy play_puk(struct play *p, const char *id, const char *value)
{
    struct exchange *x = play_call(p, 8, "createPukPolicy", "createPUKPolicy");
    struct bytes puk = play_encrypted(p, bytes_of(value));

    play_number(p, &x->request, "provisioningHandle", FORM_UINT, p->handle);
    for (int i = 0; i < 2; i++) {
        struct fields *f = i == 0 ? &x->request : &x->data;

        play_text(f, "id", id);
        play_array(f, "encryptedPuk", puk);
        play_number(p, f, "format", FORM_BYTE, 0);
        play_number(p, f, "retryLimit", FORM_USHORT, 5);
    }
    play_gives(p, x, HANDLE_PUK, "pukPolicyHandle");
    (void)play_called(p, x, 1);
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
    struct exchange *x = play_call(p, 9, "createPinPolicy", "createPINPolicy");

    play_number(p, &x->request, "provisioningHandle", FORM_UINT, p->handle);
    play_text(&x->request, "id", id);
    play_number(p, &x->request, "pukPolicyHandle", FORM_UINT, puk == NULL ? 0 : puk->handle);
    play_text(&x->data, "id", id);
    play_array(&x->data, "pukPolicyId", puk == NULL ? (struct bytes){ 0 } : puk->id);
    for (size_t i = 0; i < NITEMS(REST); i++) {
        play_number(p, &x->request, REST[i].name, REST[i].form, REST[i].value);
        play_number(p, &x->data, REST[i].name, REST[i].form, REST[i].value);
    }
    play_gives(p, x, HANDLE_PIN, "pinPolicyHandle");
    (void)play_called(p, x, 0);
    return (struct play_policy){ p->handles[HANDLE_PIN], bytes_of(id), preset };
}

/* Those of createKeyEntry that stand in request and MAC alike, from enablePinCaching on. */
static void put_protection(struct play *p, struct fields *f)
{
    play_number(p, f, "enablePinCaching", FORM_BOOL, 0);
    play_number(p, f, "biometricProtection", FORM_BYTE, 0);
    play_number(p, f, "exportProtection", FORM_BYTE, 3);
    play_number(p, f, "deleteProtection", FORM_BYTE, 0);
    play_number(p, f, "appUsage", FORM_BYTE, 1);
    play_text(f, "friendlyName", "Key of \xC3\x85sa");
}

static void put_key_arguments(struct play *p, struct exchange *x, const struct play_policy *pin,
                              struct bytes pin_value, struct bytes id, const char *algorithm,
                              const char *endorsed)
{
    const struct bytes none = { 0 };
    struct fields *in = &x->request, *data = &x->data;

    play_number(p, in, "provisioningHandle", FORM_UINT, p->handle);
    play_array(in, "id", id);
    play_text(in, "keyEntryAlgorithm", KEY_1);
    play_array(in, "serverSeed", none);
    play_number(p, in, "devicePinProtection", FORM_BOOL, 0);
    play_number(p, in, "pinPolicyHandle", FORM_UINT, pin == NULL ? 0 : pin->handle);
    play_array(in, "pinValue", pin_value);
    put_protection(p, in);
    play_text(in, "keyAlgorithm", algorithm);
    play_array(in, "keyParameters", none);
    play_number(p, in, "endorsedAlgorithm count", FORM_BYTE, endorsed != NULL);
    play_array(data, "id", id);
    play_text(data, "keyEntryAlgorithm", KEY_1);
    play_array(data, "serverSeed", none);
    play_array(data, "pinPolicyId", pin == NULL ? none : pin->id);
    play_array(data, "encryptedPin", pin != NULL && pin->preset ? pin_value : none);
    play_number(p, data, "devicePinProtection", FORM_BOOL, 0);
    put_protection(p, data);
    play_text(data, "keyAlgorithm", algorithm);
    play_array(data, "keyParameters", none);
    if (endorsed != NULL) {
        play_text(in, "endorsedAlgorithm", endorsed);
        play_text(data, "endorsedAlgorithm", endorsed);
    }
}

struct play_key play_key(struct play *p, const char *id, const struct play_policy *pin, int curve,
                         const char *endorsed)
{
    const struct bytes clear = bytes_of("1357"), none = { 0 };
    const bool preset = pin != NULL && pin->preset;
    struct exchange *x = play_call(p, 10, "createKeyEntry", "createKeyEntry");
    struct play_key k = { .id = bytes_of(id) };
    char label[LABEL_MAX], algorithm[LABEL_MAX];
    struct bytes mac;

    (void)snprintf(label, sizeof label, "%s user %zu", p->label, p->count);
    k.key = curve < 0 ? rsa_key(p->s, RSA_CA) : ec_key(p->s, curve, label);
    (void)snprintf(algorithm, sizeof algorithm, ALGORITHM_URI "%s",
                   curve < 0 ? "rsa2048" : CURVE[curve].uri);
    put_key_arguments(p, x, pin,
                      pin == NULL ? none
                      : preset    ? play_encrypted(p, clear)
                                  : clear,
                      k.id, arena_text(&p->s->arena, bytes_of(algorithm)), endorsed);
    play_draws(p, "key", key_json(&k.key));
    play_gives(p, x, HANDLE_KEY, "keyHandle");
    k.handle = p->handles[HANDLE_KEY];
    mac = play_called(p, x, preset);
    play_array(&x->answer, "publicKey", k.key.spki);
    play_array(&x->attested, "publicKey", k.key.spki);
    play_array(&x->attested, "mac", mac);
    play_attest(p, x);
    return k;
}

void play_certify(struct play *p, struct play_key *k, const struct key *key, size_t length)
{
    struct exchange *x = play_call(p, 12, "setCertificatePath", "setCertificatePath");
    char name[LABEL_MAX];

    (void)snprintf(name, sizeof name, "User of %s %zu", p->label, p->count);
    k->certificate = scene_certificate(p->s, name, key->spki);
    play_number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    play_number(p, &x->request, "certificate count", FORM_BYTE, (uint32_t)length);
    play_array(&x->data, "publicKey", k->key.spki);
    play_array(&x->data, "id", k->id);
    for (size_t i = 0; i < length; i++) {
        struct bytes certificate = i == 0 ? k->certificate : scene_ca(p->s);

        play_array(&x->request, "certificate", certificate);
        play_array(&x->data, "certificate", certificate);
    }
    (void)play_called(p, x, 0);
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
    struct exchange *x = play_call(p, private_key == NULL ? 13 : 14, name, name);
    struct bytes value = play_encrypted(p, private_key == NULL ? play_drawn(p, SYMMETRIC_LABEL, 16)
                                                               : pkcs8(p, private_key));

    play_number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    play_array(&x->request, "encryptedKey", value);
    play_array(&x->data, "endEntityCertificate", k->certificate);
    play_array(&x->data, "encryptedKey", value);
    (void)play_called(p, x, 1);
}

void play_extend(struct play *p, const struct play_key *k, unsigned sub_type)
{
    static const char *const TYPES[] = { "https://example.com/plain", "https://example.com/secret",
                                         "https://example.com/bag",
                                         "https://example.com/logotype" };
    struct exchange *x = play_call(p, 15, "addExtension", "addExtension");
    struct bytes data = sub_type == 2   ? bytes_at("\0\x04name\x01\0\x05value", 14)
                        : sub_type == 1 ? play_encrypted(p, bytes_of("a secret"))
                                        : play_drawn(p, "extension", 24);

    play_number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
    play_array(&x->data, "endEntityCertificate", k->certificate);
    for (int i = 0; i < 2; i++) {
        struct fields *f = i == 0 ? &x->request : &x->data;

        play_text(f, "type", TYPES[sub_type]);
        play_number(p, f, "subType", FORM_BYTE, sub_type);
        play_text(f, "qualifier", sub_type == 3 ? "image/png" : "");
        field_bytes(f, "extensionData", FORM_BLOB, data);
    }
    (void)play_called(p, x, sub_type == 1);
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
    x = play_call(p, IDS[i].id, name, name);
    authorization = key_sign(p->s, kmk,
                             JOIN(p->s, bytes_of("TargetKeyReference"),
                                  hmac(p->s, JOIN(p->s, p->sk, device), target->certificate)));
    if (k != NULL) {
        play_number(p, &x->request, "keyHandle", FORM_UINT, k->handle);
        play_array(&x->data, "endEntityCertificate", k->certificate);
    } else {
        play_number(p, &x->request, "provisioningHandle", FORM_UINT, p->handle);
    }
    play_number(p, &x->request, "targetKeyHandle", FORM_UINT, target->handle);
    play_array(&x->request, "authorization", authorization);
    play_array(&x->data, "authorization", authorization);
    (void)play_called(p, x, 1);
}
