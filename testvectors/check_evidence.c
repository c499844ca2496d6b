#include "testvectors/check_evidence.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/evidence/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As the text has them, and as JSON has them. */
static const struct {
    const char *line, *json;
} RESULTS[] = {
    [EVIDENCE_GOOD] = { "good", "good" },
    [EVIDENCE_BAD] = { "BAD", "bad" },
    [EVIDENCE_NOT_CHECKED] = { "not checked", "not checked" },
};

static void print_lines(const struct evidence_report *report)
{
    for (size_t i = 0; i < report->findings; i++)
        (void)printf("%-11s  %s: %s\n", RESULTS[report->finding[i].result].line,
                     report->finding[i].name, report->finding[i].detail);
    (void)printf("%s: %zu good, %zu bad, %zu not checked\n",
                 report->count[EVIDENCE_BAD] == 0 ? "valid" : "INVALID",
                 report->count[EVIDENCE_GOOD], report->count[EVIDENCE_BAD],
                 report->count[EVIDENCE_NOT_CHECKED]);
}

/* What an invalid record says of its session is nobody's word. */
static json_t *json_of(const struct evidence_report *report)
{
    bool valid = report->count[EVIDENCE_BAD] == 0;
    json_t *findings = json_array(),
           *root =
               json_pack("{s:s, s:o}", "result", valid ? "valid" : "invalid", "findings", findings);

    for (size_t i = 0; root != NULL && i < report->findings; i++)
        (void)json_array_append_new(findings, json_pack("{s:s, s:s, s:s}", "result",
                                                        RESULTS[report->finding[i].result].json,
                                                        "name", report->finding[i].name, "detail",
                                                        report->finding[i].detail));
    if (root != NULL && valid) {
        (void)json_object_set_new(root, "serverSessionId",
                                  json_text(report->record.server_session_id));
        (void)json_object_set_new(
            root, "verdict", json_string(name_of_value(NAMES_VERDICT, report->record.verdict)));
        (void)json_object_set_new(root, "cause", json_text(report->record.cause));
    }
    return root;
}

static enum exit_code print_json(const struct evidence_report *report)
{
    json_t *root = json_of(report);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
    bool good = text != NULL && printf("%s\n", text) > 0;

    free(text);
    json_decref(root);
    return good ? EXIT_VALID : program_fail(EXIT_UNREADABLE, "no memory for the findings");
}

static enum sks_status read_record(const char *path, struct buf *text, struct sks_error *err)
{
    return file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, EVIDENCE_MAX + 1, text, err);
}

enum exit_code check_evidence(const char *path, const char *issuer, bool json)
{
    struct evidence_report report;
    struct bytes_list issuers;
    struct arena arena = { 0 };
    struct buf text = { 0 };
    struct sks_error err = { 0 };
    enum exit_code code = EXIT_UNREADABLE;

    if (pem_read_certificates(issuer, &arena, &issuers, &err) != SKS_OK ||
        read_record(path, &text, &err) != SKS_OK) {
        (void)program_fail(code, "%s", err.text);
    } else if (evidence_check(buf_bytes(&text), &issuers, &arena, &report, &err) != SKS_OK) {
        (void)program_fail(code, "%s: no evidence record: %s", path, err.text);
    } else {
        code = report.count[EVIDENCE_BAD] == 0 ? EXIT_VALID : EXIT_INVALID;
        if (!json)
            print_lines(&report);
        else if (print_json(&report) != EXIT_VALID)
            code = EXIT_UNREADABLE;
    }
    buf_free(&text);
    arena_free(&arena);
    return code;
}
