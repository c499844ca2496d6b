/* sks-token export, delete, change-pin, set-pin and unlock: what changes a key or its PIN. */
#include "keygen2/base/terminal.h"
#include "keygen2/crypto/pem.h"
#include "token/command/certificate.h"
#include "token/command/data.h"
#include "token/command/key.h"
#include "token/command/rows.h"

#include <stdio.h>

const struct option_row OPTIONS_EXPORT[] = {
    STORE,
    MASTER_KEY,
    PIN_FILE,
    PUK_FILE,
    OUTPUT("where the key goes, mode 0600; - is standard output even if that is a terminal"),
    FLAG_ROW("raw", "PKCS #8 in DER instead of PEM; a symmetric key is raw in any case", raw),
    END,
};

const struct option_row OPTIONS_DELETE[] = {
    STORE, MASTER_KEY, PIN_FILE, PUK_FILE, YES, END,
};

const struct option_row OPTIONS_CHANGE_PIN[] = { STORE, MASTER_KEY, PIN_FILE, NEW_PIN_FILE, END };
const struct option_row OPTIONS_SET_PIN[] = { STORE, MASTER_KEY, PUK_FILE, NEW_PIN_FILE, END };
const struct option_row OPTIONS_UNLOCK[] = { STORE, MASTER_KEY, PUK_FILE, END };

static enum sks_status call_authorized(struct key_command *c, enum method_id method,
                                       union sks_out *out)
{
    const union sks_in in = {
        .authorized = { .key_handle = c->key.handle,
                        .authorization = buf_bytes(&c->authorization) },
    };

    return key_call(c, method, &in, out);
}

/* ---- export ---- */

static enum sks_status write_key(struct key_command *c, struct bytes key)
{
    const struct token_command_options *o = c->options;
    struct buf pem = { 0 };
    enum sks_status rc;

    if (o->raw || c->key.attributes.symmetric_key_length > 0)
        return data_write(o->output, DATA_SECRET, key, &c->err);
    TRY(put_pem(&pem, "PRIVATE KEY", key));
    rc = data_write(o->output, DATA_SECRET, buf_bytes(&pem), &c->err);
out:
    buf_free(&pem);
    return sks_explain(&c->err, rc);
}

enum exit_code command_export(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct key_command c;
    union sks_out out;
    enum sks_status rc;

    (void)count;
    TRY(key_open(&c, options, operands[0]));
    TRY(data_check(o->output, DATA_SECRET, &c.err));
    TRY(key_authorize_by(&c, c.key.protection.export_protection));
    TRY(call_authorized(&c, EXPORT_KEY, &out));
    rc = write_key(&c, out.result.result);
out:
    return key_finish(&c, rc);
}

/* ---- delete ---- */

static enum sks_status confirm_delete(struct key_command *c)
{
    const struct bytes_list *path = &c->key.attributes.certificate_path;
    const char *question;
    enum sks_status rc;

    if (c->options->yes || c->key.protection.delete_protection == PROTECTION_NOT_ALLOWED)
        return SKS_OK;
    REQUIRE(terminal_exists(), &c->err, SKS_ERROR_USER_ABORT,
            "nobody can be asked whether to delete %s: --yes", key_title(&c->key, &c->arena));
    question =
        arena_printf(&c->arena, "Delete %s of %s for ever?", key_title(&c->key, &c->arena),
                     path->count == 0 ? "?" : certificate_subject_text(path->item[0], &c->arena));
    REQUIRE(question != NULL, &c->err, SKS_ERROR_STORAGE, "no memory");
    rc = terminal_confirm(question, NULL, &c->err);
out:
    return rc;
}

enum exit_code command_delete(void *options, char **operands, size_t count)
{
    struct key_command c;
    union sks_out out;
    enum sks_status rc;

    (void)count;
    TRY(key_open(&c, options, operands[0]));
    TRY(confirm_delete(&c));
    TRY(key_authorize_by(&c, c.key.protection.delete_protection));
    TRY(call_authorized(&c, DELETE_KEY, &out));
    (void)printf("%s is deleted\n", key_title(&c.key, &c.arena));
out:
    return key_finish(&c, rc);
}

/* ---- PINs ---- */

static enum exit_code replace_pin(void *options, const char *key, enum method_id method,
                                  enum sks_status (*authorize)(struct key_command *c))
{
    struct key_command c;
    union sks_out out;
    union sks_in in;
    enum sks_status rc;

    TRY(key_open(&c, options, key));
    TRY(key_check_new_pin(&c));
    TRY(authorize(&c));
    TRY(key_get_new_pin(&c));
    in.new_pin = (struct new_pin_in){ .key_handle = c.key.handle,
                                      .authorization = buf_bytes(&c.authorization),
                                      .new_pin = buf_bytes(&c.new_pin) };
    TRY(key_call(&c, method, &in, &out));
    (void)printf("the PIN of %s is changed\n", key_title(&c.key, &c.arena));
out:
    return key_finish(&c, rc);
}

enum exit_code command_change_pin(void *options, char **operands, size_t count)
{
    (void)count;
    return replace_pin(options, operands[0], CHANGE_PIN, key_authorize_pin);
}

enum exit_code command_set_pin(void *options, char **operands, size_t count)
{
    (void)count;
    return replace_pin(options, operands[0], SET_PIN, key_authorize_puk);
}

enum exit_code command_unlock(void *options, char **operands, size_t count)
{
    struct key_command c;
    union sks_out out;
    enum sks_status rc;

    (void)count;
    TRY(key_open(&c, options, operands[0]));
    TRY(key_authorize_puk(&c));
    TRY(call_authorized(&c, UNLOCK_KEY, &out));
    (void)printf("%s is unlocked\n", key_title(&c.key, &c.arena));
out:
    return key_finish(&c, rc);
}
