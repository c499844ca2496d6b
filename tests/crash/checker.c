/*
 * Opens disk images as the real token does and tells what is in them. Commands come on stdin, one a
 * line; each is answered by one line of JSON on stdout, {"error": ...} if something does not work.
 *
 *   open FOLDER           opens the token in it: all that a caller can read of it, as the raw
 *                         answers in hexadecimal; a digest of each row; the next handles
 *   use HANDLE=PIN,...    signs (or makes a HMAC) with each key: the status of the first PIN of
 *                         the list that is not refused, and the HMAC; PINs in hexadecimal
 *   check                 closes the token; SQLite's integrity check of the database
 */
#include "tests/crash/checker.h"
#include "keygen2/base/base64.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON ---- */

void put_hex(struct checker *c, struct bytes value)
{
    put_text(&c->out, "\"");
    hex_encode(&c->out, value);
    put_text(&c->out, "\"");
}

void put_number(struct checker *c, long long value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%lld", value);
    put_text(&c->out, text);
}

/* Commas where they belong: none in front of the first of a list. */
void put_comma(struct checker *c)
{
    if (c->out.len > 0 && strchr("[{", c->out.ptr[c->out.len - 1]) == NULL)
        put_text(&c->out, ",");
}

void put_name(struct checker *c, const char *name)
{
    put_comma(c);
    put_text(&c->out, "\"");
    put_text(&c->out, name);
    put_text(&c->out, "\":");
}

static void put_error(struct checker *c)
{
    buf_reset(&c->out);
    put_text(&c->out, "{\"status\":");
    put_number(c, c->err.status);
    put_text(&c->out, ",\"error\":\"");
    for (const char *p = c->err.text; *p != '\0'; p++)
        put_raw(&c->out, bytes_at(*p == '"' || *p == '\\' || *p < ' ' ? "?" : p, 1));
    put_text(&c->out, "\"}");
}

void digest_of(struct bytes data, uint8_t digest[32])
{
    if (EVP_Digest(data.ptr, data.len, digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
}

enum sks_status checker_call(struct checker *c, enum method_id id, const union sks_in *in,
                             struct bytes *raw, union sks_out *out)
{
    const struct sks_method *method = sks_method((uint8_t)id);
    struct buf request = { 0 }, response = { 0 };

    c->err = (struct sks_error){ 0 };
    sks_encode_request(&request, method, in);
    token_process(c->token, buf_bytes(&request), &response);
    *raw = arena_copy(&c->arena, buf_bytes(&response));
    buf_free(&request);
    buf_free(&response);
    return sks_decode_response(*raw, method, out, &c->arena, &c->err);
}

/* ---- commands ---- */

static void close_token(struct checker *c)
{
    token_close(c->token);
    c->token = NULL;
}

static enum sks_status open_image(struct checker *c, char *folder)
{
    const struct token_options options = { 0 };
    enum sks_status rc;

    close_token(c);
    (void)snprintf(c->database, sizeof c->database, "%s/" TOKEN_DATABASE, folder);
    (void)snprintf(c->key_file, sizeof c->key_file, "%s/" TOKEN_MASTER_KEY, folder);
    TRY(token_open(c->database, c->key_file, &options, &c->token, &c->err));
    TRY(describe_token(c));
out:
    return rc;
}

static enum sks_status use_keys(struct checker *c, char *words)
{
    char *rest = NULL;
    enum sks_status rc = SKS_OK;

    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        TRY(use_key(c, word));
out:
    return rc;
}

static enum sks_status check_database(struct checker *c, char *unused)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    const char *found = "no answer";

    (void)unused;
    close_token(c);
    if (sqlite3_open_v2(c->database, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        found = arena_text(&c->arena, bytes_of((const char *)sqlite3_column_text(statement, 0)));
    if (strcmp(found, "ok") != 0)
        (void)sks_fail(&c->err, SKS_ERROR_STORAGE, "integrity check: %s", found);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return c->err.status;
}

static void answer(struct checker *c, char *line)
{
    static const struct {
        const char *name;
        enum sks_status (*run)(struct checker *c, char *argument);
    } commands[] = { { "open", open_image }, { "use", use_keys }, { "check", check_database } };
    char *argument = strchr(line, ' ');
    enum sks_status rc = SKS_ERROR_OPTION;

    line[strcspn(line, "\n")] = '\0';
    if (argument != NULL)
        *argument++ = '\0';
    c->err = (struct sks_error){ 0 };
    put_text(&c->out, "{");
    for (size_t i = 0; i < NITEMS(commands); i++)
        if (strcmp(line, commands[i].name) == 0)
            rc = commands[i].run(c, argument == NULL ? line + strlen(line) : argument);
    put_text(&c->out, "}");
    if (rc != SKS_OK) {
        (void)sks_explain(&c->err, rc);
        put_error(c);
    }
}

int main(void)
{
    struct checker c = { 0 };
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        answer(&c, line);
        put_text(&c.out, "\n");
        if (c.out.status != SKS_OK || fwrite(c.out.ptr, 1, c.out.len, stdout) != c.out.len ||
            fflush(stdout) != 0)
            return 1;
        buf_reset(&c.out);
        arena_free(&c.arena);
    }
    close_token(&c);
    buf_free(&c.out);
    free(line);
    return 0;
}
