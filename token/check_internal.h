/* What the two halves of the check share: its walk (check.c), and what each kind of object must be
 * (check_objects.c). Nobody else includes this. */
#ifndef TOKEN_CHECK_INTERNAL_H
#define TOKEN_CHECK_INTERNAL_H

#include "token/check.h"
#include "token/object.h"

struct checker {
    struct store *store;
    struct check *report;
    uint32_t highest[STORE_KINDS]; /* handle met of each kind */
    bool has_device;
    bool unreadable;             /* SQLite could not read all of it */
    const struct store_row *row; /* the one that is looked at */
    struct arena arena;          /* lives as long as that */
    enum sks_status trouble;     /* that ends the check: no memory */
};

/** Reports a finding on the row that is looked at. */
void check_find(struct checker *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What each kind of object must be; the row is sound. */
void check_puk(struct checker *c, const struct store_row *row);
void check_pin_policy(struct checker *c, const struct store_row *row);
void check_pin(struct checker *c, const struct store_row *row);
void check_key(struct checker *c, const struct store_row *row);
void check_extension(struct checker *c, const struct store_row *row);
void check_post(struct checker *c, const struct store_row *row);

#endif
