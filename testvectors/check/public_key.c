#include "testvectors/kinds.h"
#include "token/kmk.h"

enum sks_status subject_check_public_key(struct subject *s)
{
    struct call call = { .token = NULL }; /* as the token has it: keeps the error */
    enum sks_status rc = kmk_check(&call, "publicKey", subject_bytes(s, "publicKey"),
                                   subject_is(s, "keyManagementKey"));

    s->err = call.err;
    return rc;
}
