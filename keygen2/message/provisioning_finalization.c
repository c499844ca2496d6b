/* ProvisioningFinalization: certificates for the keys, and the proof that all was carried out. */
#include "keygen2/crypto/certificate.h"
#include "keygen2/message/keygen2.h"

#include <openssl/x509v3.h>

/* ---- issuedCredential ---- */

#define AT(member) .offset = offsetof(struct issued_credential, member)

static const struct json_field CREDENTIAL[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(id) },
    { "certificatePath", JSON_BINARIES, JSON_MANDATORY, AT(certificate_path), .min = 1,
      .max = 255 },
    { "mac", JSON_BINARY, JSON_MANDATORY, AT(mac), .min = SKS_MAC_SIZE, .max = SKS_MAC_SIZE },
    { "trustAnchor", JSON_FLAG, JSON_OPTIONAL, AT(trust_anchor) },
};

#undef AT

static bool is_ca(struct bytes der)
{
    X509 *x509 = NULL;
    BASIC_CONSTRAINTS *constraints = NULL;
    bool ca;

    if (certificate_parse(der, &x509) == SKS_OK)
        constraints = X509_get_ext_d2i(x509, NID_basic_constraints, NULL, NULL);
    ca = constraints != NULL && constraints->ca != 0;
    BASIC_CONSTRAINTS_free(constraints);
    X509_free(x509);
    return ca;
}

static enum sks_status check_credential(struct json_reader *r, const struct json_place *at,
                                        void *out)
{
    const struct issued_credential *credential = out;
    const struct bytes_list *path = &credential->certificate_path;
    enum sks_status rc;

    TRY(keygen2_check_path(r, at, path));
    if (credential->trust_anchor && !is_ca(path->item[path->count - 1]))
        return json_refuse(r, &(struct json_place){ at, "trustAnchor", 0 },
                           "the last certificate is not a CA");
out:
    return rc;
}

static const struct json_type ISSUED_CREDENTIAL =
    JSON_TYPE("issuedCredential", struct issued_credential, CREDENTIAL, check_credential);

/* ---- ProvisioningFinalizationRequest ---- */

#define AT(member) .offset = offsetof(struct session_close_data, member)

static const struct json_field CLOSE[] = {
    { "nonce", JSON_BINARY, JSON_MANDATORY, AT(nonce), .min = 1, .max = SKS_NONCE_MAX },
    { "mac", JSON_BINARY, JSON_MANDATORY, AT(mac), .min = SKS_MAC_SIZE, .max = SKS_MAC_SIZE },
};

#undef AT

static const struct json_type SESSION_CLOSE_DATA =
    JSON_TYPE("sessionCloseData", struct session_close_data, CLOSE, NULL);

#define AT(member) .offset = offsetof(struct provisioning_finalization_request, member)

static const struct json_field REQUEST[] = {
    KEYGEN2_HEADER("ProvisioningFinalizationRequest"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "issuedCredentials", JSON_RECORDS, JSON_OPTIONAL, AT(issued_credentials), .min = 1,
      .with = &ISSUED_CREDENTIAL },
    { "sessionCloseData", JSON_RECORD, JSON_MANDATORY, AT(session_close_data),
      .with = &SESSION_CLOSE_DATA },
};

#undef AT

const struct json_type PROVISIONING_FINALIZATION_REQUEST = JSON_TYPE(
    "ProvisioningFinalizationRequest", struct provisioning_finalization_request, REQUEST, NULL);

/* ---- ProvisioningFinalizationResponse ---- */

#define AT(member) .offset = offsetof(struct provisioning_finalization_response, member)

static const struct json_field RESPONSE[] = {
    KEYGEN2_HEADER("ProvisioningFinalizationResponse"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "attestation", JSON_BINARY, JSON_MANDATORY, AT(attestation), .min = 1 },
};

#undef AT

const struct json_type PROVISIONING_FINALIZATION_RESPONSE = JSON_TYPE(
    "ProvisioningFinalizationResponse", struct provisioning_finalization_response, RESPONSE, NULL);
