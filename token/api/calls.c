/* The table of methods. Inputs and outputs stand in the order of the method's tables. */
#include "token/api/calls.h"

#define IN(member, type, name)                                                                     \
    {                                                                                              \
        name, type, offsetof(union sks_in, member)                                                 \
    }
#define OUT(member, type, name)                                                                    \
    {                                                                                              \
        name, type, offsetof(union sks_out, member)                                                \
    }

static const struct wire_field GET_DEVICE_INFO_OUT[] = {
    OUT(device_info.api_level, WIRE_USHORT, "apiLevel"),
    OUT(device_info.device_type, WIRE_BYTE, "deviceType"),
    OUT(device_info.update_url, WIRE_URI, "updateUrl"),
    OUT(device_info.vendor_name, WIRE_STRING, "vendorName"),
    OUT(device_info.vendor_description, WIRE_STRING, "vendorDescription"),
    OUT(device_info.certificate_path, WIRE_ARRAYS, "certificate"),
    OUT(device_info.supported_algorithms, WIRE_STRINGS, "supportedAlgorithm"),
    OUT(device_info.crypto_data_size, WIRE_UINT, "cryptoDataSize"),
    OUT(device_info.extension_data_size, WIRE_UINT, "extensionDataSize"),
    OUT(device_info.device_pin_support, WIRE_BOOL, "devicePinSupport"),
    OUT(device_info.biometric_support, WIRE_BOOL, "biometricSupport"),
};

static const struct wire_field CREATE_SESSION_IN[] = {
    IN(create_session.terms.session_key_algorithm, WIRE_URI, "sessionKeyAlgorithm"),
    IN(create_session.terms.privacy_enabled, WIRE_BOOL, "privacyEnabled"),
    IN(create_session.terms.server_session_id, WIRE_ID, "serverSessionId"),
    IN(create_session.terms.server_ephemeral_key, WIRE_ARRAY, "serverEphemeralKey"),
    IN(create_session.terms.issuer_uri, WIRE_URI, "issuerUri"),
    IN(create_session.terms.key_management_key, WIRE_ARRAY, "keyManagementKey"),
    IN(create_session.terms.client_time, WIRE_UINT, "clientTime"),
    IN(create_session.terms.session_life_time, WIRE_USHORT, "sessionLifeTime"),
    IN(create_session.terms.session_key_limit, WIRE_USHORT, "sessionKeyLimit"),
    IN(create_session.terms.server_certificate, WIRE_ARRAY, "serverCertificate"),
};
static const struct wire_field CREATE_SESSION_OUT[] = {
    OUT(create_session.client_session_id, WIRE_ID, "clientSessionId"),
    OUT(create_session.client_ephemeral_key, WIRE_ARRAY, "clientEphemeralKey"),
    OUT(create_session.attestation, WIRE_ARRAY, "attestation"),
    OUT(create_session.provisioning_handle, WIRE_UINT, "provisioningHandle"),
};

/* The draft's own names. */
static const struct wire_field CREATE_SESSION_2010_IN[] = {
    IN(create_session_2010.server_session_id, WIRE_ARRAY, "server_session_id"),
    IN(create_session_2010.client_session_id, WIRE_ARRAY, "client_session_id"),
    IN(create_session_2010.provisioning_uri, WIRE_STRING, "provisioning_uri"),
    IN(create_session_2010.server_public_key, WIRE_ARRAY, "server_public_key"),
    IN(create_session_2010.life_time, WIRE_UINT, "life_time"),
};
static const struct wire_field CREATE_SESSION_2010_OUT[] = {
    OUT(create_session_2010.encrypted_session_key, WIRE_ARRAY, "encrypted_session_key"),
    OUT(create_session_2010.attested_session_key, WIRE_ARRAY, "attested_session_key"),
    OUT(create_session_2010.provisioning_id, WIRE_UINT, "provisioning_id"),
};

static const struct wire_field CLOSE_SESSION_IN[] = {
    IN(close_session.provisioning_handle, WIRE_UINT, "provisioningHandle"),
    IN(close_session.nonce, WIRE_ARRAY, "nonce"),
    IN(close_session.mac, WIRE_ARRAY, "mac"),
};
static const struct wire_field CLOSE_SESSION_OUT[] = {
    OUT(close_session.attestation, WIRE_ARRAY, "attestation"),
};

