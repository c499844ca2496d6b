/* sks-conform: conformance cases against a live token or a live issuer. */
#include "conform/issuer/suite.h"
#include "conform/runner.h"
#include "conform/token/suite.h"
#include "keygen2/base/option_check.h"

static const struct option_row TOKEN[] = {
    CONFORM_OPTIONS,
    { "timeout", 0, "SECONDS", "for one call (default 120)", OPTION_NUMBER,
      .offset = offsetof(struct conform_options, timeout), .min = 1, .max = 3600 },
    { 0 },
};

static enum exit_code run_token(void *options, char **operands, size_t count)
{
    return conform_run(&TOKEN_SUITE, options, count == 0 ? NULL : operands[0]);
}

static const struct option_row ISSUER[] = {
    CONFORM_OPTIONS,
    { "device", 0, "FOLDER",
      "where the device is that visits the issuer, made if it is not there: the issuer must trust "
      "its device-ca.pem",
      OPTION_TEXT, .offset = offsetof(struct conform_options, device) },
    { "trusted", 0, NULL,
      "the issuer was given that device-ca.pem: if it says that it does not trust the device, that "
      "is a failure",
      OPTION_FLAG, .offset = offsetof(struct conform_options, trusted) },
    { "operator", 0, "COMMAND",
      "what the issuer's operator does, by /bin/sh: reads a line \"approve ID DEVICE\", \"reject "
      "ID DEVICE\" (DEVICE: SHA-256 of the device's certificate), \"withdraw CODE\", or \"invite "
      "PROFILE\" or \"expired PROFILE\", and then prints a code",
      OPTION_TEXT, .offset = offsetof(struct conform_options, operator_command) },
    { "code", 0, "CODE",
      "for the enrolment page of the profile that wants one, good for one enrolment; again for "
      "more",
      OPTION_TEXTS, .offset = offsetof(struct conform_options, code) },
    { "ca", 0, "FILE", "certificates to trust over https (the system's)", OPTION_TEXT,
      .offset = offsetof(struct conform_options, ca), .check = check_certificates },
    { "timeout", 0, "SECONDS", "for one exchange (default 120)", OPTION_NUMBER,
      .offset = offsetof(struct conform_options, timeout), .min = 1, .max = 3600 },
    { 0 },
};

static enum exit_code run_issuer(void *options, char **operands, size_t count)
{
    struct conform_options *o = options;

    for (size_t i = 1; i < count; i++)
        o->more.item[o->more.count++] = operands[i];
    return conform_run(&ISSUER_SUITE, options, count == 0 ? NULL : operands[0]);
}

static const struct command_row COMMANDS[] = {
    { "token", "URL", 0, 1,
      "Is the issuer of a live token at http://HOST:PORT or unix:PATH: exit 0 conforms, 1 not, 2 "
      "usage, 3 no contact, 77 all skipped.",
      TOKEN, run_token, conform_defaults },
    { "issuer", "URL...", 0, TEXTS_MAX,
      "Is client and token of a live KeyGen2 issuer, whose profiles are at the URLs, or listed at "
      "the root: exit codes as of token.",
      ISSUER, run_issuer, conform_defaults },
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
