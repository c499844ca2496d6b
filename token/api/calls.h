/*
 * The SKS wire as the token and its callers see it: one row a method, with its arguments and
 * outputs in the order of the method's tables (SKS V1.07, 8 "Method List"). The row alone encodes,
 * decodes and names every field, so that a relay, a test or a trace needs no code of its own.
 */
#ifndef TOKEN_API_CALLS_H
#define TOKEN_API_CALLS_H

#include "keygen2/base/arena.h"
#include "keygen2/objects.h"

enum method_id {
    GET_DEVICE_INFO = 1,
    CREATE_PROVISIONING_SESSION = 2,
    CLOSE_PROVISIONING_SESSION = 3,
    ENUMERATE_PROVISIONING_SESSIONS = 4,
    ABORT_PROVISIONING_SESSION = 5,
    UPDATE_KEY_MANAGEMENT_KEY = 7,
    CREATE_PUK_POLICY = 8,
    CREATE_PIN_POLICY = 9,
    CREATE_KEY_ENTRY = 10,
    GET_KEY_HANDLE = 11,
    SET_CERTIFICATE_PATH = 12,
    IMPORT_SYMMETRIC_KEY = 13,
    IMPORT_PRIVATE_KEY = 14,
    ADD_EXTENSION = 15,
    CREATE_SESSION_2010 = 24, /* createProvisioningSession of the draft */
    DEACTIVATE = 25,
    POST_DELETE_KEY = 50,
    POST_UNLOCK_KEY = 51,
    POST_UPDATE_KEY = 52,
    POST_CLONE_KEY_PROTECTION = 53,
    ENUMERATE_KEYS = 70,
    GET_KEY_ATTRIBUTES = 71,
    GET_KEY_PROTECTION_INFO = 72,
    GET_EXTENSION = 73,
    SET_PROPERTY = 74,
    DELETE_KEY = 80,
    EXPORT_KEY = 81,
    UNLOCK_KEY = 82,
    CHANGE_PIN = 83,
    SET_PIN = 84,
    UPDATE_FIRMWARE = 90,
    SIGN_HASHED_DATA = 100,
    ASYMMETRIC_KEY_DECRYPT = 101,
    KEY_AGREEMENT = 102,
    PERFORM_HMAC = 103,
    SYMMETRIC_KEY_ENCRYPT = 104,
};

/* Inputs. Handles are called what the text calls them. */
struct create_session_in {
    struct session_terms terms; /* client_session_id is not among the inputs */
};
struct close_session_in {
    uint32_t provisioning_handle;
    struct bytes nonce, mac;
};
struct enumerate_sessions_in {
    uint32_t provisioning_handle;
    bool provisioning_state; /* true: open sessions, false: closed ones */
};
struct session_handle_in {
    uint32_t provisioning_handle;
};
struct create_puk_policy_in {
    uint32_t provisioning_handle;
    struct puk_policy policy;
    struct bytes mac;
};
struct create_pin_policy_in {
    uint32_t provisioning_handle;
    uint32_t puk_policy_handle; /* 0: none */
    struct pin_policy policy;
    struct bytes mac;
};
struct create_key_entry_in {
    uint32_t provisioning_handle;
    uint32_t pin_policy_handle; /* 0: none */
    struct key_entry key;
    struct bytes mac;
};
struct get_key_handle_in {
    uint32_t provisioning_handle;
    struct bytes id;
};
struct set_certificate_path_in {
    uint32_t key_handle;
    struct bytes_list certificate_path;
    struct bytes mac;
};
struct update_kmk_in {
    uint32_t provisioning_handle; /* of a closed session */
    struct bytes key_management_key, authorization;
};
struct import_key_in {
    uint32_t key_handle;
    struct bytes encrypted_key, mac;
};
struct add_extension_in {
    uint32_t key_handle;
    struct extension extension;
    struct bytes mac;
};
struct post_session_in { /* postDeleteKey, postUnlockKey */
    uint32_t provisioning_handle, target_key_handle;
    struct bytes authorization, mac;
};
struct post_key_in { /* postUpdateKey, postCloneKeyProtection */
    uint32_t key_handle, target_key_handle;
    struct bytes authorization, mac;
};
struct key_handle_in {
    uint32_t key_handle;
};
struct get_extension_in {
    uint32_t key_handle;
    struct bytes type;
};
struct set_property_in {
    uint32_t key_handle;
    struct bytes type, name, value;
};
struct authorized_in { /* deleteKey, exportKey, unlockKey */
    uint32_t key_handle;
    struct bytes authorization; /* PIN or PUK: a secret */
};
struct new_pin_in { /* changePin, setPin */
    uint32_t key_handle;
    struct bytes authorization, new_pin; /* secrets */
};
struct update_firmware_in {
    struct bytes chunk;
};
struct operation_in { /* signHashedData, asymmetricKeyDecrypt, keyAgreement, performHmac */
    uint32_t key_handle;
    struct bytes algorithm, parameters;
    bool biometric_auth;
    struct bytes authorization; /* the PIN: a secret */
    struct bytes data;          /* keyAgreement: the other's public key */
};
struct symmetric_encrypt_in {
    uint32_t key_handle;
    struct bytes algorithm;
    bool mode; /* true encrypts */
    struct bytes parameters;
    bool biometric_auth;
    struct bytes authorization; /* the PIN: a secret */
    struct bytes data;
};

