/* Session keys: told, forgotten, and without a trace. */
#include "issuer/forget.h"
#include "keygen2/base/files.h"
#include "tests/unit/support/issuer/records.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(forget, .init = records_set_up, .fini = records_tear_down, .timeout = 300);

/* Sealed states as they were stored, of which nothing may be left. */
static struct bytes sealed[64];
static size_t sealed_count;

static void remember_sealed(const char *id)
{
    sqlite3_stmt *row;

    cr_assert_lt(sealed_count, NITEMS(sealed));
    database_lock(fixture.issuer.store.db);
    row =
        database_query(fixture.issuer.store.db, "SELECT state FROM session WHERE id = ?", "t", id);
    cr_assert_eq(database_step(row, &err), 1);
    sealed[sealed_count++] = arena_copy(&fixture.issuer.arena, database_bytes(row, 0));
    database_done(row);
    database_unlock(fixture.issuer.store.db);
}

/* How many of the sealed states leave a trace in the files of the database. */
static size_t count_traces(void)
{
    static const char *const FILES[] = { "issuer.db", "issuer.db-wal" };
    enum { PIECE = 48 };
    size_t count = 0;

    for (size_t i = 0; i < NITEMS(FILES); i++) {
        struct buf file = { 0 };
        char path[96];

        (void)snprintf(path, sizeof path, "%s/%s", fixture.folder, FILES[i]);
        cr_assert_eq(file_read(path, 64 * 1024 * 1024, &file, &err), SKS_OK, "%s", err.text);
        for (size_t j = 0; j < sealed_count; j++)
            for (size_t at = 0; at + PIECE <= sealed[j].len; at += PIECE)
                if (file.len > 0 && memmem(file.ptr, file.len, sealed[j].ptr + at, PIECE) != NULL) {
                    count++;
                    break;
                }
        buf_free(&file);
    }
    return count;
}

Test(forget, a_forgotten_session_key)
{
    enum session_key_status status;

    begin("puk");
    for (; client.outcome.kind == OUTCOME_ANSWER; (void)client_send(&client)) {
        remember_sealed(client.id);
        client_respond(&client);
    }
    cr_assert_gt(count_traces(), 0);
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK, "%s",
                 err.text);
    cr_assert_eq(status, SESSION_KEY_SEALED);
    cr_assert_eq(count_traces(), 0);
    assert_valid(&PLAIN);
    cr_assert_eq(report.record.session_key_status, SESSION_KEY_FORGOTTEN);
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK);
    cr_assert_eq(status, SESSION_KEY_FORGOTTEN);
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, &WITH_KEY, &text, &err),
                 SKS_ERROR_NOT_ALLOWED);
    cr_assert(strstr(err.text, "forgotten") != NULL, "%s", err.text);
    issuer_fixture_reopen(&fixture);
    assert_valid(&PLAIN);
    cr_assert_eq(report.record.session_key_status, SESSION_KEY_FORGOTTEN);
}

/* Their states grow by turns, so that they move about in the file. */
Test(forget, no_trace_among_other_sessions)
{
    static struct fake_client other[6];
    enum session_key_status status;
    size_t done = 0;

    for (size_t i = 0; i < NITEMS(other); i++)
        client_begin(&other[i], &fixture.issuer, i % 2 == 0 ? "puk" : "plain", &device);
    while (done < NITEMS(other))
        for (size_t i = done = 0; i < NITEMS(other); i++) {
            if (other[i].outcome.kind != OUTCOME_ANSWER) {
                done++;
                continue;
            }
            remember_sealed(other[i].id);
            client_respond(&other[i]);
            (void)client_send(&other[i]);
        }
    for (size_t i = 0; i < NITEMS(other); i++) {
        remember_sealed(other[i].id);
        cr_assert_eq(session_forget(&fixture.issuer.store, other[i].id, &status, &err), SKS_OK);
        client_free(&other[i]);
    }
    cr_assert_eq(count_traces(), 0);
}

Test(forget, the_key_that_the_session_key_would_come_of_is_forgotten_too)
{
    enum session_key_status status;

    begin("plain");
    respond_until("ProvisioningInitializationRequest");
    spoil("attestation");
    remember_sealed(client.id);
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK, "%s",
                 err.text);
    cr_assert_eq(status, SESSION_KEY_SEALED);
    cr_assert_eq(count_traces(), 0);
    assert_valid(&PLAIN);
    cr_assert_eq(report.record.session_key_status, SESSION_KEY_FORGOTTEN);
}

Test(forget, only_what_is_over_is_forgotten)
{
    enum session_key_status status;

    begin("plain");
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err),
                 SKS_ERROR_NOT_ALLOWED);
    respond_until("ProvisioningFinalizationRequest");
    let_time_pass();
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err),
                 SKS_ERROR_NOT_ALLOWED);
    cr_assert_eq(client_send(&client), OUTCOME_DONE, "its late proof still counts");
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK);
    cr_assert_eq(session_forget(&fixture.issuer.store, "nobody", &status, &err),
                 SKS_ERROR_NO_SESSION);
    begin("plain");
    phase_abort(&fixture.issuer, client.cookie, &client.arena, &client.outcome);
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK);
    cr_assert_eq(status, SESSION_KEY_NONE);
    assert_valid(&PLAIN);
}

Test(forget, a_key_that_is_not_spent)
{
    static const struct evidence_options KEY_ONLY = { .session_key = true };

    begin("plain");
    cr_assert_eq(client_run(&client, "ProvisioningFinalizationRequest"), OUTCOME_ANSWER);
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, &KEY_ONLY, &text, &err),
                 SKS_ERROR_NOT_ALLOWED);
    assert_valid(&WITH_KEY);
    let_time_pass();
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, &KEY_ONLY, &text, &err),
                 SKS_ERROR_NOT_ALLOWED);
}
