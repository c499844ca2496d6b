/* The command line: what is parsed, what is refused and with which words. */
#include "keygen2/base/program.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    bool verbose;
    const char *listen;
    struct texts hosts;
    uint32_t timeout;
};

static struct options seen;
static size_t seen_operands;

static enum exit_code remember(void *options, char **operands, size_t count)
{
    (void)operands;
    seen = *(struct options *)options;
    seen_operands = count;
    return EXIT_IN_DOUBT;
}

static void defaults(void *options)
{
    ((struct options *)options)->timeout = 60;
}

#define AT(member) .offset = offsetof(struct options, member)
static const struct option_row OPTIONS[] = {
    { "listen", 0, "HOST:PORT", "where to listen", OPTION_TEXT, AT(listen), .required = true,
      .environment = "TEST_LISTEN" },
    { "host", 'H', "NAME", "a name it goes by", OPTION_TEXTS, AT(hosts) },
    { "timeout", 't', "S", "seconds (60)", OPTION_NUMBER, AT(timeout),
      .environment = "TEST_TIMEOUT", .min = 1, .max = 3600 },
    { "verbose", 'v', NULL, "say more", OPTION_FLAG, AT(verbose), .environment = "TEST_VERBOSE" },
    { 0 },
};
static const struct command_row COMMANDS[] = {
    { "serve", "URL", 1, 1, "Serves something.", OPTIONS, remember, defaults },
    { "list", "", 0, 0, "Lists it.", NULL, remember, NULL },
    { 0 },
};
static const struct program PROGRAM = { "sks-test", "a program", COMMANDS, sizeof(struct options) };

static int run(const char *line)
{
    static char copy[256]; /* what was seen points into it */
    char *argv[20] = { NULL };
    int argc = 0;

    (void)snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    return program_main(&PROGRAM, argc, argv);
}

static void redirect(void)
{
    cr_redirect_stdout();
    cr_redirect_stderr();
}

TestSuite(program, .init = redirect);

static const char *all_of(FILE *from)
{
    static char text[4096];
    size_t len;

    (void)fflush(NULL);
    len = fread(text, 1, sizeof text - 1, from);
    text[len] = '\0';
    return text;
}

Test(program, options_and_operands_in_any_order)
{
    cr_assert_eq(run("x serve -v http://a --listen 1:2 --host b -Hc -t 5"), EXIT_IN_DOUBT);
    cr_assert(seen.verbose);
    cr_assert_str_eq(seen.listen, "1:2");
    cr_assert_eq(seen.hosts.count, 2);
    cr_assert_str_eq(seen.hosts.item[1], "c");
    cr_assert_eq(seen.timeout, 5);
    cr_assert_eq(seen_operands, 1);
}

Test(program, defaults_stay)
{
    cr_assert_eq(run("x serve a --listen=1:2"), EXIT_IN_DOUBT);
    cr_assert_eq(seen.timeout, 60);
    cr_assert(!seen.verbose);
    cr_assert_eq(run("x list"), EXIT_IN_DOUBT);
    cr_assert_null(seen.listen);
}

Test(program, the_environment_stands_in)
{
    cr_assert_eq(setenv("TEST_LISTEN", "9:9", 1), 0);
    cr_assert_eq(setenv("TEST_TIMEOUT", "7", 1), 0);
    cr_assert_eq(setenv("TEST_VERBOSE", "0", 1), 0);
    cr_assert_eq(run("x serve a --timeout 8"), EXIT_IN_DOUBT);
    cr_assert_str_eq(seen.listen, "9:9");
    cr_assert_eq(seen.timeout, 8);
    cr_assert(!seen.verbose);
    cr_assert_eq(setenv("TEST_VERBOSE", "1", 1), 0);
    cr_assert_eq(run("x serve a --timeout 8"), EXIT_IN_DOUBT);
    cr_assert(seen.verbose);
    cr_assert_eq(run("x serve a --verbose=false"), EXIT_IN_DOUBT);
    cr_assert(!seen.verbose);
    cr_assert_eq(setenv("TEST_TIMEOUT", "x", 1), 0);
    cr_assert_eq(run("x serve a"), EXIT_USAGE);
    cr_assert_eq(setenv("TEST_TIMEOUT", "", 1), 0);
    cr_assert_eq(setenv("TEST_VERBOSE", "no", 1), 0);
    cr_assert_eq(run("x serve a"), EXIT_USAGE);
    cr_assert_stderr_eq_str(
        "sks-test: TEST_TIMEOUT: 'x' is not a number from 1 to 3600\ntry 'sks-test serve --help'\n"
        "sks-test: TEST_VERBOSE: 'no' is neither true nor false\ntry 'sks-test serve --help'\n");
}

