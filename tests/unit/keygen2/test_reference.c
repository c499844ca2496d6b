/* The messages of two sessions that the public reference implementation held with itself. */
#include "keygen2/base/base64.h"
#include "keygen2/message/keygen2.h"

#include <criterion/criterion.h>
#include <string.h>

#define TEST_TRANSCRIPTS "tests/kat/transcripts"

#define XMLDSIG "http://www.w3.org/2001/04/xmldsig-more#"
#define SKS "https://webpki.github.io/sks/algorithm#"

static json_t *session; /* of the running test */
static struct arena arena;

static void open_session(const char *path)
{
    json_error_t error;

    session = json_load_file(path, 0, &error);
    cr_assert_not_null(session, "%s", error.text);
}

static void close_session(void)
{
    json_decref(session);
    arena_free(&arena);
}

/* Decodes a message, and again what it encodes to; the result is the second one. */
static void get(const struct json_type *type, void *out)
{
    json_t *list = json_object_get(session, "messages"), *message;
    struct sks_error err = { 0 };
    struct buf text = { 0 };
    size_t i;

    json_array_foreach(list, i, message)
    {
        const char *body = json_string_value(json_object_get(message, "body"));

        if (strcmp(json_string_value(json_object_get(message, "type")), type->name) != 0)
            continue;
        cr_assert(keygen2_decode(type, bytes_of(body), out, &arena, &err) == SKS_OK, "%s: %s",
                  type->name, err.text);
        cr_assert(keygen2_encode(type, out, &text) == SKS_OK);
        cr_assert(keygen2_decode(type, buf_bytes(&text), out, &arena, &err) == SKS_OK, "%s: %s",
                  type->name, err.text);
        buf_free(&text);
        return;
    }
    cr_assert_fail("no %s", type->name);
}

static void is_text(struct bytes given, const char *expected)
{
    cr_expect(bytes_equal(given, bytes_of(expected)), "%.*s is not %s", (int)given.len,
              (const char *)given.ptr, expected);
}

/* The start of the value is enough where the whole of it is long. */
static void is_binary(struct bytes given, const char *start, size_t len)
{
    struct buf text = { 0 };

    base64url_encode(&text, given);
    cr_expect(given.len == len && text.len >= strlen(start) &&
                  memcmp(text.ptr, start, strlen(start)) == 0,
              "%zu bytes: %.*s", given.len, (int)text.len, (const char *)text.ptr);
    buf_free(&text);
}

#define P256_SERVER "1a20122f95bHsg9G8AkrbAST1U1jFyB-"
#define P256_CLIENT "6tPjRo2RS5YYbW0au89lfKGTO0ewDC4n"
#define RSA_SERVER "1a20122fb2221T_VOF4O0iozH3io0V9v"
#define RSA_CLIENT "V1am-wD6B2xRcTtqJllJw17IBfYRlviP"
#define DEVICE_START "MIIC2DCCAcCgAwIBAgIGARTWcc7VMA0GCSqGSIb3DQEBBQUAMEExCzAJBgNVBAYTAlVT"

Test(reference, invocation)
{
    struct invocation_request request;
    struct invocation_response response;

    open_session(TEST_TRANSCRIPTS "/p256-userpin.json");
    get(&INVOCATION_REQUEST, &request);
    is_text(request.server_session_id, P256_SERVER);
    cr_expect(request.action == ACTION_MANAGE && !request.privacy_enabled);
    cr_assert(request.preferred_languages.count == 2);
    is_text(request.preferred_languages.item[0], "en");
    is_text(request.preferred_languages.item[1], "fr");
    cr_expect(request.target_key_containers.count == 0);
    cr_expect(request.client_capability_query.count == 0);
    get(&INVOCATION_RESPONSE, &response);
    is_text(response.server_session_id, P256_SERVER);
    cr_expect(response.client_capabilities.count == 0);
    close_session();
}

Test(reference, provisioning_initialization)
{
    struct provisioning_initialization_request request;
    struct provisioning_initialization_response response;

    open_session(TEST_TRANSCRIPTS "/p256-userpin.json");
    get(&PROVISIONING_INITIALIZATION_REQUEST, &request);
    is_text(request.server_session_id, P256_SERVER);
    is_text(request.server_time.text, "2026-11-22T02:43:18Z");
    cr_expect(request.server_time.seconds == 1795315398);
    is_text(request.session_key_algorithm, SKS_SESSION_ALGORITHM);
    cr_expect(request.session_key_limit == 200 && request.session_life_time == 1000);
    is_binary(request.server_ephemeral_key,
              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE75xhoCB238meDMmHV-fD4NeCQnytQ7_jw4aRgYAFO0oMTdfe"
              "SxOCc6kOTRftHeTS3Rjnn0iG9gZX7beBxXclVg",
              91);
    cr_expect(request.key_management_key.len == 0);
    get(&PROVISIONING_INITIALIZATION_RESPONSE, &response);
    is_text(response.server_session_id, P256_SERVER);
    is_text(response.client_session_id, P256_CLIENT);
    is_text(response.server_time.text, "2026-11-22T02:43:18Z");
    is_text(response.client_time.text, "2026-11-22T02:43:19+00:00");
    cr_expect(response.client_time.seconds == 1795315399);
    is_binary(response.client_ephemeral_key, "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfD3_muiw0_tF2O5M",
              91);
    cr_assert_not_null(response.device_id);
    cr_assert(response.device_id->certificate_path.count == 1);
    is_binary(response.device_id->certificate_path.item[0], DEVICE_START, 732);
    is_binary(response.attestation, "FzrPEPQ-k25jLiLsHIWu4y3bC4orvqrVOTAhM5fKIKnJVLW4", 128);
    close_session();
}

