/* A command line by tables: subcommands, options, help texts, exit codes. An option comes by flag,
 * configuration file or environment, and the first of them that has it counts. */
#ifndef KEYGEN2_BASE_PROGRAM_H
#define KEYGEN2_BASE_PROGRAM_H

#include "keygen2/base/bytes.h"

#include <jansson.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1, /* by one of the ends */
    EXIT_USAGE = 2,
    EXIT_IO = 3, /* file, network, or a peer that does not speak the protocol */
    EXIT_IN_DOUBT = 4,
};

enum option_kind {
    OPTION_FLAG,   /* bool: true, false, 1 or 0; --NAME alone is true */
    OPTION_TEXT,   /* const char * */
    OPTION_TEXTS,  /* struct texts; may be given several times */
    OPTION_NUMBER, /* uint32_t, min..max */
};

enum { TEXTS_MAX = 16 };

struct texts {
    const char *item[TEXTS_MAX];
    size_t count;
};

struct option_row {
    const char *name;  /* "listen", given as --listen VALUE; NULL ends the table */
    char letter;       /* 'v' for -v, 0 for none */
    const char *value; /* placeholder in the help, "HOST:PORT"; NULL for a flag */
    const char *help;  /* one line, with the default */
    enum option_kind kind;
    size_t offset; /* of the member in the struct of options */
    bool required;
    /* Variable that stands in when the option is not given; NULL: "SKS_TOKEN_UPDATE_URL" for the
     * option update-url of sks-token; "": none. One of OPTION_TEXTS has a value a line. */
    const char *environment;
    uint32_t min, max;   /* of a number; a default beyond them is none */
    const char *choices; /* of a text, "json|text": it is one of these; NULL: any */
    /* Of a text; NULL: any will do. The error's text goes on behind the value: "is no URL". */
    enum sks_status (*check)(const char *text, struct sks_error *err);
    bool secret; /* the value itself, so it is never printed */
};

struct command_row {
    const char *name;     /* "serve"; NULL ends the table */
    const char *operands; /* "ISSUER-URL", "" for none */
    size_t operand_min, operand_max;
    const char *help; /* one line */
    const struct option_row *options;
    /* options: zeroed struct of options_size bytes with defaults applied by `defaults`. */
    enum exit_code (*run)(void *options, char **operands, size_t count);
    void (*defaults)(void *options); /* NULL: all zero */
};

struct program {
    const char *name;    /* "sks-token" */
    const char *summary; /* one line */
    const struct command_row *commands;
    size_t options_size;
};

/**
 * Parses argv, runs the command, returns its exit code. Knows --help and --version everywhere,
 * --config FILE (keygen2/base/config_file.h), whose lines stand in for what was not given, and
 * --print-config, which prints what is in effect in the place of running the command. Before any
 * command, --settings-table prints all options as Markdown. Texts of options live as long as the
 * command runs. As process 1, it gives signals the effect that they have elsewhere.
 */
int program_main(const struct program *program, int argc, char **argv);

/**
 * Prints "NAME: text" on standard error; for command functions. Returns code. A text that begins
 * with "--OPTION" gets the place of that option's value there: a variable, or a line of a file.
 */
enum exit_code program_fail(enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** True if an option of the running command was given, or stands in the file: then it comes before
 * what the environment has to say in other ways than the option's variable. */
bool program_is_given(const char *name);

/** Exit code that fits a status: usage, I/O, or refused. */
enum exit_code program_exit_code(enum sks_status status);

/** Prints a document, and a line break, on standard output, and gives it up; NULL: there was no
 * memory for it. `flags` are those of json_dumps(). */
enum exit_code program_print_json(json_t *value, size_t flags);

/** How a command ends: EXIT_DONE, or program_fail() with what `err` says. */
enum exit_code program_finish(enum sks_status rc, const struct sks_error *err);

#endif
