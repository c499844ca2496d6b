/* How the session came to be: the device, the session key, and who vouches for them. */
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/session_2010.h"
#include "keygen2/crypto/signature.h"
#include "keygen2/evidence/checker.h"

#include <openssl/x509v3.h>
#include <string.h>

X509 *check_certificate(struct bytes der)
{
    const uint8_t *p = der.ptr;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.len);

    if (certificate != NULL && p == der.ptr + der.len)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* ---- the kinds of session ---- */

static bool fits_session_1(const struct checker *c,
                           const struct provisioning_initialization_response *response)
{
    struct public_key client, server;

    return public_key_parse(response->client_ephemeral_key, &client) == SKS_OK &&
           public_key_parse(c->agreed.server_ephemeral_key, &server) == SKS_OK &&
           client.curve != NULL && client.curve == server.curve;
}

static struct session_terms session_terms(const struct checker *c)
{
    const struct evidence_terms *terms = &c->agreed;

    return (struct session_terms){
        .session_key_algorithm = terms->session_key_algorithm,
        .privacy_enabled = terms->privacy_enabled,
        .server_session_id = c->record->server_session_id,
        .client_session_id = terms->client_session_id,
        .server_ephemeral_key = terms->server_ephemeral_key,
        .issuer_uri = c->record->issuer_uri,
        .key_management_key = terms->key_management_key,
        .client_time = terms->client_time,
        .session_life_time = (uint16_t)terms->session_life_time, /* no more, says the decoder */
        .session_key_limit = terms->session_key_limit,
        .server_certificate = terms->server_certificate,
    };
}

/* @param device_key NULL in privacy mode */
static enum truth attested_session_1(const struct checker *c, EVP_PKEY *device_key,
                                     const struct provisioning_initialization_response *response)
{
    const struct session_terms terms = session_terms(c);

    if (device_key == NULL && !c->has_key)
        return UNKNOWN;
    return verify_session_attestation(&terms, c->device_id, response->client_ephemeral_key, &c->sk,
                                      device_key, response->attestation) == SKS_OK
               ? HOLDS
               : FAILS;
}

/* ---- the 2010 profile: an RSA key of the issuer, a session key of the device ---- */

static bool fits_session_2010(const struct checker *c,
                              const struct provisioning_initialization_response *response)
{
    struct public_key server;

    return public_key_parse(c->agreed.server_public_key, &server) == SKS_OK &&
           response->encrypted_session_key.len == public_key_bits(&server) / 8;
}

/* What was signed has the proof of the session key in it, which the record tells without the key.
 */
static bool is_proof_of_key(const struct checker *c, struct bytes proof)
{
    uint8_t own[SKS_MAC_SIZE];

    return !c->has_key || (session_2010_proof(&c->sk, own) == SKS_OK &&
                           bytes_equal(proof, bytes_at(own, sizeof own)));
}

static enum truth attested_session_2010(const struct checker *c, EVP_PKEY *device_key,
                                        const struct provisioning_initialization_response *response)
{
    const struct session_2010_terms terms = {
        .server_session_id = c->record->server_session_id,
        .client_session_id = c->agreed.client_session_id,
        .provisioning_uri = c->record->issuer_uri,
        .server_public_key = c->agreed.server_public_key,
        .life_time = c->agreed.session_life_time,
    };
    struct bytes proof = c->agreed.session_key_proof;

    if (proof.len == 0) /* the session failed before it was kept */
        return UNKNOWN;
    return device_key != NULL && is_proof_of_key(c, proof) &&
                   session_2010_verify(device_key, proof, &terms, response->attestation) == SKS_OK
               ? HOLDS
               : FAILS;
}

/* A row for each sessionKeyAlgorithm. */
static const struct creation {
    const char *algorithm;
    bool (*fits)(const struct checker *c,
                 const struct provisioning_initialization_response *response);
    enum truth (*attested)(const struct checker *c, EVP_PKEY *device_key,
                           const struct provisioning_initialization_response *response);
} CREATIONS[] = {
    { SKS_SESSION_ALGORITHM, fits_session_1, attested_session_1 },
    { SKS_SESSION_2010, fits_session_2010, attested_session_2010 },
};

static const struct creation *find_creation(struct bytes algorithm)
{
    for (size_t i = 0; i < NITEMS(CREATIONS); i++)
        if (bytes_equal(algorithm, bytes_of(CREATIONS[i].algorithm)))
            return &CREATIONS[i];
    return NULL;
}

/* ---- ProvisioningInitializationRequest ---- */

/* Each older key management key hands over to the one above it. False: one does not. */
static bool check_roll_overs(struct bytes above, const struct json_array *keys)
{
    const struct updatable_key_management_key *key = keys->item;
    bool good = true;

    for (size_t i = 0; i < keys->count && good; i++) {
        struct buf data = { 0 };
        EVP_PKEY *pkey = NULL;

        put_roll_over(&data, above);
        good = data.status == SKS_OK && public_key_load(key[i].public_key, &pkey) == SKS_OK &&
               verify_sha256(pkey, buf_bytes(&data), key[i].authorization) == SKS_OK &&
               check_roll_overs(key[i].public_key, &key[i].updatable_key_management_keys);
        EVP_PKEY_free(pkey);
        buf_free(&data);
    }
    return good;
}

