#include "keygen2/message/evidence.h"
#include "keygen2/base/jcs.h"

const struct name NAMES_VERDICT[] = {
    { "open", VERDICT_OPEN },
    { "succeeded", VERDICT_SUCCEEDED },
    { "failed", VERDICT_FAILED },
    { "in doubt", VERDICT_IN_DOUBT },
    { NULL, 0 },
};
const struct name NAMES_SESSION_KEY_STATUS[] = {
    { "none", SESSION_KEY_NONE },
    { "sealed", SESSION_KEY_SEALED },
    { "forgotten", SESSION_KEY_FORGOTTEN },
    { NULL, 0 },
};

/* Two-valued properties that read better as words. */
static enum sks_status decode_word(struct json_reader *r, const struct json_place *at,
                                   const json_t *value, const char *no, const char *yes,
                                   bool *member)
{
    struct bytes text;
    enum sks_status rc;

    TRY(json_decode_text(r, at, value, &text));
    *member = bytes_equal(text, bytes_of(yes));
    if (!*member && !bytes_equal(text, bytes_of(no)))
        rc = json_refuse(r, at, "must be \"%s\" or \"%s\"", yes, no);
out:
    return rc;
}

static enum sks_status decode_direction(struct json_reader *r, const struct json_place *at,
                                        const json_t *value, void *member)
{
    return decode_word(r, at, value, "out", "in", member);
}

static void encode_direction(struct buf *out, const void *member)
{
    json_put_text(out, bytes_of(*(const bool *)member ? "in" : "out"));
}

static enum sks_status decode_result(struct json_reader *r, const struct json_place *at,
                                     const json_t *value, void *member)
{
    return decode_word(r, at, value, "fail", "pass", member);
}

static void encode_result(struct buf *out, const void *member)
{
    json_put_text(out, bytes_of(*(const bool *)member ? "pass" : "fail"));
}

/* As KEYGEN2_SERVER_TIME, but one that is not there is left out. */
static enum sks_status decode_time(struct json_reader *r, const struct json_place *at,
                                   const json_t *value, void *member)
{
    return KEYGEN2_SERVER_TIME.decode(r, at, value, member);
}

static void encode_time(struct buf *out, const void *member)
{
    const struct keygen2_time *time = member;

    if (time->text.len > 0 || time->seconds != 0)
        KEYGEN2_SERVER_TIME.encode(out, member);
}

static const struct json_codec TIME = { decode_time, encode_time };
static const struct json_codec DIRECTION = { decode_direction, encode_direction };
static const struct json_codec RESULT = { decode_result, encode_result };

#define AT(member) .offset = offsetof(struct evidence_terms, member)

static const struct json_field TERMS[] = {
    { "clientSessionId", JSON_ID, JSON_OPTIONAL, AT(client_session_id) },
    { "sessionKeyAlgorithm", JSON_URI, JSON_MANDATORY, AT(session_key_algorithm) },
    { "privacyEnabled", JSON_FLAG, JSON_MANDATORY, AT(privacy_enabled) },
    { "serverEphemeralKey", JSON_CUSTOM, JSON_OPTIONAL, AT(server_ephemeral_key),
      .with = &KEYGEN2_JWK },
    { "clientEphemeralKey", JSON_CUSTOM, JSON_OPTIONAL, AT(client_ephemeral_key),
      .with = &KEYGEN2_JWK },
    { "serverPublicKey", JSON_CUSTOM, JSON_OPTIONAL, AT(server_public_key), .with = &KEYGEN2_JWK },
    { "encryptedSessionKey", JSON_BINARY, JSON_OPTIONAL, AT(encrypted_session_key) },
    { "sessionKeyProof", JSON_BINARY, JSON_OPTIONAL, AT(session_key_proof), .min = 32, .max = 32 },
    { "keyManagementKey", JSON_CUSTOM, JSON_OPTIONAL, AT(key_management_key),
      .with = &KEYGEN2_JWK },
    { "serverTime", JSON_TEXT, JSON_OPTIONAL, AT(server_time) },
    { "clientTime", JSON_LONG, JSON_OPTIONAL, AT(client_time) },
    { "sessionLifeTime", JSON_LONG, JSON_MANDATORY, AT(session_life_time) },
    { "sessionKeyLimit", JSON_USHORT, JSON_MANDATORY, AT(session_key_limit) },
    { "serverCertificate", JSON_BINARY, JSON_OPTIONAL, AT(server_certificate) },
    { "deviceCertificatePath", JSON_BINARIES, JSON_OPTIONAL, AT(device_certificate_path) },
};

#undef AT

const struct json_type EVIDENCE_TERMS = JSON_TYPE("terms", struct evidence_terms, TERMS, NULL);

#define AT(member) .offset = offsetof(struct evidence_key, member)

static const struct json_field KEY[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(id) },
    { "keyAlgorithm", JSON_URI, JSON_MANDATORY, AT(key_algorithm) },
    { "attestationCounter", JSON_USHORT, JSON_MANDATORY, AT(attestation_counter) },
    { "publicKey", JSON_CUSTOM, JSON_OPTIONAL, AT(public_key), .with = &KEYGEN2_JWK },
    { "serialNumber", JSON_BINARY, JSON_OPTIONAL, AT(serial_number) },
};

#undef AT

const struct json_type EVIDENCE_KEY = JSON_TYPE("key", struct evidence_key, KEY, NULL);

