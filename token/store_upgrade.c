/*
 * Stores of older forms, brought to the present one when they are opened; CONTRIBUTING.md says how
 * a step is added.
 *
 * The number 1 was given to stores with and without the column `refers`; one without is of version
 * 0 here. Its rows are sealed for their other columns only, and of their bodies there are two
 * forms: the later one has births. It knows no imports, extensions and post operations.
 */
#include "token/object.h"
#include "token/store_sqlite.h"

enum { OLD_LAYOUT = 1 };

struct upgrade {
    struct database *db;
    const struct vault *vault;
    struct arena arena; /* of one row and what it refers to */
    struct sks_error *err;
};

/* ---- rows ---- */

static void put_old_identity(struct buf *out, const struct store_row *row)
{
    put_byte(out, (uint8_t)row->kind);
    put_uint(out, row->handle);
    put_uint(out, row->owner);
    put_bool(out, row->closed);
    put_array(out, row->name);
    put_array(out, row->tag);
}

typedef void identity_writer(struct buf *out, const struct store_row *row);

/* Reads and unseals the row that a query finds; its handle is 0 if there is none. */
static enum sks_status fetch(struct upgrade *u, sqlite3_stmt *statement, identity_writer *put,
                             struct store_row *row)
{
    struct buf sealed = { 0 }, identity = { 0 }, clear = { 0 };
    int got = database_step(statement, u->err);
    enum sks_status rc = got < 0 ? SKS_ERROR_STORAGE : SKS_OK;

    *row = (struct store_row){ 0 };
    if (got == 1)
        rc = store_read_row(statement, &u->arena, row, &sealed);
    database_done(statement);
    if (rc != SKS_OK || got != 1)
        goto out;
    put(&identity, row);
    TRY(identity.status);
    rc = vault_unseal(u->vault, buf_bytes(&identity), buf_bytes(&sealed), &clear);
    REQUIRE(rc == SKS_OK, u->err, SKS_ERROR_INTERNAL,
            "stored object %u of kind %u is damaged, or sealed under another master key",
            row->handle, (unsigned)row->kind);
    row->body = arena_copy(&u->arena, buf_bytes(&clear));
    rc = row->body.ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
out:
    buf_free(&sealed);
    buf_free(&identity);
    buf_free(&clear);
    return sks_explain(u->err, rc);
}

#define SELECT "SELECT " STORE_COLUMNS " FROM object WHERE "

static enum sks_status next_old(struct upgrade *u, enum store_kind kind, uint32_t after,
                                struct store_row *row)
{
    return fetch(u,
                 database_query(u->db, SELECT "kind = ? AND handle > ? ORDER BY handle LIMIT 1",
                                "uu", (uint32_t)kind, after),
                 put_old_identity, row);
}

static enum sks_status next_old_key_of(struct upgrade *u, uint32_t owner, uint32_t after,
                                       struct store_row *row)
{
    return fetch(u,
                 database_query(
                     u->db, SELECT "owner = ? AND kind = ? AND handle > ? ORDER BY handle LIMIT 1",
                     "uuu", owner, (uint32_t)STORE_KEY, after),
                 put_old_identity, row);
}

/* One that was converted before. */
static enum sks_status read_new(struct upgrade *u, enum store_kind kind, uint32_t handle,
                                struct store_row *row)
{
    enum sks_status rc;

    TRY(fetch(u,
              database_query(u->db, SELECT "kind = ? AND handle = ?", "uu", (uint32_t)kind, handle),
              put_row_identity, row));
    REQUIRE(row->handle != 0, u->err, SKS_ERROR_INTERNAL, "stored object %u of kind %u is missing",
            handle, (unsigned)kind);
out:
    return rc;
}

static enum sks_status write_new(struct upgrade *u, const struct store_row *row, struct buf *body)
{
    struct buf identity = { 0 }, sealed = { 0 };
    enum sks_status rc;

    TRY(body->status);
    put_row_identity(&identity, row);
    TRY(identity.status);
    TRY(vault_seal(u->vault, buf_bytes(&identity), buf_bytes(body), &sealed));
    TRY(database_run(u->db, u->err,
                     "UPDATE object SET owner = ?, refers = ?, body = ?"
                     " WHERE kind = ? AND handle = ?",
                     "uubuu", row->owner, row->refers, buf_bytes(&sealed), (uint32_t)row->kind,
                     row->handle));
out:
    buf_free(&identity);
    buf_free(&sealed);
    buf_free(body);
    return sks_explain(u->err, rc);
}

/* ---- bodies; `born` says that they have births ---- */

static enum sks_status get_birth(struct bytes *in, bool born, uint64_t *birth)
{
    return born ? get_ulong(in, birth) : draw_birth(birth);
}

static enum sks_status get_old_layout(struct bytes *in)
{
    uint8_t layout;
    enum sks_status rc = get_byte(in, &layout);

