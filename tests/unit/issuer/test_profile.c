#include "issuer/draw.h"
#include "keygen2/base/files.h"
#include "keygen2/base/json_schema.h"
#include "keygen2/message/evidence.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define P256 "https://webpki.github.io/sks/algorithm#ec.nist.p256"
#define CERTIFICATE "{\"subject\":\"CN=a\",\"keyUsage\":[\"digitalSignature\"]}"
#define KEY_START                                                                                  \
    "{\"id\":\"Key.1\",\"appUsage\":\"signature\",\"keyAlgorithm\":\"" P256 "\",\"certificate\":"
#define KEY KEY_START CERTIFICATE "}"
#define PIN_START                                                                                  \
    "{\"id\":\"PIN.1\",\"minLength\":4,\"maxLength\":8,\"retryLimit\":3,\"format\":\"numeric\","
#define PIN PIN_START "\"keyEntrySpecifiers\":[" KEY "]}"

static struct arena arena;
static struct sks_error err;
static struct profile profile;

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(profile, .fini = tear_down);

static void assert_refused(const char *json, const char *why)
{
    cr_assert_neq(profile_decode("p", NULL, bytes_of(json), &arena, &profile, &err), SKS_OK, "%s",
                  json);
    cr_assert(strstr(err.text, why) != NULL, "%s", err.text);
}

static void decode(const char *json)
{
    cr_assert_eq(profile_decode("p", NULL, bytes_of(json), &arena, &profile, &err), SKS_OK,
                 "%s: %s", json, err.text);
}

Test(profile, defaults)
{
    const struct pin_profile *pin;
    const struct key_profile *key;

    decode("{\"pinPolicySpecifiers\":[" PIN "]}");
    cr_assert_str_eq(profile.name, "p");
    cr_assert_eq(profile.session_life_time, 600);
    cr_assert_eq(profile.session_key_limit, 200);
    cr_assert_not(profile.privacy_enabled);
    cr_assert(profile.key_management_key);
    cr_assert_eq(profile.key_count, 1);
    pin = profile.pins.item;
    cr_assert(pin->policy.user_defined && pin->policy.user_modifiable);
    cr_assert_eq(pin->policy.grouping, GROUPING_NONE);
    key = profile_key(&profile, bytes_of("Key.1"));
    cr_assert_eq(key, pin->keys.item);
    cr_assert_eq(key->key.export_protection, PROTECTION_NOT_ALLOWED);
    cr_assert(bytes_equal(key->key.key_entry_algorithm, bytes_of(SKS_KEY_ENTRY_ALGORITHM)));
    cr_assert_eq(key->template.validity_days, 365);
    cr_assert_gt(key->template.extensions.len, 0);
    cr_assert_eq(profile_key(&profile, bytes_of("Key.2")), NULL);
}

Test(profile, refusals_point_at_the_place)
{
    static const struct {
        const char *json, *why;
    } BAD[] = {
        { "{", "line 1" },
        { "{\"x\":1}", "/x: unknown property" },
        { "{}", "there are 0 keys" },
        { "{\"sessionLifeTime\":0,\"keyEntrySpecifiers\":[" KEY "]}", "/sessionLifeTime" },
        { "{\"sessionKeyLimit\":4,\"keyEntrySpecifiers\":[" KEY "]}", "needs 5 operations" },
        { "{\"keyEntrySpecifiers\":[" KEY "," KEY "]}", "/keyEntrySpecifiers/1/id" },
        { "{\"pinPolicySpecifiers\":[" PIN "],\"keyEntrySpecifiers\":[" KEY "]}",
          "/keyEntrySpecifiers/0/id" },
        { "{\"keyEntrySpecifiers\":[" KEY_START "{\"subject\":\"CN=a\"}}]}",
          "/certificate/keyUsage" },
        { "{\"keyEntrySpecifiers\":[" KEY_START
          "{\"subject\":\"CN=a\",\"keyUsage\":[\"digitalSignature\",\"sign\"]}}]}",
          "/keyUsage/1: unknown name" },
        { "{\"keyEntrySpecifiers\":[" KEY_START "{\"subject\":\"CN=a\",\"keyUsage\":"
          "[\"digitalSignature\"],\"extendedKeyUsage\":[\"everything\"]}}]}",
          "/extendedKeyUsage/0: unknown name" },
        { "{\"keyEntrySpecifiers\":[" KEY_START "{\"subject\":\"CN=a\",\"keyUsage\":"
          "[\"digitalSignature\"],\"extendedKeyUsage\":[\"clientAuth\",\"" EVIDENCE_KEY_USAGE
          "\"]}}]}",
          "/extendedKeyUsage/1: unknown name" },
        { "{\"keyEntrySpecifiers\":[" KEY_START
          "{\"subject\":\"anna\",\"keyUsage\":[\"digitalSignature\"]}}]}",
          "/certificate/subject: expected TYPE=value" },
        { "{\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE ",\"keyParameters\":\"AQAB\"}]}",
          "/keyAlgorithm: does not fit with keyParameters" },
        { "{\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE
          ",\"endorsedAlgorithms\":[\"urn:b\",\"urn:a\"]}]}",
          "/endorsedAlgorithms/1: not in strict lexical order" },
        { "{\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE ",\"deleteProtection\":\"pin\"}]}",
          "does not have" },
        { "{\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE ",\"enablePinCaching\":true}]}",
          "/enablePinCaching" },
        { "{\"pinPolicySpecifiers\":[" PIN_START "\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE
          ",\"devicePinProtection\":true}]}]}",
          "/devicePinProtection: unknown property" },
        { "{\"pinPolicySpecifiers\":[" PIN_START "\"keyEntrySpecifiers\":[]}]}",
          "/pinPolicySpecifiers/0/keyEntrySpecifiers" },
        { "{\"pukPolicySpecifiers\":[{\"id\":\"PUK.1\",\"puk\":\"12x4\",\"retryLimit\":3,"
          "\"format\":\"numeric\",\"pinPolicySpecifiers\":[" PIN "]}]}",
          "/pukPolicySpecifiers/0/puk: has a character that its format does not allow" },
    };

    for (size_t i = 0; i < NITEMS(BAD); i++)
        assert_refused(BAD[i].json, BAD[i].why);
}

