/* What the files of the profile's tables share. Nobody else includes this. */
#ifndef ISSUER_PROFILE_INTERNAL_H
#define ISSUER_PROFILE_INTERNAL_H

#include "issuer/profile.h"

enum { PROFILE_CERTIFICATE_DAYS_MAX = 36500 };

/* profile_certificate.c, profile_extension.c, profile_key.c, profile_policy.c, profile_lookup.c,
 * profile_enrolment.c */
extern const struct json_type PROFILE_CERTIFICATE, PROFILE_EXTENSION, PROFILE_PROPERTY_BAG,
    PROFILE_LOGOTYPE, PROFILE_KEY, PROFILE_KEY_ALONE, PROFILE_PIN, PROFILE_PUK, PROFILE_LOOKUP,
    PROFILE_TARGET, PROFILE_DEVICE_TRUST, PROFILE_ENROLMENT;

/** Encodes what all certificates of a key have in common. @param at the key's place */
CHECKED enum sks_status profile_make_template(struct json_reader *r, const struct json_place *at,
                                              struct key_profile *key);

/**
 * Reads the files that a list of extensions or logotypes names.
 *
 * @param at      place of the key
 * @param name    of the list
 * @param folder  NULL: no file may be named
 */
CHECKED enum sks_status profile_read_files(struct json_reader *r, const struct json_place *at,
                                           const char *name, const char *folder,
                                           struct json_array *extensions);

/** @return bytes that the extensions, property bags and logotypes of the key take in a message, at
 * the least */
size_t profile_attached_size(const struct key_profile *key);

/* A contradiction among what the top level says. */
struct profile_rule {
    const char *property, *text;
    bool found;
};

/** Refuses by the first rule that has found something. profile_walk.c */
CHECKED enum sks_status profile_check_rules(struct json_reader *r, const struct profile_rule *rule,
                                            size_t count);

/** Sets what the profile leaves out and what has another default in its kind of session than its
 * table says. profile_session.c */
CHECKED enum sks_status profile_set_defaults(json_t *root);

/** Checks that the profile fits its kind of session. */
CHECKED enum sks_status profile_check_session(struct json_reader *r, struct profile *profile);

/** The checks that go beyond one object; counts keys and operations. profile_walk.c */
CHECKED enum sks_status profile_walk(struct json_reader *r, const char *folder,
                                     struct profile *profile);

#endif
