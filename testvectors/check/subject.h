/* A test on its way through the libraries: where its inputs come from, and what came of them. */
#ifndef TESTVECTORS_CHECK_SUBJECT_H
#define TESTVECTORS_CHECK_SUBJECT_H

#include "keygen2/base/arena.h"
#include "keygen2/base/json.h"

#include <openssl/evp.h>

struct subject {
    const json_t *type, *fixtures, *input, *expect;
    struct arena arena;   /* of what is read */
    struct sks_error err; /* why a library refuses */
    char broken[300];     /* what of the test is not as it must be; "" if all is */
    bool tells;           /* prints each step */
    long counter, limit;  /* that the library ends with; -1: it does not say */
    long step;            /* of a transcript; -1: none */
    char end[16];         /* who refused; "" where the library is only one end's */
    char session[16];     /* its state; "": not looked at */
    char check[40];       /* of the issuer, that failed; "": not looked at */
    void *cache;          /* of a kind, from test to test; freed by drop() */
    void (*drop)(void *cache);
};

/** True if the group is of that type. */
bool subject_is(const struct subject *s, const char *type);

/* An input, or a fixture of that name. What is missing or of another kind makes the test broken,
 * and is empty or 0. "a.b" is property b of a. */
const json_t *subject_value(struct subject *s, const char *name);
struct bytes subject_bytes(struct subject *s, const char *name); /* from hexadecimal digits */
struct bytes subject_text(struct subject *s, const char *name);
uint32_t subject_number(struct subject *s, const char *name);
bool subject_flag(struct subject *s, const char *name);
bool subject_has(const struct subject *s, const char *name);

/** An array of hexadecimal texts. */
struct bytes_list subject_list(struct subject *s, const char *name);

/* Of the array "fields": the value of that name, none if there is none. */
struct bytes subject_field(struct subject *s, const char *name);
uint32_t subject_field_number(struct subject *s, const char *name);
struct bytes_list subject_field_list(struct subject *s, const char *name); /* all of that name */

/** Appends what an array of {"name", "form", "value"} stands for. */
void subject_put_fields(struct subject *s, const json_t *fields, struct buf *out);

/** The bytes of hexadecimal digits; the test is broken if they are none. */
struct bytes subject_hex(struct subject *s, const json_t *value);

/** A private key {"algorithm", "privateKey", "publicKey"}; the caller frees it. NULL if broken. */
EVP_PKEY *subject_key(struct subject *s, const char *name);

/** What a library made must be the input of that name, or the test is broken. */
void subject_agree(struct subject *s, const char *name, struct bytes made);

/** Tells a step; for `show`. */
void subject_tell(struct subject *s, const char *name, struct bytes value);

void subject_break(struct subject *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
