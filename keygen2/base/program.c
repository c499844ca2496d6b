#include "keygen2/base/program_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LONG_FIRST = 256, /* getopt_long() values: this + number of the row; letters are below */
    LONG_HELP = 1000, /* of the options that every command has */
    LONG_VERSION,
    LONG_CONFIG,
    LONG_PRINT,
    LONG_COUNT = 4, /* of these */
};

static const char CANNOT_WRITE[] = "cannot write to standard output";

const char *program_called = "sks";

/* The command that runs, NULL: none yet. */
static const struct parse *running;

/* What of a text names an option whose value was not a flag: its length, and the place. */
static size_t find_place(const char *text, char place[ORIGIN_MAX])
{
    size_t len = strncmp(text, "--", 2) == 0 ? strcspn(text + 2, ": ,;") : 0;

    for (size_t i = 0; running != NULL && i < running->count; i++)
        if (len == strlen(running->rows[i].name) &&
            strncmp(running->rows[i].name, text + 2, len) == 0 &&
            (running->origin[i] == ORIGIN_FILE || running->origin[i] == ORIGIN_ENVIRONMENT)) {
            program_place(running, i, running->origin[i], running->line[i][0], place);
            return 2 + len;
        }
    return 0;
}

__attribute__((format(printf, 1, 0))) static void print_failure(const char *format, va_list args)
{
    char place[ORIGIN_MAX] = "", *text = NULL;
    size_t skip;

    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    skip = text == NULL ? 0 : find_place(text, place);
    (void)fprintf(stderr, "%s: %s%s\n", program_called, place,
                  text == NULL ? "no memory" : text + skip);
    free(text);
}

bool program_is_given(const char *name)
{
    for (size_t i = 0; running != NULL && i < running->count; i++)
        if (strcmp(running->rows[i].name, name) == 0)
            return running->origin[i] == ORIGIN_FILE || running->origin[i] == ORIGIN_FLAG;
    return false;
}

enum exit_code program_fail(enum exit_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_failure(format, args);
    va_end(args);
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

enum exit_code program_print_json(json_t *value, size_t flags)
{
    char *text = value == NULL ? NULL : json_dumps(value, flags);
    enum exit_code code = EXIT_DONE;

    if (text == NULL)
        code = program_fail(EXIT_IO, "no memory for the output");
    else if (puts(text) == EOF || fflush(stdout) != 0)
        code = program_fail(EXIT_IO, CANNOT_WRITE);
    free(text);
    json_decref(value);
    return code;
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

static int check_complete(const struct parse *p, int operands)
{
    const struct command_row *command = p->command;

    for (size_t i = 0; i < p->count; i++)
        if (p->rows[i].required && p->origin[i] == ORIGIN_DEFAULT)
            return program_usage(command, "--%s %s is missing", p->rows[i].name, p->rows[i].value);
    if ((size_t)operands < command->operand_min && !p->print)
        return program_usage(command, "operand missing: %s", command->operands);
    return GO_ON;
}

/* The two tables that getopt_long() wants. */
static void getopt_tables(const struct parse *p, char letters[2 * OPTIONS_MAX + 2],
                          struct option names[OPTIONS_MAX + LONG_COUNT + 1])
{
    *letters++ = ':'; /* a missing value is told apart from an unknown option */
    for (size_t i = 0; i < p->count; i++) {
        const struct option_row *row = &p->rows[i];
        int value = row->kind == OPTION_FLAG ? optional_argument : required_argument;

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
    names[p->count + 3] = (struct option){ PROGRAM_PRINT.name, no_argument, NULL, LONG_PRINT };
    names[p->count + LONG_COUNT] = (struct option){ 0 };
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
    struct option names[OPTIONS_MAX + LONG_COUNT + 1];
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
        else if (found == LONG_PRINT)
            p->print = true;
        else if (found == ':')
            code = program_usage(p->command, "%s: the value is missing", argv[optind - 1]);
        else if (found == '?')
            code = unknown_option(p, argv);
        else
            code = program_set(p, (size_t)row_of(p, found), optarg, ORIGIN_FLAG, 0);
    }
    return code;
}

/* Fills the options from all their places: flag, then file, then environment. */
static int take_options(struct parse *p, int argc, char **argv)
{
    int code;

    if ((code = parse_options(p, argc, argv)) != GO_ON)
        return code;
    program_find_config(p);
    if ((code = program_config(p)) != GO_ON || (code = program_environment(p)) != GO_ON)
        return code;
    return check_complete(p, argc - optind);
}

static int run_command(const struct program *program, const struct command_row *command, int argc,
                       char **argv)
{
    struct parse *p = calloc(1, sizeof *p);
    int code;

    if (p == NULL)
        return (int)program_fail(EXIT_IO, "no memory");
    *p = (struct parse){ .program = program, .command = command, .rows = command->options };
    p->count = program_row_count(p->rows);
    p->options = calloc(1, program->options_size + 1);
    if (p->count > OPTIONS_MAX || p->options == NULL) {
        code = (int)program_fail(EXIT_IO, "no memory");
        goto out;
    }
    running = p;
    if (command->defaults != NULL)
        command->defaults(p->options);
    if ((code = take_options(p, argc, argv)) != GO_ON)
        goto out;
    if ((size_t)(argc - optind) > command->operand_max)
        code = program_usage(command, "unexpected operand '%s'",
                             argv[(size_t)optind + command->operand_max]);
    else if (p->print)
        code = program_print_config(p);
    else
        code = (int)command->run(p->options, argv + optind, (size_t)(argc - optind));
out:
    running = NULL;
    free(p->options);
    arena_free(&p->arena);
    free(p);
    return code;
}

static void end_by_signal(int number)
{
    _exit(128 + number);
}

/* The kernel drops a signal to process 1 that has no handler: a container would not stop before
 * its time is over. Commands with an end of their own replace these. */
static void be_first_process(void)
{
    static const int ENDING[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
    struct sigaction end = { .sa_handler = end_by_signal };

    if (getpid() != 1)
        return;
    for (size_t i = 0; i < NITEMS(ENDING); i++)
        (void)sigaction(ENDING[i], &end, NULL);
}

/* Who starts a program without one of the three gives their numbers to the files that it opens
 * next: a lock or a database would get what is meant for people. Here they can be neither read nor
 * written. */
static bool hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int program_main(const struct program *program, int argc, char **argv)
{
    int code = GO_ON;

    program_called = program->name;
    if (!hold_standard_descriptors())
        return (int)program_fail(EXIT_IO, "/dev/null: %s", strerror(errno));
    be_first_process();
    if (argc < 2)
        return program_usage(NULL, "a command is missing");
    if (strcmp(argv[1], "--help") == 0)
        code = program_help(program);
    else if (strcmp(argv[1], "--version") == 0)
        code = program_print_version();
    else if (strcmp(argv[1], "--settings-table") == 0)
        code = program_print_table(program);
    for (const struct command_row *row = program->commands; code == GO_ON && row->name != NULL;
         row++)
        if (strcmp(row->name, argv[1]) == 0)
            code = run_command(program, row, argc - 1, argv + 1);
    if (code == GO_ON)
        code = program_usage(NULL, "unknown %s '%s'", argv[1][0] == '-' ? "option" : "command",
                             argv[1]);
    if (code == EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout) != 0))
        code = (int)program_fail(EXIT_IO, CANNOT_WRITE);
    return code;
}
