/*
 * Names of certificates as the filters of a CredentialDiscoveryRequest expect them: RFC 2253 as
 * Java's X500Principal.getName() writes it, which is what the public reference matches against.
 * The last RDN comes first. CN, C, L, ST, O, OU, STREET, DC and UID stand by name; every other type
 * is its OID, with '#' and the DER of the value in hexadecimal, and so is a value of no string
 * type.
 */
#ifndef PROXY_PRINCIPAL_NAME_H
#define PROXY_PRINCIPAL_NAME_H

#include "keygen2/base/bytes.h"

/**
 * Appends a name as UTF-8.
 *
 * @param der  of the Name, as it stands in the certificate
 * @return SKS_ERROR_CRYPTO if it is no Name; SKS_ERROR_STORAGE without memory
 */
CHECKED enum sks_status put_principal_name(struct buf *out, struct bytes der);

/**
 * Appends bytes as text: what is not UTF-8 becomes U+FFFD, cut as Java's decoder cuts it.
 */
void put_java_utf8(struct buf *out, struct bytes raw);

#endif