union sks_in {
    uint32_t handle; /* the first input of every method but 1, 2, 24, 25 and 90 */
    struct create_session_in create_session;
    struct session_2010_terms create_session_2010;
    struct close_session_in close_session;
    struct enumerate_sessions_in enumerate_sessions;
    struct session_handle_in session_handle;
    struct create_puk_policy_in create_puk_policy;
    struct create_pin_policy_in create_pin_policy;
    struct create_key_entry_in create_key_entry;
    struct get_key_handle_in get_key_handle;
    struct set_certificate_path_in set_certificate_path;
    struct key_handle_in key_handle;
    struct update_kmk_in update_kmk;
    struct import_key_in import_key;
    struct add_extension_in add_extension;
    struct post_session_in post_session;
    struct post_key_in post_key;
    struct get_extension_in get_extension;
    struct set_property_in set_property;
    struct authorized_in authorized;
    struct new_pin_in new_pin;
    struct update_firmware_in update_firmware;
    struct operation_in operation;
    struct symmetric_encrypt_in symmetric_encrypt;
};

/* Outputs. */
struct device_info_out {
    uint16_t api_level;
    uint8_t device_type;
    struct bytes update_url, vendor_name, vendor_description;
    struct bytes_list certificate_path, supported_algorithms;
    uint32_t crypto_data_size, extension_data_size;
    bool device_pin_support, biometric_support;
};
struct create_session_out {
    struct bytes client_session_id, client_ephemeral_key, attestation;
    uint32_t provisioning_handle;
};
struct create_session_2010_out {
    struct bytes encrypted_session_key, attested_session_key;
    uint32_t provisioning_id;
};
struct attestation_out {
    struct bytes attestation;
};
struct enumerate_sessions_out {
    uint32_t provisioning_handle; /* 0: no more, and nothing follows it */
    struct bytes session_key_algorithm;
    bool privacy_enabled;
    struct bytes key_management_key;
    uint32_t client_time;
    uint32_t session_life_time; /* uint in this one place */
    struct bytes server_session_id, client_session_id, issuer_uri;
};
struct handle_out {
    uint32_t handle;
};
struct create_key_entry_out {
    uint32_t key_handle;
    struct bytes public_key, attestation;
};
struct enumerate_keys_out {
    uint32_t key_handle; /* 0: no more, and nothing follows it */
    uint32_t provisioning_handle;
};
struct key_attributes_out {
    uint16_t symmetric_key_length;
    struct bytes_list certificate_path;
    uint8_t app_usage;
    struct bytes friendly_name;
    struct bytes_list endorsed_algorithms, extension_types;
};
struct key_protection_out {
    uint8_t protection_status; /* set of PROTECTION_STATUS_* */
    uint8_t puk_format;
    uint16_t puk_retry_limit, puk_error_count;
    bool user_defined, user_modifiable;
    uint8_t format;
    uint16_t retry_limit;
    uint8_t grouping, pattern_restrictions;
    uint16_t min_length, max_length;
    uint8_t input_method;
    uint16_t pin_error_count;
    bool enable_pin_caching;
    uint8_t biometric_protection, export_protection, delete_protection;
    uint8_t key_backup; /* set of KEY_BACKUP_* */
};
struct extension_out {
    uint8_t sub_type;
    struct bytes qualifier, extension_data;
};
struct update_firmware_out {
    struct bytes next_url; /* empty after the last chunk */
};
struct result_out {
    struct bytes result;
};
struct deactivate_out {
    uint8_t deactivated; /* 1 */
};
struct activate_out { /* of the control socket, control.h */
    bool was_deactivated;
};
struct copy_out { /* of the control socket, control.h */
    struct bytes name;
};