#define AT(member) .offset = offsetof(struct evidence_message, member)

static const struct json_field MESSAGE[] = {
    { "direction", JSON_CUSTOM, JSON_MANDATORY, AT(incoming), .with = &DIRECTION },
    { "time", JSON_CUSTOM, JSON_MANDATORY, AT(time), .with = &TIME },
    { "type", JSON_TEXT, JSON_MANDATORY, AT(type) },
    { "body", JSON_BINARY, JSON_MANDATORY, AT(body) },
};

#undef AT

static const struct json_type MESSAGE_TYPE =
    JSON_TYPE("message", struct evidence_message, MESSAGE, NULL);

#define AT(member) .offset = offsetof(struct evidence_check, member)

static const struct json_field CHECK[] = {
    { "name", JSON_TEXT, JSON_MANDATORY, AT(name) },
    { "result", JSON_CUSTOM, JSON_MANDATORY, AT(passed), .with = &RESULT },
    { "detail", JSON_TEXT, JSON_MANDATORY, AT(detail) },
};

#undef AT

static const struct json_type CHECK_TYPE = JSON_TYPE("check", struct evidence_check, CHECK, NULL);

#define AT(member) .offset = offsetof(struct evidence_record, member)

static const struct json_field RECORD[] = {
    { "type", JSON_CONST, JSON_MANDATORY, .with = EVIDENCE_TYPE },
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "profile", JSON_TEXT, JSON_MANDATORY, AT(profile) },
    { "issuerUri", JSON_URI, JSON_MANDATORY, AT(issuer_uri) },
    { "started", JSON_CUSTOM, JSON_MANDATORY, AT(started), .with = &TIME },
    { "ended", JSON_CUSTOM, JSON_OPTIONAL, AT(ended), .with = &TIME },
    { "recorded", JSON_CUSTOM, JSON_MANDATORY, AT(recorded), .with = &TIME },
    { "verdict", JSON_NAME, JSON_MANDATORY, AT(verdict), .with = NAMES_VERDICT },
    { "cause", JSON_TEXT, JSON_MANDATORY, AT(cause) },
    { "terms", JSON_RECORD, JSON_MANDATORY, AT(terms), .with = &EVIDENCE_TERMS },
    { "keys", JSON_RECORDS, JSON_MANDATORY, AT(keys), .with = &EVIDENCE_KEY },
    { "messages", JSON_RECORDS, JSON_MANDATORY, AT(messages), .max = EVIDENCE_MESSAGES_MAX,
      .with = &MESSAGE_TYPE },
    { "checks", JSON_RECORDS, JSON_MANDATORY, AT(checks), .with = &CHECK_TYPE },
    { "sessionKeyStatus", JSON_NAME, JSON_MANDATORY, AT(session_key_status),
      .with = NAMES_SESSION_KEY_STATUS },
    { "sessionKey", JSON_BINARY, JSON_OPTIONAL, AT(session_key), .min = 32, .max = 32 },
};

#undef AT

const struct json_type EVIDENCE_RECORD =
    JSON_TYPE("evidence record", struct evidence_record, RECORD, NULL);

enum sks_status evidence_write(const struct evidence_record *record, EVP_PKEY *key,
                               struct bytes certificate, struct buf *text, struct sks_error *err)
{
    struct jsf_signature signature = { .certificate_path = { &certificate, 1 } };
    json_t *root = json_encode(&EVIDENCE_RECORD, record);
    struct buf value = { 0 };
    enum sks_status rc = SKS_ERROR_STORAGE;

    if (root == NULL)
        goto out;
    TRY(jsf_sign(root, &signature, key, &value));
    TRY(jcs_write(root, text));
out:
    buf_free(&value);
    json_decref(root);
    return sks_explain(err, rc);
}

enum sks_status evidence_parse(struct bytes text, struct arena *arena, json_t **root,
                               struct jsf_signature *signature, struct sks_error *err)
{
    struct json_reader reader = { .arena = arena, .err = err };
    const struct json_place type = { NULL, "type", 0 }, at = { NULL, "signature", 0 };
    const char *said;
    const json_t *value;
    enum sks_status rc;

    *root = NULL;
    REQUIRE(text.len <= EVIDENCE_MAX, err, SKS_ERROR_OPTION, "a record over %d bytes",
            EVIDENCE_MAX);
    TRY(json_parse(text, root, err));
    said = json_string_value(json_object_get(*root, "type"));
    if (said == NULL || !bytes_equal(bytes_of(said), bytes_of(EVIDENCE_TYPE)))
        return json_refuse(&reader, &type, "must be \"%s\"", EVIDENCE_TYPE);
    value = json_object_get(*root, "signature");
    if (value == NULL)
        return json_refuse(&reader, &at, "missing");
    TRY(sks_explain(err, jsf_decode(&reader, &at, value, signature)));
out:
    return rc;
}

/* The table knows no signature, which a signed object has beside its own properties. */
enum sks_status evidence_decode(const json_t *root, struct arena *arena,
                                struct evidence_record *record, struct sks_error *err)
{
    json_t *rest = json_copy((json_t *)(uintptr_t)root); /* shallow, and changes nothing */
    enum sks_status rc = SKS_ERROR_STORAGE;

    if (rest != NULL) {
        (void)json_object_del(rest, "signature");
        rc = json_decode(&EVIDENCE_RECORD, rest, record, arena, err);
    }
    json_decref(rest);
    return sks_explain(err, rc);
}
