/* Profiles: what to provision, read from JSON files at start. */
#ifndef ISSUER_PROFILE_H
#define ISSUER_PROFILE_H

#include "issuer/certificate_template.h"
#include "keygen2/crypto/algorithms.h"
#include "keygen2/message/keygen2.h"

enum {
    PROFILE_FILE_MAX = 1024 * 1024,
    PROFILE_KEYS_MAX = 255,
    PROFILE_LOOKUPS_MAX = 16,   /* each is sent once for each generation of key management keys */
    PROFILE_LOOKUP_ID_MAX = 24, /* characters: the generation stands behind it */
};

struct certificate_profile {
    struct bytes subject;
    uint32_t validity_days;
    struct bytes_list key_usage, extended_key_usage, certificate_policies, subject_alt_name;
    bool include_ca; /* the CA's certificate ends the path */
};

/* A value that is given, or drawn anew for each session. */
struct symmetric_key_profile {
    struct bytes value;    /* empty: drawn */
    uint16_t drawn_length; /* bytes; 0: given */
};

struct private_key_profile {
    struct bytes pkcs8; /* empty: drawn, of the key's own algorithm */
    struct bytes spki;  /* of the given one */
};

/* The bytes of an extension: given in the profile, or in a file beside it. */
struct extension_profile {
    struct bytes type;
    struct bytes data;
    struct bytes file;      /* its name; the file's contents are in data */
    struct bytes mime_type; /* of a logotype */
};

struct property_bag_profile {
    struct bytes type;
    struct json_array properties; /* struct property */
};

/* A reference to the lookup that finds the target of a post operation. */
struct target_profile {
    struct bytes lookup;
    size_t index; /* of that lookup */
};

struct key_profile {
    struct key_entry key; /* as it will stand in a KeyCreationRequest */
    struct bytes pin;     /* of a preset one, in clear; empty: chosen by the user, or drawn */
    struct certificate_profile *certificate;
    const struct algorithm *algorithm;
    struct certificate_template template;
    bool trust_anchor;
    bool has_pin; /* of a PIN policy above it; profile_walk.c */
    struct symmetric_key_profile *import_symmetric_key;       /* one of these two, or none */
    struct private_key_profile *import_private_key;           /* NULL if absent */
    struct json_array extensions, encrypted_extensions;       /* struct extension_profile */
    struct json_array property_bags;                          /* struct property_bag_profile */
    struct json_array logotypes;                              /* struct extension_profile */
    struct target_profile *update_key, *clone_key_protection; /* one of these two, or none */
};

struct pin_profile {
    struct pin_policy policy; /* user_defined: false if the issuer sets the PINs */
    struct json_array keys;   /* struct key_profile */
};

struct puk_profile {
    struct puk_policy policy; /* encrypted_puk is empty */
    struct bytes puk;         /* clear text; empty: each session draws one */
    struct json_array pins;   /* struct pin_profile */
};

struct lookup_profile {
    struct bytes id;
    struct search_filter *search_filter; /* NULL if absent */
    uint16_t exactly;                    /* credentials that must be found; 0: one or more */
};

/* What a device's own certificate path must be like. */
struct device_trust {
    uint16_t minimum_rsa_bits;
    bool sha1; /* signatures with SHA-1 are taken */
};

/* Who may begin a session, and with which device. */
struct enrolment_profile {
    bool code;                 /* only who has one of `sks-issuer invite` */
    struct bytes_list devices; /* SHA-256 of device certificates, sorted; none: all */
    bool confirm_device;       /* the operator must know the first digits of that hash */
};

/* Which text its sessions are from. */
enum profile_session { PROFILE_SESSION_107, PROFILE_SESSION_2010 };

extern const struct name NAMES_PROFILE_SESSION[];

struct profile {
    const char *name; /* of its file, without .json; also in the URL */
    struct bytes description;
    uint8_t action; /* enum sks_action */
    struct bytes_list preferred_languages, target_key_containers, client_capability_query;
    uint8_t session;                    /* enum profile_session */
    uint16_t server_key_size;           /* bits; 0 but in a session of 2010 */
    const struct algorithm *server_key; /* of that size, NULL if 0 */
    uint32_t session_life_time;
    uint16_t session_key_limit;
    bool privacy_enabled, key_management_key, updatable_key_management_keys, deferred_issuance;
    struct device_trust *device_trust;   /* NULL: the strict default */
    struct enrolment_profile *enrolment; /* NULL: open to all */
    struct json_array lookups;           /* struct lookup_profile */
    struct json_array puks; /* struct puk_profile; all three in the order of the message */
    struct json_array pins; /* struct pin_profile */
    struct json_array keys; /* struct key_profile */
    struct json_array unlock_keys, delete_keys; /* struct target_profile */
    unsigned key_count;                         /* in all places together */
    unsigned operations;      /* with the session key, if each lookup finds one credential */
    bool slow;                /* it may make RSA keys */
    struct bytes external_ca; /* command; empty: the issuer's own CA, or what serve says */
};

struct profile_list {
    struct profile *item;
    size_t count;
    struct arena arena;
};

/** The table of all this, for its JSON schema. */
extern const struct json_type PROFILE_TYPE;

/**
 * Decodes one profile.
 *
 * @param name     for errors and URLs; not copied
 * @param folder   where the files lie that it names; NULL: it may name none
 * @param text     JSON
 * @param profile  out: points into the arena
 * @return SKS_ERROR_OPTION with line and column, or with a JSON pointer, in err
 */
CHECKED enum sks_status profile_decode(const char *name, const char *folder, struct bytes text,
                                       struct arena *arena, struct profile *profile,
                                       struct sks_error *err);

/**
 * Reads one file. Errors name it, and the line for those with a JSON pointer.
 *
 * @param path     NAME.json; the name is checked
 * @param profile  out: points into the arena
 */
CHECKED enum sks_status profile_load(const char *path, struct arena *arena, struct profile *profile,
                                     struct sks_error *err);

/** Finds the shipped profiles: of the source tree that the program was built in, or installed.
 * @param path  out: PATH_MAX bytes */
bool profiles_shipped(char path[PATH_MAX]);

/**
 * Reads all *.json of a folder, but "profile.schema.json". Errors name the file.
 *
 * @param list  out: free with profiles_free(); at least one profile
 */
CHECKED enum sks_status profiles_load(const char *folder, struct profile_list *list,
                                      struct sks_error *err);

void profiles_free(struct profile_list *list);

/** The profile of a name, NULL if there is none. */
const struct profile *profile_find(const struct profile_list *list, const char *name);

/** True if one of the texts depends on the enrolment. profile_certificate.c */
bool profile_has_patterns(const struct bytes_list *names);

/** SHA-256 of the lookups, in their order: what found credentials are found by. profile_lookup.c */
CHECKED enum sks_status profile_lookups_hash(const struct profile *profile, uint8_t hash[32]);

/** False if the profile has a list of devices that lacks this one. profile_enrolment.c */
bool profile_lists_device(const struct profile *profile, struct bytes fingerprint);

/** True if a session of it begins only with a code. profile_enrolment.c */
bool profile_wants_code(const struct profile *profile);

/** True if the operator must confirm the device. profile_enrolment.c */
bool profile_confirms_device(const struct profile *profile);

/** The key of an id in a profile, NULL if there is none. */
const struct key_profile *profile_key(const struct profile *profile, struct bytes id);

#endif