static const struct {
    const char *line, *text;
} WRONG[] = {
    { "x", "sks-test: a command is missing\ntry 'sks-test --help'\n" },
    { "x sevre", "sks-test: unknown command 'sevre'\ntry 'sks-test --help'\n" },
    { "x --huh", "sks-test: unknown option '--huh'\ntry 'sks-test --help'\n" },
    { "x serve --listen 1 a --huh",
      "sks-test: unknown or ambiguous option --huh\ntry 'sks-test serve --help'\n" },
    { "x serve -x", "sks-test: unknown option -x\ntry 'sks-test serve --help'\n" },
    { "x serve --help=1",
      "sks-test: --help=1: this option takes no value\ntry 'sks-test serve --help'\n" },
    { "x serve --verbose=yes",
      "sks-test: --verbose: 'yes' is neither true nor false\ntry 'sks-test serve --help'\n" },
    { "x serve a --listen",
      "sks-test: --listen: the value is missing\ntry 'sks-test serve --help'\n" },
    { "x serve a", "sks-test: --listen HOST:PORT is missing\ntry 'sks-test serve --help'\n" },
    { "x serve --listen 1", "sks-test: operand missing: URL\ntry 'sks-test serve --help'\n" },
    { "x serve --listen 1 a b", "sks-test: unexpected operand 'b'\ntry 'sks-test serve --help'\n" },
    { "x serve --listen 1 --listen 2",
      "sks-test: --listen: given twice\ntry 'sks-test serve --help'\n" },
    { "x serve -t 0",
      "sks-test: --timeout: '0' is not a number from 1 to 3600\ntry 'sks-test serve --help'\n" },
    { "x serve -t 3601",
      "sks-test: --timeout: '3601' is not a number from 1 to 3600\ntry 'sks-test serve --help'\n" },
    { "x serve -t -1",
      "sks-test: --timeout: '-1' is not a number from 1 to 3600\ntry 'sks-test serve --help'\n" },
    { "x serve -t 5s",
      "sks-test: --timeout: '5s' is not a number from 1 to 3600\ntry 'sks-test serve --help'\n" },
    { "x serve -t 99999999999999999999999",
      "sks-test: --timeout: '99999999999999999999999' is not a number from 1 to 3600\n"
      "try 'sks-test serve --help'\n" },
    { "x list a", "sks-test: unexpected operand 'a'\ntry 'sks-test list --help'\n" },
};

Test(program, what_is_wrong_is_said)
{
    char wanted[4096] = "";

    for (size_t i = 0; i < NITEMS(WRONG); i++) {
        cr_expect_eq(run(WRONG[i].line), EXIT_USAGE, "%s", WRONG[i].line);
        strcat(wanted, WRONG[i].text);
    }
    cr_assert_stderr_eq_str(wanted);
}

Test(program, help_of_the_program)
{
    cr_assert_eq(run("x --help"), EXIT_DONE);
    cr_assert_str_eq(all_of(cr_get_redirected_stdout()),
                     "sks-test: a program\n\nUsage: sks-test COMMAND [OPTION]...\n\nCommands:\n"
                     "  serve URL  Serves something.\n  list       Lists it.\n\n"
                     "Try 'sks-test COMMAND --help' for the options of a command, --version for "
                     "the version.\n");
}

Test(program, help_of_a_command)
{
    cr_assert_eq(run("x serve --huh --help"), EXIT_USAGE);
    cr_assert_eq(run("x serve --help"), EXIT_DONE);
    cr_assert_str_eq(all_of(cr_get_redirected_stdout()),
                     "Usage: sks-test serve URL --listen HOST:PORT [OPTION]...\n\nServes "
                     "something.\n\nOptions:\n"
                     "      --listen HOST:PORT  where to listen [$TEST_LISTEN] (required)\n"
                     "  -H, --host NAME         a name it goes by [$SKS_TEST_HOST]\n"
                     "  -t, --timeout S         seconds (60) [$TEST_TIMEOUT]\n"
                     "  -v, --verbose           say more [$TEST_VERBOSE]\n"
                     "      --config FILE       lines of NAME = VALUE, for options that are not "
                     "given [$SKS_TEST_CONFIG]\n"
                     "      --print-config      print the settings in effect, as such a file, and "
                     "end\n"
                     "      --help              show this help\n"
                     "      --version           show the version\n");
}

Test(program, version)
{
    cr_assert_eq(run("x --version"), EXIT_DONE);
    cr_assert_eq(run("x list --version"), EXIT_DONE);
    cr_assert_str_eq(all_of(cr_get_redirected_stdout()), "sks-test 0.1.0\nsks-test 0.1.0\n");
}

Test(program, exit_codes)
{
    cr_assert_eq(program_exit_code(SKS_OK), EXIT_DONE);
    cr_assert_eq(program_exit_code(SKS_ERROR_MAC), EXIT_REFUSED);
    cr_assert_eq(program_exit_code(SKS_ERROR_OPTION), EXIT_USAGE);
    cr_assert_eq(program_exit_code(SKS_ERROR_EXTERNAL), EXIT_IO);
    cr_assert_eq(run("x --version"), EXIT_DONE);
    cr_assert_eq(program_fail(EXIT_IO, "no %s", "disk"), EXIT_IO);
    cr_assert_stderr_eq_str("sks-test: no disk\n");
}
