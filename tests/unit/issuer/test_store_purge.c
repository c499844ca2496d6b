/* What a purge takes and what it leaves, in a database that is filled by hand. */
#include "issuer/crl.h"
#include "issuer/store_purge.h"
#include "issuer/ticket.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { OLD = 100, EARLIER = 1000, NOW = 1000000, EXPIRY = 2000000 };
enum { SUCCEEDED = 1, FAILED = 2, IN_DOUBT = 3 };
enum { STATE_IN_DOUBT, STATE_LIVE, STATE_REPLACED, STATE_DELETED, STATE_VOID };

static struct session_store store;
static struct sks_error err;
static const int64_t now = NOW;
static int64_t later; /* no CRL needs the certificates any more */

static void run(const char *sql)
{
    database_lock(store.db);
    cr_assert_eq(database_run(store.db, &err, sql, ""), SKS_OK, "%s: %s", sql, err.text);
    database_unlock(store.db);
}

static int64_t count(const char *sql)
{
    sqlite3_stmt *row;
    int64_t value;

    database_lock(store.db);
    row = database_query(store.db, sql, "");
    cr_assert_eq(database_step(row, &err), 1, "%s", err.text);
    value = sqlite3_column_int64(row, 0);
    database_done(row);
    database_unlock(store.db);
    return value;
}

static void set_up(void)
{
    cr_assert_eq(session_store_open(&store, ":memory:", &err), SKS_OK, "%s", err.text);
    later = EXPIRY + CRL_LIFE_MAX + 1;
}

static void tear_down(void)
{
    session_store_close(&store);
}

TestSuite(purge, .init = set_up, .fini = tear_down);

/* A session with two exchanges. */
static void add_session(int64_t number, uint32_t verdict, int64_t ended)
{
    char id[16];

    (void)snprintf(id, sizeof id, "s%lld", (long long)number);
    database_lock(store.db);
    cr_assert_eq(database_run(store.db, &err,
                              "INSERT INTO session(number, id, cookie, version, profile,"
                              " issuer_uri, tls, started, expires, ended, phase, verdict, cause,"
                              " last_message, state)"
                              " VALUES(?1, ?2, ?2, 1, 'p', 'u', 0, 1, ?3, ?4, 4, ?5, '', x'', x'')",
                              "itiiu", number, id, INT64_MAX, ended, verdict),
                 SKS_OK, "%s", err.text);
    for (int64_t i = 0; i < 2; i++)
        cr_assert_eq(database_run(store.db, &err,
                                  "INSERT INTO exchange(place, at, checks) VALUES(?, 1, '[]')", "i",
                                  number * CHANGES_MAX + i * (CHANGES_MAX - 1)),
                     SKS_OK);
    database_unlock(store.db);
}

/* The certificate of a session; its fingerprint is the session's number in text. */
static void add_certificate(int64_t session, int64_t owner, uint32_t state)
{
    database_lock(store.db);
    cr_assert_eq(database_run(store.db, &err,
                              "INSERT INTO certificate(serial, session, key_id, der, fingerprint,"
                              " device, owner, kmk, state, expires)"
                              " VALUES(CAST(?1 AS TEXT), ?1, 'k', x'', CAST(?1 AS TEXT), x'', ?2,"
                              " 0, ?3, ?4)",
                              "iiui", session, owner, state, (int64_t)EXPIRY),
                 SKS_OK, "%s", err.text);
    database_unlock(store.db);
}

static void add_operation(int64_t session, int64_t target)
{
    database_lock(store.db);
    cr_assert_eq(
        database_run(store.db, &err,
                     "INSERT INTO post_operation(session, position, operation, target, kmk)"
                     " VALUES(?1, 0, 0, CAST(?2 AS TEXT), 1)",
                     "ii", session, target),
        SKS_OK, "%s", err.text);
    database_unlock(store.db);
}

