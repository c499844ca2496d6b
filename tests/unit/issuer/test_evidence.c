#include "issuer/evidence.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/jcs.h"
#include "keygen2/crypto/signature.h"
#include "keygen2/message/evidence.h"
#include "tests/unit/support/issuer/fake_client.h"

#include <criterion/criterion.h>
#include <string.h>

static struct issuer_fixture fixture;
static struct device device;
static struct fake_client client;
static struct buf text;
static struct sks_error err;

static const struct evidence_options PLAIN = { 0 };

static void set_up(void)
{
    issuer_fixture_open(&fixture);
    device_make(&device, &fixture, P256_URI);
}

static void tear_down(void)
{
    client_free(&client);
    buf_free(&text);
    device_free(&device);
    issuer_fixture_close(&fixture);
}

TestSuite(evidence, .init = set_up, .fini = tear_down);

static void run(const char *profile)
{
    client_begin(&client, &fixture.issuer, profile, &device);
    cr_assert_eq(client_run(&client, NULL), OUTCOME_DONE);
}

static json_t *record_of(const struct evidence_options *options)
{
    json_t *root;

    buf_reset(&text);
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, options, &text, &err), SKS_OK, "%s",
                 err.text);
    cr_assert_eq(json_parse(buf_bytes(&text), &root, &err), SKS_OK, "%s", err.text);
    return root;
}

static const char *text_in(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    cr_assert(value != NULL, "%s", name);
    return value;
}

/* JSF, the way a reader of the record does it who knows the issuer's certificate. */
static bool signature_holds(struct bytes record)
{
    json_t *root, *signature;
    struct buf value = { 0 }, der = { 0 }, canonical = { 0 };
    bool holds;

    if (json_parse(record, &root, NULL) != SKS_OK)
        return false;
    signature = json_object_get(root, "signature");
    holds = base64url_decode(bytes_of(json_string_value(json_object_get(signature, "value"))),
                             &value) == SKS_OK &&
            base64url_decode(bytes_of(json_string_value(
                                 json_array_get(json_object_get(signature, "certificatePath"), 0))),
                             &der) == SKS_OK;
    (void)json_object_del(signature, "value");
    holds = holds && jcs_write(root, &canonical) == SKS_OK;
    holds = holds && bytes_equal(buf_bytes(&der), fixture.issuer.evidence_certificate) &&
            verify_sha256(fixture.issuer.evidence_key, buf_bytes(&canonical), buf_bytes(&value)) ==
                SKS_OK;
    buf_free(&value);
    buf_free(&der);
    buf_free(&canonical);
    json_decref(root);
    return holds;
}

Test(evidence, a_whole_session)
{
    static const char *const NAMES[] = { "session ids",   "server time",    "device id",
                                         "client key",    "device path",    "session attestation",
                                         "mac",           "generated keys", "key attestation",
                                         "key algorithm", "certificate",    "closing proof" };
    json_t *root, *checks;

    run("puk");
    root = record_of(&PLAIN);
    cr_assert_str_eq(text_in(root, "serverSessionId"), client.id);
    cr_assert_str_eq(text_in(root, "profile"), "puk");
    cr_assert_str_eq(text_in(root, "verdict"), "succeeded");
    cr_assert_str_eq(text_in(root, "cause"), "");
    cr_assert_eq(json_array_size(json_object_get(root, "messages")), 8);
    cr_assert_eq(json_array_size(json_object_get(root, "keys")), 2);
    cr_assert_eq(json_object_get(root, "sessionKey"), NULL);
    checks = json_object_get(root, "checks");
    for (size_t i = 0; i < NITEMS(NAMES); i++) {
        bool found = false;

        for (size_t j = 0; j < json_array_size(checks); j++)
            found |= strcmp(text_in(json_array_get(checks, j), "name"), NAMES[i]) == 0;
        cr_assert(found, "%s", NAMES[i]);
    }
    for (size_t j = 0; j < json_array_size(checks); j++)
        cr_assert_str_eq(text_in(json_array_get(checks, j), "result"), "pass");
    json_decref(root);
}

Test(evidence, messages_as_they_crossed)
{
    struct buf body = { 0 };
    json_t *root, *last;

    run("plain");
    root = record_of(&PLAIN);
    last = json_array_get(json_object_get(root, "messages"), 7);
    cr_assert_str_eq(text_in(last, "direction"), "in");
    cr_assert_str_eq(text_in(last, "type"), "ProvisioningFinalizationResponse");
    cr_assert_eq(base64url_decode(bytes_of(text_in(last, "body")), &body), SKS_OK);
    cr_assert(bytes_equal(buf_bytes(&body), buf_bytes(&client.response)));
    buf_free(&body);
    json_decref(root);
}

