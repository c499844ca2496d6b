#include "keygen2/base/program.h"

#include "keygen2/base/version.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTIONS_MAX = 40, /* of one command */
    LEFT_MAX = 80,    /* bytes of the left column of a help */
    LONG_FIRST = 256, /* getopt_long() values: this + number of the row; letters are below */
    LONG_HELP = 1000, /* of the two options that every command has */
    LONG_VERSION,
    GO_ON = -1, /* in the place of an exit code */
};

static const char *program_name = "sks";

enum exit_code program_fail(enum exit_code code, const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr, "%s: ", program_name);
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

/* ---- help ---- */

static size_t row_count(const struct option_row *rows)
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
    char left[LEFT_MAX];
    int width = (int)strlen("    --version");

    for (size_t i = 0; i < count; i++) {
        option_left(&rows[i], left);
        width = (int)strlen(left) > width ? (int)strlen(left) : width;
    }
    (void)printf("\nOptions:\n");
    for (size_t i = 0; i < count; i++) {
        option_left(&rows[i], left);
        print_columns(width, left, rows[i].help);
        if (rows[i].environment != NULL)
            (void)printf(" [$%s]", rows[i].environment);
        (void)printf("%s\n", rows[i].required ? " (required)" : "");
    }
    print_columns(width, "    --help", "show this help\n");
    print_columns(width, "    --version", "show the version\n");
}

static int command_help(const struct command_row *command)
{
    const struct option_row *rows = command->options;
    size_t count = row_count(rows);

    (void)printf("Usage: %s %s", program_name, command->name);
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

static int program_help(const struct program *program)
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

static int print_version(void)
{
    (void)printf("%s %s\n", program_name, SKS_RIG_VERSION);
    return EXIT_DONE;
}

/* ---- one command line ---- */

struct parse {
    const struct command_row *command;
    const struct option_row *rows;
    size_t count;
    void *options;
    bool given[OPTIONS_MAX];
};

__attribute__((format(printf, 2, 3))) static int usage(const struct command_row *command,
                                                       const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr, "%s: ", program_name);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "\ntry '%s%s%s --help'\n", program_name, command == NULL ? "" : " ",
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
        return usage(p->command, "--%s: '%s' is not a number from %u to %u", row->name, text,
                     row->min, max);
    *(uint32_t *)((char *)p->options + row->offset) = (uint32_t)value;
    return GO_ON;
}

static int add_text(const struct parse *p, const struct option_row *row, const char *text)
{
    struct texts *texts = (struct texts *)((char *)p->options + row->offset);

    if (texts->count == TEXTS_MAX)
        return usage(p->command, "--%s: given more than %d times", row->name, TEXTS_MAX);
    texts->item[texts->count++] = text;
    return GO_ON;
}

static int set_option(struct parse *p, size_t number, const char *text)
{
    const struct option_row *row = &p->rows[number];
    void *member = (char *)p->options + row->offset;

    if (p->given[number] && (row->kind == OPTION_TEXT || row->kind == OPTION_NUMBER))
        return usage(p->command, "--%s: given twice", row->name);
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

/* The environment stands in for what was not given; a flag is set by anything but "" and "0". */
static int set_from_environment(struct parse *p)
{
    int code = GO_ON;

    for (size_t i = 0; i < p->count && code == GO_ON; i++) {
        const char *name = p->rows[i].environment;
        const char *text = name == NULL || p->given[i] ? NULL : getenv(name);

        if (text == NULL || text[0] == '\0')
            continue;
        if (p->rows[i].kind != OPTION_FLAG || strcmp(text, "0") != 0)
            code = set_option(p, i, text);
    }
    return code;
}

static int check_complete(const struct parse *p, int operands)
{
    const struct command_row *command = p->command;

    for (size_t i = 0; i < p->count; i++)
        if (p->rows[i].required && !p->given[i])
            return usage(command, "--%s %s is missing", p->rows[i].name, p->rows[i].value);
    if ((size_t)operands < command->operand_min)
        return usage(command, "operand missing: %s", command->operands);
    return GO_ON;
}

/* The two tables that getopt_long() wants. */
static void getopt_tables(const struct parse *p, char letters[2 * OPTIONS_MAX + 2],
                          struct option names[OPTIONS_MAX + 3])
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
    names[p->count + 2] = (struct option){ 0 };
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
        return usage(p->command, "%s: this option takes no value", argv[optind - 1]);
    if (optopt != 0)
        return usage(p->command, "unknown option -%c", optopt);
    return usage(p->command, "unknown or ambiguous option %s", argv[optind - 1]);
}

static int parse_options(struct parse *p, int argc, char **argv)
{
    char letters[2 * OPTIONS_MAX + 2];
    struct option names[OPTIONS_MAX + 3];
    int code = GO_ON, found;

    getopt_tables(p, letters, names);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while (code == GO_ON && (found = getopt_long(argc, argv, letters, names, NULL)) != -1) {
        if (found == LONG_HELP)
            code = command_help(p->command);
        else if (found == LONG_VERSION)
            code = print_version();
        else if (found == ':')
            code = usage(p->command, "%s: the value is missing", argv[optind - 1]);
        else if (found == '?')
            code = unknown_option(p, argv);
        else
            code = set_option(p, (size_t)row_of(p, found), optarg);
    }
    return code;
}

static int run_command(const struct program *program, const struct command_row *command, int argc,
                       char **argv)
{
    struct parse p = { .command = command, .rows = command->options };
    int code;

    p.count = row_count(p.rows);
    p.options = calloc(1, program->options_size + 1);
    if (p.count > OPTIONS_MAX || p.options == NULL) {
        code = (int)program_fail(EXIT_IO, "no memory");
        goto out;
    }
    if (command->defaults != NULL)
        command->defaults(p.options);
    if ((code = parse_options(&p, argc, argv)) != GO_ON ||
        (code = set_from_environment(&p)) != GO_ON ||
        (code = check_complete(&p, argc - optind)) != GO_ON)
        goto out;
    if ((size_t)(argc - optind) > command->operand_max)
        code =
            usage(command, "unexpected operand '%s'", argv[(size_t)optind + command->operand_max]);
    else
        code = (int)command->run(p.options, argv + optind, (size_t)(argc - optind));
out:
    free(p.options);
    return code;
}

int program_main(const struct program *program, int argc, char **argv)
{
    int code = GO_ON;

    program_name = program->name;
    if (argc < 2)
        return usage(NULL, "a command is missing");
    if (strcmp(argv[1], "--help") == 0)
        code = program_help(program);
    else if (strcmp(argv[1], "--version") == 0)
        code = print_version();
    for (const struct command_row *row = program->commands; code == GO_ON && row->name != NULL;
         row++)
        if (strcmp(row->name, argv[1]) == 0)
            code = run_command(program, row, argc - 1, argv + 1);
    if (code == GO_ON)
        code = usage(NULL, "unknown %s '%s'", argv[1][0] == '-' ? "option" : "command", argv[1]);
    if (code == EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout) != 0))
        code = (int)program_fail(EXIT_IO, "cannot write to standard output");
    return code;
}
