#include "keygen2/crypto/attestation.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/session_2010.h"
#include "testvectors/kinds.h"

#include <string.h>

static struct bytes field(struct subject *s, const char *name)
{
    return subject_field(s, name);
}

static enum sks_status check_107(struct subject *s, const struct session_key *sk, EVP_PKEY *device)
{
    const struct session_terms terms = {
        .session_key_algorithm = field(s, "sessionKeyAlgorithm"),
        .privacy_enabled = subject_field_number(s, "privacyEnabled") != 0,
        .server_session_id = field(s, "serverSessionId"),
        .client_session_id = field(s, "clientSessionId"),
        .server_ephemeral_key = field(s, "serverEphemeralKey"),
        .issuer_uri = field(s, "issuerUri"),
        .key_management_key = field(s, "keyManagementKey"),
        .client_time = subject_field_number(s, "clientTime"),
        .session_life_time = (uint16_t)subject_field_number(s, "sessionLifeTime"),
        .session_key_limit = (uint16_t)subject_field_number(s, "sessionKeyLimit"),
        .server_certificate = field(s, "serverCertificate"),
    };
    const struct bytes device_id = field(s, "deviceId"), client = field(s, "clientEphemeralKey");
    struct buf data = { 0 };

    put_session_attestation_data(&data, &terms, device_id, client);
    subject_agree(s, "data", buf_bytes(&data));
    buf_free(&data);
    return verify_session_attestation(&terms, device_id, client, sk,
                                      terms.privacy_enabled ? NULL : device,
                                      subject_bytes(s, "attestation"));
}

static enum sks_status check_2010(struct subject *s, const struct session_key *sk, EVP_PKEY *device)
{
    const struct session_2010_terms terms = {
        .server_session_id = field(s, "server_session_id"),
        .client_session_id = field(s, "client_session_id"),
        .provisioning_uri = field(s, "provisioning_uri"),
        .server_public_key = field(s, "server_public_key"),
        .life_time = subject_field_number(s, "life_time"),
    };
    uint8_t proof[SKS_MAC_SIZE];
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(session_2010_proof(sk, proof));
    REQUIRE(bytes_equal_secret(bytes_at(proof, sizeof proof), field(s, "sessionKeyProof")), &s->err,
            SKS_ERROR_MAC, "sessionKeyProof is another one");
    put_session_2010_attestation(&data, bytes_at(proof, sizeof proof), &terms);
    subject_agree(s, "data", buf_bytes(&data));
    rc = session_2010_verify(device, bytes_at(proof, sizeof proof), &terms,
                             subject_bytes(s, "attestation"));
out:
    buf_free(&data);
    return rc;
}

enum sks_status subject_check_attestation(struct subject *s)
{
    const struct bytes key = subject_bytes(s, "sessionKey");
    struct session_key sk = { .counter = 0 };
    struct buf spki = { 0 };
    EVP_PKEY *device = NULL;
    enum sks_status rc;

    TRY(put_certificate_key(&spki, subject_bytes(s, "deviceCertificate")));
    TRY(public_key_load(buf_bytes(&spki), &device));
    if (key.len != sizeof sk.key) {
        subject_break(s, "sessionKey is not 32 bytes");
        goto out;
    }
    memcpy(sk.key, key.ptr, sizeof sk.key);
    rc = subject_is(s, "2010") ? check_2010(s, &sk, device) : check_107(s, &sk, device);
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    EVP_PKEY_free(device);
    buf_free(&spki);
    return rc;
}