Test(evidence, it_is_canonical_and_decodes_by_its_table)
{
    struct evidence_record record;
    struct arena arena = { 0 };
    struct buf again = { 0 };
    json_t *root;

    run("plain");
    root = record_of(&PLAIN);
    cr_assert_eq(jcs_write(root, &again), SKS_OK);
    cr_assert(bytes_equal(buf_bytes(&again), buf_bytes(&text)));
    (void)json_object_del(root, "signature");
    cr_assert_eq(json_decode(&EVIDENCE_RECORD, root, &record, &arena, &err), SKS_OK, "%s",
                 err.text);
    cr_assert(bytes_equal(record.terms->client_session_id, client.terms.client_session_id));
    cr_assert(bytes_equal(record.terms->device_certificate_path.item[0], device.certificate));
    cr_assert(bytes_equal(((const struct evidence_key *)record.keys.item)->public_key,
                          client.key[0].public_key));
    buf_free(&again);
    arena_free(&arena);
    json_decref(root);
}

Test(evidence, any_altered_byte_shows)
{
    size_t step = 1;

    run("plain");
    json_decref(record_of(&PLAIN));
    cr_assert(signature_holds(buf_bytes(&text)));
    for (size_t i = 0; i < text.len; i += step, step = step % 13 + 1) {
        text.ptr[i] ^= 1;
        cr_assert_not(signature_holds(buf_bytes(&text)), "byte %zu", i);
        text.ptr[i] ^= 1;
    }
}

Test(evidence, a_failed_session)
{
    json_t *root, *checks, *last;

    client_begin(&client, &fixture.issuer, "plain", &device);
    client_respond(&client);
    client.response.len--;
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    root = record_of(&PLAIN);
    cr_assert(signature_holds(buf_bytes(&text)));
    cr_assert_str_eq(text_in(root, "verdict"), "failed");
    cr_assert(strstr(text_in(root, "cause"), "InvocationResponse") != NULL);
    cr_assert_eq(json_array_size(json_object_get(root, "messages")), 2, "the bad one too");
    checks = json_object_get(root, "checks");
    last = json_array_get(checks, json_array_size(checks) - 1);
    cr_assert_str_eq(text_in(last, "name"), "message");
    cr_assert_str_eq(text_in(last, "result"), "fail");
    json_decref(root);
}

Test(evidence, an_open_session)
{
    json_t *root;

    client_begin(&client, &fixture.issuer, "plain", &device);
    root = record_of(&PLAIN);
    cr_assert_str_eq(text_in(root, "verdict"), "open");
    cr_assert_eq(json_object_get(root, "ended"), NULL);
    json_decref(root);
}

Test(evidence, the_session_key_on_demand)
{
    static const struct evidence_options WITH_KEY = { .session_key = true };
    struct buf key = { 0 };
    json_t *root;

    run("plain");
    root = record_of(&WITH_KEY);
    cr_assert_eq(base64url_decode(bytes_of(text_in(root, "sessionKey")), &key), SKS_OK);
    cr_assert(bytes_equal(buf_bytes(&key), bytes_at(client.sk.key, 32)));
    cr_assert(signature_holds(buf_bytes(&text)));
    buf_free(&key);
    json_decref(root);
}

Test(evidence, secrets_are_asked_for_twice)
{
    static const struct evidence_options WITH_KEY = { .session_key = true };
    static const struct evidence_options REVEALED = { .session_key = true, .reveal_secrets = true };

    run("puk");
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, &WITH_KEY, &text, &err),
                 SKS_ERROR_NOT_ALLOWED);
    cr_assert_eq(text.len, 0);
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, &REVEALED, &text, &err), SKS_OK);
}

Test(evidence, unknown_sessions)
{
    cr_assert_eq(evidence_of(&fixture.issuer, "nobody", &PLAIN, &text, &err), SKS_ERROR_NO_SESSION);
}

Test(evidence, for_a_person)
{
    run("plain");
    cr_assert_eq(evidence_summary(&fixture.issuer, client.id, &text, &err), SKS_OK);
    put_byte(&text, 0);
    cr_assert(strstr((const char *)text.ptr, "verdict  succeeded") != NULL);
    cr_assert(strstr((const char *)text.ptr, "key      sealed") != NULL);
    cr_assert(strstr((const char *)text.ptr, "pass  closing proof") != NULL);
}
