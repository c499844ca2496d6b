/* Certificate paths of devices: to whom they lead, when, and by what keys and signatures. */
#include "testvectors/generate/certificate_rows.h"
#include "testvectors/kinds.h"

#include <string.h>

static const char SECTION[] = "KeyGen2 ProvisioningInitializationResponse; docs/http.md 5";

/* At SCENE_TIME. A path names certificates of certificate_rows.c, the device's first. */
struct path_row {
    bool valid;
    const char *flag, *path, *comment;
    const char *profile; /* reading; NULL: all agree */
    int flip; /* bit 0 of that byte of the device certificate: from 1 on, below 0 from behind */
};

struct path_group {
    const char *trusted;        /* certificates, by their names */
    int minimum_rsa_bits, sha1; /* deviceTrust; 0 and false: the issuer's own rules */
    const struct path_row *row;
    size_t rows;
};

/* ---- which paths ---- */

#define GOOD(names, ...)                                                                           \
    {                                                                                              \
        .valid = true, .flag = "Normal", .path = names, .comment = __VA_ARGS__                     \
    }
#define BAD(note, names, ...)                                                                      \
    {                                                                                              \
        .flag = note, .path = names, .comment = __VA_ARGS__                                        \
    }
#define SUBS_TO(nine) nine " sub-8 sub-7 sub-6 sub-5 sub-4 sub-3 sub-2 sub-1"

static const struct path_row STRICT[] = {
    GOOD("device", "a device of the trusted CA"),
    GOOD("device root", "the trusted CA in the path as well"),
    GOOD("sub-device sub-1", "by a sub CA"),
    GOOD("sub-device sub-1 root", "by a sub CA, the trusted CA in the path as well"),
    GOOD("device-p384", "a P-384 device, signed with SHA-384"),
    GOOD("device-p521", "a P-521 device"),
    GOOD("device-rsa", "an RSA-2048 device"),
    GOOD("rsa-ca-device rsa-ca", "by a sub CA with RSA-2048"),
    GOOD("no-usage", "no extensions: any use is allowed"),
    GOOD("two-usages", "for signatures and key agreement"),
    GOOD("begins-now", "valid from this very second"),
    GOOD("ends-soon", "valid for a second more"),
    GOOD("nine-device " SUBS_TO("sub-9"), "ten certificates", .profile = "rig"),
    GOOD("short-device short-ca", "a sub CA that may certify devices only"),

    BAD("Untrusted", "other-device", "a device of another CA"),
    BAD("Untrusted", "other-device other-root", "a device of another CA, which comes along"),
    BAD("Untrusted", "same-name-device", "a device of a CA with the same name and another key"),
    BAD("Untrusted", "same-name-device same-name-root", "the same, and the CA comes along"),
    BAD("Untrusted", "self-signed", "a device that has certified itself"),
    BAD("Untrusted", "self-signed-as-root", "a self-signed device with the name of the CA"),
    BAD("Untrusted", "sub-device", "the sub CA is missing"),
    BAD("Untrusted", "other-name", "signed with the CA's key, in another name"),
    BAD("BadSignature", "device", "a bit of its signature", .flip = -1),
    BAD("BadSignature", "device", "a bit of its serial number", .flip = 18),
    BAD("Linked", "sub-device root", "the certificate behind it has not issued it"),
    BAD("Linked", "device other-root", "a stranger's certificate behind it"),
    BAD("Linked", "device same-name-root", "behind it a CA of the right name with another key"),
    BAD("Linked", "sub-1 sub-device", "in the wrong order"),
    BAD("Linked", "device root sub-1", "a certificate too many at the end"),
    BAD("Linked", "sub-device sub-1", "a bit of the signature of two", .flip = -1),
    BAD("Validity", "ended", "ended a second ago"),
    BAD("Validity", "begins-soon", "begins in a second"),
    BAD("Validity", "ended-ca-device ended-ca", "the sub CA has ended"),
    BAD("Validity", "later-ca-device later-ca", "the sub CA is not valid yet"),
    BAD("WeakKey", "device-small", "an RSA-1024 device", .profile = "rig"),
    BAD("WeakKey", "small-ca-device small-ca", "a sub CA with RSA-1024", .profile = "rig"),
    BAD("WeakHash", "rsa-ca-sha1 rsa-ca", "signed with SHA-1, by RSA", .profile = "rig"),
    BAD("WeakHash", "device-sha1", "signed with SHA-1, by ECDSA", .profile = "rig"),
    BAD("WeakHash", "sha1-ca-device sha1-ca", "the sub CA was signed with SHA-1", .profile = "rig"),
    BAD("WeakHash", "rsa-ca-md5 rsa-ca", "signed with MD5", .profile = "rig"),
    BAD("Usage", "for-encipherment", "for key encipherment only"),
    BAD("Usage", "for-agreement", "for key agreement only"),
    BAD("NoCa", "by-device device", "certified by another device"),
    BAD("NoCa", "by-no-usage no-usage", "certified by an end entity without extensions"),
    BAD("NoCa", "by-no-signer no-signer", "by a CA that must not sign certificates"),
    BAD("NoCa", "by-no-constraints no-constraints", "by one that is no CA but by its keyUsage"),
    BAD("NoCa", "too-deep deep-ca short-ca", "below a CA that may certify devices only"),
    BAD("Critical", "critical", "an unknown critical extension"),
    BAD("TooLong", "ten-device sub-10 " SUBS_TO("sub-9"), "eleven certificates", .profile = "rig"),
};

