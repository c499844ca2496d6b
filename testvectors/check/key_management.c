#include "keygen2/crypto/session.h"
#include "testvectors/kinds.h"
#include "token/kmk.h"

#include <string.h>

static enum sks_status put_reference(struct subject *s, struct buf *data)
{
    const struct bytes key = subject_bytes(s, "sessionKey");
    struct session_key sk = { .counter = 0 };
    enum sks_status rc;

    if (key.len != sizeof sk.key) {
        subject_break(s, "sessionKey is not 32 bytes");
        return SKS_ERROR_INTERNAL;
    }
    memcpy(sk.key, key.ptr, sizeof sk.key);
    rc = put_target_reference(data, &sk, subject_bytes(s, "deviceId"),
                              subject_bytes(s, "targetCertificate"));
    OPENSSL_cleanse(&sk, sizeof sk);
    return rc;
}

/* What is signed is made by the library; of a roll-over, from its second field. */
static enum sks_status put_signed(struct subject *s, struct buf *data)
{
    if (subject_is(s, "targetKeyReference"))
        return put_reference(s, data);
    put_roll_over(data, subject_field(s, "keyManagementKey"));
    return data->status;
}

enum sks_status subject_check_key_management(struct subject *s)
{
    const json_t *kmk = subject_value(s, "keyManagementKey");
    struct call call = { .token = NULL }; /* as the token has it: keeps the error */
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(put_signed(s, &data));
    subject_agree(s, "data", buf_bytes(&data));
    rc = kmk_verify(&call, subject_hex(s, json_object_get(kmk, "publicKey")), buf_bytes(&data),
                    subject_bytes(s, "authorization"));
    s->err = call.err;
out:
    buf_free(&data);
    return rc;
}
