#include "testvectors/generate/certificate_rows.h"

#include "testvectors/generate/der.h"

#include <string.h>

enum key_row {
    CA,
    SUB,
    DEVICE,
    DEVICE_P384,
    DEVICE_P521,
    OTHER_CA,
    OTHER,
    RSA_END,
    RSA_SUB,
    SMALL
};

static const struct {
    const char *name;
    int curve; /* below 0: RSA */
    int rsa;   /* then its number */
} KEYS[] = {
    [CA] = { "ca", P256, 0 },
    [SUB] = { "subCa", P384, 0 },
    [DEVICE] = { "device", P256, 0 },
    [DEVICE_P384] = { "deviceP384", P384, 0 },
    [DEVICE_P521] = { "deviceP521", P521, 0 },
    [OTHER_CA] = { "otherCa", P256, 0 },
    [OTHER] = { "other", P256, 0 },
    [RSA_END] = { "rsa", -1, RSA_DEVICE },
    [RSA_SUB] = { "rsaCa", -1, RSA_CA },
    [SMALL] = { "rsaSmall", -1, RSA_SMALL },
};

/* keyUsage as a BIT STRING with the number of its unused bits (RFC 5280 4.2.1.3). */
#define SIGNS "\x07\x80"
#define SIGNS_AND_AGREES "\x03\x88"
#define ENCIPHERS "\x05\x20"
#define AGREES "\x03\x08"
#define CERTIFIES "\x01\x06"

enum extensions {
    AS_DEVICE,
    AS_CA,
    AS_SHORT_CA,  /* pathLenConstraint 0 */
    AS_NO_SIGNER, /* a CA by its basicConstraints, not by its keyUsage */
    BY_USAGE,     /* the other way round */
    BARE,         /* no extensions */
    TWO_USAGES,
    ENCIPHERMENT,
    AGREEMENT,
    CRITICAL,
};

static const struct {
    const char *usage;                          /* two octets; NULL: no extension at all */
    bool is_ca, is_short, is_bare, is_critical; /* bare: no basicConstraints */
} FORMS[] = {
    [AS_DEVICE] = { .usage = SIGNS },
    [AS_CA] = { .usage = CERTIFIES, .is_ca = true },
    [AS_SHORT_CA] = { .usage = CERTIFIES, .is_ca = true, .is_short = true },
    [AS_NO_SIGNER] = { .usage = SIGNS, .is_ca = true },
    [BY_USAGE] = { .usage = CERTIFIES, .is_bare = true },
    [BARE] = { .usage = NULL },
    [TWO_USAGES] = { .usage = SIGNS_AND_AGREES },
    [ENCIPHERMENT] = { .usage = ENCIPHERS },
    [AGREEMENT] = { .usage = AGREES },
    [CRITICAL] = { .usage = SIGNS, .is_critical = true },
};

struct certificate_row {
    const char *name, *subject, *issuer;
    enum key_row key, signer;
    enum extensions form;
    const char *from, *until, *hash; /* as of struct certificate_plan */
};

#define VENDOR "CN=Vendor device CA"
#define STRANGER "CN=Other device CA"
#define LINE_1 "CN=Product line 1"
#define RSA_LINE "CN=RSA line"
#define NOW "261101120000Z"
#define SECOND_BEFORE "261101115959Z"
#define SECOND_AFTER "261101120001Z"

#define ROW(named, of, by, own, signing, ...)                                                      \
    {                                                                                              \
        .name = named, .subject = of, .issuer = by, .key = own, .signer = signing,                 \
        .form = __VA_ARGS__                                                                        \
    }
#define BY_VENDOR(named, own, ...) ROW(named, "CN=Device " named, VENDOR, own, CA, __VA_ARGS__)
#define SUB_ROW(number, above) ROW("sub-" number, "CN=Product line " number, above, SUB, SUB, AS_CA)
#define LINE(number) "CN=Product line " number

