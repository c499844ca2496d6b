#include "issuer/profile.h"
#include "keygen2/base/files.h"

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
    cr_assert_neq(profile_decode("p", NULL, bytes_of(json), &arena, &profile, &err), SKS_OK, "%s", json);
    cr_assert(strstr(err.text, why) != NULL, "%s", err.text);
}

static void decode(const char *json)
{
    cr_assert_eq(profile_decode("p", NULL, bytes_of(json), &arena, &profile, &err), SKS_OK, "%s: %s",
                 json, err.text);
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
    cr_assert(strstr(err.text, "/worse.json: line 1: /x: unknown property") != NULL, "%s", err.text);
    cr_assert_neq(profiles_load("/nowhere", &list, &err), SKS_OK);
}

Test(profile_folder, names_fit_into_urls)
{
    struct profile_list list;

    write_profile("my profile.json", "{\"keyEntrySpecifiers\":[" KEY "]}");
    cr_assert_eq(profiles_load(folder, &list, &err), SKS_ERROR_OPTION);
    cr_assert(strstr(err.text, "my profile.json") != NULL, "%s", err.text);
}
