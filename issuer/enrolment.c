#include "issuer/enrolment.h"
#include "issuer/certificate_store.h"
#include "issuer/exchange.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/program.h"
#include "keygen2/message/keygen2.h"

#include <string.h>

enum { OWN_MAX = 5 };

static const char INVITATION[] = "invitation"; /* number of one, by invitation_attach() */

static const char *const OWN[OWN_MAX] = { "session", "profile", "started", "device", "device8" };

static bool is_name(struct bytes name)
{
    static const char SET[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '\0' || strchr(SET, name.ptr[i]) == NULL)
            return false;
    return name.len > 0 && name.len <= ENROLMENT_NAME_MAX;
}

static struct bytes find_value(const struct enrolment_values *values, struct bytes name)
{
    for (size_t i = 0; i < values->count; i++)
        if (bytes_equal(values->item[i].name, name))
            return values->item[i].value;
    return (struct bytes){ 0 };
}

/* What stands for a value while there is none: even C takes it. */
static const char PLACEHOLDER[] = "XX";

enum sks_status enrolment_take(struct bytes *in, const struct enrolment_values *values,
                               struct buf *out, struct sks_error *err)
{
    const uint8_t *end = in->len == 0 ? NULL : memchr(in->ptr, '}', in->len);
    struct bytes name = bytes_at(in->ptr, end == NULL ? 0 : (size_t)(end - in->ptr)), value;
    enum sks_status rc = SKS_OK;

    REQUIRE(is_name(name), err, SKS_ERROR_OPTION, "'{' begins no {NAME}");
    *in = bytes_at(end + 1, in->len - name.len - 1);
    value = values == NULL ? bytes_of(PLACEHOLDER) : find_value(values, name);
    REQUIRE(value.ptr != NULL, err, SKS_ERROR_OPTION, "the enrolment does not say \"%.*s\"",
            (int)name.len, (const char *)name.ptr);
    put_raw(out, value);
out:
    return rc;
}

/* ---- writing ---- */

static bool is_own(struct bytes name)
{
    for (size_t i = 0; i < NITEMS(OWN); i++)
        if (bytes_equal(bytes_of(OWN[i]), name))
            return true;
    return bytes_equal(bytes_of(INVITATION), name);
}

/* A value stands in names of certificates and in messages: text without control characters. */
static bool is_value(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < 0x20 || value.ptr[i] == 0x7F)
            return false;
    return value.len > 0 && bytes_is_utf8(value) && bytes_code_points(value) <= ENROLMENT_VALUE_MAX;
}

enum sks_status enrolment_split(const char *setting, struct bytes *name, struct bytes *value,
                                struct sks_error *err)
{
    const char *equals = strchr(setting, '=');
    enum sks_status rc = SKS_OK;

    REQUIRE(equals != NULL, err, SKS_ERROR_OPTION, "'%s' is not NAME=VALUE", setting);
    *name = bytes_at(setting, (size_t)(equals - setting));
    *value = bytes_of(equals + 1);
    REQUIRE(is_name(*name), err, SKS_ERROR_OPTION,
            "'%s': a name has 1-%d letters, digits, '-', '_' and '.'", setting, ENROLMENT_NAME_MAX);
    REQUIRE(!is_own(*name), err, SKS_ERROR_OPTION, "'%s': the session says this itself", setting);
    REQUIRE(is_value(*value), err, SKS_ERROR_OPTION,
            "'%s': a value has 1-%d characters, no control characters", setting,
            ENROLMENT_VALUE_MAX);
out:
    return rc;
}

enum sks_status enrolment_keep(struct database *db, int64_t session, const struct texts *settings,
                               struct sks_error *err)
{
    struct bytes name, value;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < settings->count; i++) {
        TRY(enrolment_split(settings->item[i], &name, &value, err));
        TRY(database_run(db, err,
                         "INSERT OR REPLACE INTO enrolment(session, name, value)"
                         " VALUES(?, CAST(? AS TEXT), CAST(? AS TEXT))",
                         "ibb", session, name, value));
    }
