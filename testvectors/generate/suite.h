/*
 * A vector file under construction. The generator makes every value and every expectation by
 * itself: of this project it uses buffers, arenas and JSON only, so that what it writes can show
 * the libraries to be wrong.
 *
 * It runs where the project is built, on inputs of its own: what fails ends the program.
 */
#ifndef TESTVECTORS_GENERATE_SUITE_H
#define TESTVECTORS_GENERATE_SUITE_H

#include "keygen2/base/arena.h"
#include "keygen2/base/json.h"

struct suite {
    const char *kind;
    char seed[64]; /* text: all that is random comes of it, see draw() */
    json_t *root, *group, *tests;
    size_t count, invalid;
    struct arena arena; /* of all that lives as long as the file is made */
};

/* What a test expects. Numbers below 0 and NULL are left out. */
struct expect {
    bool valid;
    int status;          /* of the SKS call, or what a library would answer in its place */
    const char *end;     /* who detects it: "token", "issuer", "client" */
    const char *check;   /* of the issuer, by its name in docs/evidence.md */
    const char *session; /* afterwards: "open", "closed", "removed", "failed" */
    int counter, limit;  /* afterwards */
    int step;            /* of a transcript: where it is detected, from 0 */
};

/* Of what is valid; of what one end refuses. The session goes on, or is over. */
#define EXPECT_VALID                                                                               \
    {                                                                                              \
        .valid = true, .status = -1, .counter = -1, .limit = -1, .step = -1                        \
    }
#define EXPECT_TOKEN(number, state)                                                                \
    {                                                                                              \
        .status = (number), .end = "token", .session = (state), .counter = -1, .limit = -1,        \
        .step = -1                                                                                 \
    }
#define EXPECT_ISSUER(name)                                                                        \
    {                                                                                              \
        .status = -1, .end = "issuer", .check = (name), .session = "failed", .counter = -1,        \
        .limit = -1, .step = -1                                                                    \
    }

/** Ends the program with a text unless the condition holds. */
void need(bool condition, const char *what);

/** Begins a file. @param title what it is about, a sentence */
void suite_begin(struct suite *s, const char *kind, const char *title);

/**
 * Explains a flag.
 *
 * @param bug_type  what whoever fails a test with it has wrong: "LENGTH_FIELD"
 * @param effect    what that would let happen
 * @param section   of the texts
 */
void suite_note(struct suite *s, const char *flag, const char *bug_type, const char *description,
                const char *effect, const char *section);

/**
 * Begins a group of tests.
 *
 * @param type      what its inputs are
 * @param requires  capabilities that an implementation must have, separated by blanks; "" for none
 * @param fixtures  an object with what the tests share; stolen
 */
void suite_group(struct suite *s, const char *type, const char *requires, json_t *fixtures);

/**
 * Adds a test.
 *
 * @param flags    separated by blanks; each must have been explained
 * @param section  of the texts
 * @param profile  reading that it follows, NULL where all readings agree
 * @param input    an object; stolen
 * @param format   comment
 */
void suite_test(struct suite *s, const struct expect *expect, const char *flags,
                const char *section, const char *profile, json_t *input, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

/** Ends the file and appends it. */
void suite_end(struct suite *s, struct buf *out);

/** Bytes of a label: SHA-256(seed || 0 || label || 0 || n as uint), for n from 0 on. */
struct bytes draw(struct suite *s, size_t len, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** An id of `len` characters A-Z a-z 0-9, by a label. */
struct bytes draw_id(struct suite *s, size_t len, const char *label);

/** Keeps what a buffer holds in the arena and frees the buffer. */
struct bytes keep(struct suite *s, struct buf *from);

/** A copy with one bit changed. */
struct bytes flipped(struct suite *s, struct bytes from, size_t byte, unsigned bit);

/** The slices one behind the other. */
struct bytes joined(struct suite *s, size_t count, const struct bytes *part);
#define JOIN(s, ...)                                                                               \
    joined((s), sizeof((struct bytes[]){ __VA_ARGS__ }) / sizeof(struct bytes),                    \
           (struct bytes[]){ __VA_ARGS__ })

/** A JSON string of hexadecimal digits; "" for none. */
json_t *hex(struct bytes data);

/** Sets a property; the value is stolen. Returns the object. */
json_t *with(json_t *object, const char *name, json_t *value);

#endif
