/*
 * The searchFilter of a lookupSpecifier: which credentials an issuer looks for. KeyGen2,
 * searchFilter; where the text is silent, as the public reference decides: all conditions must
 * hold, a rule about an extension that the certificate lacks never does, both dates are inclusive.
 */
#ifndef PROXY_SEARCH_FILTER_H
#define PROXY_SEARCH_FILTER_H

#include "keygen2/message/keygen2.h"
#include "proxy/java_regex.h"

#include <openssl/x509.h>

/* A filter whose expressions are ready. Free with search_filter_free(). */
struct search_filter_ready {
    const struct search_filter *filter;
    struct java_regex *issuer, *subject, *email; /* NULL: not asked for */
};

/**
 * Compiles the expressions.
 *
 * @param filter  borrowed; NULL matches everything
 * @param ready   out: free with search_filter_free(), also after a failure
 * @return SKS_ERROR_OPTION with the name of the property in err
 */
CHECKED enum sks_status search_filter_open(const struct search_filter *filter,
                                           struct search_filter_ready *ready,
                                           struct sks_error *err);

/**
 * Whether a certificate path fulfils all that a path can be asked: everything but grouping and
 * appUsage.
 *
 * @param path     DER, end entity first; one that does not decode matches nothing
 * @param budget   of all expressions of the message
 * @param matches  out
 * @return SKS_ERROR_OPTION if an expression takes too long
 */
CHECKED enum sks_status search_filter_match(const struct search_filter_ready *ready,
                                            const struct bytes_list *path,
                                            struct java_regex_budget *budget, bool *matches,
                                            struct sks_error *err);

void search_filter_free(struct search_filter_ready *ready);

#endif
