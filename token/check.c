#include "keygen2/crypto/certificate.h"
#include "token/check_internal.h"
#include "token/device.h"
#include "token/firmware.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    TEXT_MAX = 1200,     /* it may name a URI */
    PROGRESS_ROWS = 256, /* between two reports */
    DEVICE_HANDLE = 1,   /* rows of STORE_DEVICE */
    RECORD_HANDLE = 2,
    RECORD_LAYOUT = 1,
    FIRMWARE_HANDLE = 1,
};

static const char FROM_SQLITE[] = "database: "; /* how such errors begin */

typedef void row_check(struct checker *c, const struct store_row *row);

/* ---- the token's own rows, and sessions ---- */

static void check_device_key(struct checker *c, const struct device *device)
{
    struct buf own = { 0 }, certified = { 0 };

    if (put_pkey(&own, device->key) != SKS_OK)
        check_find(c, "its key is of no kind that is known");
    else if (device->certificate_path.count == 0) /* sks-token init --csr, still to be certified */
        ;
    else if (put_certificate_key(&certified, device->certificate_path.item[0]) != SKS_OK)
        check_find(c, "its certificate does not decode");
    else if (!bytes_equal(buf_bytes(&own), buf_bytes(&certified)))
        check_find(c, "its certificate is of another key");
    buf_free(&own);
    buf_free(&certified);
}

static void check_device(struct checker *c, const struct store_row *row)
{
    struct device device = { 0 };

    if (row->handle == RECORD_HANDLE) {
        if (row->body.len != 1 || row->body.ptr[0] != RECORD_LAYOUT)
            check_find(c, "the record of the deactivation does not decode");
        return;
    }
    if (row->handle != DEVICE_HANDLE) {
        check_find(c, "there is no such object");
        return;
    }
    if (device_load(c->store, &device, NULL) != SKS_OK)
        check_find(c, "the device key does not decode");
    else
        check_device_key(c, &device);
    device_free(&device);
}

static void check_firmware(struct checker *c, const struct store_row *row)
{
    struct firmware_policy policy;
    struct sks_error why = { 0 };

    if (row->handle != FIRMWARE_HANDLE)
        check_find(c, "there is no such object");
    else if (firmware_policy_from_row(row, &policy, &why) != SKS_OK)
        check_find(c, "%s", why.text);
}

static void check_session(struct checker *c, const struct store_row *row)
{
    static const struct session_key SPENT;
    struct store_row key;
    struct session s;

    if (session_from_row(row, &s) != SKS_OK) {
        check_find(c, "it does not decode");
        return;
    }
    if (row->owner != row->handle || row->refers != 0 || row->name.len > 0)
        check_find(c, "its columns are not a session's");
    if (s.closed && !bytes_equal_secret(bytes_at(s.sk.key, sizeof s.sk.key),
                                        bytes_at(SPENT.key, sizeof SPENT.key)))
        check_find(c, "it is closed, but has its session key still");
    OPENSSL_cleanse(&s.sk, sizeof s.sk);
    if (s.closed &&
        store_next_owned(c->store, STORE_KEY, row->handle, 0, &c->arena, &key, NULL) == SKS_OK &&
        key.handle == 0)
        check_find(c, "it is closed and owns no key");
}

/* ---- the kinds ---- */

static const struct kind_rule {
    const char *name;
    row_check *check;
    bool counted; /* its handles are drawn */
} KINDS[STORE_KINDS] = {
    [0] = { "row", NULL, false },
    [STORE_DEVICE] = { "device", check_device, false },
    [STORE_SESSION] = { "session", check_session, true },
    [STORE_PUK] = { "PUK policy", check_puk, true },
    [STORE_PIN_POLICY] = { "PIN policy", check_pin_policy, true },
    [STORE_PIN] = { "PIN", check_pin, true },
    [STORE_KEY] = { "key", check_key, true },
    [STORE_EXTENSION] = { "extension", check_extension, true },
    [STORE_POST] = { "post operation", check_post, true },
    [STORE_FIRMWARE] = { "policy", check_firmware, false },
};

static const struct kind_rule *rule_of(enum store_kind kind)
{
    return (unsigned)kind < STORE_KINDS ? &KINDS[kind] : &KINDS[0];
}

/* ---- findings ---- */

static void report(struct checker *c, const char *kind, uint32_t handle, const char *text)
{
    c->report->findings++;
    c->report->found(c->report->ctx, kind, handle, text);
}

void check_find(struct checker *c, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report(c, rule_of(c->row->kind)->name, c->row->handle, text);
}

static void find_in_file(void *ctx, const char *text)
{
    report(ctx, "database", 0, text);
}

/* ---- the walk ---- */

static void check_row(struct checker *c, const struct store_row *row,
                      enum store_condition condition)
{
    const struct kind_rule *rule = rule_of(row->kind);

    if (condition == STORE_MEANINGLESS) {
        check_find(c, "a column holds what no object has there");
        return;
    }
    if (rule->check == NULL) {
        check_find(c, "no object is of kind %u", (unsigned)row->kind);
        return;
    }
    if (row->handle > c->highest[row->kind])
        c->highest[row->kind] = row->handle;
    if (row->kind == STORE_DEVICE && row->handle == DEVICE_HANDLE)
        c->has_device = true;
    if (condition == STORE_DAMAGED)
        check_find(c, "it does not unseal: it was altered, or is another object's");
    else
        rule->check(c, row);
}

static enum sks_status visit(void *ctx, const struct store_row *row, enum store_condition condition)
{
    struct checker *c = ctx;
    struct check *r = c->report;

    c->row = row;
    check_row(c, row, condition);
    arena_free(&c->arena);
    c->row = NULL;
    if (++r->rows % PROGRESS_ROWS == 0 && r->progress != NULL)
        r->progress(r->ctx, r->rows);
    return c->trouble;
}

/* A handle above the counter would be given out again. */
static void check_counters(struct checker *c)
{
    char text[TEXT_MAX];

    for (unsigned kind = 1; kind < STORE_KINDS; kind++) {
        uint32_t last = store_last_handle(c->store, (enum store_kind)kind);

        if (!KINDS[kind].counted || c->highest[kind] <= last)
            continue;
        (void)snprintf(text, sizeof text, "the last handle given out is said to be %u", last);
        report(c, KINDS[kind].name, c->highest[kind], text);
    }
}

/* What SQLite cannot read is a finding too, of the file. */
static enum sks_status judge(struct checker *c, enum sks_status rc, const struct sks_error *why)
{
    if (rc != SKS_ERROR_STORAGE || strncmp(why->text, FROM_SQLITE, sizeof FROM_SQLITE - 1) != 0)
        return rc;
    find_in_file(c, why->text + sizeof FROM_SQLITE - 1);
    c->unreadable = true;
    return SKS_OK;
}

enum sks_status store_check(struct store *store, struct check *check, struct sks_error *err)
{
    struct checker c = { .store = store, .report = check };
    struct sks_error why = { 0 };
    enum sks_status rc;

    check->rows = check->findings = 0;
    TRY(judge(&c, store_verify(store, find_in_file, &c, &why), &why));
    why = (struct sks_error){ 0 };
    TRY(judge(&c, store_walk(store, visit, &c, &why), &why));
    if (!c.unreadable && !c.has_device)
        report(&c, KINDS[STORE_DEVICE].name, DEVICE_HANDLE, "it is missing");
    check_counters(&c);
out:
    return sks_explain(err, rc);
}
