#include "conform/issuer/suite.h"
#include "conform/issuer/families.h"
#include "conform/issuer/site.h"
#include "conform/report.h"

static void list(struct cases *cases)
{
    issuer_cases_of_profiles(cases);
    issuer_cases_of_requests(cases);
    issuer_cases_of_certificates(cases);
    issuer_cases_of_http(cases);
    issuer_cases_of_cookies(cases);
    issuer_cases_of_pages(cases);
    issuer_cases_of_order(cases);
    issuer_cases_of_addresses(cases);
    issuer_cases_of_texts(cases);
    issuer_cases_of_properties(cases);
    issuer_cases_of_devices(cases);
    issuer_cases_of_terms(cases);
    issuer_cases_of_attestations(cases);
    issuer_cases_of_lookups(cases);
    issuer_cases_of_deferral(cases);
    issuer_cases_of_approval(cases);
    issuer_cases_of_enrolment(cases);
    issuer_cases_of_codes(cases);
    issuer_cases_of_life_time(cases);
    issuer_cases_of_doubt(cases);
}

static void repeat(const struct conform_options *options, struct buf *out)
{
    const struct {
        const char *name, *value;
    } given[] = { { " --ca ", options->ca },
                  { " --device ", options->device },
                  { " --operator ", options->operator_command },
                  { " --code ", options->code.count > 0 ? "CODE" : NULL } };

    for (size_t i = 0; i < NITEMS(given); i++)
        if (given[i].value != NULL) {
            put_text(out, given[i].name);
            put_word(out, given[i].value);
        }
    if (options->trusted)
        put_text(out, " --trusted");
    for (size_t i = 0; i < options->more.count; i++) {
        put_text(out, " ");
        put_word(out, options->more.item[i]);
    }
}

const struct suite ISSUER_SUITE = {
    .name = "issuer",
    .capability = site_feature_name,
    .list = list,
    .open = site_open,
    .fault = site_fault,
    .lack = site_lack,
    .tidy = site_tidy,
    .leave = site_leave,
    .close = site_close,
    .repeat = repeat,
};