Test(reference, key_creation_with_user_defined_pin)
{
    struct key_creation_request request;
    struct key_creation_response response;
    const struct pin_policy_specifier *pin;
    const struct key_entry_specifier *spec;
    const struct generated_key *key;

    open_session(TEST_TRANSCRIPTS "/p256-userpin.json");
    get(&KEY_CREATION_REQUEST, &request);
    is_text(request.client_session_id, P256_CLIENT);
    is_text(request.key_entry_algorithm, SKS_KEY_ENTRY_ALGORITHM);
    cr_assert(request.puk_policy_specifiers.count == 0 &&
              request.pin_policy_specifiers.count == 1 && request.key_entry_specifiers.count == 0);
    pin = request.pin_policy_specifiers.item;
    is_text(pin->policy.id, "PIN.1");
    cr_expect(pin->policy.user_defined && pin->policy.user_modifiable);
    cr_expect(pin->policy.format == FORMAT_NUMERIC && pin->policy.retry_limit == 3);
    cr_expect(pin->policy.min_length == 4 && pin->policy.max_length == 8);
    cr_expect(pin->policy.pattern_restrictions == (PATTERN_THREE_IN_A_ROW | PATTERN_SEQUENCE));
    is_binary(pin->mac, "DIhIMY9F0tdkQo3KQ6s4Of4u0da-hgDOQ2rrdv1Q6fo", 32);
    cr_assert(pin->key_entry_specifiers.count == 1);
    spec = pin->key_entry_specifiers.item;
    is_text(spec->key.id, "Key.1");
    is_text(spec->key.friendly_name, "Na\xc3\xafve \xe2\x82\xac card");
    is_text(spec->key.key_entry_algorithm, SKS_KEY_ENTRY_ALGORITHM);
    is_text(spec->key.key_algorithm, SKS "ec.nist.p256");
    cr_expect(spec->key.app_usage == APP_USAGE_SIGNATURE && !spec->has_encrypted_pin);
    cr_assert(spec->key.endorsed_algorithms.count == 1);
    is_text(spec->key.endorsed_algorithms.item[0], XMLDSIG "ecdsa-sha256");
    is_binary(spec->mac, "AbPOBdSyIwbMqTs6lTn2VvFU2-1Pe-QbFam_vhED8n8", 32);
    get(&KEY_CREATION_RESPONSE, &response);
    cr_assert(response.generated_keys.count == 1);
    key = response.generated_keys.item;
    is_text(key->id, "Key.1");
    is_binary(key->public_key, "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEt7hcZnH-BYhkkQ8YDRAWwoEikeXs",
              91);
    is_binary(key->attestation, "X6Qy_81ddBUhIWV6ZE4aMRubd11ERxsP9sKSmkuyW1g", 32);
    close_session();
}

Test(reference, key_creation_under_a_puk)
{
    struct key_creation_request request;
    const struct puk_policy_specifier *puk;
    const struct pin_policy_specifier *pin;
    const struct key_entry_specifier *spec;

    open_session(TEST_TRANSCRIPTS "/rsa2048-pinpuk.json");
    get(&KEY_CREATION_REQUEST, &request);
    is_text(request.server_session_id, RSA_SERVER);
    cr_assert(request.puk_policy_specifiers.count == 1 &&
              request.pin_policy_specifiers.count == 0 && request.key_entry_specifiers.count == 0);
    puk = request.puk_policy_specifiers.item;
    is_text(puk->policy.id, "PUK.1");
    is_binary(puk->policy.encrypted_puk, "B4opY73kCL4WYSsHQNgelCo5sJehJcvKm9yagBEeCgg", 32);
    cr_expect(puk->policy.retry_limit == 3 && puk->policy.format == FORMAT_NUMERIC);
    is_binary(puk->mac, "18oF0sKbxmlCMp_lOxV4dznQwM_mK4pItcV3hqgm-v8", 32);
    cr_assert(puk->pin_policy_specifiers.count == 1);
    pin = puk->pin_policy_specifiers.item;
    cr_expect(pin->policy.user_defined && pin->policy.user_modifiable);
    cr_expect(pin->policy.min_length == 5 && pin->policy.max_length == 10);
    cr_expect(pin->policy.format == FORMAT_ALPHANUMERIC && pin->policy.grouping == GROUPING_SHARED);
    cr_expect(pin->policy.pattern_restrictions == PATTERN_MISSING_GROUP);
    cr_assert(pin->key_entry_specifiers.count == 2);
    spec = pin->key_entry_specifiers.item;
    is_text(spec[0].key.id, "Key.1");
    is_text(spec[0].key.key_algorithm, SKS "rsa2048");
    cr_expect(spec[0].key.export_protection == PROTECTION_PIN);
    cr_expect(spec[0].key.delete_protection == PROTECTION_PUK);
    cr_expect(spec[0].key.app_usage == APP_USAGE_AUTHENTICATION);
    is_binary(spec[0].mac, "kjlMTKtybxnIbGRI5nhFKOmCAucs_VB-7lx8mJICyVA", 32);
    is_text(spec[1].key.id, "Key.2");
    is_binary(spec[1].key.server_seed, "yj5P912ReOGOsUWrMCVF3Ygih4hVbE12imz5xGqIqbs", 32);
    cr_expect(spec[1].key.export_protection == PROTECTION_NOT_ALLOWED);
    cr_expect(spec[1].key.delete_protection == PROTECTION_NONE);
    is_binary(spec[1].mac, "2aAZp4bKz91C5RpSCOLcCdi-M0GJRxY2OTCeYGlRYyQ", 32);
    close_session();
}

