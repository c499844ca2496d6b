#include "keygen2/message/keygen2.h"
#include "testvectors/kinds.h"

static const struct json_type *const TYPES[] = {
    &INVOCATION_REQUEST,
    &INVOCATION_RESPONSE,
    &PROVISIONING_INITIALIZATION_REQUEST,
    &PROVISIONING_INITIALIZATION_RESPONSE,
    &CREDENTIAL_DISCOVERY_REQUEST,
    &CREDENTIAL_DISCOVERY_RESPONSE,
    &KEY_CREATION_REQUEST,
    &KEY_CREATION_RESPONSE,
    &PROVISIONING_FINALIZATION_REQUEST,
    &PROVISIONING_FINALIZATION_RESPONSE,
};

enum sks_status subject_check_message(struct subject *s)
{
    const struct bytes type = subject_text(s, "type");
    const struct bytes text = subject_has(s, "messageBytes") ? subject_bytes(s, "messageBytes")
                                                             : subject_text(s, "message");

    for (size_t i = 0; i < NITEMS(TYPES); i++)
        if (bytes_equal(type, bytes_of(TYPES[i]->name)))
            return keygen2_decode(TYPES[i], text, arena_alloc(&s->arena, 1, TYPES[i]->size),
                                  &s->arena, &s->err);
    subject_break(s, "no such type of message");
    return SKS_ERROR_INTERNAL;
}
