/* Options by flag, environment and configuration file: who wins, and what is wrong with a file. */
#include "keygen2/base/config_file.h"
#include "keygen2/base/program.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    bool verbose;
    char listen[64]; /* copies: the texts live as long as the command runs */
    struct texts hosts;
    uint32_t timeout;
    const char *text;
};

static struct options seen;
static char first_host[64], last_host[64], path[] = "/tmp/sks-config-XXXXXX";

static enum exit_code remember(void *options, char **operands, size_t count)
{
    const struct options *o = options;

    (void)operands, (void)count;
    seen = *o;
    (void)snprintf(seen.listen, sizeof seen.listen, "%s", o->text == NULL ? "" : o->text);
    if (o->hosts.count > 0) {
        (void)snprintf(first_host, sizeof first_host, "%s", o->hosts.item[0]);
        (void)snprintf(last_host, sizeof last_host, "%s", o->hosts.item[o->hosts.count - 1]);
    }
    return EXIT_DONE;
}

static void defaults(void *options)
{
    ((struct options *)options)->timeout = 60;
}

#define AT(member) .offset = offsetof(struct options, member)
static const struct option_row OPTIONS[] = {
    { "listen", 0, "HOST:PORT", "where", OPTION_TEXT, AT(text), .required = true },
    { "host", 0, "NAME", "a name", OPTION_TEXTS, AT(hosts) },
    { "timeout", 0, "S", "seconds", OPTION_NUMBER, AT(timeout), .min = 1, .max = 3600 },
    { "verbose", 0, NULL, "say more", OPTION_FLAG, AT(verbose) },
    { "hidden", 0, "TEXT", "not of the environment", OPTION_TEXT, AT(text), .environment = "" },
    { 0 },
};
static const struct option_row OTHERS[] = {
    { "depth", 0, "N", "of another command", OPTION_NUMBER, AT(timeout) },
    { 0 },
};
static const struct command_row COMMANDS[] = {
    { "serve", "", 0, 0, "Serves something.", OPTIONS, remember, defaults },
    { "dive", "", 0, 0, "Dives.", OTHERS, remember, defaults },
    { 0 },
};
static const struct program PROGRAM = { "sks-test", "a program", COMMANDS, sizeof(struct options) };

static int run(const char *line)
{
    char copy[256], *argv[20] = { NULL };
    int argc = 0;

    seen = (struct options){ 0 };
    (void)snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    return program_main(&PROGRAM, argc, argv);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "we");

    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

static int run_with(const char *text, const char *more)
{
    char line[256];

    write_file(text);
    (void)snprintf(line, sizeof line, "x serve --config %s %s", path, more);
    return run(line);
}

static void set_up(void)
{
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    cr_assert_eq(close(fd), 0);
    cr_redirect_stdout();
    cr_redirect_stderr();
}

static void tear_down(void)
{
    (void)unlink(path);
}

TestSuite(config, .init = set_up, .fini = tear_down);

Test(config, a_file_has_all_that_flags_have)
{
    cr_assert_eq(run_with("# where\n\n  listen =  [::1]:1  \r\nhost=a\nhost = \" b = c \"\n"
                          "timeout = 5\nverbose = true\ndepth = 4",
                          ""),
                 EXIT_DONE);
    cr_assert_str_eq(seen.listen, "[::1]:1");
    cr_assert_eq(seen.hosts.count, 2);
    cr_assert_str_eq(first_host, "a");
    cr_assert_str_eq(last_host, " b = c ");
    cr_assert_eq(seen.timeout, 5);
    cr_assert(seen.verbose);
}

