#include "tests/unit/support/issuer/fake_client.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static struct issuer_fixture fixture;
static struct device device;
static struct fake_client client;
static struct sks_error err;

static void set_up(void)
{
    issuer_fixture_open(&fixture);
    device_make(&device, &fixture, P256_URI);
}

static void tear_down(void)
{
    client_free(&client);
    device_free(&device);
    issuer_fixture_close(&fixture);
}

TestSuite(phase, .init = set_up, .fini = tear_down);

static struct session stored(const struct fake_client *c)
{
    static struct arena arena; /* of the last one looked at */
    struct session session;
    bool found;

    arena_free(&arena);
    cr_assert_eq(
        session_store_find_by_id(&fixture.issuer.store, c->id, &arena, &session, &found, &err),
        SKS_OK, "%s", err.text);
    cr_assert(found);
    return session;
}

static void assert_verdict(const struct fake_client *c, enum verdict verdict, const char *cause)
{
    struct session session = stored(c);

    cr_assert_eq(session.verdict, verdict, "%s", session.cause);
    cr_assert(strstr(session.cause, cause) != NULL, "%s", session.cause);
    cr_assert_eq(session.cause[0] == '\0', verdict <= VERDICT_SUCCEEDED);
    cr_assert_eq(session.ended == 0, verdict == VERDICT_OPEN);
}

/* As if the life time of all sessions were over. */
static void let_time_pass(void)
{
    database_lock(fixture.issuer.store.db);
    atomic_store(&fixture.issuer.store.expired_at, 0);
    cr_assert_eq(database_run(fixture.issuer.store.db, &err,
                              "UPDATE session SET expires = 1, version = version + 1", ""),
                 SKS_OK);
    database_unlock(fixture.issuer.store.db);
}

static void begin(const char *profile)
{
    client_begin(&client, &fixture.issuer, profile, &device);
}

static void respond_until(const char *request)
{
    cr_assert_eq(client_run(&client, request), OUTCOME_ANSWER);
    client_respond(&client);
}

/* ---- good sessions ---- */

Test(phase, whole_sessions)
{
    static const char *const PROFILES[] = { "plain", "private", "puk" };

    for (size_t i = 0; i < NITEMS(PROFILES); i++) {
        begin(PROFILES[i]);
        cr_assert_eq(client_run(&client, NULL), OUTCOME_DONE, "%s", PROFILES[i]);
        assert_verdict(&client, VERDICT_SUCCEEDED, "");
        client_free(&client);
    }
    client = (struct fake_client){ 0 };
}

Test(phase, the_puk_of_the_profile)
{
    begin("puk");
    cr_assert_eq(client_run(&client, "ProvisioningFinalizationRequest"), OUTCOME_ANSWER);
    cr_assert(bytes_equal(client.puk, bytes_of("12345678")));
    cr_assert(stored(&client).state.carries_secrets);
}

Test(phase, rsa_device)
{
    struct device rsa;

    device_make(&rsa, &fixture, RSA2048_URI);
    client_begin(&client, &fixture.issuer, "plain", &rsa);
    cr_assert_eq(client_run(&client, NULL), OUTCOME_DONE);
    device_free(&rsa);
}

Test(phase, a_restart_between_any_two_messages)
{
    begin("puk");
    while (client.outcome.kind == OUTCOME_ANSWER) {
        client_respond(&client);
        issuer_fixture_reopen(&fixture);
        (void)client_send(&client);
    }
    cr_assert_eq(client.outcome.kind, OUTCOME_DONE);
}

Test(phase, the_ephemeral_key_goes_when_the_session_key_is_there)
{
    begin("plain");
    cr_assert_eq(client_run(&client, "ProvisioningInitializationRequest"), OUTCOME_ANSWER);
    cr_assert_gt(stored(&client).state.ephemeral_key.len, 0);
    cr_assert_eq(client_run(&client, "KeyCreationRequest"), OUTCOME_ANSWER);
    cr_assert_eq(stored(&client).state.ephemeral_key.len, 0);
    cr_assert_eq(stored(&client).state.session_key.len, 32);
}

/* ---- replay and order ---- */