static const struct wire_field ENUMERATE_SESSIONS_IN[] = {
    IN(enumerate_sessions.provisioning_handle, WIRE_UINT, "provisioningHandle"),
    IN(enumerate_sessions.provisioning_state, WIRE_BOOL, "provisioningState"),
};
static const struct wire_field ENUMERATE_SESSIONS_OUT[] = {
    OUT(enumerate_sessions.provisioning_handle, WIRE_UINT, "provisioningHandle"),
    OUT(enumerate_sessions.session_key_algorithm, WIRE_URI, "sessionKeyAlgorithm"),
    OUT(enumerate_sessions.privacy_enabled, WIRE_BOOL, "privacyEnabled"),
    OUT(enumerate_sessions.key_management_key, WIRE_ARRAY, "keyManagementKey"),
    OUT(enumerate_sessions.client_time, WIRE_UINT, "clientTime"),
    OUT(enumerate_sessions.session_life_time, WIRE_UINT, "sessionLifeTime"),
    OUT(enumerate_sessions.server_session_id, WIRE_RAW_ID, "serverSessionId"),
    OUT(enumerate_sessions.client_session_id, WIRE_RAW_ID, "clientSessionId"),
    OUT(enumerate_sessions.issuer_uri, WIRE_URI, "issuerUri"),
};

static const struct wire_field SESSION_HANDLE_IN[] = {
    IN(session_handle.provisioning_handle, WIRE_UINT, "provisioningHandle"),
};

static const struct wire_field CREATE_PUK_POLICY_IN[] = {
    IN(create_puk_policy.provisioning_handle, WIRE_UINT, "provisioningHandle"),
    IN(create_puk_policy.policy.id, WIRE_ID, "id"),
    IN(create_puk_policy.policy.encrypted_puk, WIRE_ARRAY, "encryptedPuk"),
    IN(create_puk_policy.policy.format, WIRE_BYTE, "format"),
    IN(create_puk_policy.policy.retry_limit, WIRE_USHORT, "retryLimit"),
    IN(create_puk_policy.mac, WIRE_ARRAY, "mac"),
};
static const struct wire_field PUK_POLICY_OUT[] = {
    OUT(handle.handle, WIRE_UINT, "pukPolicyHandle"),
};

static const struct wire_field CREATE_PIN_POLICY_IN[] = {
    IN(create_pin_policy.provisioning_handle, WIRE_UINT, "provisioningHandle"),
    IN(create_pin_policy.policy.id, WIRE_ID, "id"),
    IN(create_pin_policy.puk_policy_handle, WIRE_UINT, "pukPolicyHandle"),
    IN(create_pin_policy.policy.user_defined, WIRE_BOOL, "userDefined"),
    IN(create_pin_policy.policy.user_modifiable, WIRE_BOOL, "userModifiable"),
    IN(create_pin_policy.policy.format, WIRE_BYTE, "format"),
    IN(create_pin_policy.policy.retry_limit, WIRE_USHORT, "retryLimit"),
    IN(create_pin_policy.policy.grouping, WIRE_BYTE, "grouping"),
    IN(create_pin_policy.policy.pattern_restrictions, WIRE_BYTE, "patternRestrictions"),
    IN(create_pin_policy.policy.min_length, WIRE_USHORT, "minLength"),
    IN(create_pin_policy.policy.max_length, WIRE_USHORT, "maxLength"),
    IN(create_pin_policy.policy.input_method, WIRE_BYTE, "inputMethod"),
    IN(create_pin_policy.mac, WIRE_ARRAY, "mac"),
};
static const struct wire_field PIN_POLICY_OUT[] = {
    OUT(handle.handle, WIRE_UINT, "pinPolicyHandle"),
};

