/* Profiles with "session": what sessions of 2010 have, and what they cannot have. */
#include "issuer/profile.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define KEY                                                                                        \
    "{\"id\":\"Key.1\",\"appUsage\":\"signature\","                                                \
    "\"keyAlgorithm\":\"https://webpki.github.io/sks/algorithm#ec.nist.p256\",\"certificate\":"    \
    "{\"subject\":\"CN=a\",\"keyUsage\":[\"digitalSignature\"]}"
#define PROFILE(more) "{" more "\"keyEntrySpecifiers\":[" KEY "}]}"
#define IN_2010(more) PROFILE("\"session\":\"2010\"," more)

static struct arena arena;
static struct sks_error err;
static struct profile profile;

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(profile_session, .fini = tear_down);

static void decode(const char *json)
{
    cr_assert_eq(profile_decode("p", NULL, bytes_of(json), &arena, &profile, &err), SKS_OK,
                 "%s: %s", json, err.text);
}

Test(profile_session, defaults)
{
    decode(PROFILE(""));
    cr_expect_eq(profile.session, PROFILE_SESSION_107);
    cr_expect(profile.key_management_key && !profile.slow);
    cr_expect_eq(profile.session_key_limit, 200);
    cr_expect_null(profile.server_key);
    decode(PROFILE("\"session\":\"1.07\","));
    cr_expect(profile.key_management_key);
    decode(IN_2010(""));
    cr_expect_eq(profile.session, PROFILE_SESSION_2010);
    cr_expect(!profile.key_management_key && profile.slow);
    cr_expect_eq(profile.session_key_limit, UINT16_MAX);
    cr_expect_eq(profile.session_life_time, 600);
    cr_expect_eq(profile.server_key->size, 2048);
}

Test(profile_session, server_keys)
{
    static const unsigned SIZES[] = { 2048, 3072, 4096 };
    char json[1000];

    for (size_t i = 0; i < NITEMS(SIZES); i++) {
        (void)snprintf(json, sizeof json, IN_2010("\"serverKeySize\":%u,"), SIZES[i]);
        decode(json);
        cr_expect_eq(profile.server_key->size, SIZES[i]);
        cr_expect_eq(profile.server_key->kind, KEY_KIND_RSA);
    }
}

Test(profile_session, what_may_be_said_though_it_says_nothing_new)
{
    decode(IN_2010("\"keyManagementKey\":false,\"sessionKeyLimit\":65535,"
                   "\"sessionLifeTime\":4294967295,\"privacyEnabled\":false,"));
    cr_expect_eq(profile.session_life_time, UINT32_MAX);
}

#define LOOKUP "\"lookupSpecifiers\":[{\"id\":\"L\"}],"

Test(profile_session, refusals)
{
    static const struct {
        const char *json, *why;
    } BAD[] = {
        { PROFILE("\"session\":\"2011\","), "/session: must be one of 1.07, 2010" },
        { PROFILE("\"serverKeySize\":2048,"), "/serverKeySize: only sessions of 2010" },
        { PROFILE("\"sessionLifeTime\":65536,"), "/sessionLifeTime: must be 1-65535" },
        { IN_2010("\"keyManagementKey\":true,"), "/keyManagementKey: a session of 2010 has none" },
        { IN_2010("\"updatableKeyManagementKeys\":true,"),
          "/updatableKeyManagementKeys: a session of 2010" },
        { IN_2010("\"privacyEnabled\":true,"), "/privacyEnabled: a session of 2010 always" },
        { IN_2010(LOOKUP), "/lookupSpecifiers: a session of 2010" },
        { IN_2010("\"unlockKeys\":[{\"lookup\":\"L\"}],"), "/unlockKeys: a session of 2010" },
        { IN_2010("\"deleteKeys\":[{\"lookup\":\"L\"}],"), "/deleteKeys: a session of 2010" },
        { "{\"session\":\"2010\",\"keyEntrySpecifiers\":[" KEY
          ",\"updateKey\":{\"lookup\":\"L\"}}]}",
          "/updateKey/lookup: no lookupSpecifier has it" },
        { IN_2010("\"action\":\"unlock\","), "/action: an unlock session" },
        { IN_2010("\"sessionKeyLimit\":200,"), "/sessionKeyLimit: is 65535" },
        { IN_2010("\"serverKeySize\":1024,"), "/serverKeySize: must be 2048-4096" },
        { IN_2010("\"serverKeySize\":2049,"), "/serverKeySize: must be 2048, 3072 or 4096" },
        { IN_2010("\"serverKeySize\":8192,"), "/serverKeySize: must be 2048-4096" },
    };

    for (size_t i = 0; i < NITEMS(BAD); i++) {
        cr_expect_eq(profile_decode("p", NULL, bytes_of(BAD[i].json), &arena, &profile, &err),
                     SKS_ERROR_OPTION, "%s", BAD[i].json);
        cr_expect(strstr(err.text, BAD[i].why) != NULL, "%s, not %s", err.text, BAD[i].why);
    }
}
