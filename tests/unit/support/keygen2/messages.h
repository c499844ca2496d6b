/* The messages of tests/data/messages.json, as they are and with one property changed. */
#ifndef TESTS_UNIT_SUPPORT_KEYGEN2_MESSAGES_H
#define TESTS_UNIT_SUPPORT_KEYGEN2_MESSAGES_H

#include "keygen2/message/keygen2.h"

union message {
    struct invocation_request invocation_request;
    struct invocation_response invocation_response;
    struct provisioning_initialization_request initialization_request;
    struct provisioning_initialization_response initialization_response;
    struct credential_discovery_request discovery_request;
    struct credential_discovery_response discovery_response;
    struct key_creation_request creation_request;
    struct key_creation_response creation_response;
    struct provisioning_finalization_request finalization_request;
    struct provisioning_finalization_response finalization_response;
};

/** Type of a name; fails the test if there is none. */
const struct json_type *type_of(const char *name);

/** Part of tests/data/messages.json: "messages", "certificates". A new reference. */
json_t *load_messages(const char *part);

/** Decodes a document. The text is gone when this returns: what *out points to cannot lie in it. */
enum sks_status decode_message(const char *name, const json_t *root, union message *out,
                               struct arena *arena, struct sks_error *err);

struct edit {
    const char *name;    /* of the message */
    const char *pointer; /* what is set */
    const char *value;   /* JSON; "@7": base64url of 7 bytes; "#7": string of 7 letters;
                          * NULL: the property is removed */
    const char *error;   /* NULL if the message is good */
};

/** Sets or removes what a JSON pointer names, as of struct edit. */
void edit_json(json_t *root, const char *pointer, const char *value);

/** Decodes an edited message and compares the error. @param messages by their names */
void expect_edited(json_t *messages, const struct edit *edit);

void expect_all_edited(const struct edit *edit, size_t count);

#endif