static void purge(int64_t at, uint64_t evidence, uint64_t sessions)
{
    struct purged purged;

    cr_assert_eq(store_purge(&store, EARLIER, at, NULL, &purged, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(purged.evidence, evidence, "%llu", (unsigned long long)purged.evidence);
    cr_assert_eq(purged.sessions, sessions, "%llu", (unsigned long long)purged.sessions);
}

Test(purge, only_what_ended_before)
{
    add_session(1, FAILED, OLD);
    add_session(2, FAILED, EARLIER);
    add_session(3, SUCCEEDED, EARLIER + 1);
    add_session(4, IN_DOUBT, OLD);
    add_session(5, 0, 0);
    purge(now, 1, 1);
    cr_assert_eq(count("SELECT count(*) FROM session WHERE number > 1"), 4);
    cr_assert_eq(count("SELECT count(*) FROM exchange"), 8);
    purge(now, 0, 0);
}

Test(purge, many_in_small_transactions)
{
    for (int64_t i = 1; i <= 100; i++)
        add_session(i, i % 2 == 0 ? FAILED : IN_DOUBT, OLD);
    purge(now, 50, 50);
    cr_assert_eq(count("SELECT count(*) FROM exchange"), 100);
}

Test(purge, a_stop_is_heard)
{
    const atomic_bool stop = true;
    struct purged purged;

    add_session(1, FAILED, OLD);
    cr_assert_eq(store_purge(&store, EARLIER, now, &stop, &purged, &err), SKS_OK);
    cr_assert_eq(count("SELECT count(*) FROM session"), 1);
}

Test(purge, live_and_in_doubt_stay_for_ever)
{
    add_session(1, SUCCEEDED, OLD);
    add_certificate(1, 1, STATE_LIVE);
    add_session(2, FAILED, OLD);
    add_certificate(2, 2, STATE_IN_DOUBT);
    purge(now, 2, 0);
    cr_assert_eq(count("SELECT count(*) FROM exchange"), 0);
    purge(later, 0, 0);
    cr_assert_eq(count("SELECT count(*) FROM certificate"), 2);
    cr_assert_eq(count("SELECT count(*) FROM session WHERE rest = 0"), 2);
}

Test(purge, a_dead_certificate_stays_until_it_is_expired)
{
    add_session(1, SUCCEEDED, OLD);
    add_certificate(1, 1, STATE_LIVE);
    purge(now, 1, 0);
    run("UPDATE certificate SET state = 3");
    purge(now, 0, 0);
    cr_assert_gt(count("SELECT rest FROM session"), now);
    cr_assert_eq(count("SELECT rest FROM session"), later);
    purge(later, 0, 1);
    cr_assert_eq(count("SELECT count(*) FROM certificate"), 0);
}

/* 2 has updated the key of 1: 1 goes only with it or after it. */
Test(purge, what_a_later_session_rests_on)
{
    add_session(1, SUCCEEDED, OLD);
    add_session(2, SUCCEEDED, OLD);
    add_certificate(1, 2, STATE_REPLACED);
    add_certificate(2, 2, STATE_LIVE);
    add_operation(2, 1);
    purge(later, 2, 0);
    cr_assert_eq(count("SELECT count(*) FROM certificate"), 2);
    run("UPDATE certificate SET state = 3 WHERE session = 2");
    purge(later, 0, 2); /* 2, and with it what it rested on */
    cr_assert_eq(count("SELECT count(*) FROM session"), 0);
    cr_assert_eq(count("SELECT count(*) FROM post_operation"), 0);
}

Test(purge, one_that_owns_the_key_of_another)
{
    add_session(1, SUCCEEDED, OLD);
    add_session(2, SUCCEEDED, OLD); /* an unlock: no certificate of its own */
    add_certificate(1, 2, STATE_LIVE);
    add_operation(2, 1);
    purge(later, 2, 0);
    cr_assert_eq(count("SELECT count(*) FROM session"), 2);
    run("UPDATE certificate SET state = 3");
    purge(now, 0, 1); /* the unlock; the certificate is not expired */
    cr_assert_eq(count("SELECT owner FROM certificate"), 1);
    purge(later, 0, 1);
    cr_assert_eq(count("SELECT count(*) FROM session"), 0);
}

/* Revocation does not wake a session: it goes when its time has come, and its entry with it. */
Test(purge, a_revoked_certificate_stays_in_the_crl)
{
    add_session(1, FAILED, OLD);
    add_certificate(1, 1, STATE_IN_DOUBT);
    run("UPDATE certificate SET state = 4");
    cr_assert_eq(count("SELECT count(*) FROM revocation"), 1);
    purge(now, 1, 0);
    purge(EXPIRY + 1, 0, 0);
    purge(EXPIRY + CRL_LIFE_MAX, 0, 0);
    cr_assert_eq(count("SELECT count(*) FROM revocation WHERE expires > 0"), 1);
    purge(EXPIRY + CRL_LIFE_MAX + 1, 0, 1);
    cr_assert_eq(count("SELECT count(*) FROM revocation"), 0);
}

Test(purge, the_tally_and_the_enrolment_go_along)
{
    add_session(1, FAILED, OLD);
    add_session(2, FAILED, OLD);
    add_certificate(2, 2, STATE_LIVE);
    run("INSERT INTO enrolment VALUES(1, 'subject', 'A'), (2, 'subject', 'B')");
    cr_assert_eq(count("SELECT sessions FROM tally WHERE verdict = 2"), 2);
    purge(now, 2, 1);
    cr_assert_eq(count("SELECT sessions FROM tally WHERE verdict = 2"), 1);
    cr_assert_eq(count("SELECT count(*) FROM enrolment WHERE session = 2"), 1);
    cr_assert_eq(count("SELECT count(*) FROM enrolment"), 1);
}

/* The newest session's number is given again: what is left of its exchanges would be in the way. */
Test(purge, exchanges_behind_the_evidence_go_with_the_session)
{
    add_session(1, SUCCEEDED, OLD);
    add_certificate(1, 1, STATE_LIVE);
    purge(now, 1, 0);
    run("INSERT INTO exchange(place, at, checks) VALUES(65536 + 2, 1, '[]')"); /* a forget */
    run("UPDATE certificate SET state = 3");
    purge(later, 0, 1);
    cr_assert_eq(count("SELECT count(*) FROM exchange"), 0);
    add_session(1, 0, 0);
}

/* Whoever has worked on a session since before it was purged writes into no other. */
Test(purge, a_number_that_is_given_again)
{
    const struct change change = { 0 };
    struct session late = {
        .number = 1,
        .version = 1,
        .id = "s1",
        .cookie_hash = bytes_of("hash"),
        .verdict = VERDICT_FAILED,
        .ended = NOW,
        .cause = "late",
        .last_message = bytes_of(""),
    };
    bool won = true;

    add_session(1, FAILED, OLD);
    purge(now, 1, 1);
    add_session(1, 0, 0);
    run("UPDATE session SET id = 'other'");
    cr_assert_eq(session_store_save(&store, &late, &change, &won, &err), SKS_OK, "%s", err.text);
    cr_assert_not(won);
    cr_assert_eq(count("SELECT count(*) FROM session WHERE verdict = 0 AND version = 1"), 1);
}

static void add_invitation(int64_t number, int64_t ended)
{
    database_lock(store.db);
    cr_assert_eq(database_run(store.db, &err,
                              "INSERT INTO invitation(number, hash, profile, created, expires,"
                              " ended, uses, used, withdrawn, settings)"
                              " VALUES(?1, CAST(?1 AS TEXT), 'p', 1, 9999999, ?2, 1, 0, 0, '{}')",
                              "ii", number, ended),
                 SKS_OK, "%s", err.text);
    database_unlock(store.db);
}

Test(purge, old_invitations)
{
    struct purged purged;

    for (int64_t i = 1; i <= 40; i++)
        add_invitation(i, i % 2 == 0 ? EARLIER - 1 : EARLIER);
    cr_assert_eq(store_purge(&store, EARLIER, now, NULL, &purged, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(purged.invitations, 20);
    cr_assert_eq(count("SELECT count(*) FROM invitation WHERE number % 2 = 1"), 20);
    /* whoever has just come in by one still wants it, however soon it is to go */
    add_invitation(50, now - TICKET_SECONDS);
    add_invitation(51, now - TICKET_SECONDS - 1);
    cr_assert_eq(store_purge(&store, now, now, NULL, &purged, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(purged.invitations, 21);
    cr_assert_eq(count("SELECT number FROM invitation"), 50);
}
