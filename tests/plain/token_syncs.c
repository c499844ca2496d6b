/*
 * Clients whose commits share syncs, on a disk that knows what was synced.
 *
 *   - While a sync is held up nothing is answered that rests on it: neither the call whose commit
 * it is for, nor the commit behind it, nor who has read what these wrote. Who has not goes on.
 *   - If it fails they all fail, as does what comes later, and a power cut leaves what was before.
 *   - Nor does that give anybody a guess at a PIN for nothing.
 *   - A token that is started again then, on the same machine, loses nothing that it shows.
 *   - Whatever a crowd of clients was answered is on the disk that a power cut leaves just then.
 *
 * Controls that must be found: syncs that are answered and not done, reads that do not wait.
 */
#include "keygen2/base/log.h"
#include "tests/plain/parts/sync_crowd.h"
#include "tests/plain/support/issuing.h"
#include "token/call.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

enum { CHECKPOINT_PAGES = 100, MOMENT_US = 50000, PATIENCE = 200 /* moments */ };

static const char PUK[] = "0123456789";

/* ---- a sync that is held up ---- */

struct client {
    enum sks_status (*call)(struct client *c);
    uint32_t key;                /* in */
    struct enrolment *enrolment; /* in: to be closed */
    uint32_t seen;               /* out: by a read */
    enum sks_status rc;
    atomic_bool done;
    pthread_t thread;
};

static enum sks_status create_session(struct client *c)
{
    struct issuing s = { 0 };
    enum sks_status rc = issuing_begin(&s, world.token, NULL);

    (void)c;
    issuing_free(&s);
    return rc;
}

static enum sks_status close_session(struct client *c)
{
    enrolment_close(c->enrolment);
    return SKS_OK;
}

static enum sks_status list_sessions(struct client *c)
{
    const union sks_in in = { .enumerate_sessions.provisioning_state = true };
    struct arena arena = { 0 };
    union sks_out out = { 0 };
    enum sks_status rc =
        user_call(world.token, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, &arena, NULL);

    c->seen = out.enumerate_sessions.provisioning_handle;
    arena_free(&arena);
    return rc;
}

static enum sks_status sign(struct client *c)
{
    return try_sign(world.token, c->key, WORLD_PIN);
}

static enum sks_status ask_attributes(struct client *c)
{
    const union sks_in in = { .key_handle = { c->key } };
    struct arena arena = { 0 };
    union sks_out out = { 0 };
    enum sks_status rc = user_call(world.token, GET_KEY_ATTRIBUTES, &in, &out, &arena, NULL);

    arena_free(&arena);
    return rc;
}

/* Of a session that is not there: a failure rests on what was read, too. */
static enum sks_status ask_no_session(struct client *c)
{
    const union sks_in in = { .get_key_handle = { 1000000, bytes_of("Key") } };
    struct arena arena = { 0 };
    union sks_out out = { 0 };
    enum sks_status rc = user_call(world.token, GET_KEY_HANDLE, &in, &out, &arena, NULL);

    (void)c;
    arena_free(&arena);
    return rc;
}

static void *run_client(void *arg)
{
    struct client *c = arg;

    c->rc = c->call(c);
    atomic_store(&c->done, true);
    return NULL;
}

static void start(struct client *c)
{
    must(pthread_create(&c->thread, NULL, run_client, c) == 0, "thread");
}

static void join(struct client *c, enum sks_status wanted, const char *what)
{
    (void)pthread_join(c->thread, NULL);
    must(c->rc == wanted, what);
}

static void wait_until(bool (*is)(const struct client *c), const struct client *c, const char *what)
{
    for (unsigned i = 0; !is(c); i++) {
        must(i < PATIENCE, what);
        (void)usleep(MOMENT_US);
    }
}

static bool is_done(const struct client *c)
{
    return atomic_load(&c->done);
}

static bool is_waiting(const struct client *c)
{
    (void)c;
    return atomic_load(&syncs.waiting) > 0;
}

