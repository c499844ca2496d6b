#include "keygen2/base/program_internal.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LONG_FIRST = 256, /* getopt_long() values: this + number of the row; letters are below */
    LONG_HELP = 1000, /* of the options that every command has */
    LONG_VERSION,
    LONG_CONFIG,
};

const char *program_called = "sks";

enum exit_code program_fail(enum exit_code code, const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr, "%s: ", program_called);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return code;
}

enum exit_code program_exit_code(enum sks_status status)
{
    switch (status) {
    case SKS_OK:
        return EXIT_DONE;
    case SKS_ERROR_OPTION:
        return EXIT_USAGE;
    case SKS_ERROR_STORAGE:
    case SKS_ERROR_INTERNAL:
    case SKS_ERROR_EXTERNAL:
    case SKS_ERROR_NOT_AVAILABLE:
        return EXIT_IO;
    default:
        return EXIT_REFUSED;
    }
}

enum exit_code program_finish(enum sks_status rc, const struct sks_error *err)
{
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err->text);
}

/* ---- one command line ---- */

int program_usage(const struct command_row *command, const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr, "%s: ", program_called);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "\ntry '%s%s%s --help'\n", program_called, command == NULL ? "" : " ",
                  command == NULL ? "" : command->name);
    return EXIT_USAGE;
}

static int set_number(const struct parse *p, const struct option_row *row, const char *text)
{
    uint32_t max = row->max == 0 ? UINT32_MAX : row->max;
    unsigned long long value;
    char *end;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < row->min ||
        value > max)
        return program_usage(p->command, "--%s: '%s' is not a number from %u to %u", row->name,
                             text, row->min, max);
    *(uint32_t *)((char *)p->options + row->offset) = (uint32_t)value;
    return GO_ON;
}

static int add_text(const struct parse *p, const struct option_row *row, const char *text)
{
    struct texts *texts = (struct texts *)((char *)p->options + row->offset);

    if (texts->count == TEXTS_MAX)
        return program_usage(p->command, "--%s: given more than %d times", row->name, TEXTS_MAX);
    texts->item[texts->count++] = text;
    return GO_ON;
}

int program_set(struct parse *p, size_t number, const char *text)
{
    const struct option_row *row = &p->rows[number];
    void *member = (char *)p->options + row->offset;

    if (p->given[number] && (row->kind == OPTION_TEXT || row->kind == OPTION_NUMBER))
        return program_usage(p->command, "--%s: given twice", row->name);
    p->given[number] = true;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)member = true;
        break;
    case OPTION_TEXT:
        *(const char **)member = text;
        break;
    case OPTION_TEXTS:
        return add_text(p, row, text);
    case OPTION_NUMBER:
        return set_number(p, row, text);
    }
    return GO_ON;
}

static int check_complete(const struct parse *p, int operands)
{
    const struct command_row *command = p->command;

    for (size_t i = 0; i < p->count; i++)
        if (p->rows[i].required && !p->given[i])
            return program_usage(command, "--%s %s is missing", p->rows[i].name, p->rows[i].value);
    if ((size_t)operands < command->operand_min)
        return program_usage(command, "operand missing: %s", command->operands);
    return GO_ON;
}

/* The two tables that getopt_long() wants. */
static void getopt_tables(const struct parse *p, char letters[2 * OPTIONS_MAX + 2],
                          struct option names[OPTIONS_MAX + 4])
{
    *letters++ = ':'; /* a missing value is told apart from an unknown option */
    for (size_t i = 0; i < p->count; i++) {
        const struct option_row *row = &p->rows[i];
        int value = row->kind == OPTION_FLAG ? no_argument : required_argument;

        names[i] = (struct option){ row->name, value, NULL, LONG_FIRST + (int)i };
        if (row->letter != 0)
            *letters++ = row->letter;
        if (row->letter != 0 && value == required_argument)
            *letters++ = ':';
    }
    *letters = '\0';
    names[p->count] = (struct option){ "help", no_argument, NULL, LONG_HELP };
    names[p->count + 1] = (struct option){ "version", no_argument, NULL, LONG_VERSION };
    names[p->count + 2] =
        (struct option){ PROGRAM_CONFIG.name, required_argument, NULL, LONG_CONFIG };
    names[p->count + 3] = (struct option){ 0 };
}

