/* sks-conform: conformance cases against a live token or a live issuer. */
#include "conform/runner.h"
#include "conform/token/suite.h"

static const struct option_row TOKEN[] = {
    CONFORM_OPTIONS,
    { "timeout", 0, "SECONDS", "for one call (default 120)", OPTION_NUMBER,
      offsetof(struct conform_options, timeout), false, NULL, 1, 3600 },
    { 0 },
};

static enum exit_code run_token(void *options, char **operands, size_t count)
{
    return conform_run(&TOKEN_SUITE, options, count == 0 ? NULL : operands[0]);
}

static const struct command_row COMMANDS[] = {
    { "token", "URL", 0, 1,
      "Is the issuer of a live token at http://HOST:PORT or unix:PATH: exit 0 conforms, 1 not, 2 "
      "usage, 3 no contact, 77 all skipped.",
      TOKEN, run_token, conform_defaults },
    { 0 },
};

int main(int argc, char **argv)
{
    static const struct program PROGRAM = {
        .name = "sks-conform",
        .summary = "runs conformance cases against a live end",
        .commands = COMMANDS,
        .options_size = sizeof(struct conform_options),
    };

    return program_main(&PROGRAM, argc, argv);
}
