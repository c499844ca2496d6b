/* sks-vectors: the command line. */
#include "testvectors/check_evidence.h"

struct options {
    const char *issuer;
    bool json;
};

#define AT(member) .offset = offsetof(struct options, member)

static const struct option_row CHECK_EVIDENCE[] = {
    { "issuer-cert", 0, "PEM",
      "certificates of the issuer: of its evidence key, or of the CA that has issued that",
      OPTION_TEXT, AT(issuer), .required = true },
    { "json", 0, NULL, "print JSON", OPTION_FLAG, AT(json) },
    { 0 },
};

static enum exit_code run_check_evidence(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)count;
    return check_evidence(operands[0], options->issuer, options->json);
}

static const struct command_row COMMANDS[] = {
    { "check-evidence", "FILE", 1, 1,
      "Checks an evidence record again: exit 0 valid, 1 invalid, 2 unreadable.", CHECK_EVIDENCE,
      run_check_evidence, NULL },
    { 0 },
};

int main(int argc, char **argv)
{
    static const struct program PROGRAM = {
        .name = "sks-vectors",
        .summary = "checks what the ends of a provisioning session have written",
        .commands = COMMANDS,
        .options_size = sizeof(struct options),
    };

    return program_main(&PROGRAM, argc, argv);
}