union sks_out {
    struct device_info_out device_info;
    struct create_session_out create_session;
    struct create_session_2010_out create_session_2010;
    struct attestation_out close_session;
    struct enumerate_sessions_out enumerate_sessions;
    struct handle_out handle;
    struct create_key_entry_out create_key_entry;
    struct enumerate_keys_out enumerate_keys;
    struct key_attributes_out key_attributes;
    struct key_protection_out key_protection;
    struct extension_out extension;
    struct update_firmware_out update_firmware;
    struct result_out result;
    struct deactivate_out deactivate;
    struct activate_out activate;
    struct copy_out copy;
};

enum wire_type {
    WIRE_BYTE,
    WIRE_BOOL,
    WIRE_USHORT,
    WIRE_UINT,
    WIRE_ARRAY,  /* byte[] */
    WIRE_SECRET, /* byte[] that no trace shows */
    WIRE_STRING, /* UTF-8, as WIRE_ID and WIRE_URI; their limits are the method's to check */
    WIRE_ID,
    WIRE_RAW_ID, /* WIRE_ID, or any 32 bytes: of a session of the 2010 profile */
    WIRE_URI,
    WIRE_BLOB,
    WIRE_ARRAYS,  /* list of byte[] */
    WIRE_STRINGS, /* list of uri */
};

struct wire_field {
    const char *name; /* as the text has it, e.g. "provisioningHandle" */
    enum wire_type type;
    size_t offset; /* of the member in the struct of inputs or outputs */
};

struct sks_method {
    uint8_t id;
    const char *name; /* as the text has it, e.g. "createPinPolicy" */
    const struct wire_field *in;
    size_t in_count;
    const struct wire_field *out;
    size_t out_count;
    bool ends_at_zero; /* an enumeration: nothing follows a first output of 0 */
};

/** Row of a method id; NULL if there is none. */
const struct sks_method *sks_method(uint8_t id);

/** All rows, in the order of their ids. */
extern const struct sks_method SKS_METHODS[];
extern const size_t SKS_METHODS_COUNT;

/**
 * Reads a request body: method id, then the arguments.
 *
 * @param body    the request; the slices of *in borrow from it
 * @param method  out: its row
 * @param in      out: the arguments
 * @param arena   holds the lists of *in
 * @return SKS_ERROR_OPTION with a text that names the argument
 */
CHECKED enum sks_status sks_decode_request(struct bytes body, const struct sks_method **method,
                                           union sks_in *in, struct arena *arena,
                                           struct sks_error *err);

/** Appends a request body. A failure is in request->status. */
void sks_encode_request(struct buf *request, const struct sks_method *method,
                        const union sks_in *in);

/** Appends the body of a response that succeeded: status 0 and the outputs. */
void sks_encode_response(struct buf *response, const struct sks_method *method,
                         const union sks_out *out);

/** Appends the body of a response that failed: status and ErrorString. */
void sks_encode_failure(struct buf *response, const struct sks_error *err);

/**
 * Reads a response body.
 *
 * @param out    out: the outputs, if the status is 0; borrowed from the body
 * @param err    the token's own status and ErrorString, or what is wrong with the body
 * @return the token's status; SKS_ERROR_EXTERNAL if the body is no answer of this method
 */
CHECKED enum sks_status sks_decode_response(struct bytes body, const struct sks_method *method,
                                            union sks_out *out, struct arena *arena,
                                            struct sks_error *err);

#endif
