/* What --help and --version print. */
#include "keygen2/base/program_internal.h"
#include "keygen2/base/version.h"

#include <stdio.h>
#include <string.h>

enum { LEFT_MAX = 80 /* bytes of the left column of a help */ };

size_t program_row_count(const struct option_row *rows)
{
    size_t count = 0;

    while (rows != NULL && rows[count].name != NULL)
        count++;
    return count;
}

static void print_columns(int width, const char *left, const char *right)
{
    (void)printf("  %-*s  %s", width, left, right);
}

static void option_left(const struct option_row *row, char left[LEFT_MAX])
{
    char letter[8] = "    ";

    if (row->letter != 0)
        (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
    (void)snprintf(left, LEFT_MAX, "%s--%s%s%s", letter, row->name, row->value == NULL ? "" : " ",
                   row->value == NULL ? "" : row->value);
}

static void print_options(const struct option_row *rows, size_t count)
{
    char left[LEFT_MAX], variable[VARIABLE_MAX];
    int width;

    option_left(&PROGRAM_PRINT, left); /* the longest of those that all commands have */
    width = (int)strlen(left);
    for (size_t i = 0; i < count; i++) {
        option_left(&rows[i], left);
        width = (int)strlen(left) > width ? (int)strlen(left) : width;
    }
    (void)printf("\nOptions:\n");
    for (size_t i = 0; i < count; i++) {
        option_left(&rows[i], left);
        print_columns(width, left, rows[i].help);
        if (program_variable(&rows[i], variable))
            (void)printf(" [$%s]", variable);
        (void)printf("%s\n", rows[i].required ? " (required)" : "");
    }
    (void)program_variable(&PROGRAM_CONFIG, variable);
    option_left(&PROGRAM_CONFIG, left);
    print_columns(width, left, PROGRAM_CONFIG.help);
    (void)printf(" [$%s]\n", variable);
    option_left(&PROGRAM_PRINT, left);
    print_columns(width, left, PROGRAM_PRINT.help);
    (void)printf("\n");
    print_columns(width, "    --help", "show this help\n");
    print_columns(width, "    --version", "show the version\n");
}

int program_command_help(const struct command_row *command)
{
    const struct option_row *rows = command->options;
    size_t count = program_row_count(rows);

    (void)printf("Usage: %s %s", program_called, command->name);
    if (command->operands[0] != '\0')
        (void)printf(" %s", command->operands);
    for (size_t i = 0; i < count; i++)
        if (rows[i].required)
            (void)printf(" --%s %s", rows[i].name, rows[i].value);
    (void)printf("%s\n\n%s\n", count == 0 ? "" : " [OPTION]...", command->help);
    print_options(rows, count);
    return EXIT_DONE;
}

static void command_left(const struct command_row *command, char left[LEFT_MAX])
{
    (void)snprintf(left, LEFT_MAX, "%s%s%s", command->name, command->operands[0] == '\0' ? "" : " ",
                   command->operands);
}

int program_help(const struct program *program)
{
    char left[LEFT_MAX];
    int width = 0;

    for (const struct command_row *row = program->commands; row->name != NULL; row++) {
        command_left(row, left);
        width = (int)strlen(left) > width ? (int)strlen(left) : width;
    }
    (void)printf("%s: %s\n\nUsage: %s COMMAND [OPTION]...\n\nCommands:\n", program->name,
                 program->summary, program->name);
    for (const struct command_row *row = program->commands; row->name != NULL; row++) {
        command_left(row, left);
        print_columns(width, left, row->help);
        (void)printf("\n");
    }
    (void)printf("\nTry '%s COMMAND --help' for the options of a command, --version for the "
                 "version.\n",
                 program->name);
    return EXIT_DONE;
}

int program_print_version(void)
{
    (void)printf("%s %s\n", program_called, SKS_RIG_VERSION);
    return EXIT_DONE;
}
