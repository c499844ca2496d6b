/* The families of cases, in the order of the run. */
#ifndef CONFORM_ISSUER_FAMILIES_H
#define CONFORM_ISSUER_FAMILIES_H

#include "conform/cases.h"

void issuer_cases_of_profiles(struct cases *cases);     /* good sessions */
void issuer_cases_of_requests(struct cases *cases);     /* what the issuer's messages say */
void issuer_cases_of_certificates(struct cases *cases); /* what it issues */
void issuer_cases_of_http(struct cases *cases);         /* headers, types, methods */
void issuer_cases_of_cookies(struct cases *cases);
void issuer_cases_of_addresses(struct cases *cases); /* of other profiles, and what else is there */
void issuer_cases_of_pages(struct cases *cases);     /* and of the end */
void issuer_cases_of_order(struct cases *cases);     /* missing, repeated, of other sessions */
void issuer_cases_of_texts(struct cases *cases);     /* what is no JSON, or too much */
void issuer_cases_of_properties(struct cases *cases);   /* each property of each response */
void issuer_cases_of_devices(struct cases *cases);      /* paths, modes, curves */
void issuer_cases_of_terms(struct cases *cases);        /* session attestations of others */
void issuer_cases_of_attestations(struct cases *cases); /* of keys and of the close */
void issuer_cases_of_lookups(struct cases *cases);      /* forged discovery answers */
void issuer_cases_of_deferral(struct cases *cases);     /* pending, come back too early, given up */
void issuer_cases_of_approval(struct cases *cases);     /* the same, with an operator */
void issuer_cases_of_enrolment(struct cases *cases);    /* the page where a person begins */
void issuer_cases_of_codes(struct cases *cases);        /* and what it asks for */
void issuer_cases_of_life_time(struct cases *cases);    /* answers that come too late */
void issuer_cases_of_doubt(struct cases *cases);        /* closing proofs that do */

#endif
