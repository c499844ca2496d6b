/*
 * A transcript: what crossed a relay, one JSON object a line, in the order in which it crossed.
 *
 * It holds the messages whole, with the PINs in them and the cookies beside them.
 */
#ifndef PROXY_RELAY_TRANSCRIPT_H
#define PROXY_RELAY_TRANSCRIPT_H

#include "keygen2/base/json.h"
#include "proxy/relay/upstream.h"
#include "proxy/trace.h"

/* One message. Empty texts are left out. */
struct transcript_line {
    struct bytes time;           /* when it had come whole: "2026-01-31T12:00:00.000000Z" */
    uint32_t connection;         /* of a client, counted from 1 */
    uint32_t exchange;           /* a request and its answer bear the same number, counted from 1 */
    uint8_t hop;                 /* enum hop */
    uint8_t direction;           /* enum transcript_direction */
    struct bytes name;           /* "KeyCreationRequest", "createKeyEntry" */
    struct bytes method, target; /* of a request: "POST", "/kg2/demo?init=true" */
    uint32_t status;             /* HTTP, of an answer; 0: there was none */
    struct json_array headers;   /* of struct transcript_header: those that matter */
    struct bytes body;
    bool cut;             /* the body went on beyond what is kept of one */
    struct bytes altered; /* what an attack did to it */
    struct bytes decoded; /* the text of the JSON that `body` reads as */
};

struct transcript_header {
    struct bytes name, value;
};

enum transcript_direction { TRANSCRIPT_REQUEST, TRANSCRIPT_ANSWER };
enum { TRANSCRIPT_BODY_MAX = 4 * 1024 * 1024 };

/* The lines of a file; zeroed to begin with. */
struct transcript {
    struct arena arena;
    struct transcript_line *line;
    size_t count;
};

/** Reads lines. @return SKS_ERROR_OPTION with number of line and what is wrong with it */
CHECKED enum sks_status transcript_parse(struct bytes text, struct transcript *transcript,
                                         struct sks_error *err);

/** As transcript_parse(), of a file. */
CHECKED enum sks_status transcript_read(const char *file, struct transcript *transcript,
                                        struct sks_error *err);

void transcript_free(struct transcript *transcript);

struct recorder;

/** Begins a transcript, mode 0600; what the file held is gone. */
CHECKED enum sks_status recorder_open(const char *file, struct recorder **recorder,
                                      struct sks_error *err);

/** Adds a line; any thread may. A failure is told once, on standard error. */
void recorder_add(struct recorder *recorder, const struct transcript_line *line);

/** Adds a piece to what is kept of a body: its beginning. @param size  of all pieces; starts as 0
 */
void transcript_keep(struct buf *body, uint64_t *size, struct bytes piece);

/**
 * Picks the headers that a transcript keeps.
 *
 * @param kept  out: room for `fields`; borrows from them
 * @return how many there are
 */
size_t transcript_headers(const struct http_field *field, size_t fields,
                          struct transcript_header *kept);

/** The time in the form of a line, into `text` of TRANSCRIPT_TIME_MAX characters. */
void transcript_time(char *text);
enum { TRANSCRIPT_TIME_MAX = 32 };

/** NULL is allowed. @return SKS_ERROR_EXTERNAL if a line was lost */
CHECKED enum sks_status recorder_close(struct recorder *recorder, struct sks_error *err);

#endif