static const struct path_row OF_SUB_CA[] = {
    GOOD("sub-device", "a device of the sub CA that is trusted"),
    GOOD("sub-device sub-1", "the sub CA in the path as well"),
    GOOD("sub-device sub-1 root", "behind it the CA above, which is not trusted itself"),
    BAD("Untrusted", "device", "a device of the CA above"),
    BAD("Untrusted", "device root", "a device of the CA above, which comes along"),
    BAD("Untrusted", "rsa-ca-device rsa-ca", "a device of the sub CA's sister"),
};

static const struct path_row PINNED[] = {
    GOOD("self-signed", "the device itself is trusted, certified by itself"),
    GOOD("other-device", "the device itself is trusted, its CA not"),
    GOOD("other-device other-root", "the same, its CA in the path"),
    BAD("Untrusted", "other-second", "another device of the CA that is not trusted"),
    BAD("Untrusted", "other-second other-root", "the same, the CA in the path"),
    BAD("Untrusted", "self-signed-again", "the same name, certified by itself with another key"),
    BAD("Untrusted", "by-pinned", "certified by the device that is trusted"),
    BAD("NoCa", "by-pinned other-device", "the same, both in the path"),
    BAD("Validity", "ended", "trusted, but ended a second ago"),
    BAD("Usage", "for-agreement", "trusted, but for key agreement only"),
};

static const struct path_row OF_ENDED_CA[] = {
    BAD("Validity", "ended-ca-device", "of a trusted CA that has ended"),
    BAD("Validity", "ended-ca-device ended-ca", "the same, the CA in the path"),
    BAD("Validity", "later-ca-device", "of a trusted CA that is not valid yet"),
};

static const struct path_row NOBODY[] = {
    BAD("Untrusted", "device", "nobody is trusted"),
    BAD("Untrusted", "device root", "nobody is trusted, the CA comes along"),
};

static const struct path_row SMALL_KEYS[] = {
    GOOD("device-small", "an RSA-1024 device", .profile = "rig"),
    GOOD("small-ca-device small-ca", "a sub CA with RSA-1024", .profile = "rig"),
    GOOD("device", "a P-256 device", .profile = "rig"),
    BAD("WeakHash", "device-sha1", "signed with SHA-1, by ECDSA", .profile = "rig"),
    BAD("WeakHash", "rsa-ca-sha1 rsa-ca", "signed with SHA-1, by RSA", .profile = "rig"),
    BAD("Untrusted", "other-device", "a device of another CA", .profile = "rig"),
    BAD("Validity", "ended", "ended a second ago", .profile = "rig"),
};

static const struct path_row OLD_HASHES[] = {
    GOOD("device-sha1", "signed with SHA-1, by ECDSA", .profile = "rig"),
    GOOD("rsa-ca-sha1 rsa-ca", "signed with SHA-1, by RSA", .profile = "rig"),
    GOOD("sha1-ca-device sha1-ca", "the sub CA was signed with SHA-1", .profile = "rig"),
    BAD("WeakKey", "device-small", "an RSA-1024 device", .profile = "rig"),
    BAD("WeakKey", "small-ca-device small-ca", "a sub CA with RSA-1024", .profile = "rig"),
    BAD("WeakHash", "rsa-ca-md5 rsa-ca", "signed with MD5", .profile = "rig"),
};

static const struct path_row LONG_KEYS[] = {
    GOOD("device", "a P-256 device", .profile = "rig"),
    BAD("WeakKey", "device-rsa", "an RSA-2048 device", .profile = "rig"),
    BAD("WeakKey", "rsa-ca-device rsa-ca", "a sub CA with RSA-2048", .profile = "rig"),
};

#define GROUP(trusted, bits, sha1, rows)                                                           \
    {                                                                                              \
        trusted, bits, sha1, rows, NITEMS(rows)                                                    \
    }
static const struct path_group GROUPS[] = {
    GROUP("root", 0, 0, STRICT),
    GROUP("sub-1", 0, 0, OF_SUB_CA),
    GROUP("self-signed other-device ended for-agreement", 0, 0, PINNED),
    GROUP("ended-ca later-ca", 0, 0, OF_ENDED_CA),
    GROUP("", 0, 0, NOBODY),
    GROUP("root", 1024, 0, SMALL_KEYS),
    GROUP("root", 2048, 1, OLD_HASHES),
    GROUP("root", 3072, 0, LONG_KEYS),
};

