#include "issuer/session_kind.h"
#include "keygen2/crypto/private_key.h"

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

enum sks_status session_kind_keep_pair(struct exchange *x, EVP_PKEY *pkey, struct bytes *spki)
{
    struct buf public_key = { 0 }, private_key = { 0 };
    enum sks_status rc;

    TRY(put_key_pair(&public_key, &private_key, pkey));
    TRY(keep_bytes(x, buf_bytes(&public_key), spki));
    TRY(keep_bytes(x, buf_bytes(&private_key), &x->session->state.ephemeral_key));
out:
    buf_free(&public_key);
    buf_free(&private_key);
    return rc;
}
