/* sks-token update: carries chunks to the token, from the update URL on or from files. */
#include "keygen2/base/files.h"
#include "keygen2/base/http_client.h"
#include "keygen2/base/json.h"
#include "token/command/port.h"
#include "token/command/rows.h"
#include "token/firmware_chunk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct option_row OPTIONS_UPDATE[] = {
    STORE,
    MASTER_KEY,
    UPDATE_URL,
    UPDATE_KEY,
    TEXT_ROW("ca", "PEM", "certificates to trust for https (default: the system's)", ca),
    JSON,
    END,
};

static const char OCTETS[] = "application/octet-stream";

struct updating {
    struct port port;
    struct http_client *http;
    enum exit_code code;        /* of a failure, where its status does not say it */
    char next[SKS_URI_MAX + 1]; /* URL of the chunk to come; "": there is none */
    unsigned sent;              /* chunks */
    uint32_t version;           /* of the policy */
};

/* The token's refusal of a chunk is one, whatever its status; a last chunk without an answer may
 * have been installed. */
static enum exit_code exit_code_of(const struct updating *u, const struct firmware_chunk *chunk)
{
    switch (token_link_fate(u->port.link)) {
    case CALL_ANSWERED:
        return EXIT_REFUSED;
    case CALL_UNANSWERED:
        return chunk->index == chunk->count - 1 ? EXIT_IN_DOUBT : EXIT_IO;
    default:
        return EXIT_IO;
    }
}

static enum sks_status send_chunk(struct updating *u, const char *from, struct bytes data,
                                  struct sks_error *err)
{
    const union sks_in in = { .update_firmware.chunk = data };
    struct firmware_chunk chunk;
    struct arena arena = { 0 };
    struct sks_error why = { 0 };
    union sks_out out;
    enum sks_status rc;

    REQUIRE(firmware_chunk_decode(data, &chunk, &why) == SKS_OK, err, SKS_ERROR_EXTERNAL, "%s: %s",
            from, why.text);
    rc = token_call(u->port.link, UPDATE_FIRMWARE, &in, &out, &arena, &why);
    if (rc != SKS_OK)
        u->code = exit_code_of(u, &chunk);
    REQUIRE(rc == SKS_OK, err, rc, "%s: %s%s", from, why.text,
            u->code == EXIT_IN_DOUBT ? " (sks-token info shows which policy is installed)" : "");
    REQUIRE(bytes_to_text(out.update_firmware.next_url, u->next, sizeof u->next) == SKS_OK, err,
            SKS_ERROR_EXTERNAL, "%s: the token's nextUrl is too long", from);
    u->version = chunk.version;
    u->sent++;
out:
    arena_free(&arena);
    return rc;
}

/* ---- from the update URL ---- */

static enum sks_status ask_update_url(struct updating *u, struct sks_error *err)
{
    const union sks_in in = { 0 };
    struct arena arena = { 0 };
    union sks_out out;
    enum sks_status rc;

    TRY(token_call(u->port.link, GET_DEVICE_INFO, &in, &out, &arena, err));
    REQUIRE(out.device_info.update_url.len > 0, err, SKS_ERROR_NOT_ALLOWED,
            "the token has no update URL: --update-url and --update-key of serve turn updates on");
    REQUIRE(bytes_to_text(out.device_info.update_url, u->next, sizeof u->next) == SKS_OK, err,
            SKS_ERROR_EXTERNAL, "the token's updateUrl is too long");
out:
    arena_free(&arena);
    return rc;
}

/* SKS V1.07, updateFirmware: by GET, as application/octet-stream. */
static enum sks_status fetch(struct updating *u, struct http_exchange *exchange,
                             struct sks_error *err)
{
    const char *url = u->next;
    enum sks_status rc;

    REQUIRE(firmware_url_is_valid(bytes_of(url)), err, SKS_ERROR_EXTERNAL,
            "'%s': not an http or https URL", url);
    TRY(http_client_exchange(u->http, "GET", url, NULL, OCTETS, (struct bytes){ 0 }, exchange,
                             err));
    REQUIRE(exchange->status == 200, err, SKS_ERROR_EXTERNAL, "%s: the server answered %u", url,
            exchange->status);
    REQUIRE(exchange->body.len == 0 || strcmp(exchange->content_type, OCTETS) == 0, err,
            SKS_ERROR_EXTERNAL, "%s: content type \"%s\", not %s", url, exchange->content_type,
            OCTETS);
out:
    return rc;
}

