#include "issuer/invitation.h"
#include "issuer/enrolment.h"
#include "keygen2/base/clock.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_DIGITS = 12, GROUP = 4, HASH = 32 };

/* ---- codes ---- */

/* Without I, L, O and U: read aloud or from paper, none is taken for another. */
static const char DIGITS[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static enum sks_status draw_code(char code[INVITATION_CODE_LENGTH + 1])
{
    uint8_t drawn[CODE_DIGITS];
    size_t at = 0;
    enum sks_status rc;

    TRY(random_bytes(drawn, sizeof drawn));
    for (size_t i = 0; i < CODE_DIGITS; i++) {
        if (i > 0 && i % GROUP == 0)
            code[at++] = '-';
        code[at++] = DIGITS[drawn[i] & 31];
    }
    code[at] = '\0';
out:
    OPENSSL_cleanse(drawn, sizeof drawn);
    return rc;
}

static char digit_of(uint8_t typed)
{
    char c = (char)(typed >= 'a' && typed <= 'z' ? typed - 'a' + 'A' : typed);

    if (c == 'O')
        return '0';
    if (c == 'I' || c == 'L')
        return '1';
    return c != '\0' && strchr(DIGITS, c) != NULL ? c : '\0';
}

/* False if it cannot be a code. */
static bool read_code(struct bytes typed, char digits[CODE_DIGITS])
{
    size_t count = 0;

    for (size_t i = 0; i < typed.len; i++) {
        char digit = digit_of(typed.ptr[i]);

        if (typed.ptr[i] == '-' || typed.ptr[i] == ' ')
            continue;
        if (digit == '\0' || count == CODE_DIGITS)
            return false;
        digits[count++] = digit;
    }
    return count == CODE_DIGITS;
}

/* 60 bits could be searched for: so the hash takes a key that is not in the database. */
static enum sks_status hash_of(const struct session_store *store, struct bytes typed,
                               uint8_t hash[HASH], bool *possible)
{
    char digits[CODE_DIGITS];
    uint8_t key[32];
    enum sks_status rc = SKS_OK;

    *possible = read_code(typed, digits);
    if (!*possible)
        goto out;
    TRY(hmac_sha256(bytes_at(store->seal_key, sizeof store->seal_key),
                    bytes_of("sks-issuer invitation code"), key));
    TRY(hmac_sha256(bytes_at(key, sizeof key), bytes_at(digits, sizeof digits), hash));
out:
    OPENSSL_cleanse(digits, sizeof digits);
    OPENSSL_cleanse(key, sizeof key);
    return rc;
}

/* ---- making one ---- */

static enum sks_status settings_json(const char *const *settings, size_t count, char **text,
                                     struct sks_error *err)
{
    json_t *object = json_object();
    struct bytes name, value;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < count; i++) {
        TRY(enrolment_split(settings[i], &name, &value, err));
        REQUIRE(json_object_setn_new(object, (const char *)name.ptr, name.len,
                                     json_stringn((const char *)value.ptr, value.len)) == 0,
                err, SKS_ERROR_STORAGE, "no memory for the values");
    }
    *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    REQUIRE(*text != NULL, err, SKS_ERROR_STORAGE, "no memory for the values");
out:
    json_decref(object);
    return rc;
}

static enum sks_status insert(struct session_store *store, const struct invitation *wish,
                              const char *settings, const uint8_t hash[HASH], int64_t *number,
                              struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_begin(store->db, err));
    rc = database_run(store->db, err,
                      "INSERT INTO invitation(hash, profile, created, expires, ended, uses, used,"
                      " withdrawn, settings) VALUES(?1, ?2, ?3, ?4, ?4, ?5, 0, 0, ?6)",
                      "btiiut", bytes_at(hash, HASH), wish->profile, clock_now(), wish->expires,
                      wish->uses, settings);
    *number = database_last_row(store->db);
    rc = database_end(store->db, rc, err);
out:
    return rc;
}

enum sks_status invitation_add(struct session_store *store, const struct invitation *wish,
                               const char *const *settings, size_t count, int64_t *number,
                               char code[INVITATION_CODE_LENGTH + 1], struct sks_error *err)
{
    char *text = NULL;
    uint8_t hash[HASH];
    bool possible;
    enum sks_status rc;

    TRY(settings_json(settings, count, &text, err));
    TRY(sks_explain(err, draw_code(code)));
    TRY(sks_explain(err, hash_of(store, bytes_of(code), hash, &possible)));
    REQUIRE(possible, err, SKS_ERROR_INTERNAL, "a code that cannot be one");
    TRY(insert(store, wish, text, hash, number, err));
out:
    free(text);
    return rc;
}

/* ---- using one ---- */