/* ---- the file ---- */

/* The certificates that some names call, once each. */
static json_t *named(struct suite *s, const char *names, json_t *found)
{
    char *copy = arena_text(&s->arena, bytes_of(names)), *rest = NULL;

    need(copy != NULL, "memory");
    for (char *name = strtok_r(copy, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest))
        if (json_object_get(found, name) == NULL)
            (void)with(found, name, hex(certificate_of(s, certificate_row(name))));
    return found;
}

/* Their values, as an array. */
static json_t *path_json(struct suite *s, const struct path_row *row)
{
    json_t *by_name = named(s, row->path, json_object()), *path = json_array(), *value;
    const char *name;
    size_t i = 0;

    json_object_foreach(by_name, name, value)
    {
        struct bytes der = certificate_of(s, certificate_row(name));

        if (i++ == 0 && row->flip != 0)
            der = flipped(s, der,
                          (size_t)(row->flip > 0 ? row->flip - 1 : (int)der.len + row->flip), 0);
        need(json_array_append_new(path, hex(der)) == 0, "memory");
    }
    json_decref(by_name);
    return path;
}

static json_t *fixtures_of(struct suite *s, const struct path_group *group)
{
    json_t *fixtures = with(json_object(), "now", json_integer(SCENE_TIME)), *keys = json_object(),
           *used = named(s, group->trusted, json_object()), *trusted = json_array(),
           *certificates = json_array(), *value;
    const char *name;

    if (group->minimum_rsa_bits > 0)
        (void)with(fixtures, "deviceTrust",
                   json_pack("{s:i, s:b}", "minimumRsaBits", group->minimum_rsa_bits, "sha1",
                             group->sha1));
    json_object_foreach(used, name, value) need(json_array_append(trusted, value) == 0, "memory");
    for (size_t i = 0; i < group->rows; i++)
        used = named(s, group->row[i].path, used);
    json_object_foreach(used, name, value)
    {
        const struct certificate_row *row = certificate_row(name);

        need(json_array_append_new(certificates, certificate_json(row, value)) == 0, "memory");
        certificate_keys_json(s, row, keys);
    }
    json_decref(used);
    (void)with(with(fixtures, "trusted", trusted), "keys", keys);
    return with(fixtures, "certificates", certificates);
}

static void notes(struct suite *s)
{
    suite_note(s, "Normal", "BASIC", "A path as it must be.", "Devices would be refused.", SECTION);
    suite_note(s, "Untrusted", "TRUST", "The path does not lead to a trusted certificate.",
               "Anybody's software passes for a device.", SECTION);
    suite_note(s, "BadSignature", "SIGNATURE", "The device certificate was altered.",
               "Anybody's software passes for a device.", SECTION);
    suite_note(s, "Linked", "SIGNATURE",
               "A certificate of the path is not issued and signed by the next one: the message is "
               "malformed.",
               "Two readers see two paths.", SECTION);
    suite_note(s, "Validity", "VALIDITY", "A certificate of the path is not valid at that time.",
               "Devices go on that their maker, or the operator, has let run out.", SECTION);
    suite_note(s, "WeakKey", "WEAK_ALGORITHM", "An RSA key that is too short.",
               "Whoever can factor it makes devices.", SECTION);
    suite_note(s, "WeakHash", "WEAK_ALGORITHM", "A signature over a hash that is too weak.",
               "Whoever finds two certificates of one hash makes devices.", SECTION);
    suite_note(s, "Usage", "KEY_USAGE", "The device certificate is not for digital signatures.",
               "A key that its maker meant for something else attests.", SECTION);
    suite_note(s, "NoCa", "CA_CHECK", "An issuer in the path is no CA, or not for so long a path.",
               "Each device makes devices.", SECTION);
    suite_note(s, "Critical", "CRITICAL_EXTENSION",
               "A critical extension that nobody here knows (RFC 5280 4.2).",
               "A limit of the certificate is passed over.", SECTION);
    suite_note(s, "TooLong", "RANGE_CHECK", "More than ten certificates.",
               "Work that a stranger can ask for.", SECTION);
}

void generate_device_path(struct suite *s)
{
    const struct expect good = EXPECT_VALID, malformed = EXPECT_ISSUER("message"),
                        bad = EXPECT_ISSUER("device path");

    notes(s);
    for (size_t i = 0; i < NITEMS(GROUPS); i++) {
        suite_group(s, "devicePath", "", fixtures_of(s, &GROUPS[i]));
        for (size_t k = 0; k < GROUPS[i].rows; k++) {
            const struct path_row *row = &GROUPS[i].row[k];
            const bool unread =
                strcmp(row->flag, "Linked") == 0 || strcmp(row->flag, "TooLong") == 0;

            suite_test(s,
                       row->valid ? &good
                       : unread   ? &malformed
                                  : &bad,
                       row->flag, SECTION, row->profile,
                       with(json_object(), "certificatePath", path_json(s, row)), "%s",
                       row->comment);
        }
    }
}
