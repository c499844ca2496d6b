#include "issuer/session_kind.h"

static const struct session_kind *const KINDS[] = {
    [PROFILE_SESSION_107] = &SESSION_107,
    [PROFILE_SESSION_2010] = &SESSION_2010,
};

const struct session_kind *session_kind_of_profile(const struct profile *profile)
{
    return KINDS[profile->session];
}

const struct session_kind *session_kind_of(const struct session_state *state)
{
    for (size_t i = 0; i < NITEMS(KINDS); i++)
        if (bytes_equal(bytes_of(KINDS[i]->algorithm), state->terms.session_key_algorithm))
            return KINDS[i];
    return &SESSION_107; /* the first that was stored */
}
