#include "issuer/check_initialization.h"
#include "testvectors/kinds.h"

#include <stdio.h>

/* Where a response has the ids. */
static const struct response_row {
    const struct json_type *type;
    size_t server_id, client_id;
    bool is_first; /* it is the one that brings clientSessionId, or has none */
} RESPONSES[] = {
#define ROW(json_type, structure, first)                                                           \
    {                                                                                              \
        json_type, offsetof(struct structure, server_session_id),                                  \
            offsetof(struct structure, client_session_id), first                                   \
    }
    { &INVOCATION_RESPONSE, offsetof(struct invocation_response, server_session_id), 0, true },
    ROW(&PROVISIONING_INITIALIZATION_RESPONSE, provisioning_initialization_response, true),
    ROW(&CREDENTIAL_DISCOVERY_RESPONSE, credential_discovery_response, false),
    ROW(&KEY_CREATION_RESPONSE, key_creation_response, false),
    ROW(&PROVISIONING_FINALIZATION_RESPONSE, provisioning_finalization_response, false),
};

static const struct response_row *row_of(struct subject *s)
{
    const struct bytes type = subject_text(s, "type");

    for (size_t i = 0; i < NITEMS(RESPONSES); i++)
        if (bytes_equal(type, bytes_of(RESPONSES[i].type->name)))
            return &RESPONSES[i];
    subject_break(s, "no such type of response");
    return NULL;
}

/* What each step of the issuer checks before all else, in its order. */
static enum sks_status check_step(struct exchange *x, const struct response_row *row,
                                  const void *message)
{
    const struct bytes *server_id = (const void *)((const char *)message + row->server_id),
                       *client_id = (const void *)((const char *)message + row->client_id);
    const struct provisioning_initialization_response *first = message;
    enum sks_status rc;

    TRY(check_ids(x, *server_id, row->is_first ? NULL : client_id));
    if (row->type != &PROVISIONING_INITIALIZATION_RESPONSE)
        goto out;
    TRY(check_server_time(x, first->server_time.text));
    rc = check_mode(x, first->device_id);
out:
    return rc;
}

enum sks_status subject_check_response(struct subject *s)
{
    const struct response_row *row = row_of(s);
    const struct bytes id = subject_text(s, "serverSessionId");
    struct session session = {
        .id = arena_text(&s->arena, id),
        .state = { .terms = { .client_session_id = subject_text(s, "clientSessionId"),
                              .privacy_enabled = subject_flag(s, "privacyEnabled") },
                   .server_time = subject_text(s, "serverTime") },
    };
    struct exchange x = { .session = &session, .arena = &s->arena, .err = &s->err };
    void *message;
    enum sks_status rc;

    if (row == NULL || session.id == NULL)
        return SKS_ERROR_INTERNAL;
    message = arena_alloc(&s->arena, 1, row->type->size);
    (void)snprintf(s->check, sizeof s->check, "message");
    TRY(keygen2_decode(row->type, subject_text(s, "message"), message, &s->arena, &s->err));
    rc = check_step(&x, row, message);
    if (x.checks > 0)
        (void)snprintf(s->check, sizeof s->check, "%s", x.check[x.checks - 1].name);
out:
    return rc;
}
