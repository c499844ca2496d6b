/*
 * A search filter of a CredentialDiscoveryRequest on a certificate path: an expression that anybody
 * may have written, names that anybody may have put into a certificate. Each input is judged in
 * bounded time, and what is no expression of both Java and PCRE2 is refused.
 *
 * An input is two arrays of the wire, an expression and a name (DER), and a list, the path.
 */
#include "proxy/certificate_facts.h"
#include "proxy/principal_name.h"
#include "proxy/search_filter.h"
#include "tests/plain/support/user.h"

#include <openssl/err.h>
#include <time.h>

enum { SECONDS_MAX = 20 }; /* of the processor's, with sanitizers; the budget is 5 without */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names are text, whatever the certificate holds, so that PCRE2 may take them. */
static void try_name(struct bytes der)
{
    struct buf name = { 0 };

    (void)!put_principal_name(&name, der);
    must(bytes_is_utf8(buf_bytes(&name)), "a name is text");
    buf_free(&name);
    put_java_utf8(&name, der);
    must(bytes_is_utf8(buf_bytes(&name)), "what Java reads is text");
    buf_free(&name);
}

static void try_subject(const struct java_regex *regex, struct bytes subject)
{
    struct java_regex_budget budget = java_regex_begin();
    struct sks_error err = { 0 };
    bool matches = true;

    if (bytes_is_utf8(subject) &&
        java_regex_match(regex, subject, &budget, &matches, &err) != SKS_OK)
        must(!matches && err.text[0] != '\0', "a match that is given up says why");
}

static void try_filter(struct bytes regex, const struct bytes_list *path)
{
    static struct bytes rules[] = { { (const uint8_t *)"-1.2.3", 6 } };
    struct search_filter filter = { .issuer_reg_ex = regex,
                                    .subject_reg_ex = regex,
                                    .email_reg_ex = regex,
                                    .policy_rules = { rules, 1 } };
    struct search_filter_ready ready;
    struct java_regex_budget budget = java_regex_begin();
    struct sks_error err = { 0 };
    bool matches = false;

    for (size_t rule_count = 0; rule_count < 2; rule_count++) {
        filter.policy_rules.count = filter.extended_key_usage_rules.count = rule_count;
        filter.extended_key_usage_rules.item = rules;
        must(search_filter_open(&filter, &ready, &err) == SKS_OK, "an expression that compiled");
        if (search_filter_match(&ready, path, &budget, &matches, &err) != SKS_OK)
            must(err.text[0] != '\0', "a match that is given up says why");
        search_filter_free(&ready);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = { data, size }, expression, name;
    struct arena arena = { 0 };
    struct java_regex *regex = NULL;
    struct sks_error err = { 0 };
    struct bytes_list path;
    clock_t start = clock();

    if (get_array(&in, &expression) != SKS_OK || get_array(&in, &name) != SKS_OK)
        return 0;
    try_name(name);
    if (java_regex_compile(expression, &regex, &err) == SKS_OK) {
        try_subject(regex, name);
        if (get_list(&in, &arena, &path) == SKS_OK)
            try_filter(expression, &path);
    } else {
        must(regex == NULL && err.text[0] != '\0', "a refusal says why");
    }
    must(clock() - start < (clock_t)SECONDS_MAX * CLOCKS_PER_SEC, "time is bounded");
    java_regex_free(regex);
    arena_free(&arena);
    ERR_clear_error();
    return 0;
}
