/* What the certificates of one key of a profile have in common, encoded once. */
#ifndef ISSUER_CERTIFICATE_TEMPLATE_H
#define ISSUER_CERTIFICATE_TEMPLATE_H

#include "keygen2/base/arena.h"

struct enrolment_values;

struct certificate_template {
    struct bytes subject;        /* Name, DER; empty: it depends on the enrolment */
    struct bytes extensions;     /* Extensions one behind the other, DER */
    struct bytes own_extensions; /* of one certificate alone, likewise; empty in a profile */
    uint32_t validity_days;
};

/** True if a text has "{NAME}" in it, which stands for a value of the enrolment. */
bool certificate_is_pattern(struct bytes text);

/**
 * Encodes a subject.
 *
 * @param text    RFC 4514 without "+" and "#": "CN=Anna,O=Example"; the last relative name comes
 *                first in the DER, as that text asks for. "{NAME}" within a value stands for one of
 *                the enrolment, whatever characters that has; a brace is written as "\\7B"
 * @param values  NULL: there is no enrolment yet, and only the form of the text counts
 * @param der     out: in the arena
 * @return SKS_ERROR_OPTION with the reason in err
 */
CHECKED enum sks_status certificate_subject(struct bytes text,
                                            const struct enrolment_values *values,
                                            struct arena *arena, struct bytes *der,
                                            struct sks_error *err);

/** True for a KeyUsage bit that an end entity may have, by its name in RFC 5280. */
bool certificate_is_key_usage(struct bytes name);

/** True for an extended key usage: a name that OpenSSL knows, or an object identifier. */
bool certificate_is_extended_key_usage(struct bytes name);

/** True for an object identifier, dotted decimal. */
bool certificate_is_policy(struct bytes name);

/**
 * Encodes basicConstraints, keyUsage and, where there are any, extendedKeyUsage and
 * certificatePolicies.
 *
 * @param key_usage, extended_key_usage, policies  names that the functions above accept
 * @param out  the extensions are appended, DER
 */
CHECKED enum sks_status certificate_extensions(const struct bytes_list *key_usage,
                                               const struct bytes_list *extended_key_usage,
                                               const struct bytes_list *policies, struct buf *out);

/** Appends a text with the values of its patterns, which must give printable ASCII; else
 * SKS_ERROR_OPTION with the reason in err. @param values as of certificate_subject() */
CHECKED enum sks_status certificate_expand(struct bytes text, const struct enrolment_values *values,
                                           struct buf *out, struct sks_error *err);

/**
 * Encodes subjectAltName.
 *
 * @param names   "email:ADDRESS", "DNS:NAME", "URI:URI", "IP:ADDRESS", with "{NAME}" as above;
 * none: nothing is appended
 * @param values  NULL: only the form of the names counts, as far as they are no patterns
 * @param out     the extension is appended, DER
 * @return SKS_ERROR_OPTION with the reason in err
 */
CHECKED enum sks_status certificate_alt_names(const struct bytes_list *names,
                                              const struct enrolment_values *values,
                                              struct buf *out, struct sks_error *err);

#endif