/* Nothing at the first URL means that the token is up to date. */
static enum sks_status follow_urls(struct updating *u, struct sks_error *err)
{
    struct http_exchange exchange = { 0 };
    char url[sizeof u->next];
    enum sks_status rc;

    TRY(ask_update_url(u, err));
    while (u->next[0] != '\0') {
        REQUIRE(u->sent < FIRMWARE_CHUNKS_MAX, err, SKS_ERROR_EXTERNAL,
                "%s: an update has at most %d chunks", u->next, FIRMWARE_CHUNKS_MAX);
        TRY(fetch(u, &exchange, err));
        if (u->sent == 0 && exchange.body.len == 0)
            break;
        memcpy(url, u->next, sizeof url);
        TRY(send_chunk(u, url, buf_bytes(&exchange.body), err));
    }
out:
    http_exchange_free(&exchange);
    return rc;
}

/* ---- from files ---- */

struct chunk_file {
    const char *path;
    struct buf data;
    uint16_t index;
};

static int by_index(const void *a, const void *b)
{
    return (int)((const struct chunk_file *)a)->index - (int)((const struct chunk_file *)b)->index;
}

static enum sks_status read_chunk(struct chunk_file *file, struct sks_error *err)
{
    struct firmware_chunk chunk;
    struct sks_error why = { 0 };
    enum sks_status rc;

    TRY(file_read(file->path, FIRMWARE_CHUNK_MAX, &file->data, err));
    REQUIRE(firmware_chunk_decode(buf_bytes(&file->data), &chunk, &why) == SKS_OK, err,
            SKS_ERROR_EXTERNAL, "%s: %s", file->path, why.text);
    file->index = chunk.index;
out:
    return rc;
}

/* A shell puts 10.chunk before 2.chunk: the chunks themselves know better. */
static enum sks_status send_files(struct updating *u, char **paths, size_t count,
                                  struct sks_error *err)
{
    struct chunk_file *file = calloc(count, sizeof *file);
    enum sks_status rc;

    REQUIRE(file != NULL, err, SKS_ERROR_STORAGE, "no memory for the chunks");
    for (size_t i = 0; i < count; i++) {
        file[i].path = paths[i];
        TRY(read_chunk(&file[i], err));
    }
    qsort(file, count, sizeof *file, by_index);
    for (size_t i = 0; i < count; i++)
        TRY(send_chunk(u, file[i].path, buf_bytes(&file[i].data), err));
    REQUIRE(u->next[0] == '\0', err, SKS_ERROR_NOT_ALLOWED,
            "nothing is installed yet: the chunk behind %s is missing", file[count - 1].path);
out:
    for (size_t i = 0; file != NULL && i < count; i++)
        buf_free(&file[i].data);
    free(file);
    return rc;
}

/* ---- the command ---- */

static void print_done(const struct updating *u, bool json)
{
    json_t *object;

    if (json) {
        object = json_pack("{s:b, s:i}", "installed", u->sent > 0, "chunks", (int)u->sent);
        if (u->sent > 0)
            (void)json_object_set_new(object, "version", json_integer((json_int_t)u->version));
        (void)program_print_json(object, JSON_INDENT(2));
    } else if (u->sent > 0) {
        (void)printf("policy %u installed (%u chunk%s)\n", u->version, u->sent,
                     u->sent == 1 ? "" : "s");
    } else {
        (void)printf("the token is up to date\n");
    }
}

enum exit_code command_update(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    const struct token_options updates = { .update_url = o->update_url,
                                           .update_key = o->update_key };
    const struct http_client_config http = { .ca_file = o->ca, .body_max = FIRMWARE_CHUNK_MAX };
    struct updating u = { .port.folder.lock = -1 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    TRY(http_client_new(&http, &u.http, &err));
    TRY(port_open_with(o->store, o->key_file, &updates, &u.port, &err));
    TRY(count == 0 ? follow_urls(&u, &err) : send_files(&u, operands, count, &err));
    print_done(&u, o->json);
out:
    port_close(&u.port);
    http_client_free(u.http);
    if (rc != SKS_OK)
        return program_fail(u.code != EXIT_DONE ? u.code : program_exit_code(rc), "%s", err.text);
    return EXIT_DONE;
}