static const struct certificate_row ROWS[] = {
    ROW("root", VENDOR, VENDOR, CA, CA, AS_CA),
    ROW("other-root", STRANGER, STRANGER, OTHER_CA, OTHER_CA, AS_CA),
    ROW("same-name-root", VENDOR, VENDOR, OTHER_CA, OTHER_CA, AS_CA),
    ROW("sub-1", LINE_1, VENDOR, SUB, CA, AS_CA),
    SUB_ROW("2", LINE("1")),
    SUB_ROW("3", LINE("2")),
    SUB_ROW("4", LINE("3")),
    SUB_ROW("5", LINE("4")),
    SUB_ROW("6", LINE("5")),
    SUB_ROW("7", LINE("6")),
    SUB_ROW("8", LINE("7")),
    SUB_ROW("9", LINE("8")),
    SUB_ROW("10", LINE("9")),
    ROW("rsa-ca", RSA_LINE, VENDOR, RSA_SUB, CA, AS_CA),
    ROW("short-ca", "CN=Last line", VENDOR, SUB, CA, AS_SHORT_CA),
    ROW("deep-ca", "CN=Line below the last", "CN=Last line", OTHER_CA, SUB, AS_CA),
    ROW("ended-ca", "CN=Old line", VENDOR, SUB, CA, AS_CA, .until = SECOND_BEFORE),
    ROW("later-ca", "CN=Next line", VENDOR, SUB, CA, AS_CA, .from = SECOND_AFTER),
    ROW("small-ca", "CN=Small line", VENDOR, SMALL, CA, AS_CA),
    ROW("sha1-ca", "CN=SHA-1 line", VENDOR, SUB, CA, AS_CA, .hash = "SHA1"),
    BY_VENDOR("no-signer", SUB, AS_NO_SIGNER),
    BY_VENDOR("no-constraints", SUB, BY_USAGE),

    BY_VENDOR("device", DEVICE, AS_DEVICE),
    BY_VENDOR("device-p384", DEVICE_P384, AS_DEVICE, .hash = "SHA384"),
    BY_VENDOR("device-p521", DEVICE_P521, AS_DEVICE),
    BY_VENDOR("device-rsa", RSA_END, AS_DEVICE),
    BY_VENDOR("device-small", SMALL, AS_DEVICE),
    BY_VENDOR("device-sha1", DEVICE, AS_DEVICE, .hash = "SHA1"),
    BY_VENDOR("no-usage", DEVICE, BARE),
    BY_VENDOR("two-usages", DEVICE, TWO_USAGES),
    BY_VENDOR("for-encipherment", DEVICE, ENCIPHERMENT),
    BY_VENDOR("for-agreement", DEVICE, AGREEMENT),
    BY_VENDOR("critical", DEVICE, CRITICAL),
    BY_VENDOR("begins-now", DEVICE, AS_DEVICE, .from = NOW),
    BY_VENDOR("begins-soon", DEVICE, AS_DEVICE, .from = SECOND_AFTER),
    BY_VENDOR("ends-soon", DEVICE, AS_DEVICE, .until = SECOND_AFTER),
    BY_VENDOR("ended", DEVICE, AS_DEVICE, .until = SECOND_BEFORE),
    ROW("sub-device", "CN=Device of line 1", LINE_1, DEVICE, SUB, AS_DEVICE),
    ROW("nine-device", "CN=Device of line 9", LINE("9"), DEVICE, SUB, AS_DEVICE),
    ROW("ten-device", "CN=Device of line 10", LINE("10"), DEVICE, SUB, AS_DEVICE),
    ROW("short-device", "CN=Device of the last line", "CN=Last line", DEVICE, SUB, AS_DEVICE),
    ROW("too-deep", "CN=Device below the last line", "CN=Line below the last", DEVICE, OTHER_CA,
        AS_DEVICE),
    ROW("ended-ca-device", "CN=Old device", "CN=Old line", DEVICE, SUB, AS_DEVICE),
    ROW("later-ca-device", "CN=Next device", "CN=Next line", DEVICE, SUB, AS_DEVICE),
    ROW("small-ca-device", "CN=Device of the small line", "CN=Small line", DEVICE, SMALL,
        AS_DEVICE),
    ROW("sha1-ca-device", "CN=Device of the SHA-1 line", "CN=SHA-1 line", DEVICE, SUB, AS_DEVICE),
    ROW("rsa-ca-device", "CN=RSA line device", RSA_LINE, DEVICE, RSA_SUB, AS_DEVICE),
    ROW("rsa-ca-sha1", "CN=RSA line device", RSA_LINE, DEVICE, RSA_SUB, AS_DEVICE, .hash = "SHA1"),
    ROW("rsa-ca-md5", "CN=RSA line device", RSA_LINE, DEVICE, RSA_SUB, AS_DEVICE, .hash = "MD5"),

    ROW("other-device", "CN=Other device", STRANGER, OTHER, OTHER_CA, AS_DEVICE),
    ROW("other-second", "CN=Other device 2", STRANGER, DEVICE, OTHER_CA, AS_DEVICE),
    ROW("other-name", "CN=Other device 3", STRANGER, DEVICE, CA, AS_DEVICE),
    ROW("same-name-device", "CN=Device device", VENDOR, OTHER, OTHER_CA, AS_DEVICE),
    ROW("self-signed", "CN=Lone device", "CN=Lone device", DEVICE, DEVICE, AS_DEVICE),
    ROW("self-signed-again", "CN=Lone device", "CN=Lone device", OTHER, OTHER, AS_DEVICE),
    ROW("self-signed-as-root", VENDOR, VENDOR, DEVICE, DEVICE, AS_DEVICE),
    ROW("by-pinned", "CN=Device of a device", "CN=Other device", DEVICE, OTHER, AS_DEVICE),
    ROW("by-device", "CN=Device of a device", "CN=Device device", OTHER, DEVICE, AS_DEVICE),
    ROW("by-no-usage", "CN=Device of a device", "CN=Device no-usage", OTHER, DEVICE, AS_DEVICE),
    ROW("by-no-signer", "CN=Device of a device", "CN=Device no-signer", OTHER, SUB, AS_DEVICE),
    ROW("by-no-constraints", "CN=Device of a device", "CN=Device no-constraints", OTHER, SUB,
        AS_DEVICE),
};