/* The first commits, the others come while its sync is held up. */
static void hold_up(struct client *client, size_t count)
{
    atomic_store(&syncs.held, true);
    start(&client[0]);
    wait_until(is_waiting, NULL, "a commit is synced");
    for (size_t i = 1; i < count; i++)
        start(&client[i]);
    (void)usleep(MOMENT_US);
    for (size_t i = 0; i < count; i++)
        must(!is_done(&client[i]), "an answer left before what it rests on was synced");
}

static void a_sync_is_held_up(void)
{
    struct client old = { .call = sign, .key = world_begin() };
    struct client client[] = { { .call = create_session },
                               { .call = create_session },
                               { .call = list_sessions },
                               { .call = ask_no_session } };

    hold_up(client, NITEMS(client));
    start(&old);
    wait_until(is_done, &old, "a key of before signs on");
    atomic_store(&syncs.held, false);
    join(&old, SKS_OK, "sign");
    join(&client[0], SKS_OK, "createProvisioningSession");
    join(&client[1], SKS_OK, "a second one");
    join(&client[2], SKS_OK, "enumerateProvisioningSessions");
    must(client[2].seen != 0, "it sees the session");
    join(&client[3], SKS_ERROR_NO_SESSION, "getKeyHandle");
    world_end();
}

/* A key that is read is kept in memory: who finds it there needs what the first one needed. */
static void a_close_is_held_up(void)
{
    struct enrolment *e;
    struct client client[] = { { .call = close_session },
                               { .call = ask_attributes },
                               { .call = ask_attributes },
                               { .call = sign } };

    (void)world_begin();
    client[0].enrolment = e = enrolment_begin(world.token, world_plan());
    for (size_t i = 1; i < NITEMS(client); i++)
        client[i].key = enrolment_key(e, 0);
    hold_up(client, NITEMS(client));
    atomic_store(&syncs.held, false);
    for (size_t i = 0; i < NITEMS(client); i++)
        join(&client[i], SKS_OK, "a call around a close");
    enrolment_free(e);
    world_end();
}

/* ---- a sync that fails ---- */

static void cut_the_power(void)
{
    struct disk_image *cut = disk_take(DISK_POWER_CUT, 0);

    token_close(world.token);
    disk_put(cut);
    disk_image_free(cut);
    world.token = open_store(world.folder);
}

static void a_sync_fails(void)
{
    struct client old = { .call = sign, .key = world_begin() };
    struct client client[] = { { .call = create_session },
                               { .call = create_session },
                               { .call = list_sessions } };
    struct client later = { .call = list_sessions };

    atomic_store(&syncs.refused, true);
    hold_up(client, NITEMS(client));
    atomic_store(&syncs.held, false);
    for (size_t i = 0; i < NITEMS(client); i++)
        join(&client[i], SKS_ERROR_STORAGE, "all fail whose sync has failed");
    atomic_store(&syncs.refused, false);
    for (size_t i = 0; i < NITEMS(client); i++)
        must(client[i].call(&client[i]) == SKS_ERROR_STORAGE, "and all that come later");
    must(sign(&old) == SKS_OK, "a key of before signs on");
    cut_the_power();
    must(list_sessions(&later) == SKS_OK && later.seen == 0, "it is as it was before");
    must(sign(&old) == SKS_OK, "sign");
    world_end();
}

/* The system goes on to show what it could not sync: so who reads it then is answered for it, and
 * later commits lie behind it in the log. */
static void it_is_started_again_after_a_sync_that_failed(void)
{
    struct client client = { .call = create_session }, reader = { .call = list_sessions };
    uint32_t key, seen;

    (void)world_begin();
    atomic_store(&syncs.refused, true);
    must(create_session(&client) == SKS_ERROR_STORAGE, "the sync fails");
    disk_give_up();
    atomic_store(&syncs.refused, false);
    token_close(world.token);
    world.token = open_store(world.folder);
    must(list_sessions(&reader) == SKS_OK && reader.seen != 0, "what was not answered is there");
    seen = reader.seen;
    enrol(world.token, WORLD_PIN, &key);
    cut_the_power();
    must(try_sign(world.token, key, WORLD_PIN) == SKS_OK, "a key that was enrolled after it stays");
    must(list_sessions(&reader) == SKS_OK && reader.seen == seen, "and what was seen, too");
    world_end();
}

