/* What the parts of program.h share: the command line (program.c), the environment and the
 * configuration file (program_config.c), the help (program_help.c). Nobody else includes this. */
#ifndef KEYGEN2_BASE_PROGRAM_INTERNAL_H
#define KEYGEN2_BASE_PROGRAM_INTERNAL_H

#include "keygen2/base/arena.h"
#include "keygen2/base/program.h"

enum {
    OPTIONS_MAX = 40,  /* of one command */
    VARIABLE_MAX = 80, /* bytes of the name of a variable */
    GO_ON = -1,        /* in the place of an exit code */
};

/* One command line. */
struct parse {
    const struct program *program;
    const struct command_row *command;
    const struct option_row *rows;
    size_t count;
    void *options;
    bool given[OPTIONS_MAX];
    const char *config; /* file, NULL: none was given */
    struct arena arena; /* of the texts out of it */
};

extern const char *program_called;             /* "sks-token" */
extern const struct option_row PROGRAM_CONFIG; /* --config, which every command has */

size_t program_row_count(const struct option_row *rows);

/** Says on standard error what is wrong with the usage. @param command NULL: of the program */
int program_usage(const struct command_row *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Sets an option from a text, which must live as long as the options. @return GO_ON, or an exit
 * code when it has said what is wrong */
int program_set(struct parse *p, size_t number, const char *text);

/** The variable that stands in for an option, false if there is none. */
bool program_variable(const struct option_row *row, char name[VARIABLE_MAX]);

/** Takes from the environment what was not given. */
int program_environment(struct parse *p);

/** Takes from the configuration file what neither was given nor is in the environment. */
int program_config(struct parse *p);

int program_command_help(const struct command_row *command);
int program_help(const struct program *program);
int program_print_version(void);

#endif