static const struct wire_field CREATE_KEY_ENTRY_IN[] = {
    IN(create_key_entry.provisioning_handle, WIRE_UINT, "provisioningHandle"),
    IN(create_key_entry.key.id, WIRE_ID, "id"),
    IN(create_key_entry.key.key_entry_algorithm, WIRE_URI, "keyEntryAlgorithm"),
    IN(create_key_entry.key.server_seed, WIRE_ARRAY, "serverSeed"),
    IN(create_key_entry.key.device_pin_protection, WIRE_BOOL, "devicePinProtection"),
    IN(create_key_entry.pin_policy_handle, WIRE_UINT, "pinPolicyHandle"),
    IN(create_key_entry.key.pin_value, WIRE_SECRET, "pinValue"),
    IN(create_key_entry.key.enable_pin_caching, WIRE_BOOL, "enablePinCaching"),
    IN(create_key_entry.key.biometric_protection, WIRE_BYTE, "biometricProtection"),
    IN(create_key_entry.key.export_protection, WIRE_BYTE, "exportProtection"),
    IN(create_key_entry.key.delete_protection, WIRE_BYTE, "deleteProtection"),
    IN(create_key_entry.key.app_usage, WIRE_BYTE, "appUsage"),
    IN(create_key_entry.key.friendly_name, WIRE_STRING, "friendlyName"),
    IN(create_key_entry.key.key_algorithm, WIRE_URI, "keyAlgorithm"),
    IN(create_key_entry.key.key_parameters, WIRE_ARRAY, "keyParameters"),
    IN(create_key_entry.key.endorsed_algorithms, WIRE_STRINGS, "endorsedAlgorithm"),
    IN(create_key_entry.mac, WIRE_ARRAY, "mac"),
};
static const struct wire_field CREATE_KEY_ENTRY_OUT[] = {
    OUT(create_key_entry.key_handle, WIRE_UINT, "keyHandle"),
    OUT(create_key_entry.public_key, WIRE_ARRAY, "publicKey"),
    OUT(create_key_entry.attestation, WIRE_ARRAY, "attestation"),
};

static const struct wire_field GET_KEY_HANDLE_IN[] = {
    IN(get_key_handle.provisioning_handle, WIRE_UINT, "provisioningHandle"),
    IN(get_key_handle.id, WIRE_ID, "id"),
};
static const struct wire_field KEY_HANDLE_OUT[] = {
    OUT(handle.handle, WIRE_UINT, "keyHandle"),
};

static const struct wire_field SET_CERTIFICATE_PATH_IN[] = {
    IN(set_certificate_path.key_handle, WIRE_UINT, "keyHandle"),
    IN(set_certificate_path.certificate_path, WIRE_ARRAYS, "certificate"),
    IN(set_certificate_path.mac, WIRE_ARRAY, "mac"),
};

static const struct wire_field UPDATE_KMK_IN[] = {
    IN(update_kmk.provisioning_handle, WIRE_UINT, "provisioningHandle"),
    IN(update_kmk.key_management_key, WIRE_ARRAY, "keyManagementKey"),
    IN(update_kmk.authorization, WIRE_ARRAY, "authorization"),
};

static const struct wire_field IMPORT_KEY_IN[] = {
    IN(import_key.key_handle, WIRE_UINT, "keyHandle"),
    IN(import_key.encrypted_key, WIRE_ARRAY, "encryptedKey"),
    IN(import_key.mac, WIRE_ARRAY, "mac"),
};

static const struct wire_field ADD_EXTENSION_IN[] = {
    IN(add_extension.key_handle, WIRE_UINT, "keyHandle"),
    IN(add_extension.extension.type, WIRE_URI, "type"),
    IN(add_extension.extension.sub_type, WIRE_BYTE, "subType"),
    IN(add_extension.extension.qualifier, WIRE_STRING, "qualifier"),
    IN(add_extension.extension.data, WIRE_BLOB, "extensionData"),
    IN(add_extension.mac, WIRE_ARRAY, "mac"),
};

static const struct wire_field DEACTIVATE_OUT[] = {
    OUT(deactivate.deactivated, WIRE_BYTE, "deactivated"),
};

static const struct wire_field POST_SESSION_IN[] = {
    IN(post_session.provisioning_handle, WIRE_UINT, "provisioningHandle"),
    IN(post_session.target_key_handle, WIRE_UINT, "targetKeyHandle"),
    IN(post_session.authorization, WIRE_ARRAY, "authorization"),
    IN(post_session.mac, WIRE_ARRAY, "mac"),
};
static const struct wire_field POST_KEY_IN[] = {
    IN(post_key.key_handle, WIRE_UINT, "keyHandle"),
    IN(post_key.target_key_handle, WIRE_UINT, "targetKeyHandle"),
    IN(post_key.authorization, WIRE_ARRAY, "authorization"),
    IN(post_key.mac, WIRE_ARRAY, "mac"),
};

