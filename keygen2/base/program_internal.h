/* What the parts of program.h share: the command line (program.c), the values and where they come
 * from (program_value.c), the environment and the configuration file (program_config.c), what is
 * printed of them (program_print.c), the help (program_help.c). Nobody else includes this. */
#ifndef KEYGEN2_BASE_PROGRAM_INTERNAL_H
#define KEYGEN2_BASE_PROGRAM_INTERNAL_H

#include "keygen2/base/arena.h"
#include "keygen2/base/program.h"

enum {
    OPTIONS_MAX = 40,  /* of one command */
    VARIABLE_MAX = 80, /* bytes of the name of a variable */
    ORIGIN_MAX = 4300, /* bytes of the name of a place: that of a file, and more */
    GO_ON = -1,        /* in the place of an exit code */
};

/* Where a value came from: the first is what counts least. */
enum origin { ORIGIN_DEFAULT, ORIGIN_ENVIRONMENT, ORIGIN_FILE, ORIGIN_FLAG };

/* One command line. */
struct parse {
    const struct program *program;
    const struct command_row *command;
    const struct option_row *rows;
    size_t count;
    void *options;
    enum origin origin[OPTIONS_MAX];
    unsigned line[OPTIONS_MAX][TEXTS_MAX]; /* of the file; a row's first, but for OPTION_TEXTS */
    bool print;                            /* the settings, and run nothing */
    const char *config;                    /* file, NULL: none was given */
    struct arena arena;                    /* of the texts out of it */
};

extern const char *program_called;             /* "sks-token" */
extern const struct option_row PROGRAM_CONFIG; /* --config, which every command has */
extern const struct option_row PROGRAM_PRINT;  /* --print-config, as well */

size_t program_row_count(const struct option_row *rows);

/** Says on standard error what is wrong with the usage. @param command NULL: of the program */
int program_usage(const struct command_row *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Sets an option from a text, which must live as long as the options.
 *
 * @param text  NULL: a flag without a value
 * @param line  of the configuration file, 0 for another origin
 * @return GO_ON, or an exit code when it has said what is wrong, and where
 */
int program_set(struct parse *p, size_t number, const char *text, enum origin origin,
                unsigned line);

/** The place of a value: "--listen", "SKS_TOKEN_LISTEN", "/etc/sks.conf: line 3: listen". */
void program_place(const struct parse *p, size_t number, enum origin origin, unsigned line,
                   char place[ORIGIN_MAX]);

/** The variable that stands in for an option, false if there is none. */
bool program_variable(const struct option_row *row, char name[VARIABLE_MAX]);

/** Finds the configuration file, by its flag or its variable. */
void program_find_config(struct parse *p);

/** Takes from the environment what neither was given nor is in the file. */
int program_environment(struct parse *p);

/** Takes from the configuration file what was not given. */
int program_config(struct parse *p);

/** Prints the settings in effect, in the form of a configuration file. */
int program_print_config(const struct parse *p);

/** Prints all options of a program as a table of Markdown. */
int program_print_table(const struct program *program);

int program_command_help(const struct command_row *command);
int program_help(const struct program *program);
int program_print_version(void);

#endif