static enum sks_status unlock(struct client *c)
{
    return try_manage(world.token, UNLOCK_KEY, c->key, PUK);
}

/* A PIN's counter is written back, and the sync fails: the charge that lay ahead of need may be on
 * the disk no more. Who guesses then must not get it for nothing by a kill. */
static void a_counter_is_written_in_vain(struct client *client, uint32_t guessed, size_t room)
{
    const struct token_options options = { .counters = room };
    struct key_protection_out protection;
    struct disk_image *left;
    bool compares;

    token_close(world.token);
    world.token = open_store_with(NULL, world.folder, &options);
    must(try_sign(world.token, guessed, WORLD_PIN) == SKS_OK, "sign");
    atomic_store(&syncs.refuse_at, 3); /* behind a charge, and that of the next try ahead of need */
    (void)!client->call(client);
    must(atomic_load(&syncs.refused), "the third sync fails");
    compares = try_sign(world.token, guessed, WORLD_PIN) == SKS_OK;
    must(try_sign(world.token, guessed, "0000") != SKS_OK, "a wrong PIN is refused");
    left = disk_take(DISK_KILL, 0);
    token_close(world.token);
    disk_put(left);
    disk_image_free(left);
    atomic_store(&syncs.refused, false);
    world.token = open_store(world.folder);
    must(try_protection(world.token, guessed, &protection) == SKS_OK, "getKeyProtectionInfo");
    must(!compares || protection.pin_error_count > 0, "a guess for nothing");
}

static void nobody_guesses_for_nothing(void)
{
    const struct enrolment_plan guarded = {
        .algorithm = world_plan()->algorithm, .keys = 1, .pin = WORLD_PIN, .puk = PUK
    };
    struct client next = { .call = sign, .key = world_begin() }, unlocker = { .call = unlock };
    struct enrolment *e = enrolment_begin(world.token, &guarded);
    uint32_t key = enrolment_key(e, 0);

    enrolment_close(e);
    enrolment_free(e);
    a_counter_is_written_in_vain(&next, key, 1); /* to make room in memory */
    must(try_sign(world.token, key, WORLD_PIN) == SKS_OK, "the right PIN is taken");
    unlocker.key = key;
    a_counter_is_written_in_vain(&unlocker, key, 2); /* by a change */
    must(try_sign(world.token, key, WORLD_PIN) == SKS_OK, "the right PIN is taken");
    world_end();
}

/* So that checkpoints come in between. */
static int checkpoint_often(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    (void)error, (void)api;
    return sqlite3_wal_autocheckpoint(db, CHECKPOINT_PAGES);
}

int main(void)
{
    unsigned unsynced, unread;

    log_set_level(LOG_LEVEL_NONE);
    (void)sqlite3_auto_extension((void (*)(void))checkpoint_often);
    disk_install();
    a_sync_is_held_up();
    a_close_is_held_up();
    a_sync_fails();
    it_is_started_again_after_a_sync_that_failed();
    nobody_guesses_for_nothing();
    must(sync_crowd(NO_DEFECT) == 0, "a power cut took what was answered");
    unsynced = sync_crowd(SYNCS_NOT_DONE);
    unread = sync_crowd(READS_DO_NOT_WAIT);
    must(unsynced > 0, "the control is red: syncs that are not done");
    must(unread > 0, "the control is red: reads that do not wait");
    (void)printf("OK: %d sessions of %d clients, nothing lost; in the controls %u and %u times a "
                 "key\n",
                 CROWD_CLIENTS * CROWD_SESSIONS, CROWD_CLIENTS, unsynced, unread);
    return 0;
}