static const struct wire_field KEY_HANDLE_IN[] = {
    IN(key_handle.key_handle, WIRE_UINT, "keyHandle"),
};
static const struct wire_field ENUMERATE_KEYS_OUT[] = {
    OUT(enumerate_keys.key_handle, WIRE_UINT, "keyHandle"),
    OUT(enumerate_keys.provisioning_handle, WIRE_UINT, "provisioningHandle"),
};
static const struct wire_field KEY_ATTRIBUTES_OUT[] = {
    OUT(key_attributes.symmetric_key_length, WIRE_USHORT, "symmetricKeyLength"),
    OUT(key_attributes.certificate_path, WIRE_ARRAYS, "certificate"),
    OUT(key_attributes.app_usage, WIRE_BYTE, "appUsage"),
    OUT(key_attributes.friendly_name, WIRE_STRING, "friendlyName"),
    OUT(key_attributes.endorsed_algorithms, WIRE_STRINGS, "endorsedAlgorithm"),
    OUT(key_attributes.extension_types, WIRE_STRINGS, "type"),
};
static const struct wire_field KEY_PROTECTION_OUT[] = {
    OUT(key_protection.protection_status, WIRE_BYTE, "protectionStatus"),
    OUT(key_protection.puk_format, WIRE_BYTE, "pukFormat"),
    OUT(key_protection.puk_retry_limit, WIRE_USHORT, "pukRetryLimit"),
    OUT(key_protection.puk_error_count, WIRE_USHORT, "pukErrorCount"),
    OUT(key_protection.user_defined, WIRE_BOOL, "userDefined"),
    OUT(key_protection.user_modifiable, WIRE_BOOL, "userModifiable"),
    OUT(key_protection.format, WIRE_BYTE, "format"),
    OUT(key_protection.retry_limit, WIRE_USHORT, "retryLimit"),
    OUT(key_protection.grouping, WIRE_BYTE, "grouping"),
    OUT(key_protection.pattern_restrictions, WIRE_BYTE, "patternRestrictions"),
    OUT(key_protection.min_length, WIRE_USHORT, "minLength"),
    OUT(key_protection.max_length, WIRE_USHORT, "maxLength"),
    OUT(key_protection.input_method, WIRE_BYTE, "inputMethod"),
    OUT(key_protection.pin_error_count, WIRE_USHORT, "pinErrorCount"),
    OUT(key_protection.enable_pin_caching, WIRE_BOOL, "enablePinCaching"),
    OUT(key_protection.biometric_protection, WIRE_BYTE, "biometricProtection"),
    OUT(key_protection.export_protection, WIRE_BYTE, "exportProtection"),
    OUT(key_protection.delete_protection, WIRE_BYTE, "deleteProtection"),
    OUT(key_protection.key_backup, WIRE_BYTE, "keyBackup"),
};

static const struct wire_field GET_EXTENSION_IN[] = {
    IN(get_extension.key_handle, WIRE_UINT, "keyHandle"),
    IN(get_extension.type, WIRE_URI, "type"),
};
static const struct wire_field EXTENSION_OUT[] = {
    OUT(extension.sub_type, WIRE_BYTE, "subType"),
    OUT(extension.qualifier, WIRE_STRING, "qualifier"),
    OUT(extension.extension_data, WIRE_BLOB, "extensionData"),
};
static const struct wire_field SET_PROPERTY_IN[] = {
    IN(set_property.key_handle, WIRE_UINT, "keyHandle"),
    IN(set_property.type, WIRE_URI, "type"),
    IN(set_property.name, WIRE_STRING, "name"),
    IN(set_property.value, WIRE_STRING, "value"),
};
static const struct wire_field AUTHORIZED_IN[] = {
    IN(authorized.key_handle, WIRE_UINT, "keyHandle"),
    IN(authorized.authorization, WIRE_SECRET, "authorization"),
};
static const struct wire_field NEW_PIN_IN[] = {
    IN(new_pin.key_handle, WIRE_UINT, "keyHandle"),
    IN(new_pin.authorization, WIRE_SECRET, "authorization"),
    IN(new_pin.new_pin, WIRE_SECRET, "newPin"),
};
static const struct wire_field EXPORTED_OUT[] = {
    OUT(result.result, WIRE_SECRET, "key"),
};

