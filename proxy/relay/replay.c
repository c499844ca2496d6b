#include "proxy/relay/replay.h"

#include "proxy/message.h"
#include "proxy/relay/upstream.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CONNECTIONS_MAX = 256, HEADERS_MAX = 32 };

struct replay {
    const struct replay_config *config;
    struct upstream_config to;
    struct upstream *upstream[CONNECTIONS_MAX]; /* of the connections, by number modulo */
    struct recorder *recorder;
    atomic_bool stop;
    json_t *cookies; /* name: value, that the server has set in this run */
    struct buf body; /* of an answer, as far as it is kept */
    uint64_t size;   /* all of it */
};

/* ---- cookies ---- */

static void take_cookie(struct replay *r, const char *set)
{
    size_t name = strcspn(set, "=;"), value = strcspn(set + name, ";");
    char *text = strndup(set, name);

    if (set[name] == '=' && text != NULL)
        (void)json_object_set_new(r->cookies, text, json_stringn(set + name + 1, value - 1));
    free(text);
}

/* The recorded header, with values of this run where there are some. */
static void put_cookies(const struct replay *r, struct bytes recorded, struct buf *out)
{
    while (recorded.len > 0) {
        const uint8_t *end = memchr(recorded.ptr, ';', recorded.len);
        size_t len = end == NULL ? recorded.len : (size_t)(end - recorded.ptr);
        const uint8_t *equals = memchr(recorded.ptr, '=', len);
        char name[256];
        const json_t *now = NULL;

        if (equals != NULL && bytes_to_text(bytes_at(recorded.ptr, (size_t)(equals - recorded.ptr)),
                                            name, sizeof name) == SKS_OK)
            now = json_object_get(r->cookies, name);
        if (now == NULL) {
            put_raw(out, bytes_at(recorded.ptr, len));
        } else {
            put_text(out, name);
            put_byte(out, '=');
            put_text(out, json_string_value(now));
        }
        for (len += end != NULL; len < recorded.len && recorded.ptr[len] == ' '; len++)
            ;
        recorded = bytes_at(recorded.ptr + len, recorded.len - len);
        if (recorded.len > 0)
            put_text(out, "; ");
    }
    put_byte(out, '\0');
}

/* ---- one exchange ---- */

static size_t make_fields(const struct replay *r, const struct transcript_line *line,
                          struct buf *cookies, struct arena *arena, struct http_field *field)
{
    const struct transcript_header *header = line->headers.item;
    size_t count = 0;

    for (size_t i = 0; i < line->headers.count && count < HEADERS_MAX; i++) {
        field[count].name = arena_text(arena, header[i].name);
        field[count].value = arena_text(arena, header[i].value);
        if (!r->config->own_cookies && bytes_equal(header[i].name, bytes_of("Cookie"))) {
            put_cookies(r, header[i].value, cookies);
            field[count].value = (char *)cookies->ptr;
        }
        count += field[count].name != NULL && field[count].value != NULL;
    }
    return count;
}

static enum sks_status read_body(struct replay *r, struct upstream *upstream, struct sks_error *err)
{
    uint8_t block[16384];
    int64_t len;
    enum sks_status rc = SKS_OK;

    buf_reset(&r->body);
    r->size = 0;
    while ((len = upstream_read(upstream, block, sizeof block)) > 0)
        transcript_keep(&r->body, &r->size, bytes_at(block, (size_t)len));
    TRY(sks_explain(err, r->body.status));
    REQUIRE(len == 0, err, SKS_ERROR_EXTERNAL, "the answer ended too early");
out:
    return rc;
}

static void record(struct replay *r, const struct transcript_line *request,
                   const struct upstream_head *head)
{
    const struct transcript_header *header = request->headers.item;
    struct transcript_header *kept = calloc(head->fields + 1, sizeof *kept);
    struct transcript_line line = *request;
    struct message asked = { 0 }, answer = { 0 };
    const char *type = NULL;
    char time[TRANSCRIPT_TIME_MAX], *decoded;

    transcript_time(time);
    line.time = bytes_of(time);
    recorder_add(r->recorder, &line);
    line = (struct transcript_line){ .time = line.time,
                                     .connection = request->connection,
                                     .exchange = request->exchange,
                                     .hop = request->hop,
                                     .direction = TRANSCRIPT_ANSWER,
                                     .status = head->status,
                                     .headers = { kept, 0 },
                                     .body = buf_bytes(&r->body),
                                     .cut = r->size > r->body.len };
    line.headers.count = kept == NULL ? 0 : transcript_headers(head->field, head->fields, kept);
    for (size_t i = 0; i < request->headers.count; i++)
        if (bytes_equal(header[i].name, bytes_of("Content-Type")))
            type = (const char *)header[i].value.ptr;
    message_read(type, request->body, NULL, &asked);
    message_read(NULL, buf_bytes(&r->body), &asked, &answer);
    decoded = answer.decoded == NULL ? NULL : json_dumps(answer.decoded, JSON_COMPACT);
    line.name = bytes_of(answer.name);
    line.decoded = bytes_of(decoded);
    recorder_add(r->recorder, &line);
    free(decoded);
    free(kept);
    message_free(&asked);
    message_free(&answer);
}