#define LOOKUP "\"lookupSpecifiers\":[{\"id\":\"L\"}]"
#define PRESET_START                                                                               \
    "{\"id\":\"PIN.1\",\"minLength\":4,\"maxLength\":4,\"retryLimit\":3,\"format\":\"numeric\","   \
    "\"userDefined\":false,"
#define ALONE(more) "{\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE "," more "}]}"
#define PRESET(rules, first, second)                                                               \
    "{\"pinPolicySpecifiers\":[" PRESET_START rules                                                \
    "\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE first                                         \
    "},{\"id\":\"Key.2\",\"appUsage\":\"encryption\",\"keyAlgorithm\":\"" P256                     \
    "\",\"certificate\":" CERTIFICATE second "}]}]}"

Test(profile, refusals_of_what_goes_beyond_keys)
{
    static const struct {
        const char *json, *why;
    } BAD[] = {
        { ALONE("\"importSymmetricKey\":{}"), "/importSymmetricKey: must have one of" },
        { ALONE("\"importSymmetricKey\":{\"value\":\"AAAA\",\"drawnLength\":5}"),
          "/importSymmetricKey: must have one of" },
        { ALONE("\"importSymmetricKey\":{\"drawnLength\":129}"), "/drawnLength: must be 1-128" },
        { ALONE("\"importSymmetricKey\":{\"drawnLength\":5},\"importPrivateKey\":{}"),
          "/importPrivateKey: cannot stand beside" },
        { ALONE("\"importPrivateKey\":{\"pkcs8\":\"AAAA\"}"), "/importPrivateKey/pkcs8: not the" },
        { ALONE("\"extensions\":[{\"type\":\"urn:a\"}]"), "/extensions/0: must have one of" },
        { ALONE("\"extensions\":[{\"type\":\"urn:a\",\"file\":\"../a\"}]"),
          "/extensions/0/file: not the name" },
        { ALONE("\"extensions\":[{\"type\":\"urn:a\",\"file\":\"a\"}]"),
          "/extensions/0/file: no profile" },
        { ALONE("\"extensions\":[{\"type\":\"urn:a\",\"extensionData\":\"AAAA\"}],"
                "\"encryptedExtensions\":[{\"type\":\"urn:a\",\"extensionData\":\"AAAA\"}]"),
          "/encryptedExtensions/0/type: used twice" },
        { ALONE("\"propertyBags\":[{\"type\":\"urn:a\",\"properties\":[{\"name\":\"a\",\"value\":"
                "\"\"},{\"name\":\"a\",\"value\":\"\"}]}]"),
          "/properties/1/name: used twice" },
        { ALONE("\"logotypes\":[{\"type\":\"urn:a\",\"extensionData\":\"AAAA\"}]"),
          "/logotypes/0/mimeType: missing" },
        { ALONE("\"trustAnchor\":true"), "/trustAnchor: needs includeCa" },
        { ALONE("\"pin\":\"1234\""), "/pin: unknown property" },
        { ALONE("\"updateKey\":{\"lookup\":\"L\"}"), "/updateKey/lookup: no lookupSpecifier" },
        { ALONE("\"updateKey\":{\"lookup\":\"L\"},\"cloneKeyProtection\":{\"lookup\":\"L\"}"),
          "/cloneKeyProtection: cannot stand beside" },
        { PRESET("", ",\"pin\":\"12x4\"", ""), "/pin: has a character" },
        { PRESET("", ",\"pin\":\"12345\"", ""), "/pin: is too long" },
        { PRESET("\"grouping\":\"shared\",", ",\"pin\":\"1234\"", ",\"pin\":\"1235\""),
          "/keyEntrySpecifiers/1: its PIN does not fit" },
        { PRESET("\"grouping\":\"unique\",", ",\"pin\":\"1234\"", ",\"pin\":\"1234\""),
          "/keyEntrySpecifiers/1: its PIN does not fit" },
        { "{\"pinPolicySpecifiers\":[" PIN_START "\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE
          ",\"pin\":\"1234\"}]}]}",
          "/pin: needs userDefined false" },
        { "{\"pinPolicySpecifiers\":[{\"id\":\"P\",\"minLength\":128,\"maxLength\":128,"
          "\"retryLimit\":3,\"format\":\"numeric\",\"patternRestrictions\":[\"two-in-a-row\"],"
          "\"userDefined\":false,\"keyEntrySpecifiers\":[" KEY "]}]}",
          "/pinPolicySpecifiers/0: no PIN was found" },
    };

    for (size_t i = 0; i < NITEMS(BAD); i++)
        assert_refused(BAD[i].json, BAD[i].why);
}

Test(profile, refusals_of_what_concerns_the_session)
{
    static const struct {
        const char *json, *why;
    } BAD[] = {
        { "{" LOOKUP ",\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE
          ",\"devicePinProtection\":true,\"updateKey\":{\"lookup\":\"L\"}}]}",
          "takes over its PIN" },
        { "{" LOOKUP ",\"keyEntrySpecifiers\":[" KEY_START CERTIFICATE
          ",\"updateKey\":{\"lookup\":\"L\"}}],\"deleteKeys\":[{\"lookup\":\"L\"}]}",
          "/deleteKeys/0: the same keys are deleted" },
        { "{" LOOKUP ",\"deleteKeys\":[{\"lookup\":\"L\"}],\"keyManagementKey\":false}",
          "/lookupSpecifiers: needs keyManagementKey" },
        { "{" LOOKUP ",\"deleteKeys\":[{\"lookup\":\"L\"},{\"lookup\":\"L\"}]}",
          "/deleteKeys/1: used twice" },
        { "{" LOOKUP ",\"deleteKeys\":[{\"lookup\":\"M\"}]}", "/deleteKeys/0/lookup: no" },
        { "{\"lookupSpecifiers\":[{\"id\":\"L\"},{\"id\":\"L\"}],\"deleteKeys\":[{\"lookup\":\"L\"}"
          "]}",
          "/lookupSpecifiers/1/id: used twice" },
        { "{\"lookupSpecifiers\":[{\"id\":\"1234567890123456789012345\"}]}", "more than 24" },
        { "{" LOOKUP ",\"deleteKeys\":[{\"lookup\":\"L\"}],\"sessionKeyLimit\":3}",
          "needs 4 operations" },
        { "{\"action\":\"unlock\",\"keyEntrySpecifiers\":[" KEY "]}",
          "/action: an unlock session" },
        { "{\"action\":\"unlock\"}", "/action: there are no unlockKeys" },
        { "{\"deferredIssuance\":true," LOOKUP ",\"unlockKeys\":[{\"lookup\":\"L\"}]}",
          "/deferredIssuance: there is no key" },
        { "{\"privacyEnabled\":true,\"deviceTrust\":{},\"keyEntrySpecifiers\":[" KEY "]}",
          "/deviceTrust: with privacyEnabled" },
        { "{\"deviceTrust\":{\"minimumRsaBits\":512},\"keyEntrySpecifiers\":[" KEY "]}",
          "/deviceTrust/minimumRsaBits: must be 1024-16384" },
        { "{\"updatableKeyManagementKeys\":true,\"keyManagementKey\":false}",
          "/updatableKeyManagementKeys: needs keyManagementKey" },
        { "{\"targetKeyContainers\":[\"pocket\"],\"keyEntrySpecifiers\":[" KEY "]}",
          "/targetKeyContainers/0: unknown key container" },
        { "{\"clientCapabilityQuery\":[\"urn:a\",\"urn:a\"],\"keyEntrySpecifiers\":[" KEY "]}",
          "/clientCapabilityQuery/1: used twice" },
    };

    for (size_t i = 0; i < NITEMS(BAD); i++)
        assert_refused(BAD[i].json, BAD[i].why);
}

Test(profile, preset_pins_follow_the_grouping)
{
    const struct pin_profile *pin;
    struct buf pins[2] = { 0 };

    for (int i = 0; i < 2; i++) {
        decode(i == 0 ? PRESET("\"grouping\":\"shared\",", ",\"pin\":\"2718\"", "")
                      : PRESET("\"grouping\":\"unique\",", "", ""));
        pin = profile.pins.item;
        cr_assert_eq(draw_pins(pin, pins), SKS_OK);
        cr_assert_eq(pins[0].len, 4);
        cr_assert_eq(bytes_equal(buf_bytes(&pins[0]), buf_bytes(&pins[1])), i == 0);
        buf_free(&pins[0]);
        buf_free(&pins[1]);
    }
}

/* The file in the tree is what the tables say. */
Test(profile, the_schema_is_up_to_date)
{
    struct buf file = { 0 };
    json_t *made = json_schema(&PROFILE_TYPE, "profile of sks-issuer"), *read;

    cr_assert_eq(file_read("issuer/profiles/profile.schema.json", 1024 * 1024, &file, &err),
                 SKS_OK);
    read = json_loadb((const char *)file.ptr, file.len, 0, NULL);
    cr_assert(json_equal(made, read), "sks-issuer check-profile --schema writes it anew");
    json_decref(made);
    json_decref(read);
    buf_free(&file);
}

Test(profile, minimum_above_maximum)
{
    assert_refused("{\"pinPolicySpecifiers\":[{\"id\":\"P\",\"minLength\":9,\"maxLength\":8,"
                   "\"retryLimit\":3,\"format\":\"numeric\",\"keyEntrySpecifiers\":[" KEY "]}]}",
                   "/pinPolicySpecifiers/0/minLength: not 1 to maxLength");
}

Test(profile, shipped_ones)
{
    struct profile_list list;
    const struct profile *found;

    cr_assert_eq(profiles_load("issuer/profiles", &list, &err), SKS_OK, "%s", err.text);
    cr_assert(profile_find(&list, "p256-user-pin") != NULL);
    found = profile_find(&list, "rsa2048-pin-puk");
    cr_assert(found != NULL);
    cr_assert_eq(found->key_count, 2);
    cr_assert_eq(profile_key(found, bytes_of("Key.1"))->algorithm->kind, KEY_KIND_RSA);
    cr_assert_eq(profile_find(&list, "p256-user-pin.json"), NULL);
    profiles_free(&list);
}

/* ---- folders ---- */

static char folder[64];

static void write_profile(const char *name, const char *text)
{
    char path[128];

    cr_assert_eq(file_path(path, sizeof path, folder, name), SKS_OK);
    cr_assert_eq(file_write(path, 0600, bytes_of(text), NULL), SKS_OK);
}

static void make_folder(void)
{
    (void)strcpy(folder, "/tmp/sks-profiles-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
}

static void remove_folder(void)
{
    char command[96];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(profile_folder, .init = make_folder, .fini = remove_folder);

Test(profile_folder, errors_name_the_file)
{
    struct profile_list list;

    cr_assert_neq(profiles_load(folder, &list, &err), SKS_OK, "an empty folder");
    write_profile("good.json", "{\"keyEntrySpecifiers\":[" KEY "]}");
    write_profile("readme.txt", "not a profile");
    cr_assert_eq(profiles_load(folder, &list, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(list.count, 1);
    profiles_free(&list);
    write_profile("worse.json", "{\"x\":1}");
    cr_assert_eq(profiles_load(folder, &list, &err), SKS_ERROR_OPTION);
    cr_assert(strstr(err.text, "/worse.json: line 1: /x: unknown property") != NULL, "%s",
              err.text);
    cr_assert_neq(profiles_load("/nowhere", &list, &err), SKS_OK);
}

Test(profile_folder, names_fit_into_urls)
{
    struct profile_list list;

    write_profile("my profile.json", "{\"keyEntrySpecifiers\":[" KEY "]}");
    cr_assert_eq(profiles_load(folder, &list, &err), SKS_ERROR_OPTION);
    cr_assert(strstr(err.text, "my profile.json") != NULL, "%s", err.text);
}