static const struct wire_field UPDATE_FIRMWARE_IN[] = {
    IN(update_firmware.chunk, WIRE_BLOB, "chunk"),
};
static const struct wire_field UPDATE_FIRMWARE_OUT[] = {
    OUT(update_firmware.next_url, WIRE_URI, "nextUrl"),
};

/* The key operations have the same inputs but for the name and the size of the last one. */
#define OPERATION_IN(last_type, last_name)                                                         \
    {                                                                                              \
        IN(operation.key_handle, WIRE_UINT, "keyHandle"),                                          \
            IN(operation.algorithm, WIRE_URI, "algorithm"),                                        \
            IN(operation.parameters, WIRE_ARRAY, "parameters"),                                    \
            IN(operation.biometric_auth, WIRE_BOOL, "biometricAuth"),                              \
            IN(operation.authorization, WIRE_SECRET, "authorization"),                             \
            IN(operation.data, last_type, last_name),                                              \
    }
static const struct wire_field OPERATION_DATA_IN[] = OPERATION_IN(WIRE_ARRAY, "data");
static const struct wire_field OPERATION_KEY_IN[] = OPERATION_IN(WIRE_ARRAY, "publicKey");
static const struct wire_field OPERATION_BLOB_IN[] = OPERATION_IN(WIRE_BLOB, "data");
static const struct wire_field SYMMETRIC_ENCRYPT_IN[] = {
    IN(symmetric_encrypt.key_handle, WIRE_UINT, "keyHandle"),
    IN(symmetric_encrypt.algorithm, WIRE_URI, "algorithm"),
    IN(symmetric_encrypt.mode, WIRE_BOOL, "mode"),
    IN(symmetric_encrypt.parameters, WIRE_ARRAY, "parameters"),
    IN(symmetric_encrypt.biometric_auth, WIRE_BOOL, "biometricAuth"),
    IN(symmetric_encrypt.authorization, WIRE_SECRET, "authorization"),
    IN(symmetric_encrypt.data, WIRE_BLOB, "data"),
};
static const struct wire_field RESULT_OUT[] = {
    OUT(result.result, WIRE_ARRAY, "result"),
};
static const struct wire_field BLOB_OUT[] = {
    OUT(result.result, WIRE_BLOB, "result"),
};

#define NOTHING NULL, 0
#define FIELDS(table) table, NITEMS(table)

