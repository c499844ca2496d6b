/* CredentialDiscovery: which keys of earlier sessions the token has, for who can prove to be the
 * issuer of them. */
#include "keygen2/crypto/public_key.h"
#include "keygen2/message/jsf.h"
#include "keygen2/message/search_filter.h"

/* ---- lookupSpecifier ---- */

enum { NONCE_SIZE = 32 };

/* KeyGen2, lookupSpecifier: "publicKey" must be there, for it names the keys that are meant. */
static enum sks_status decode_signature(struct json_reader *r, const struct json_place *at,
                                        const json_t *value, void *member)
{
    struct lookup_specifier *specifier = member;
    struct jsf_signature signature;
    enum sks_status rc;

    if (!r->lenient && json_is_object(value) && json_object_get(value, "publicKey") == NULL)
        return json_refuse(r, &(struct json_place){ at, "publicKey", 0 }, "missing");
    TRY(jsf_decode(r, at, value, &signature));
    specifier->public_key = signature.public_key;
    specifier->signature = signature.value;
out:
    return rc;
}

static struct jsf_signature signature_of(const struct lookup_specifier *specifier)
{
    return (struct jsf_signature){
        .algorithm = bytes_of(jsf_algorithm(specifier->public_key)),
        .public_key = specifier->public_key,
        .value = specifier->signature,
    };
}

static void encode_signature(struct buf *out, const void *member)
{
    const struct jsf_signature signature = signature_of(member);

    if (signature.algorithm.len == 0)
        out->status = SKS_ERROR_OPTION;
    json_put(out, &JSF_SIGNATURE, &signature);
}

static const struct json_codec SIGNATURE = { decode_signature, encode_signature };

#define AT(member) .offset = offsetof(struct lookup_specifier, member)

static const struct json_field SPECIFIER[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(id) },
    { "nonce", JSON_BINARY, JSON_MANDATORY, AT(nonce), .min = NONCE_SIZE, .max = NONCE_SIZE },
    { "searchFilter", JSON_RECORD, JSON_OPTIONAL, AT(search_filter), .with = &SEARCH_FILTER },
    { "signature", JSON_CUSTOM, JSON_MANDATORY, .with = &SIGNATURE },
};

#undef AT

static enum sks_status check_specifier(struct json_reader *r, const struct json_place *at,
                                       void *out);

static const struct json_type LOOKUP_SPECIFIER =
    JSON_TYPE("lookupSpecifier", struct lookup_specifier, SPECIFIER, check_specifier);

/* What was signed is what the struct encodes to: no property of a specifier has two texts that
 * decode alike and differ in RFC 8785 form. "algorithm" is not kept, for it follows from the key.
 */
static enum sks_status check_specifier(struct json_reader *r, const struct json_place *at,
                                       void *out)
{
    const struct lookup_specifier *specifier = out;
    const struct json_place place = { at, "signature", 0 };
    const struct jsf_signature signature = signature_of(specifier);
    json_t *root = json_encode(&LOOKUP_SPECIFIER, specifier);
    enum sks_status rc = root == NULL ? SKS_ERROR_STORAGE : jsf_verify(r, &place, root, &signature);
    json_decref(root);
    return rc;
}

enum sks_status keygen2_sign_lookup(struct lookup_specifier *specifier, EVP_PKEY *key,
                                    struct arena *arena, struct sks_error *err)
{
    struct jsf_signature signature = { .public_key = specifier->public_key };
    struct buf value = { 0 }, spki = { 0 };
    json_t *root = NULL;
    enum sks_status rc;

    TRY(put_pkey(&spki, key));
    REQUIRE(bytes_equal(buf_bytes(&spki), specifier->public_key), err, SKS_ERROR_OPTION,
            "lookup: the public key is not that of the private key");
    REQUIRE(jsf_algorithm(specifier->public_key) != NULL, err, SKS_ERROR_OPTION,
            "lookup: the key must be RSA or P-256");
    rc = SKS_ERROR_STORAGE;
    root = json_encode(&LOOKUP_SPECIFIER, specifier);
    if (root == NULL)
        goto out;
    TRY(jsf_sign(root, &signature, key, &value));
    specifier->signature = arena_copy(arena, signature.value);
    rc = specifier->signature.ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
out:
    json_decref(root);
    buf_free(&value);
    buf_free(&spki);
    return sks_explain(err, rc);
}