out:
    return rc;
}

/* ---- reading ---- */

static void add(struct enrolment_values *values, struct bytes name, struct bytes value)
{
    values->item[values->count++] = (struct enrolment_value){ name, value };
}

static enum sks_status add_own(const struct session *session, struct arena *arena,
                               struct enrolment_values *values)
{
    struct buf device = { 0 }, hex = { 0 };
    char started[32];
    struct bytes text;
    enum sks_status rc;

    keygen2_time_format(session->started, false, started);
    add(values, bytes_of(OWN[0]), bytes_of(session->id));
    add(values, bytes_of(OWN[1]), bytes_of(session->profile));
    add(values, bytes_of(OWN[2]), arena_copy(arena, bytes_of(started)));
    TRY(put_device_name(&device, &session->state));
    if (device.len > 0) {
        hex_encode(&hex, buf_bytes(&device));
        text = arena_copy(arena, buf_bytes(&hex));
        add(values, bytes_of(OWN[3]), text);
        add(values, bytes_of(OWN[4]), bytes_at(text.ptr, text.ptr == NULL ? 0 : 8));
    }
    rc = hex.status;
out:
    buf_free(&device);
    buf_free(&hex);
    return rc;
}

static enum sks_status read_kept(struct session_store *store, const struct session *session,
                                 struct arena *arena, struct enrolment_values *values,
                                 struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        store->db, "SELECT count(*) FROM enrolment WHERE session = ?", "i", session->number);
    size_t room = database_step(row, err) > 0 ? (size_t)sqlite3_column_int64(row, 0) : 0;
    enum sks_status rc = SKS_OK;
    int step = 0;

    database_done(row);
    values->item = arena_alloc(arena, room + OWN_MAX, sizeof *values->item);
    REQUIRE(values->item != NULL, err, SKS_ERROR_STORAGE, "no memory for the enrolment");
    row = database_query(store->db,
                         "SELECT name, value FROM enrolment WHERE session = ? ORDER BY name", "i",
                         session->number);
    while (values->count < room && (step = database_step(row, err)) > 0)
        add(values, arena_copy(arena, database_bytes(row, 0)),
            arena_copy(arena, database_bytes(row, 1)));
    REQUIRE(step >= 0, err, SKS_ERROR_STORAGE, "the enrolment cannot be read");
out:
    database_done(row);
    return rc;
}

enum sks_status enrolment_read(struct session_store *store, const struct session *session,
                               struct arena *arena, struct enrolment_values *values,
                               struct sks_error *err)
{
    enum sks_status rc;

    *values = (struct enrolment_values){ 0 };
    database_lock(store->db);
    rc = read_kept(store, session, arena, values, err);
    database_unlock(store->db);
    TRY(rc);
    TRY(sks_explain(err, add_own(session, arena, values)));
    for (size_t i = 0; i < values->count; i++)
        REQUIRE(values->item[i].name.ptr != NULL && values->item[i].value.ptr != NULL, err,
                SKS_ERROR_STORAGE, "no memory for the enrolment");
out:
    return rc;
}

enum sks_status enrolment_check_invitation(struct exchange *x)
{
    struct enrolment_values values;
    struct bytes number;
    enum sks_status rc;

    if (!profile_wants_code(x->profile))
        return SKS_OK;
    TRY(enrolment_read(&x->issuer->store, x->session, x->arena, &values, x->err));
    number = find_value(&values, bytes_of(INVITATION));
    if (number.ptr == NULL) /* it began before the profile wanted one */
        return check_fail(x, SKS_ERROR_NOT_ALLOWED, "invitation", "the session began without one");
    check_pass(x, "invitation", "number %.*s", (int)number.len, (const char *)number.ptr);
out:
    return rc;
}
