/* What goes into an HMAC or a signature, field by field; and what it looks like to whoever is off
 * by one of them. */
#ifndef TESTVECTORS_GENERATE_FIELDS_H
#define TESTVECTORS_GENERATE_FIELDS_H

#include "testvectors/generate/suite.h"

enum form {
    FORM_BYTE,
    FORM_BOOL,
    FORM_USHORT,
    FORM_UINT,
    FORM_ARRAY, /* ushort length in front */
    FORM_BLOB,  /* uint length in front */
    FORM_RAW,   /* nothing in front */
};

struct field {
    const char *name;
    enum form form;
    struct bytes value; /* of a number its bytes */
};

enum { FIELDS_MAX = 40 };

struct fields {
    struct field item[FIELDS_MAX];
    size_t count;
};

void field_number(struct suite *s, struct fields *f, const char *name, enum form form,
                  uint32_t value);
void field_bytes(struct fields *f, const char *name, enum form form, struct bytes value);

/** The field of that name, which is there. */
struct field *field_of(struct fields *f, const char *name);

/** All of it, as it goes into the HMAC. */
struct bytes fields_data(struct suite *s, const struct fields *f);

/** An array of {"name", "form", "value"}. */
json_t *fields_json(const struct fields *f);

/* A way to be wrong: what somebody puts into the HMAC in the place of the right data. */
struct mistake {
    const char *flag;
    char comment[120];
    struct bytes data;
};

/** Explains the flags of mistakes(). @param section where the data is defined */
void mistakes_explain(struct suite *s, const char *section);

/**
 * Makes up to `max` of the mistakes that one can make with some fields, of as many kinds as there
 * are.
 *
 * @param turn  another number gives others
 */
size_t mistakes(struct suite *s, const struct fields *f, size_t turn, size_t max,
                struct mistake *out);

#endif