static void take_cookies(struct replay *r, const struct upstream_head *head)
{
    for (size_t i = 0; i < head->fields; i++)
        if (strcasecmp(head->field[i].name, "Set-Cookie") == 0)
            take_cookie(r, head->field[i].value);
}

static enum sks_status exchange(struct replay *r, const struct transcript_line *line,
                                unsigned *status, struct sks_error *err)
{
    struct upstream **upstream = &r->upstream[line->connection % CONNECTIONS_MAX];
    struct http_field field[HEADERS_MAX];
    struct upstream_head head = { 0 };
    struct arena arena = { 0 };
    struct buf cookies = { 0 };
    char *method = arena_text(&arena, line->method), *target = arena_text(&arena, line->target);
    size_t fields = make_fields(r, line, &cookies, &arena, field);
    enum sks_status rc;

    REQUIRE(method != NULL && target != NULL && cookies.status == SKS_OK, err, SKS_ERROR_STORAGE,
            "no memory for a request");
    if (*upstream == NULL)
        TRY(upstream_new(&r->to, upstream, err));
    TRY(upstream_begin(*upstream, method, target, field, fields, (int64_t)line->body.len, err));
    upstream_send(*upstream, line->body);
    TRY(upstream_finish(*upstream, &head, err));
    TRY(read_body(r, *upstream, err));
    *status = head.status;
    take_cookies(r, &head);
    if (r->recorder != NULL)
        record(r, line, &head);
out:
    if (*upstream != NULL)
        upstream_end(*upstream);
    buf_free(&cookies);
    arena_free(&arena);
    return rc;
}

/* ---- all of them ---- */

static const struct transcript_line *find_answer(const struct transcript *transcript,
                                                 const struct transcript_line *request)
{
    const struct transcript_line *end = transcript->line + transcript->count;

    for (const struct transcript_line *line = request + 1; line < end; line++)
        if (line->direction == TRANSCRIPT_ANSWER && line->exchange == request->exchange)
            return line;
    return NULL;
}

static enum sks_status play(struct replay *r, const struct transcript *transcript,
                            const struct transcript_line *line, struct replay_result *result,
                            struct sks_error *err)
{
    const struct transcript_line *recorded = find_answer(transcript, line);
    unsigned status = 0;
    enum sks_status rc;

    REQUIRE(!line->cut, err, SKS_ERROR_OPTION,
            "the body of exchange %u is not whole in the transcript", line->exchange);
    r->stop = *r->config->stop != 0;
    REQUIRE(!r->stop, err, SKS_ERROR_USER_ABORT, "interrupted");
    rc = exchange(r, line, &status, err);
    result->sent++;
    result->lost += rc != SKS_OK;
    result->same += rc == SKS_OK && recorded != NULL && recorded->status == status;
    result->other += rc == SKS_OK && (recorded == NULL || recorded->status != status);
    if (r->config->told != NULL)
        r->config->told(r->config->ctx, line, recorded, status);
    rc = rc == SKS_ERROR_EXTERNAL ? SKS_OK : rc; /* the next one may fare better */
out:
    return rc;
}

enum sks_status replay_run(const struct transcript *transcript, const struct replay_config *config,
                           struct replay_result *result, struct sks_error *err)
{
    struct replay r = { .config = config };
    enum sks_status rc = SKS_OK;

    *result = (struct replay_result){ 0 };
    r.to = (struct upstream_config){ config->to, config->ca_file, config->insecure, config->timeout,
                                     &r.stop };
    r.cookies = json_object();
    if (config->record != NULL)
        TRY(recorder_open(config->record, &r.recorder, err));
    for (size_t i = 0; i < transcript->count; i++)
        if (transcript->line[i].direction == TRANSCRIPT_REQUEST)
            TRY(play(&r, transcript, &transcript->line[i], result, err));
out:
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        upstream_free(r.upstream[i]);
    if (recorder_close(r.recorder, rc == SKS_OK ? err : NULL) != SKS_OK && rc == SKS_OK)
        rc = SKS_ERROR_EXTERNAL;
    json_decref(r.cookies);
    buf_free(&r.body);
    return rc;
}
