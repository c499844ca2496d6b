#include "testvectors/kinds.h"

#include <string.h>

const struct vector_kind KINDS[] = {
    { "session-key", "How both ends come to the session key.", generate_session_key,
      subject_check_session_key },
    { "attestation", "What the device signs of a new session, of a key, and of the close.",
      generate_attestation, subject_check_attestation },
    { "mac", "The MAC of each provisioning method, and of the attestations.", generate_mac,
      subject_check_mac },
};
const size_t KINDS_COUNT = NITEMS(KINDS);

const struct vector_kind *kind_find(const char *name)
{
    for (size_t i = 0; i < KINDS_COUNT; i++)
        if (strcmp(KINDS[i].name, name) == 0)
            return &KINDS[i];
    return NULL;
}
