#include "proxy/message.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char OCTETS[] = "application/octet-stream", QUALIFIER[] = "@qualifier";

const struct name HOP_NAMES[] = { { "issuer", HOP_ISSUER }, { "token", HOP_TOKEN }, { NULL, 0 } };

static bool is_octets(const char *content_type)
{
    size_t len = sizeof OCTETS - 1;

    return content_type != NULL && strncasecmp(content_type, OCTETS, len) == 0 &&
           (content_type[len] == '\0' || content_type[len] == ';' || content_type[len] == ' ');
}

static void read_call(struct bytes body, const struct message *asked, struct message *message)
{
    message->method = asked != NULL ? asked->method : body.len > 0 ? sks_method(body.ptr[0]) : NULL;
    if (message->method == NULL)
        return;
    (void)snprintf(message->name, sizeof message->name, "%s", message->method->name);
    message->decoded = asked == NULL ? sks_request_json(body, &(const struct sks_method *){ NULL })
                                     : sks_answer_json(body, message->method);
}

static void read_keygen2(struct bytes body, struct message *message)
{
    const char *name;

    if (body.len == 0 || json_parse(body, &message->decoded, NULL) != SKS_OK)
        return;
    name = json_string_value(json_object_get(message->decoded, QUALIFIER));
    if (name != NULL && strlen(name) < sizeof message->name)
        (void)snprintf(message->name, sizeof message->name, "%s", name);
}

void message_read(const char *content_type, struct bytes body, const struct message *asked,
                  struct message *message)
{
    *message = (struct message){ .hop = is_octets(content_type) ? HOP_TOKEN : HOP_ISSUER };
    if (asked != NULL)
        message->hop = asked->hop;
    if (message->hop == HOP_TOKEN)
        read_call(body, asked, message);
    else
        read_keygen2(body, message);
}

enum sks_status message_write(const struct message *message, bool answer, struct buf *body,
                              struct sks_error *err)
{
    if (message->hop == HOP_ISSUER)
        return sks_explain(err, json_write(message->decoded, body));
    return answer ? sks_answer_from_json(message->method, message->decoded, body, err)
                  : sks_request_from_json(message->method, message->decoded, body, err);
}

void message_free(struct message *message)
{
    json_decref(message->decoded);
    message->decoded = NULL;
}
