/* Profiles: what to provision, read from JSON files at start. */
#ifndef ISSUER_PROFILE_H
#define ISSUER_PROFILE_H

#include "issuer/certificate_template.h"
#include "keygen2/crypto/algorithms.h"
#include "keygen2/message/keygen2.h"

struct certificate_profile {
    struct bytes subject;
    uint32_t validity_days;
    struct bytes_list key_usage, extended_key_usage;
};

struct key_profile {
    struct key_entry key; /* as it will stand in a KeyCreationRequest */
    struct certificate_profile *certificate;
    const struct algorithm *algorithm;
    struct certificate_template template;
};

struct pin_profile {
    struct pin_policy policy;
    struct json_array keys; /* struct key_profile */
};

struct puk_profile {
    struct puk_policy policy; /* encrypted_puk is empty */
    struct bytes puk;         /* clear text; empty: each session draws one */
    struct json_array pins;   /* struct pin_profile */
};

struct profile {
    const char *name; /* of its file, without .json; also in the URL */
    struct bytes description;
    uint16_t session_life_time, session_key_limit;
    bool privacy_enabled, key_management_key;
    struct json_array puks; /* struct puk_profile; all three in the order of the message */
    struct json_array pins; /* struct pin_profile */
    struct json_array keys; /* struct key_profile */
    unsigned key_count;     /* in all places together */
};

struct profile_list {
    struct profile *item;
    size_t count;
    struct arena arena;
};

/**
 * Decodes one profile.
 *
 * @param name     for errors and URLs; not copied
 * @param text     JSON
 * @param profile  out: points into the arena
 * @return SKS_ERROR_OPTION with line and column, or with a JSON pointer, in err
 */
CHECKED enum sks_status profile_decode(const char *name, struct bytes text, struct arena *arena,
                                       struct profile *profile, struct sks_error *err);

/**
 * Reads all *.json of a folder. Errors name the file.
 *
 * @param list  out: free with profiles_free(); at least one profile
 */
CHECKED enum sks_status profiles_load(const char *folder, struct profile_list *list,
                                      struct sks_error *err);

void profiles_free(struct profile_list *list);

/** The profile of a name, NULL if there is none. */
const struct profile *profile_find(const struct profile_list *list, const char *name);

/** The key of an id in a profile, NULL if there is none. */
const struct key_profile *profile_key(const struct profile *profile, struct bytes id);

#endif
