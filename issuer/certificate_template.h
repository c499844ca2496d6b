/* What the certificates of one key of a profile have in common, encoded once. */
#ifndef ISSUER_CERTIFICATE_TEMPLATE_H
#define ISSUER_CERTIFICATE_TEMPLATE_H

#include "keygen2/base/arena.h"

struct certificate_template {
    struct bytes subject;    /* Name, DER */
    struct bytes extensions; /* Extensions one behind the other, DER */
    uint32_t validity_days;
};

/**
 * Encodes a subject.
 *
 * @param text  RFC 4514 without "+" and "#": "CN=Anna,O=Example"; the last relative name comes
 *              first in the DER, as that text asks for
 * @param der   out: in the arena
 * @return SKS_ERROR_OPTION with the reason in err
 */
CHECKED enum sks_status certificate_subject(struct bytes text, struct arena *arena,
                                            struct bytes *der, struct sks_error *err);

/** True for a KeyUsage bit that an end entity may have, by its name in RFC 5280. */
bool certificate_is_key_usage(struct bytes name);

/** True for an extended key usage: a name that OpenSSL knows, or an object identifier. */
bool certificate_is_extended_key_usage(struct bytes name);

/**
 * Encodes basicConstraints, keyUsage and, if there is one, extendedKeyUsage.
 *
 * @param key_usage, extended_key_usage  names that the functions above accept
 * @param der  out: in the arena
 */
CHECKED enum sks_status certificate_extensions(const struct bytes_list *key_usage,
                                               const struct bytes_list *extended_key_usage,
                                               struct arena *arena, struct bytes *der);

#endif