void check_initialization_request(struct checker *c, const void *from)
{
    const struct provisioning_initialization_request *message = from;
    const struct json_array *older = &message->updatable_key_management_keys;

    check_own_ids(c, message->server_session_id, NULL);
    c->agreed.session_key_algorithm = message->session_key_algorithm;
    c->agreed.server_ephemeral_key = message->server_ephemeral_key;
    c->agreed.server_public_key = message->server_public_key;
    c->agreed.key_management_key = message->key_management_key;
    c->agreed.server_time = message->server_time.text;
    c->agreed.session_life_time = message->session_life_time;
    c->agreed.session_key_limit = message->session_key_limit;
    if (find_creation(message->session_key_algorithm) == NULL)
        checker_break(c, "session", "this program does not know the algorithm %.*s",
                      SLICE(message->session_key_algorithm));
    if (older->count == 0)
        return;
    if (check_roll_overs(message->key_management_key, older))
        checker_tell(c, EVIDENCE_GOOD, "key management key", "older ones hand over to it");
    else
        checker_tell(c, EVIDENCE_BAD, "key management key", "an older one does not hand over");
}

/* ---- the device ---- */

/* NULL, or what is wrong. Between the two times the issuer has looked at it. */
static const char *path_fault(const struct bytes_list *path, X509 *device, int64_t from, int64_t to)
{
    if (certificate_path_check(path, true, NULL) != SKS_OK)
        return "the certificates are not signed by one another";
    if ((X509_get_key_usage(device) & KU_DIGITAL_SIGNATURE) == 0)
        return "the device certificate is not for digital signatures";
    if (certificate_seconds(X509_get0_notBefore(device)) > to ||
        certificate_seconds(X509_get0_notAfter(device)) < from)
        return "the device certificate was not valid then";
    return NULL;
}

/* @param key out: of the device, owned */
static bool check_device(struct checker *c, const struct bytes_list *path, EVP_PKEY **key)
{
    X509 *device = check_certificate(path->item[0]);
    const char *fault =
        device == NULL ? "no certificate" : path_fault(path, device, c->asked_at, c->arrived_at);
    bool on;

    *key = device == NULL ? NULL : X509_get_pubkey(device);
    if (fault == NULL && *key == NULL)
        fault = "no key";
    on = checker_compare(c, EVIDENCE_CHECK_DEVICE_PATH, fault == NULL ? HOLDS : FAILS, NULL);
    X509_free(device);
    return on && *key != NULL;
}

/* ---- ProvisioningInitializationResponse ---- */

static void take_terms(struct checker *c,
                       const struct provisioning_initialization_response *response)
{
    c->agreed.client_session_id = response->client_session_id;
    c->agreed.client_time = (uint32_t)response->client_time.seconds;
    c->agreed.client_ephemeral_key = response->client_ephemeral_key;
    c->agreed.encrypted_session_key = response->encrypted_session_key;
    c->agreed.session_key_proof = c->record->terms->session_key_proof; /* no message has it */
    c->device_id = bytes_of(SKS_DEVICE_ANONYMOUS);
    if (response->device_id == NULL)
        return;
    c->agreed.device_certificate_path = response->device_id->certificate_path;
    c->device_id = response->device_id->certificate_path.item[0];
}

static bool same_text(struct bytes a, struct bytes b)
{
    return a.len > 0 && bytes_equal(a, b);
}

void check_initialization_response(struct checker *c, const void *from)
{
    const struct provisioning_initialization_response *response = from;
    const struct creation *creation = find_creation(c->agreed.session_key_algorithm);
    bool wants_device = !c->agreed.privacy_enabled, has_device = response->device_id != NULL;
    EVP_PKEY *key = NULL;

    if (creation == NULL || !check_their_ids(c, response->server_session_id, NULL) ||
        !checker_compare(
            c, EVIDENCE_CHECK_SERVER_TIME,
            same_text(response->server_time.text, c->agreed.server_time) ? HOLDS : FAILS, NULL) ||
        !checker_compare(c, EVIDENCE_CHECK_DEVICE_ID, wants_device == has_device ? HOLDS : FAILS,
                         NULL) ||
        !checker_compare(c, EVIDENCE_CHECK_CLIENT_KEY, creation->fits(c, response) ? HOLDS : FAILS,
                         NULL))
        return;
    if (!has_device || check_device(c, &response->device_id->certificate_path, &key)) {
        take_terms(c, response);
        (void)checker_compare(c, EVIDENCE_CHECK_SESSION_ATTESTATION,
                              creation->attested(c, key, response), NULL);
    }
    EVP_PKEY_free(key);
}