static enum invitation_answer judge(sqlite3_stmt *row, int64_t now)
{
    if (sqlite3_column_int(row, 1) != 0)
        return INVITATION_WITHDRAWN;
    if (sqlite3_column_int64(row, 2) < now)
        return INVITATION_EXPIRED;
    return sqlite3_column_int64(row, 3) >= sqlite3_column_int64(row, 4) ? INVITATION_USED_UP
                                                                        : INVITATION_TAKEN;
}

/* Inside a transaction, so nobody else counts between the look and the count. */
static enum sks_status count_use(struct database *db, const char *profile, struct bytes hash,
                                 int64_t now, enum invitation_answer *answer, int64_t *number,
                                 struct sks_error *err)
{
    sqlite3_stmt *row = database_query(db,
                                       "SELECT number, withdrawn, expires, used, uses"
                                       " FROM invitation WHERE hash = ? AND profile = ?",
                                       "bt", hash, profile);
    int step = database_step(row, err);

    if (step > 0) {
        *number = sqlite3_column_int64(row, 0);
        *answer = judge(row, now);
    }
    database_done(row);
    if (step < 0)
        return SKS_ERROR_STORAGE;
    if (*answer != INVITATION_TAKEN)
        return SKS_OK;
    return database_run(db, err,
                        "UPDATE invitation SET used = used + 1,"
                        " ended = CASE WHEN used + 1 < uses THEN ended ELSE ? END WHERE number = ?",
                        "ii", now, *number);
}

enum sks_status invitation_redeem(struct session_store *store, const char *profile,
                                  struct bytes code, int64_t now, enum invitation_answer *answer,
                                  int64_t *number, struct sks_error *err)
{
    uint8_t hash[HASH];
    bool possible;
    enum sks_status rc;

    *answer = INVITATION_UNKNOWN;
    *number = 0;
    TRY(sks_explain(err, hash_of(store, code, hash, &possible)));
    if (!possible)
        goto out;
    TRY(database_begin(store->db, err));
    rc = count_use(store->db, profile, bytes_at(hash, HASH), now, answer, number, err);
    if (rc == SKS_OK && *answer == INVITATION_TAKEN)
        rc = database_commit(store->db, err);
    else
        database_rollback(store->db);
out:
    return rc;
}

enum sks_status invitation_attach(struct database *db, int64_t session, int64_t invitation,
                                  struct sks_error *err)
{
    sqlite3_stmt *row =
        database_query(db, "SELECT withdrawn FROM invitation WHERE number = ?", "i", invitation);
    int step = database_step(row, err);
    bool withdrawn = step <= 0 || sqlite3_column_int(row, 0) != 0;
    enum sks_status rc = SKS_OK;

    database_done(row);
    if (step < 0)
        return SKS_ERROR_STORAGE;
    REQUIRE(!withdrawn, err, SKS_ERROR_NOT_ALLOWED, "invitation %lld was withdrawn",
            (long long)invitation);
    TRY(database_run(db, err,
                     "INSERT INTO enrolment(session, name, value)"
                     " SELECT ?, j.key, j.value FROM invitation i, json_each(i.settings) j"
                     " WHERE i.number = ?",
                     "ii", session, invitation));
    TRY(database_run(db, err,
                     "INSERT INTO enrolment(session, name, value) VALUES(?, 'invitation', ?)", "ii",
                     session, invitation));
out:
    return rc;
}

/* ---- the operator ---- */

enum sks_status invitation_withdraw(struct session_store *store, int64_t number,
                                    struct sks_error *err)
{
    bool found;
    enum sks_status rc;

    TRY(database_begin(store->db, err));
    rc = database_run(store->db, err,
                      "UPDATE invitation SET withdrawn = 1, ended = min(ended, ?) WHERE number = ?",
                      "ii", clock_now(), number);
    found = database_changes(store->db) > 0;
    if (rc == SKS_OK && found)
        rc = database_commit(store->db, err);
    else
        database_rollback(store->db);
    if (rc == SKS_OK && !found)
        rc = sks_fail(err, SKS_ERROR_NO_KEY, "there is no invitation %lld", (long long)number);
out:
    return rc;
}

enum sks_status invitation_each(struct session_store *store,
                                void (*each)(void *ctx, const struct invitation *item), void *ctx,
                                struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;

    database_lock(store->db);
    row = database_query(store->db,
                         "SELECT number, profile, created, expires, uses, used, withdrawn, settings"
                         " FROM invitation ORDER BY number",
                         "");
    while ((step = database_step(row, err)) > 0) {
        const struct invitation item = {
            .number = sqlite3_column_int64(row, 0),
            .profile = database_text(row, 1),
            .created = sqlite3_column_int64(row, 2),
            .expires = sqlite3_column_int64(row, 3),
            .uses = (uint32_t)sqlite3_column_int64(row, 4),
            .used = (uint32_t)sqlite3_column_int64(row, 5),
            .withdrawn = sqlite3_column_int(row, 6) != 0,
            .settings = database_text(row, 7),
        };

        each(ctx, &item);
    }
    database_unlock(store->db);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}
