#include "keygen2/crypto/session_2010.h"
#include "testvectors/kinds.h"

static enum sks_status check_2010(struct subject *s)
{
    EVP_PKEY *own = subject_key(s, "serverKey");
    struct session_key sk = { .counter = 0 };
    enum sks_status rc = SKS_ERROR_INTERNAL;

    if (own == NULL)
        return rc;
    TRY(session_2010_decrypt(own, subject_bytes(s, "encryptedSessionKey"), &sk));
    REQUIRE(bytes_equal_secret(bytes_at(sk.key, sizeof sk.key), subject_bytes(s, "sessionKey")),
            &s->err, SKS_ERROR_MAC, "sessionKey is another one");
out:
    EVP_PKEY_free(own);
    OPENSSL_cleanse(&sk, sizeof sk);
    return rc;
}

static enum sks_status check_agreement(struct subject *s)
{
    const struct session_terms terms = { .client_session_id = subject_field(s, "clientSessionId"),
                                         .server_session_id = subject_field(s, "serverSessionId"),
                                         .issuer_uri = subject_field(s, "issuerUri") };
    EVP_PKEY *own = subject_key(s, "ownKey");
    struct bytes peer = subject_bytes(s, "peerKey");
    struct buf z = { 0 };
    struct session_key sk = { .counter = 0 };
    enum sks_status rc = SKS_ERROR_INTERNAL;

    if (own == NULL)
        return rc;
    TRY(ecdh_raw(own, peer, &z));
    subject_agree(s, "z", buf_bytes(&z));
    TRY(session_key_derive(own, peer, &terms, subject_field(s, "deviceId"), &sk));
    subject_tell(s, "of the library", bytes_at(sk.key, sizeof sk.key));
    REQUIRE(bytes_equal_secret(bytes_at(sk.key, sizeof sk.key), subject_bytes(s, "sessionKey")),
            &s->err, SKS_ERROR_MAC, "sessionKey is another one");
out:
    EVP_PKEY_free(own);
    buf_free(&z);
    OPENSSL_cleanse(&sk, sizeof sk);
    return rc;
}

enum sks_status subject_check_session_key(struct subject *s)
{
    return subject_is(s, "2010") ? check_2010(s) : check_agreement(s);
}