    return rc == SKS_OK && layout != OLD_LAYOUT ? SKS_ERROR_OPTION : rc;
}

static enum sks_status get_old_reference(struct bytes *in, bool born, struct reference *reference)
{
    enum sks_status rc;

    TRY(get_uint(in, &reference->handle));
    if (born)
        TRY(get_ulong(in, &reference->birth));
out:
    return rc;
}

static enum sks_status get_old_secret(struct bytes in, bool born, struct secret *s)
{
    struct bytes candidate;
    bool referenced;
    enum sks_status rc;

    TRY(get_old_layout(&in));
    TRY(get_birth(&in, born, &s->birth));
    TRY(get_array(&in, &s->value));
    TRY(get_ushort(&in, &s->tries.charged));
    TRY(get_bool(&in, &s->tries.has_candidate));
    TRY(get_raw(&in, sizeof s->tries.candidate, &candidate));
    for (size_t i = 0; i < candidate.len; i++)
        s->tries.candidate[i] = candidate.ptr[i];
    TRY(get_byte(&in, &s->format));
    TRY(get_ushort(&in, &s->retry_limit));
    TRY(get_bool(&in, &referenced));
    TRY(get_end(&in));
out:
    return rc;
}

static enum sks_status get_old_pin_policy(struct bytes in, bool born, struct pin_policy_object *p)
{
    bool referenced;
    enum sks_status rc;

    TRY(get_old_layout(&in));
    TRY(get_birth(&in, born, &p->birth));
    TRY(get_bool(&in, &p->policy.user_defined));
    TRY(get_bool(&in, &p->policy.user_modifiable));
    TRY(get_byte(&in, &p->policy.format));
    TRY(get_ushort(&in, &p->policy.retry_limit));
    TRY(get_byte(&in, &p->policy.grouping));
    TRY(get_byte(&in, &p->policy.pattern_restrictions));
    TRY(get_ushort(&in, &p->policy.min_length));
    TRY(get_ushort(&in, &p->policy.max_length));
    TRY(get_byte(&in, &p->policy.input_method));
    TRY(get_old_reference(&in, born, &p->puk));
    TRY(get_bool(&in, &referenced));
    TRY(get_end(&in));
out:
    return rc;
}

static enum sks_status get_old_key(struct bytes in, bool born, struct arena *arena, struct key *k)
{
    enum sks_status rc;

    TRY(get_old_layout(&in));
    TRY(get_array(&in, &k->id));
    TRY(get_array(&in, &k->public_key));
    TRY(get_array(&in, &k->private_key));
    TRY(get_list(&in, arena, &k->certificate_path));
    TRY(get_array(&in, &k->friendly_name));
    TRY(get_list(&in, arena, &k->endorsed_algorithms));
    TRY(get_old_reference(&in, born, &k->pin_policy));
    TRY(get_old_reference(&in, born, &k->pin));
    TRY(get_bool(&in, &k->enable_pin_caching));
    TRY(get_byte(&in, &k->app_usage));
    TRY(get_byte(&in, &k->biometric_protection));
    TRY(get_byte(&in, &k->export_protection));
    TRY(get_byte(&in, &k->delete_protection));
    TRY(get_byte(&in, &k->key_backup));
    TRY(get_end(&in));
out:
    return rc;
}

/* ---- one row after the other ---- */

static enum sks_status refuse(struct upgrade *u, const struct store_row *row)
{
    return sks_fail(u->err, SKS_ERROR_INTERNAL, "stored object %u of kind %u does not decode",
                    row->handle, (unsigned)row->kind);
}

/* Who guards closed keys belongs to nobody now. */
static void let_go(struct store_row *row)
{
    if (row->closed)
        row->owner = 0;
}

static enum sks_status convert_other(struct upgrade *u, struct store_row *row)
{
    struct buf body = { 0 };

    put_raw(&body, row->body);
    return write_new(u, row, &body);
}

/* A PIN did not know its policy: its keys do, and belong to the same session. */
static enum sks_status find_policy(struct upgrade *u, const struct store_row *pin, uint32_t *policy)
{
    struct store_row row = { 0 };
    struct key key;
    enum sks_status rc;

    do {
        TRY(next_old_key_of(u, pin->owner, row.handle, &row));
        REQUIRE(row.handle != 0, u->err, SKS_ERROR_INTERNAL, "no key has PIN %u", pin->handle);
        key = (struct key){ 0 };
        if (get_old_key(row.body, true, &u->arena, &key) != SKS_OK &&
            get_old_key(row.body, false, &u->arena, &key) != SKS_OK)
            return refuse(u, &row);
    } while (key.pin.handle != pin->handle);
    *policy = key.pin_policy.handle;
out:
    return rc;
}

