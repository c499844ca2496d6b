/* What a search filter asks a certificate for, in the form that it asks for it. */
#ifndef PROXY_CERTIFICATE_FACTS_H
#define PROXY_CERTIFICATE_FACTS_H

#include "keygen2/base/arena.h"

#include <openssl/x509.h>

enum certificate_list {
    CERTIFICATE_KEY_USAGES,          /* "digitalSignature", ... */
    CERTIFICATE_EXTENDED_KEY_USAGES, /* OIDs, "1.3.6.1.5.5.7.3.2" */
    CERTIFICATE_POLICIES,            /* OIDs */
    CERTIFICATE_EMAIL_ADDRESSES,     /* of the subject and of subjectAltName */
};

/**
 * Lists what a certificate says.
 *
 * @param arena  holds the list
 * @return false if it says nothing of the kind: the extension is not there or does not decode
 */
bool certificate_list(X509 *x509, enum certificate_list kind, struct arena *arena,
                      struct bytes_list *list);

/** Appends the subject's or the issuer's name; see principal_name.h. */
CHECKED enum sks_status put_certificate_principal(struct buf *out, X509 *x509, bool issuer);

#endif
