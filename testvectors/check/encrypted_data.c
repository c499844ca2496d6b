#include "keygen2/crypto/session.h"
#include "testvectors/kinds.h"

#include <string.h>

enum sks_status subject_check_encrypted_data(struct subject *s)
{
    const struct bytes key = subject_bytes(s, "sessionKey");
    struct session_key sk = { .counter = 0 };
    struct buf clear = { 0 };
    enum sks_status rc = SKS_ERROR_INTERNAL;

    if (key.len != sizeof sk.key) {
        subject_break(s, "sessionKey is not 32 bytes");
        return rc;
    }
    memcpy(sk.key, key.ptr, sizeof sk.key);
    TRY(session_decrypt(&sk, subject_bytes(s, "encrypted"), &clear));
    subject_agree(s, "clear", buf_bytes(&clear));
out:
    buf_free(&clear);
    OPENSSL_cleanse(&sk, sizeof sk);
    return rc;
}
