#include "testvectors/generate/wire_methods.h"

#define POST_TARGET "uint targetKeyHandle, array authorization, array mac"
#define OPERATION                                                                                  \
    "uint keyHandle, uri algorithm, array parameters, bool biometricAuth, array authorization, "

const struct wire_method WIRE_METHODS[] = {
    { 1, "getDeviceInfo", "",
      "ushort apiLevel, byte deviceType, uri updateUrl, string vendorName, string "
      "vendorDescription, arrays certificate, uris supportedAlgorithm, uint cryptoDataSize, uint "
      "extensionDataSize, bool devicePinSupport, bool biometricSupport" },
    { 2, "createProvisioningSession",
      "uri sessionKeyAlgorithm, bool privacyEnabled, id serverSessionId, array "
      "serverEphemeralKey, uri issuerUri, array keyManagementKey, uint clientTime, ushort "
      "sessionLifeTime, ushort sessionKeyLimit, array serverCertificate",
      "id clientSessionId, array clientEphemeralKey, array attestation, uint provisioningHandle" },
    { 3, "closeProvisioningSession", "uint provisioningHandle, array nonce, array mac",
      "array attestation" },
    { 4, "enumerateProvisioningSessions", "uint provisioningHandle, bool provisioningState",
      "uint provisioningHandle, uri sessionKeyAlgorithm, bool privacyEnabled, array "
      "keyManagementKey, uint clientTime, uint sessionLifeTime, array serverSessionId, array "
      "clientSessionId, uri issuerUri" },
    { 5, "abortProvisioningSession", "uint provisioningHandle", "" },
    { 7, "updateKeyManagementKey",
      "uint provisioningHandle, array keyManagementKey, array authorization", "" },
    { 8, "createPukPolicy",
      "uint provisioningHandle, id id, array encryptedPuk, byte format, ushort retryLimit, array "
      "mac",
      "uint pukPolicyHandle" },
    { 9, "createPinPolicy",
      "uint provisioningHandle, id id, uint pukPolicyHandle, bool userDefined, bool "
      "userModifiable, byte format, ushort retryLimit, byte grouping, byte patternRestrictions, "
      "ushort minLength, ushort maxLength, byte inputMethod, array mac",
      "uint pinPolicyHandle" },
    { 10, "createKeyEntry",
      "uint provisioningHandle, id id, uri keyEntryAlgorithm, array serverSeed, bool "
      "devicePinProtection, uint pinPolicyHandle, array pinValue, bool enablePinCaching, byte "
      "biometricProtection, byte exportProtection, byte deleteProtection, byte appUsage, string "
      "friendlyName, uri keyAlgorithm, array keyParameters, uris endorsedAlgorithm, array mac",
      "uint keyHandle, array publicKey, array attestation" },
    { 11, "getKeyHandle", "uint provisioningHandle, id id", "uint keyHandle" },
    { 12, "setCertificatePath", "uint keyHandle, arrays certificate, array mac", "" },
    { 13, "importSymmetricKey", "uint keyHandle, array encryptedKey, array mac", "" },
    { 14, "importPrivateKey", "uint keyHandle, array encryptedKey, array mac", "" },
    { 15, "addExtension",
      "uint keyHandle, uri type, byte subType, string qualifier, blob extensionData, array mac",
      "" },
    { 24, "createProvisioningSession",
      "array server_session_id, array client_session_id, string provisioning_uri, array "
      "server_public_key, uint life_time",
      "array encrypted_session_key, array attested_session_key, uint provisioning_id" },
    { 25, "deactivate", "", "byte deactivated" },
    { 50, "postDeleteKey", "uint provisioningHandle, " POST_TARGET, "" },
    { 51, "postUnlockKey", "uint provisioningHandle, " POST_TARGET, "" },
    { 52, "postUpdateKey", "uint keyHandle, " POST_TARGET, "" },
    { 53, "postCloneKeyProtection", "uint keyHandle, " POST_TARGET, "" },
    { 70, "enumerateKeys", "uint keyHandle", "uint keyHandle, uint provisioningHandle" },
    { 71, "getKeyAttributes", "uint keyHandle",
      "ushort symmetricKeyLength, arrays certificate, byte appUsage, string friendlyName, uris "
      "endorsedAlgorithm, uris type" },
    { 72, "getKeyProtectionInfo", "uint keyHandle",
      "byte protectionStatus, byte pukFormat, ushort pukRetryLimit, ushort pukErrorCount, bool "
      "userDefined, bool userModifiable, byte format, ushort retryLimit, byte grouping, byte "
      "patternRestrictions, ushort minLength, ushort maxLength, byte inputMethod, ushort "
      "pinErrorCount, bool enablePinCaching, byte biometricProtection, byte exportProtection, "
      "byte deleteProtection, byte keyBackup" },
    { 73, "getExtension", "uint keyHandle, uri type",
      "byte subType, string qualifier, blob extensionData" },
    { 74, "setProperty", "uint keyHandle, uri type, string name, string value", "" },
    { 80, "deleteKey", "uint keyHandle, array authorization", "" },
    { 81, "exportKey", "uint keyHandle, array authorization", "array key" },
    { 82, "unlockKey", "uint keyHandle, array authorization", "" },
    { 83, "changePin", "uint keyHandle, array authorization, array newPin", "" },
    { 84, "setPin", "uint keyHandle, array authorization, array newPin", "" },
    { 90, "updateFirmware", "blob chunk", "uri nextUrl" },
    { 100, "signHashedData", OPERATION "array data", "array result" },
    { 101, "asymmetricKeyDecrypt", OPERATION "array data", "array result" },
    { 102, "keyAgreement", OPERATION "array publicKey", "array result" },
    { 103, "performHmac", OPERATION "blob data", "array result" },
    { 104, "symmetricKeyEncrypt",
      "uint keyHandle, uri algorithm, bool mode, array parameters, bool biometricAuth, array "
      "authorization, blob data",
      "blob result" },
};
const size_t WIRE_METHODS_COUNT = sizeof WIRE_METHODS / sizeof WIRE_METHODS[0];
