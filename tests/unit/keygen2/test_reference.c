/* The messages of five sessions that the public reference implementation held with itself. */
#include "keygen2/base/base64.h"
#include "keygen2/base/jcs.h"
#include "keygen2/crypto/session.h"
#include "tests/unit/support/keygen2/messages.h"

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

/* ---- every message of every session, byte for byte but for the order of properties ---- */

#define PIN "/pukPolicySpecifiers/0/pinPolicySpecifiers/0"

/* The two properties that say their default; we do not write them. */
static const char *const DEFAULTS[] = {
    PIN "/userModifiable",
    PIN "/keyEntrySpecifiers/1/exportProtection",
};

static void canonical(struct bytes text, struct buf *out)
{
    struct sks_error err = { 0 };
    json_t *root = NULL;

    cr_assert(json_parse(text, &root, &err) == SKS_OK, "%s", err.text);
    if (memmem(text.ptr, text.len, "\"userModifiable\"", 16) != NULL)
        for (size_t i = 0; i < NITEMS(DEFAULTS); i++)
            edit_json(root, DEFAULTS[i], NULL);
    cr_assert(jcs_write(root, out) == SKS_OK);
    json_decref(root);
}

static void expect_same_again(const struct json_type *type, struct bytes body)
{
    union message message;
    struct sks_error err = { 0 };
    struct buf again = { 0 }, expected = { 0 }, given = { 0 };

    cr_assert(keygen2_decode(type, body, &message, &arena, &err) == SKS_OK, "%s: %s", type->name,
              err.text);
    cr_assert(keygen2_encode(type, &message, &again) == SKS_OK);
    canonical(body, &expected);
    canonical(buf_bytes(&again), &given);
    cr_expect(bytes_equal(buf_bytes(&given), buf_bytes(&expected)), "%.*s", (int)given.len,
              (const char *)given.ptr);
    buf_free(&again);
    buf_free(&expected);
    buf_free(&given);
}

static const struct {
    const char *path;
    size_t messages;
} SESSIONS[] = {
    { TEST_TRANSCRIPTS "/p256-userpin.json", 8 },
    { TEST_TRANSCRIPTS "/rsa2048-pinpuk.json", 8 },
    { TEST_TRANSCRIPTS "/symkey-hmac-propbag.json", 8 },
    { TEST_TRANSCRIPTS "/kmk-create.json", 8 },
    { TEST_TRANSCRIPTS "/kmk-manage.json", 10 },
};

Test(reference, every_message_both_ways)
{
    for (size_t i = 0; i < NITEMS(SESSIONS); i++) {
        size_t count;

        open_session(SESSIONS[i].path);
        count = json_array_size(json_object_get(session, "messages"));
        cr_expect(count == SESSIONS[i].messages);
        for (size_t k = 0; k < count; k++) {
            json_t *message = json_array_get(json_object_get(session, "messages"), k);

            expect_same_again(type_of(json_string_value(json_object_get(message, "type"))),
                              bytes_of(json_string_value(json_object_get(message, "body"))));
        }
        close_session();
        arena = (struct arena){ 0 };
    }
}

/* ---- managing keys ---- */

