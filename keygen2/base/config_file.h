/*
 * Configuration files: lines of "name = value". Blank lines, and lines that begin with '#', say
 * nothing. Spaces around name and value do not count; a value between double quotes is what is
 * between them, as it is.
 */
#ifndef KEYGEN2_BASE_CONFIG_FILE_H
#define KEYGEN2_BASE_CONFIG_FILE_H

#include "keygen2/base/bytes.h"

enum { CONFIG_FILE_MAX = 65536 };

struct config_line {
    unsigned number;          /* from 1 */
    struct bytes name, value; /* of the text; a name is letters, digits and '-' */
};

/**
 * Finds the next line that says something.
 *
 * @param text  what is left of the file; moved on
 * @param line  number: of the line before, 0 at first; out
 * @param found out: false at the end
 * @return SKS_ERROR_OPTION with "line N: ..." if it is malformed
 */
CHECKED enum sks_status config_next(struct bytes *text, struct config_line *line, bool *found,
                                    struct sks_error *err);

#endif