const struct certificate_row *certificate_row(const char *name)
{
    for (size_t i = 0; i < NITEMS(ROWS); i++)
        if (strcmp(ROWS[i].name, name) == 0)
            return &ROWS[i];
    need(false, name);
    return NULL;
}

static struct key key_of(struct suite *s, enum key_row which)
{
    return KEYS[which].curve < 0 ? rsa_key(s, KEYS[which].rsa)
                                 : ec_key(s, KEYS[which].curve, KEYS[which].name);
}

/* basicConstraints, keyUsage, and one that nobody knows. */
static struct bytes extensions_of(struct suite *s, enum extensions form)
{
    const struct bytes none = { 0 }, yes = der(s, DER_BOOLEAN, bytes_at("\xFF", 1)),
                       zero = FORMS[form].is_short ? der_integer(s, bytes_at("", 1)) : none,
                       constraints = FORMS[form].is_ca ? DER_SEQUENCE_OF(s, yes, zero)
                                                       : der(s, DER_SEQUENCE, none);

    if (FORMS[form].usage == NULL)
        return none;
    return JOIN(
        s, FORMS[form].is_bare ? none : der_extension(s, "2.5.29.19", true, constraints),
        der_extension(s, "2.5.29.15", true, der(s, DER_BIT_STRING, bytes_at(FORMS[form].usage, 2))),
        FORMS[form].is_critical ? der_extension(s, "1.2.3.4", true, der(s, DER_NULL, none)) : none);
}

struct bytes certificate_of(struct suite *s, const struct certificate_row *row)
{
    const struct key own = key_of(s, row->key), signer = key_of(s, row->signer);
    const struct certificate_plan plan = { .subject = row->subject,
                                           .issuer = row->issuer,
                                           .spki = own.spki,
                                           .signer = &signer,
                                           .extensions = extensions_of(s, row->form),
                                           .not_before = row->from,
                                           .not_after = row->until,
                                           .hash = row->hash };

    return certificate(s, &plan);
}

json_t *certificate_json(const struct certificate_row *row, json_t *der)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "subject", row->subject, "issuer",
                     row->issuer, "key", KEYS[row->key].name, "signedBy", KEYS[row->signer].name,
                     "hash", row->hash == NULL ? "SHA256" : row->hash, "certificate", der);
}

void certificate_keys_json(struct suite *s, const struct certificate_row *row, json_t *keys)
{
    const enum key_row both[2] = { row->key, row->signer };

    for (size_t i = 0; i < NITEMS(both); i++) {
        const struct key key = key_of(s, both[i]);

        if (json_object_get(keys, KEYS[both[i]].name) == NULL)
            (void)with(keys, KEYS[both[i]].name, key_json(&key));
    }
}