Test(config, flag_then_file_then_environment_then_default)
{
    static const char FILE_TEXT[] = "listen = file\nhost = file\nverbose = true\n";

    cr_assert_eq(setenv("SKS_TEST_LISTEN", "environment", 1), 0);
    cr_assert_eq(setenv("SKS_TEST_HOST", "one\ntwo\n", 1), 0);
    cr_assert_eq(run_with(FILE_TEXT, "--listen flag"), EXIT_DONE);
    cr_assert_str_eq(seen.listen, "flag");
    cr_assert_eq(seen.hosts.count, 1);
    cr_assert_str_eq(last_host, "file");
    cr_assert_eq(seen.timeout, 60);
    cr_assert(seen.verbose);
    cr_assert_eq(run_with(FILE_TEXT, ""), EXIT_DONE);
    cr_assert_str_eq(seen.listen, "file");
    cr_assert_eq(run_with("timeout = 7\n", ""), EXIT_DONE);
    cr_assert_str_eq(seen.listen, "environment");
    cr_assert_eq(seen.hosts.count, 2);
    cr_assert_str_eq(last_host, "two");
    cr_assert_eq(setenv("SKS_TEST_VERBOSE", "true", 1), 0);
    cr_assert_eq(run_with("verbose = false\n", ""), EXIT_DONE);
    cr_assert(!seen.verbose);
    cr_assert_eq(unsetenv("SKS_TEST_LISTEN") + unsetenv("SKS_TEST_HOST"), 0);
    cr_assert_eq(run_with(FILE_TEXT, "--host flag"), EXIT_DONE);
    cr_assert_str_eq(seen.listen, "file");
    cr_assert_eq(seen.hosts.count, 1);
    cr_assert_str_eq(last_host, "flag");
    cr_assert_eq(run_with("listen = file\nverbose = false\n", "--verbose"), EXIT_DONE);
    cr_assert(seen.verbose);
}

Test(config, the_environment_names_the_file)
{
    write_file("listen = file\n");
    cr_assert_eq(setenv("SKS_TEST_CONFIG", path, 1), 0);
    cr_assert_eq(run("x serve"), EXIT_DONE);
    cr_assert_str_eq(seen.listen, "file");
    cr_assert_eq(run("x serve --config /dev/null"), EXIT_USAGE); /* it is missing there */
    cr_assert_eq(run("x serve --config a --config b"), EXIT_USAGE);
    cr_assert_eq(run("x serve --config /nonexistent/file"), EXIT_IO);
}

Test(config, what_is_not_of_the_environment)
{
    cr_assert_eq(setenv("SKS_TEST_HIDDEN", "value", 1), 0);
    cr_assert_eq(run("x serve --listen a"), EXIT_DONE);
    cr_assert_str_eq(seen.listen, "a");
}

static const struct {
    const char *file, *text;
} WRONG[] = {
    { "listen = a\nhtp = b\n", "line 2: 'htp' is an option of no command" },
    { "\n\nlisten\n", "line 3: 'listen' is not of the form NAME = VALUE" },
    { "listen = a\nlisten = b", "line 2: 'listen' stands twice in it" },
    { "# a\nListen = a\n", "line 2: 'Listen' is no name" },
    { "= a\n", "line 1: '' is no name" },
    { "listen = \"a\n", "line 1: the quotation mark at the end is missing" },
    { "listen = \"\n", "line 1: the quotation mark at the end is missing" },
    { "listen = a\nverbose = yes\n", "line 2: verbose: 'yes' is neither true nor false" },
    { "listen = a\ntimeout = 0\n", "line 2: timeout: '0' is not a number from 1 to 3600" },
    { "listen = a\001\n", "line 1: a control character" },
    { "listen = \xff\n", "line 1: a control character, or no UTF-8" },
    { "timeout = 4\n", "--listen HOST:PORT is missing" },
};

Test(config, what_is_wrong_with_a_file_is_said)
{
    char all[8192];
    size_t len;

    for (size_t i = 0; i < NITEMS(WRONG); i++)
        cr_expect_eq(run_with(WRONG[i].file, ""), EXIT_USAGE, "%s", WRONG[i].file);
    (void)fflush(NULL);
    len = fread(all, 1, sizeof all - 1, cr_get_redirected_stderr());
    all[len] = '\0';
    for (size_t i = 0; i < NITEMS(WRONG); i++)
        cr_expect_not_null(strstr(all, WRONG[i].text), "%s: %s", WRONG[i].text, all);
}

Test(config, a_nul_does_not_cut_a_value)
{
    static const char TEXT[] = "listen = a\0b\n";
    struct bytes text = bytes_at(TEXT, sizeof TEXT - 1);
    struct config_line line = { 0 };
    struct sks_error err = { 0 };
    bool found;

    cr_assert_eq(config_next(&text, &line, &found, &err), SKS_ERROR_OPTION);
    cr_assert_not_null(strstr(err.text, "line 1: a control character"), "%s", err.text);
}