static int row_of(const struct parse *p, int found)
{
    if (found >= LONG_FIRST)
        return found - LONG_FIRST;
    for (size_t i = 0; i < p->count; i++)
        if (p->rows[i].letter == found)
            return (int)i;
    return -1;
}

/* What getopt_long() calls '?': optopt is the letter, 0, or the option that takes no value. */
static int unknown_option(const struct parse *p, char **argv)
{
    if (optopt >= LONG_FIRST)
        return program_usage(p->command, "%s: this option takes no value", argv[optind - 1]);
    if (optopt != 0)
        return program_usage(p->command, "unknown option -%c", optopt);
    return program_usage(p->command, "unknown or ambiguous option %s", argv[optind - 1]);
}

static int parse_options(struct parse *p, int argc, char **argv)
{
    char letters[2 * OPTIONS_MAX + 2];
    struct option names[OPTIONS_MAX + 4];
    int code = GO_ON, found;

    getopt_tables(p, letters, names);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while (code == GO_ON && (found = getopt_long(argc, argv, letters, names, NULL)) != -1) {
        if (found == LONG_HELP)
            code = program_command_help(p->command);
        else if (found == LONG_VERSION)
            code = program_print_version();
        else if (found == LONG_CONFIG && p->config != NULL)
            code = program_usage(p->command, "--config: given twice");
        else if (found == LONG_CONFIG)
            p->config = optarg;
        else if (found == ':')
            code = program_usage(p->command, "%s: the value is missing", argv[optind - 1]);
        else if (found == '?')
            code = unknown_option(p, argv);
        else
            code = program_set(p, (size_t)row_of(p, found), optarg);
    }
    return code;
}

static int run_command(const struct program *program, const struct command_row *command, int argc,
                       char **argv)
{
    struct parse p = { .program = program, .command = command, .rows = command->options };
    int code;

    p.count = program_row_count(p.rows);
    p.options = calloc(1, program->options_size + 1);
    if (p.count > OPTIONS_MAX || p.options == NULL) {
        code = (int)program_fail(EXIT_IO, "no memory");
        goto out;
    }
    if (command->defaults != NULL)
        command->defaults(p.options);
    if ((code = parse_options(&p, argc, argv)) != GO_ON ||
        (code = program_environment(&p)) != GO_ON || (code = program_config(&p)) != GO_ON ||
        (code = check_complete(&p, argc - optind)) != GO_ON)
        goto out;
    if ((size_t)(argc - optind) > command->operand_max)
        code = program_usage(command, "unexpected operand '%s'",
                             argv[(size_t)optind + command->operand_max]);
    else
        code = (int)command->run(p.options, argv + optind, (size_t)(argc - optind));
out:
    free(p.options);
    arena_free(&p.arena);
    return code;
}

int program_main(const struct program *program, int argc, char **argv)
{
    int code = GO_ON;

    program_called = program->name;
    if (argc < 2)
        return program_usage(NULL, "a command is missing");
    if (strcmp(argv[1], "--help") == 0)
        code = program_help(program);
    else if (strcmp(argv[1], "--version") == 0)
        code = program_print_version();
    for (const struct command_row *row = program->commands; code == GO_ON && row->name != NULL;
         row++)
        if (strcmp(row->name, argv[1]) == 0)
            code = run_command(program, row, argc - 1, argv + 1);
    if (code == GO_ON)
        code = program_usage(NULL, "unknown %s '%s'", argv[1][0] == '-' ? "option" : "command",
                             argv[1]);
    if (code == EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout) != 0))
        code = (int)program_fail(EXIT_IO, "cannot write to standard output");
    return code;
}
