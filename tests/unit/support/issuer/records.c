#include "tests/unit/support/issuer/records.h"
#include "issuer/evidence.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/jcs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct issuer_fixture fixture;
struct device device;
struct fake_client client;
struct buf text;
struct arena arena;
struct evidence_report report;
struct sks_error err;

const struct evidence_options PLAIN = { 0 };
const struct evidence_options WITH_KEY = { .session_key = true, .reveal_secrets = true };

void records_set_up(void)
{
    issuer_fixture_open(&fixture);
    device_make(&device, &fixture, P256_URI);
}

void records_tear_down(void)
{
    client_free(&client);
    buf_free(&text);
    arena_free(&arena);
    device_free(&device);
    issuer_fixture_close(&fixture);
}

/* ---- running and checking ---- */

void begin(const char *profile)
{
    client_free(&client);
    client_begin(&client, &fixture.issuer, profile, &device);
}

void run(const char *profile)
{
    begin(profile);
    cr_assert_eq(client_run(&client, NULL), OUTCOME_DONE);
}

void respond_until(const char *request)
{
    cr_assert_eq(client_run(&client, request), OUTCOME_ANSWER);
    client_respond(&client);
}

void record(const struct evidence_options *options)
{
    buf_reset(&text);
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, options, &text, &err), SKS_OK, "%s",
                 err.text);
}

enum sks_status check_with(struct bytes issuer)
{
    const struct bytes_list issuers = { &issuer, 1 };

    arena_free(&arena);
    return evidence_check(buf_bytes(&text), &issuers, &arena, &report, &err);
}

enum sks_status check(void)
{
    return check_with(fixture.issuer.evidence_certificate);
}

/* The finding of that name and result, the first; NULL: none. */
const char *found(const char *name, enum evidence_result result)
{
    for (size_t i = 0; i < report.findings; i++)
        if (report.finding[i].result == result && strcmp(report.finding[i].name, name) == 0)
            return report.finding[i].detail;
    return NULL;
}

const char *first_bad(void)
{
    for (size_t i = 0; i < report.findings; i++)
        if (report.finding[i].result == EVIDENCE_BAD)
            return arena_printf(&arena, "%s: %s", report.finding[i].name, report.finding[i].detail);
    return "";
}

void assert_valid(const struct evidence_options *options)
{
    record(options);
    cr_assert_eq(check(), SKS_OK, "%s", err.text);
    cr_assert_eq(report.count[EVIDENCE_BAD], 0, "%s", first_bad());
}

void assert_bad(const char *name)
{
    cr_assert_eq(check(), SKS_OK, "%s", err.text);
    cr_assert(found(name, EVIDENCE_BAD) != NULL, "%s, not %s", name, first_bad());
}

/* ---- other sessions ---- */

/* A byte of the response that a value begins with, behind the opening quote. */
void spoil(const char *property)
{
    char name[64];
    size_t len = (size_t)snprintf(name, sizeof name, "\"%s\":\"", property);
    uint8_t *at = memmem(client.response.ptr, client.response.len, name, len);

    cr_assert(at != NULL, "%s", property);
    at[len] = at[len] == 'A' ? 'B' : 'A';
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
}

void let_time_pass(void)
{
    database_lock(fixture.issuer.store.db);
    cr_assert_eq(database_run(fixture.issuer.store.db, &err,
                              "UPDATE session SET expires = 1, version = version + 1", ""),
                 SKS_OK);
    database_unlock(fixture.issuer.store.db);
    atomic_store(&fixture.issuer.store.expired_at, 0);
    cr_assert_eq(session_store_expire(&fixture.issuer.store, 2, &err), SKS_OK);
}

/* ---- other records ---- */

static json_t *step_to(json_t *at, const char *name)
{
    return json_is_array(at) ? json_array_get(at, (size_t)strtoul(name, NULL, 10))
                             : json_object_get(at, name);
}

/* Sets what a JSON pointer names; NULL removes it. */
void set_at(json_t *root, const char *pointer, const char *value)
{
    char copy[200], *name, *next;
    json_t *new = value == NULL ? NULL : json_loads(value, JSON_DECODE_ANY, NULL);

    (void)snprintf(copy, sizeof copy, "%s", pointer + 1);
    for (name = copy; (next = strchr(name, '/')) != NULL; name = next + 1) {
        *next = '\0';
        root = step_to(root, name);
    }
    cr_assert(new != NULL || step_to(root, name) != NULL, "%s", pointer);
    if (json_is_array(root) && new == NULL)
        cr_assert_eq(json_array_remove(root, (size_t)strtoul(name, NULL, 10)), 0);
    else if (json_is_array(root))
        cr_assert_eq(json_array_set_new(root, (size_t)strtoul(name, NULL, 10), new), 0);
    else if (new == NULL)
        cr_assert_eq(json_object_del(root, name), 0);
    else
        cr_assert_eq(json_object_set_new(root, name, new), 0);
}

void set_in_body(json_t *root, size_t message, const char *pointer, const char *value)
{
    json_t *object = json_array_get(json_object_get(root, "messages"), message), *body;
    struct buf raw = { 0 };

    cr_assert_eq(
        base64url_decode(bytes_of(json_string_value(json_object_get(object, "body"))), &raw),
        SKS_OK);
    cr_assert_eq(json_parse(buf_bytes(&raw), &body, &err), SKS_OK, "%s", err.text);
    set_at(body, pointer, value);
    buf_reset(&raw);
    cr_assert_eq(json_write(body, &raw), SKS_OK);
    cr_assert_eq(json_object_set_new(object, "body", json_binary(buf_bytes(&raw))), 0);
    json_decref(body);
    buf_free(&raw);
}

void sign_again(json_t *root)
{
    struct bytes certificate = fixture.issuer.evidence_certificate;
    struct jsf_signature signature = { .certificate_path = { &certificate, 1 } };
    struct buf value = { 0 };

    cr_assert_eq(json_object_del(root, "signature"), 0);
    cr_assert_eq(jsf_sign(root, &signature, fixture.issuer.evidence_key, &value), SKS_OK);
    buf_reset(&text);
    cr_assert_eq(jcs_write(root, &text), SKS_OK);
    buf_free(&value);
}
