#include "keygen2/message/keygen2.h"
#include "testvectors/kinds.h"

enum sks_status subject_check_message(struct subject *s)
{
    const struct bytes type = subject_text(s, "type");
    const struct bytes text = subject_has(s, "messageBytes") ? subject_bytes(s, "messageBytes")
                                                             : subject_text(s, "message");

    for (size_t i = 0; i < KEYGEN2_MESSAGES_COUNT; i++) {
        const struct json_type *known = KEYGEN2_MESSAGES[i];

        if (bytes_equal(type, bytes_of(known->name)))
            return keygen2_decode(known, text, arena_alloc(&s->arena, 1, known->size), &s->arena,
                                  &s->err);
    }
    subject_break(s, "no such type of message");
    return SKS_ERROR_INTERNAL;
}