static enum sks_status convert_secret(struct upgrade *u, struct store_row *row)
{
    struct secret secret = { 0 };
    struct buf body = { 0 };
    enum sks_status rc = SKS_OK;

    if (get_old_secret(row->body, true, &secret) != SKS_OK &&
        get_old_secret(row->body, false, &secret) != SKS_OK)
        return refuse(u, row);
    if (row->kind == STORE_PIN)
        TRY(find_policy(u, row, &row->refers));
    let_go(row);
    put_secret(&body, &secret);
    rc = write_new(u, row, &body);
out:
    return rc;
}

static enum sks_status convert_pin_policy(struct upgrade *u, struct store_row *row)
{
    struct pin_policy_object policy = { 0 };
    struct store_row puk_row;
    struct secret puk;
    struct buf body = { 0 };
    enum sks_status rc = SKS_OK;

    if (get_old_pin_policy(row->body, true, &policy) != SKS_OK &&
        get_old_pin_policy(row->body, false, &policy) != SKS_OK)
        return refuse(u, row);
    row->refers = policy.puk.handle;
    if (row->refers != 0) {
        TRY(read_new(u, STORE_PUK, row->refers, &puk_row));
        TRY(secret_from_row(&puk_row, &puk));
        policy.puk.birth = puk.birth;
    }
    let_go(row);
    put_pin_policy(&body, &policy);
    rc = write_new(u, row, &body);
out:
    return sks_explain(u->err, rc);
}

static enum sks_status convert_key(struct upgrade *u, struct store_row *row)
{
    struct key key = { 0 };
    struct pin_policy_object policy;
    struct store_row other;
    struct secret pin;
    struct buf body = { 0 };
    enum sks_status rc = SKS_OK;

    if (get_old_key(row->body, true, &u->arena, &key) != SKS_OK &&
        get_old_key(row->body, false, &u->arena, &key) != SKS_OK)
        return refuse(u, row);
    row->refers = key.pin.handle;
    if (row->refers != 0) {
        TRY(read_new(u, STORE_PIN, key.pin.handle, &other));
        TRY(secret_from_row(&other, &pin));
        TRY(read_new(u, STORE_PIN_POLICY, key.pin_policy.handle, &other));
        TRY(pin_policy_from_row(&other, &policy));
        key.pin.birth = pin.birth;
        key.pin_policy.birth = policy.birth;
    }
    put_key(&body, &key);
    rc = write_new(u, row, &body);
out:
    return sks_explain(u->err, rc);
}

/* What is referred to comes first, but for the keys, which PINs ask for their policies. */
static const struct {
    enum store_kind kind;
    enum sks_status (*convert)(struct upgrade *u, struct store_row *row);
} KINDS[] = {
    { STORE_DEVICE, convert_other }, { STORE_SESSION, convert_other },
    { STORE_PUK, convert_secret },   { STORE_PIN_POLICY, convert_pin_policy },
    { STORE_PIN, convert_secret },   { STORE_KEY, convert_key },
};

static enum sks_status convert_rows(struct database *db, const void *ctx, struct sks_error *err)
{
    struct upgrade u = { .db = db, .vault = ctx, .err = err };
    struct store_row row;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(KINDS); i++) {
        row.handle = 0;
        do {
            TRY(next_old(&u, KINDS[i].kind, row.handle, &row));
            if (row.handle != 0)
                TRY(KINDS[i].convert(&u, &row));
            arena_free(&u.arena);
        } while (row.handle != 0);
    }
out:
    arena_free(&u.arena);
    return rc;
}

/* Sessions of version 1 are read as they are (session_from_row()); the number is for older
 * programs, which could not read a new one. Nothing is changed under a master key that is not the
 * store's. */
static enum sks_status check_master_key(struct database *db, const void *ctx, struct sks_error *err)
{
    struct upgrade u = { .db = db, .vault = ctx, .err = err };
    struct store_row row;
    enum sks_status rc;

    rc = fetch(
        &u,
        database_query(db, SELECT "kind = ? ORDER BY handle LIMIT 1", "u", (uint32_t)STORE_DEVICE),
        put_row_identity, &row);
    arena_free(&u.arena);
    return rc;
}

const struct database_upgrade STORE_UPGRADES[STORE_UPGRADES_COUNT] = {
    { 0,
      "ALTER TABLE object ADD COLUMN refers INTEGER NOT NULL DEFAULT 0;"
      "CREATE INDEX object_by_reference ON object (kind, refers, handle) WHERE refers > 0;",
      convert_rows },
    { 1, NULL, check_master_key },
};

unsigned store_version_of(struct database *db, unsigned said)
{
    sqlite3_stmt *statement =
        database_query(db, "SELECT 1 FROM pragma_table_info('object') WHERE name = 'refers'", "");
    bool refers = database_step(statement, NULL) == 1;

    database_done(statement);
    return said == 1 && !refers ? 0 : said;
}