Test(phase, the_last_message_again)
{
    struct bytes first;

    begin("plain");
    while (client.outcome.kind == OUTCOME_ANSWER) {
        client_respond(&client);
        (void)client_send(&client);
        first = client.outcome.answer;
        cr_assert_eq(client_send(&client),
                     stored(&client).verdict == VERDICT_SUCCEEDED ? OUTCOME_DONE : OUTCOME_ANSWER);
        cr_assert(bytes_equal(client.outcome.answer, first));
    }
    assert_verdict(&client, VERDICT_SUCCEEDED, "");
}

Test(phase, another_message_after_the_end)
{
    begin("plain");
    cr_assert_eq(client_run(&client, NULL), OUTCOME_DONE);
    put_text(&client.response, " ");
    cr_assert_eq(client_send(&client), OUTCOME_OVER);
    assert_verdict(&client, VERDICT_SUCCEEDED, "");
}

Test(phase, a_failed_session_stays_failed)
{
    begin("plain");
    respond_until("KeyCreationRequest");
    put_text(&client.response, "{}");
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "KeyCreationResponse: line");
    client.response.len -= 2;
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    cr_assert_eq(stored(&client).phase, PHASE_KEY_CREATION);
}

Test(phase, an_older_message)
{
    struct buf older = { 0 };

    begin("plain");
    client_respond(&client);
    put_raw(&older, buf_bytes(&client.response));
    respond_until("KeyCreationRequest");
    buf_free(&client.response);
    client.response = older;
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "@qualifier");
}

Test(phase, unknown_cookies_touch_nothing)
{
    char right[COOKIE_LENGTH + 1];
    const struct arrival nothing = { .issuer_uri = "x" };
    struct outcome outcome;

    begin("plain");
    (void)strcpy(right, client.cookie);
    client_respond(&client);
    client.cookie[0] = client.cookie[0] == 'x' ? 'y' : 'x';
    cr_assert_eq(client_send(&client), OUTCOME_NO_SESSION);
    phase_message(&fixture.issuer, &nothing, &client.arena, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_NO_SESSION);
    phase_abort(&fixture.issuer, NULL, &client.arena, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_NO_SESSION);
    assert_verdict(&client, VERDICT_OPEN, "");
    (void)strcpy(client.cookie, right);
    cr_assert_eq(client_send(&client), OUTCOME_ANSWER);
}

Test(phase, a_message_of_another_session)
{
    struct fake_client other;

    begin("plain");
    client_begin(&other, &fixture.issuer, "plain", &device);
    client_respond(&other);
    put_raw(&client.response, buf_bytes(&other.response));
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "another session");
    assert_verdict(&other, VERDICT_OPEN, "");
    cr_assert_eq(client_run(&other, NULL), OUTCOME_DONE);
    client_free(&other);
}

Test(phase, another_address)
{
    begin("plain");
    client_respond(&client);
    client.issuer_uri = "http://issuer.test/kg2/private";
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "address");
}

Test(phase, another_listener)
{
    begin("plain");
    client_respond(&client);
    client.tls = true;
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "address");
}

/* ---- wrong proofs ---- */

/* Turns the last character but one of a property's value in the response. */
static void spoil(const char *property)
{
    char *text = (char *)client.response.ptr, *at;

    put_byte(&client.response, 0);
    text = (char *)client.response.ptr;
    at = strstr(text, property);
    cr_assert(at != NULL);
    at = strchr(at + strlen(property) + 3, '"') - 2;
    *at = *at == 'A' ? 'B' : 'A';
    client.response.len--;
}

Test(phase, wrong_values)
{
    static const struct {
        const char *request, *property, *cause;
    } WRONG[] = {
        { "ProvisioningInitializationRequest", "attestation", "session attestation" },
        { "ProvisioningInitializationRequest", "clientSessionId", "session attestation" },
        { "KeyCreationRequest", "attestation", "key attestation" },
        { "KeyCreationRequest", "clientSessionId", "session ids" },
        { "KeyCreationRequest", "\"id", "generated keys" },
        { "ProvisioningFinalizationRequest", "attestation", "closing proof" },
    };

    for (size_t i = 0; i < NITEMS(WRONG); i++) {
        begin("plain");
        respond_until(WRONG[i].request);
        spoil(WRONG[i].property);
        cr_assert_eq(client_send(&client), OUTCOME_FAILED, "%s", WRONG[i].property);
        assert_verdict(&client, VERDICT_FAILED, WRONG[i].cause);
        client_free(&client);
    }
    client = (struct fake_client){ 0 };
}

