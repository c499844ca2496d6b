#include "testvectors/generate/scene.h"

#include "testvectors/generate/der.h"

#include <stdio.h>
#include <string.h>

struct key scene_ca_key(struct suite *s)
{
    return ec_key(s, P256, "certification authority");
}

static struct bytes ca_extensions(struct suite *s)
{
    return JOIN(
        s,
        der_extension(s, "2.5.29.19", true,
                      der(s, DER_SEQUENCE, der(s, DER_BOOLEAN, bytes_at("\xFF", 1)))),
        der_extension(s, "2.5.29.15", true, der(s, DER_BIT_STRING, bytes_at("\x01\x06", 2))));
}

struct bytes scene_ca(struct suite *s)
{
    const struct key ca = scene_ca_key(s);
    const struct certificate_plan plan = { .subject = "CN=Vector CA",
                                           .issuer = "CN=Vector CA",
                                           .spki = ca.spki,
                                           .signer = &ca,
                                           .extensions = ca_extensions(s) };

    return certificate(s, &plan);
}

static struct bytes issue(struct suite *s, const char *subject, struct bytes spki)
{
    const struct key ca = scene_ca_key(s);
    const struct certificate_plan plan = {
        .subject = subject, .issuer = "CN=Vector CA", .spki = spki, .signer = &ca
    };

    return certificate(s, &plan);
}

struct bytes scene_certificate(struct suite *s, const char *name, struct bytes spki)
{
    char subject[80];

    (void)snprintf(subject, sizeof subject, "O=Example/CN=%s", name);
    return issue(s, subject, spki);
}

struct device_fixture scene_device(struct suite *s, int curve)
{
    struct device_fixture device = { .key = curve < 0 ? rsa_key(s, RSA_DEVICE)
                                                      : ec_key(s, curve, "device") };
    char subject[80];

    (void)snprintf(subject, sizeof subject, "CN=Device %s", key_name(&device.key));
    device.certificate = issue(s, subject, device.key.spki);
    return device;
}

struct bytes method_mac(struct suite *s, struct bytes sk, const char *name, uint16_t counter,
                        struct bytes data)
{
    const uint8_t octets[2] = { (uint8_t)(counter >> 8), (uint8_t)counter };

    return hmac(s, JOIN(s, sk, bytes_of(name), bytes_at(octets, 2)), data);
}

struct bytes session_encrypted(struct suite *s, struct bytes sk, struct bytes iv,
                               struct bytes clear)
{
    uint8_t padding[16];
    size_t len = 16 - clear.len % 16;

    memset(padding, (int)len, sizeof padding);
    return JOIN(s, iv,
                aes_cbc(s, hmac(s, sk, bytes_of("EncryptionKey")), iv,
                        JOIN(s, clear, bytes_at(padding, len)), true));
}

json_t *fields_input(struct suite *s, const struct fields *f)
{
    return with(with(json_object(), "fields", fields_json(f)), "data", hex(fields_data(s, f)));
}