/* ---- CredentialDiscoveryRequest ---- */

#define AT(member) .offset = offsetof(struct credential_discovery_request, member)

static const struct json_field REQUEST[] = {
    KEYGEN2_HEADER("CredentialDiscoveryRequest"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "lookupSpecifiers", JSON_RECORDS, JSON_MANDATORY, AT(lookup_specifiers), .min = 1,
      .max = KEYGEN2_LOOKUPS_MAX, .with = &LOOKUP_SPECIFIER },
};

#undef AT

static enum sks_status check_request(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct credential_discovery_request *request = out;
    const struct lookup_specifier *specifier = request->lookup_specifiers.item;
    const struct json_place list = { at, "lookupSpecifiers", 0 };
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < request->lookup_specifiers.count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(r, &id, seen, specifier[i].id));
    }
out:
    json_decref(seen);
    return rc;
}

const struct json_type CREDENTIAL_DISCOVERY_REQUEST = JSON_TYPE(
    "CredentialDiscoveryRequest", struct credential_discovery_request, REQUEST, check_request);

/* ---- lookupResult ---- */

#define AT(member) .offset = offsetof(struct matching_credential, member)

static const struct json_field MATCH[] = {
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "certificatePath", JSON_BINARIES, JSON_MANDATORY, AT(certificate_path), .min = 1,
      .max = 255 },
    { "locked", JSON_FLAG, JSON_OPTIONAL, AT(locked) },
};

#undef AT

static const struct json_type MATCHING_CREDENTIAL =
    JSON_TYPE("matchingCredential", struct matching_credential, MATCH, NULL);

#define AT(member) .offset = offsetof(struct lookup_result, member)

static const struct json_field RESULT[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(id) },
    { "matchingCredentials", JSON_RECORDS, JSON_MANDATORY, AT(matching_credentials),
      .with = &MATCHING_CREDENTIAL },
};

#undef AT

static const struct json_type LOOKUP_RESULT =
    JSON_TYPE("lookupResult", struct lookup_result, RESULT, NULL);

/* ---- CredentialDiscoveryResponse ---- */

#define AT(member) .offset = offsetof(struct credential_discovery_response, member)

static const struct json_field RESPONSE[] = {
    KEYGEN2_HEADER("CredentialDiscoveryResponse"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "lookupResults", JSON_RECORDS, JSON_MANDATORY, AT(lookup_results), .min = 1,
      .max = KEYGEN2_LOOKUPS_MAX, .with = &LOOKUP_RESULT },
};

#undef AT

static enum sks_status check_paths(struct json_reader *r, const struct json_place *at,
                                   const struct lookup_result *result, size_t *left)
{
    const struct matching_credential *found = result->matching_credentials.item;
    const struct json_place list = { at, "matchingCredentials", 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < result->matching_credentials.count; i++) {
        const struct json_place item = { &list, NULL, i };

        if (found[i].certificate_path.count > *left)
            return json_refuse(r, &item, "more than %d certificates altogether", KEYGEN2_FOUND_MAX);
        *left -= found[i].certificate_path.count;
        TRY(keygen2_check_path(r, &item, &found[i].certificate_path));
    }
out:
    return rc;
}

static enum sks_status check_response(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct credential_discovery_response *response = out;
    const struct lookup_result *result = response->lookup_results.item;
    const struct json_place list = { at, "lookupResults", 0 };
    size_t left = KEYGEN2_FOUND_MAX;
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < response->lookup_results.count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(r, &id, seen, result[i].id));
        TRY(check_paths(r, &item, &result[i], &left));
    }
out:
    json_decref(seen);
    return rc;
}

const struct json_type CREDENTIAL_DISCOVERY_RESPONSE = JSON_TYPE(
    "CredentialDiscoveryResponse", struct credential_discovery_response, RESPONSE, check_response);