Test(reference, credential_discovery)
{
    struct credential_discovery_request request;
    struct credential_discovery_response response;
    const struct lookup_specifier *specifier;
    const struct lookup_result *result;
    const struct matching_credential *found;
    struct session_terms terms = { 0 };
    uint8_t nonce[32];

    open_session(TEST_TRANSCRIPTS "/kmk-manage.json");
    get(&CREDENTIAL_DISCOVERY_REQUEST, &request);
    cr_assert(request.lookup_specifiers.count == 5);
    specifier = request.lookup_specifiers.item;
    terms.server_session_id = request.server_session_id;
    terms.client_session_id = request.client_session_id;
    cr_assert(session_lookup_nonce(&terms, nonce) == SKS_OK);
    for (size_t i = 0; i < 5; i++)
        cr_expect(bytes_equal(specifier[i].nonce, bytes_at(nonce, sizeof nonce)));
    is_text(specifier[0].id, "Lookup.1");
    is_text(specifier[0].search_filter->subject_reg_ex, ".*kmk-delete.*");
    is_binary(specifier[0].public_key, "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEA4XIv83vQL5L", 91);
    is_binary(specifier[0].signature, "DLKsS0NBQTKAAfwBl8z1JBwXRAIrcZrsdyRIiSR6ZBJP9Wv1", 64);
    cr_expect(!specifier[0].search_filter->app_usage.is_there);
    cr_expect(specifier[1].search_filter->app_usage.is_there);
    cr_expect(specifier[1].search_filter->app_usage.value == APP_USAGE_AUTHENTICATION);
    cr_expect(specifier[2].search_filter->grouping.is_there);
    cr_expect(specifier[2].search_filter->grouping.value == GROUPING_SHARED);
    cr_expect(specifier[3].search_filter->issued_after.seconds == 1577836800);
    cr_expect(specifier[3].search_filter->issued_before.text.len == 0);
    cr_expect(specifier[4].search_filter == NULL && specifier[4].signature.len == 256);
    get(&CREDENTIAL_DISCOVERY_RESPONSE, &response);
    cr_assert(response.lookup_results.count == 5);
    result = response.lookup_results.item;
    is_text(result[3].id, "Lookup.4");
    cr_assert(result[3].matching_credentials.count == 1);
    found = result[3].matching_credentials.item;
    is_text(found->server_session_id, "1a20123007dF1o7YFCmqjkBu8_Huti-7");
    is_text(found->client_session_id, "Lz4nLxfYJLvqA7npcaVrMyixsnizXshh");
    cr_expect(found->locked && found->certificate_path.count == 1);
    cr_expect(result[4].matching_credentials.count == 0);
    close_session();
}

Test(reference, post_operations)
{
    struct provisioning_finalization_request request;
    const struct issued_credential *credential;
    const struct target_key *target;

    open_session(TEST_TRANSCRIPTS "/kmk-manage.json");
    get(&PROVISIONING_FINALIZATION_REQUEST, &request);
    cr_assert(request.issued_credentials.count == 2 && request.unlock_keys.count == 1 &&
              request.delete_keys.count == 1);
    credential = request.issued_credentials.item;
    cr_assert(credential[0].update_key != NULL && credential[0].clone_key_protection == NULL);
    cr_assert(credential[1].update_key == NULL && credential[1].clone_key_protection != NULL);
    is_binary(credential[0].update_key->finger_print, "SDnSI4jxcFogYvsEHPUX1lWhoN5whyiTqhD2", 32);
    is_binary(credential[1].clone_key_protection->mac, "RQLwtpHsfWB58RDtI5omFbRxhV2jj34kMm", 32);
    target = request.unlock_keys.item;
    is_text(target->server_session_id, "1a20123007dF1o7YFCmqjkBu8_Huti-7");
    is_text(target->client_session_id, "Lz4nLxfYJLvqA7npcaVrMyixsnizXshh");
    target = request.delete_keys.item;
    is_binary(target->authorization, "YGpFivbVPqxw0c0-pGT3EmfPWDwCG4LtWz01aIbKlJdJX0zlDtF", 64);
    close_session();
}

Test(reference, symmetric_key_and_property_bag)
{
    struct provisioning_finalization_request request;
    const struct issued_credential *credential;
    const struct property_bag *bag;
    const struct property *property;

    open_session(TEST_TRANSCRIPTS "/symkey-hmac-propbag.json");
    get(&PROVISIONING_FINALIZATION_REQUEST, &request);
    cr_assert(request.issued_credentials.count == 1);
    credential = request.issued_credentials.item;
    cr_assert_not_null(credential->import_symmetric_key);
    cr_expect(credential->import_private_key == NULL);
    is_binary(credential->import_symmetric_key->encrypted_key, "x8KAgnc7ITTiiZkoo_S6hC4URaGzs", 48);
    cr_assert(credential->property_bags.count == 1);
    bag = credential->property_bags.item;
    is_text(bag->type, "urn:ietf:rfc:4226");
    cr_assert(bag->properties.count == 3);
    property = bag->properties.item;
    is_text(property[0].name, "Counter");
    is_text(property[0].value, "0");
    cr_expect(property[0].writable && !property[1].writable && property[2].writable);
    is_text(property[2].value, "");
    close_session();
}
