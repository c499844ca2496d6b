/* sks-vectors: the command line. */
#include "keygen2/base/files.h"
#include "testvectors/check/run.h"
#include "testvectors/check_evidence.h"
#include "testvectors/kinds.h"

#include <limits.h>
#include <stdio.h>

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
static const struct option_row NO_OPTIONS[] = { { 0 } };

static enum exit_code run_check_evidence(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)count;
    return check_evidence(operands[0], options->issuer, options->json);
}

static enum sks_status generate_one(const struct vector_kind *kind, const char *folder,
                                    struct sks_error *err)
{
    char name[64], path[PATH_MAX];
    struct suite suite;
    struct buf text = { 0 };
    enum sks_status rc;

    suite_begin(&suite, kind->name, kind->title);
    kind->generate(&suite);
    suite_end(&suite, &text);
    (void)snprintf(name, sizeof name, "%s.json", kind->name);
    TRY(file_path(path, sizeof path, folder, name));
    TRY(file_write(path, 0644, buf_bytes(&text), err));
out:
    buf_free(&text);
    return sks_explain(err, rc);
}

static enum exit_code run_generate(void *options, char **operands, size_t count)
{
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)options;
    for (size_t i = 1; i < count; i++)
        if (kind_find(operands[i]) == NULL)
            return program_fail(EXIT_USAGE, "no kind of vectors is called %s", operands[i]);
    TRY(file_make_folder(operands[0], 0755, &err));
    for (size_t i = 0; i < KINDS_COUNT; i++) {
        bool wanted = count == 1;

        for (size_t k = 1; k < count; k++)
            wanted = wanted || kind_find(operands[k]) == &KINDS[i];
        if (wanted)
            TRY(generate_one(&KINDS[i], operands[0], &err));
    }
out:
    return program_finish(rc, &err);
}

static enum exit_code run_check_files(void *options, char **operands, size_t count)
{
    enum exit_code worst = EXIT_DONE;

    (void)options;
    for (size_t i = 0; i < count; i++) {
        enum exit_code code = run_check(operands[i]);

        worst = code > worst ? code : worst;
    }
    return worst;
}

static enum exit_code run_show_test(void *options, char **operands, size_t count)
{
    (void)options, (void)count;
    return run_show(operands[0], operands[1]);
}

static const struct command_row COMMANDS[] = {
    { "generate", "FOLDER [KIND...]", 1, 1 + 64,
      "Writes the vector files: the same bytes at every run.", NO_OPTIONS, run_generate, NULL },
    { "check", "FILE...", 1, 64,
      "Runs the tests of vector files through the libraries: exit 0 if all come out as they say.",
      NO_OPTIONS, run_check_files, NULL },
    { "show", "FILE TEST", 2, 2, "Explains one test, and runs it step by step.", NO_OPTIONS,
      run_show_test, NULL },
    { "check-evidence", "FILE", 1, 1,
      "Checks an evidence record again: exit 0 valid, 1 invalid, 2 unreadable.", CHECK_EVIDENCE,
      run_check_evidence, NULL },
    { 0 },
};

int main(int argc, char **argv)
{
    static const struct program PROGRAM = {
        .name = "sks-vectors",
        .summary = "conformance vectors, and checks of what a provisioning session has left",
        .commands = COMMANDS,
        .options_size = sizeof(struct options),
    };

    return program_main(&PROGRAM, argc, argv);
}
