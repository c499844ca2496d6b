/* What a relayed body is: its hop, its name, and how it reads. */
#ifndef PROXY_MESSAGE_H
#define PROXY_MESSAGE_H

#include "proxy/trace.h"
#include "token/api/call_json.h"

enum { MESSAGE_NAME_MAX = 64 };

struct message {
    enum hop hop;
    char name[MESSAGE_NAME_MAX];     /* "KeyCreationRequest", "createKeyEntry"; "" if it has none */
    const struct sks_method *method; /* of a call and its answer; NULL if unknown */
    json_t *decoded;                 /* NULL if it does not decode; free with message_free() */
};

extern const struct name HOP_NAMES[];

/**
 * Reads a body.
 *
 * @param content_type  as sent, NULL for none: octets are the SKS wire, all else is KeyGen2
 * @param asked         of an answer: what it answers; NULL: it is a request
 */
void message_read(const char *content_type, struct bytes body, const struct message *asked,
                  struct message *message);

/** Appends what `decoded` says, in the form of its hop. @param answer  it is one */
CHECKED enum sks_status message_write(const struct message *message, bool answer, struct buf *body,
                                      struct sks_error *err);

/** Keeps hop, name and method, for its answer. */
void message_free(struct message *message);

#endif