Test(reference, generated_keys_of_two_kinds)
{
    struct key_creation_response response;
    const struct generated_key *key;

    open_session(TEST_TRANSCRIPTS "/rsa2048-pinpuk.json");
    get(&KEY_CREATION_RESPONSE, &response);
    is_text(response.server_session_id, RSA_SERVER);
    is_text(response.client_session_id, RSA_CLIENT);
    cr_assert(response.generated_keys.count == 2);
    key = response.generated_keys.item;
    is_text(key[0].id, "Key.1");
    is_binary(key[0].public_key, "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyG7w7WluItQNoLE2luLp",
              294);
    is_binary(key[0].attestation, "GUMhaLkcOJunBwcz7yxOnEdQoaD53XChjudAdrdV2mk", 32);
    is_text(key[1].id, "Key.2");
    is_binary(key[1].public_key, "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEMC7HAINJ0VfczZCv30qbJAVs3dUI",
              91);
    is_binary(key[1].attestation, "smy7BwsjDvR-oFw7U8s4aOnWJuEfM1tP8ong8kR8twk", 32);
    close_session();
}

Test(reference, provisioning_finalization)
{
    struct provisioning_finalization_request request;
    struct provisioning_finalization_response response;
    const struct issued_credential *credential;

    open_session(TEST_TRANSCRIPTS "/p256-userpin.json");
    get(&PROVISIONING_FINALIZATION_REQUEST, &request);
    is_text(request.server_session_id, P256_SERVER);
    is_text(request.client_session_id, P256_CLIENT);
    cr_assert(request.issued_credentials.count == 1);
    credential = request.issued_credentials.item;
    is_text(credential->id, "Key.1");
    cr_assert(credential->certificate_path.count == 1);
    is_binary(credential->certificate_path.item[0], "MIIBrjCCAVSgAwIBAgIHBmDUcGfcYTAKBggqhkjOPQQD",
              434);
    is_binary(credential->mac, "5K7nIGTWoMt1tIcuzjgwNX0NNXV10zMUtuLw-jMFncs", 32);
    cr_expect(!credential->trust_anchor);
    is_binary(request.session_close_data->nonce, "h-LxScDTdCX_yqcOKligPCr-gkd0_mdjMi8g94KpPV4", 32);
    is_binary(request.session_close_data->mac, "P5ZuV54nDTjIy8zesryPEaNMco1dS4R9PMeBsrQohf8", 32);
    get(&PROVISIONING_FINALIZATION_RESPONSE, &response);
    is_text(response.client_session_id, P256_CLIENT);
    is_binary(response.attestation, "ZK91CfvSca4i9c8gqy2JBaBVyjxpj9Do3f62RUNoqno", 32);
    close_session();
}

/* Those that the tests above did not look into. */
Test(reference, every_message_of_the_other_session)
{
    struct invocation_request invocation_request;
    struct invocation_response invocation_response;
    struct provisioning_initialization_request initialization_request;
    struct provisioning_initialization_response initialization_response;
    struct provisioning_finalization_request finalization_request;
    struct provisioning_finalization_response finalization_response;

    open_session(TEST_TRANSCRIPTS "/rsa2048-pinpuk.json");
    get(&INVOCATION_REQUEST, &invocation_request);
    get(&INVOCATION_RESPONSE, &invocation_response);
    get(&PROVISIONING_INITIALIZATION_REQUEST, &initialization_request);
    get(&PROVISIONING_INITIALIZATION_RESPONSE, &initialization_response);
    get(&PROVISIONING_FINALIZATION_REQUEST, &finalization_request);
    get(&PROVISIONING_FINALIZATION_RESPONSE, &finalization_response);
    is_text(invocation_request.server_session_id, RSA_SERVER);
    is_text(invocation_response.server_session_id, RSA_SERVER);
    cr_expect(initialization_request.server_time.seconds == 1795315399);
    is_text(initialization_response.client_session_id, RSA_CLIENT);
    cr_expect(finalization_request.issued_credentials.count == 2);
    is_text(finalization_response.client_session_id, RSA_CLIENT);
    close_session();
}