Test(phase, a_device_that_nobody_trusts)
{
    struct issuer_fixture foreign = { 0 };
    struct device unknown;

    issuer_fixture_open(&foreign);
    device_make(&unknown, &foreign, P256_URI);
    client_begin(&client, &fixture.issuer, "plain", &unknown);
    cr_assert_eq(client_run(&client, NULL), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "device path: not trusted");
    device_free(&unknown);
    issuer_fixture_close(&foreign);
}

Test(phase, the_mode_is_the_issuers)
{
    begin("plain");
    cr_assert_eq(client_run(&client, "ProvisioningInitializationRequest"), OUTCOME_ANSWER);
    client.terms.privacy_enabled = true; /* as if it had been asked for */
    cr_assert_eq(client_run(&client, NULL), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "deviceId is missing");
    client_free(&client);
    begin("private");
    cr_assert_eq(client_run(&client, "ProvisioningInitializationRequest"), OUTCOME_ANSWER);
    client.terms.privacy_enabled = false;
    cr_assert_eq(client_run(&client, NULL), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "deviceId is there");
}

/* ---- time ---- */

Test(phase, life_time_over)
{
    begin("plain");
    respond_until("KeyCreationRequest");
    let_time_pass();
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "life time over");
}

Test(phase, in_doubt_until_the_late_proof)
{
    begin("plain");
    respond_until("ProvisioningFinalizationRequest");
    let_time_pass();
    cr_assert_eq(session_store_expire(&fixture.issuer.store, 1000, &err), SKS_OK);
    assert_verdict(&client, VERDICT_IN_DOUBT, "before the closing proof came");
    cr_assert_eq(client_send(&client), OUTCOME_DONE);
    assert_verdict(&client, VERDICT_SUCCEEDED, "");
}

Test(phase, in_doubt_and_a_wrong_proof)
{
    begin("plain");
    respond_until("ProvisioningFinalizationRequest");
    let_time_pass();
    spoil("attestation");
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "closing proof");
}

/* ---- giving up ---- */

Test(phase, aborted)
{
    struct outcome outcome;

    begin("plain");
    respond_until("KeyCreationRequest");
    phase_abort(&fixture.issuer, client.cookie, &client.arena, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    assert_verdict(&client, VERDICT_FAILED, "aborted by the client");
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
}

Test(phase, too_late_to_abort)
{
    struct outcome outcome;

    begin("plain");
    cr_assert_eq(client_run(&client, NULL), OUTCOME_DONE);
    phase_abort(&fixture.issuer, client.cookie, &client.arena, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_DONE);
    assert_verdict(&client, VERDICT_SUCCEEDED, "");
}

/* ---- two requests at once ---- */

struct racer {
    struct arena arena;
    struct outcome outcome;
};

static void *send_in_thread(void *to)
{
    struct racer *racer = to;
    const struct arrival arrival = { .cookie = client.cookie,
                                     .issuer_uri = client.issuer_uri,
                                     .tls = client.tls,
                                     .body = buf_bytes(&client.response) };

    phase_message(client.issuer, &arrival, &racer->arena, &racer->outcome);
    return NULL;
}

Test(phase, the_same_message_at_once)
{
    enum { RACERS = 4 };
    struct racer racer[RACERS] = { 0 };
    pthread_t thread[RACERS];

    begin("plain");
    while (client.outcome.kind == OUTCOME_ANSWER) {
        client_respond(&client);
        for (int i = 0; i < RACERS; i++)
            cr_assert_eq(pthread_create(&thread[i], NULL, send_in_thread, &racer[i]), 0);
        for (int i = 0; i < RACERS; i++)
            cr_assert_eq(pthread_join(thread[i], NULL), 0);
        for (int i = 1; i < RACERS; i++) {
            cr_assert_eq(racer[i].outcome.kind, racer[0].outcome.kind);
            cr_assert(bytes_equal(racer[i].outcome.answer, racer[0].outcome.answer),
                      "one of them acted, the others saw what it did");
        }
        client.outcome.kind = racer[0].outcome.kind;
        client.outcome.answer = arena_copy(&client.arena, racer[0].outcome.answer);
        for (int i = 0; i < RACERS; i++)
            arena_free(&racer[i].arena);
    }
    cr_assert_eq(client.outcome.kind, OUTCOME_DONE);
}