const struct sks_method SKS_METHODS[] = {
    { GET_DEVICE_INFO, "getDeviceInfo", NOTHING, FIELDS(GET_DEVICE_INFO_OUT), false },
    { CREATE_PROVISIONING_SESSION, "createProvisioningSession", FIELDS(CREATE_SESSION_IN),
      FIELDS(CREATE_SESSION_OUT), false },
    { CLOSE_PROVISIONING_SESSION, "closeProvisioningSession", FIELDS(CLOSE_SESSION_IN),
      FIELDS(CLOSE_SESSION_OUT), false },
    { ENUMERATE_PROVISIONING_SESSIONS, "enumerateProvisioningSessions",
      FIELDS(ENUMERATE_SESSIONS_IN), FIELDS(ENUMERATE_SESSIONS_OUT), true },
    { ABORT_PROVISIONING_SESSION, "abortProvisioningSession", FIELDS(SESSION_HANDLE_IN), NOTHING,
      false },
    { UPDATE_KEY_MANAGEMENT_KEY, "updateKeyManagementKey", FIELDS(UPDATE_KMK_IN), NOTHING, false },
    { CREATE_PUK_POLICY, "createPukPolicy", FIELDS(CREATE_PUK_POLICY_IN), FIELDS(PUK_POLICY_OUT),
      false },
    { CREATE_PIN_POLICY, "createPinPolicy", FIELDS(CREATE_PIN_POLICY_IN), FIELDS(PIN_POLICY_OUT),
      false },
    { CREATE_KEY_ENTRY, "createKeyEntry", FIELDS(CREATE_KEY_ENTRY_IN), FIELDS(CREATE_KEY_ENTRY_OUT),
      false },
    { GET_KEY_HANDLE, "getKeyHandle", FIELDS(GET_KEY_HANDLE_IN), FIELDS(KEY_HANDLE_OUT), false },
    { SET_CERTIFICATE_PATH, "setCertificatePath", FIELDS(SET_CERTIFICATE_PATH_IN), NOTHING, false },
    { IMPORT_SYMMETRIC_KEY, "importSymmetricKey", FIELDS(IMPORT_KEY_IN), NOTHING, false },
    { IMPORT_PRIVATE_KEY, "importPrivateKey", FIELDS(IMPORT_KEY_IN), NOTHING, false },
    { ADD_EXTENSION, "addExtension", FIELDS(ADD_EXTENSION_IN), NOTHING, false },
    { CREATE_SESSION_2010, "createProvisioningSession", FIELDS(CREATE_SESSION_2010_IN),
      FIELDS(CREATE_SESSION_2010_OUT), false },
    { DEACTIVATE, "deactivate", NOTHING, FIELDS(DEACTIVATE_OUT), false },
    { POST_DELETE_KEY, "postDeleteKey", FIELDS(POST_SESSION_IN), NOTHING, false },
    { POST_UNLOCK_KEY, "postUnlockKey", FIELDS(POST_SESSION_IN), NOTHING, false },
    { POST_UPDATE_KEY, "postUpdateKey", FIELDS(POST_KEY_IN), NOTHING, false },
    { POST_CLONE_KEY_PROTECTION, "postCloneKeyProtection", FIELDS(POST_KEY_IN), NOTHING, false },
    { ENUMERATE_KEYS, "enumerateKeys", FIELDS(KEY_HANDLE_IN), FIELDS(ENUMERATE_KEYS_OUT), true },
    { GET_KEY_ATTRIBUTES, "getKeyAttributes", FIELDS(KEY_HANDLE_IN), FIELDS(KEY_ATTRIBUTES_OUT),
      false },
    { GET_KEY_PROTECTION_INFO, "getKeyProtectionInfo", FIELDS(KEY_HANDLE_IN),
      FIELDS(KEY_PROTECTION_OUT), false },
    { GET_EXTENSION, "getExtension", FIELDS(GET_EXTENSION_IN), FIELDS(EXTENSION_OUT), false },
    { SET_PROPERTY, "setProperty", FIELDS(SET_PROPERTY_IN), NOTHING, false },
    { DELETE_KEY, "deleteKey", FIELDS(AUTHORIZED_IN), NOTHING, false },
    { EXPORT_KEY, "exportKey", FIELDS(AUTHORIZED_IN), FIELDS(EXPORTED_OUT), false },
    { UNLOCK_KEY, "unlockKey", FIELDS(AUTHORIZED_IN), NOTHING, false },
    { CHANGE_PIN, "changePin", FIELDS(NEW_PIN_IN), NOTHING, false },
    { SET_PIN, "setPin", FIELDS(NEW_PIN_IN), NOTHING, false },
    { UPDATE_FIRMWARE, "updateFirmware", FIELDS(UPDATE_FIRMWARE_IN), FIELDS(UPDATE_FIRMWARE_OUT),
      false },
    { SIGN_HASHED_DATA, "signHashedData", FIELDS(OPERATION_DATA_IN), FIELDS(RESULT_OUT), false },
    { ASYMMETRIC_KEY_DECRYPT, "asymmetricKeyDecrypt", FIELDS(OPERATION_DATA_IN), FIELDS(RESULT_OUT),
      false },
    { KEY_AGREEMENT, "keyAgreement", FIELDS(OPERATION_KEY_IN), FIELDS(RESULT_OUT), false },
    { PERFORM_HMAC, "performHmac", FIELDS(OPERATION_BLOB_IN), FIELDS(RESULT_OUT), false },
    { SYMMETRIC_KEY_ENCRYPT, "symmetricKeyEncrypt", FIELDS(SYMMETRIC_ENCRYPT_IN), FIELDS(BLOB_OUT),
      false },
};
const size_t SKS_METHODS_COUNT = NITEMS(SKS_METHODS);

const struct sks_method *sks_method(uint8_t id)
{
    for (size_t i = 0; i < NITEMS(SKS_METHODS); i++)
        if (SKS_METHODS[i].id == id)
            return &SKS_METHODS[i];
    return NULL;
}
