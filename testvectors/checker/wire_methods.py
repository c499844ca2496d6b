"""What goes into each method of the SKS wire and what comes out: docs/wire.md, section 5, and
docs/2010-profile.md, section 4."""

from typing import NamedTuple

BOTH, ONLY_107, ONLY_2010 = ("/sks", "/sks/2010"), ("/sks",), ("/sks/2010",)
HANDLE = "provisioningHandle:uint"
KEY = "keyHandle:uint"
AUTHORIZED = "authorization:array"
POST = "targetKeyHandle:uint authorization:array mac:array"
OPERATION = KEY + " algorithm:uri parameters:array biometricAuth:bool authorization:array "


class Method(NamedTuple):
    name: str
    inputs: list
    outputs: list
    paths: tuple
    ends: bool      # after a first output of 0 nothing follows


def method(name, inputs="", outputs="", paths=BOTH, ends=False):
    return Method(name, *([tuple(field.split(":")) for field in text.split()]
                          for text in (inputs, outputs)), paths, ends)


METHODS = {
    1: method("getDeviceInfo", "",
              "apiLevel:ushort deviceType:byte updateUrl:uri vendorName:string "
              "vendorDescription:string certificate:arrays supportedAlgorithm:uris "
              "cryptoDataSize:uint extensionDataSize:uint devicePinSupport:bool "
              "biometricSupport:bool"),
    2: method("createProvisioningSession",
              "sessionKeyAlgorithm:uri privacyEnabled:bool serverSessionId:id "
              "serverEphemeralKey:array issuerUri:uri keyManagementKey:array clientTime:uint "
              "sessionLifeTime:ushort sessionKeyLimit:ushort serverCertificate:array",
              "clientSessionId:id clientEphemeralKey:array attestation:array " + HANDLE,
              ONLY_107),
    3: method("closeProvisioningSession", HANDLE + " nonce:array mac:array",
              "attestation:array"),
    4: method("enumerateProvisioningSessions", HANDLE + " provisioningState:bool",
              HANDLE + " sessionKeyAlgorithm:uri privacyEnabled:bool keyManagementKey:array "
              "clientTime:uint sessionLifeTime:uint serverSessionId:array "
              "clientSessionId:array issuerUri:uri", ends=True),
    5: method("abortProvisioningSession", HANDLE),
    7: method("updateKeyManagementKey", HANDLE + " keyManagementKey:array authorization:array"),
    8: method("createPukPolicy",
              HANDLE + " id:id encryptedPuk:array format:byte retryLimit:ushort mac:array",
              "pukPolicyHandle:uint"),
    9: method("createPinPolicy",
              HANDLE + " id:id pukPolicyHandle:uint userDefined:bool userModifiable:bool "
              "format:byte retryLimit:ushort grouping:byte patternRestrictions:byte "
              "minLength:ushort maxLength:ushort inputMethod:byte mac:array",
              "pinPolicyHandle:uint"),
    10: method("createKeyEntry",
               HANDLE + " id:id keyEntryAlgorithm:uri serverSeed:array devicePinProtection:bool "
               "pinPolicyHandle:uint pinValue:array enablePinCaching:bool "
               "biometricProtection:byte exportProtection:byte deleteProtection:byte "
               "appUsage:byte friendlyName:string keyAlgorithm:uri keyParameters:array "
               "endorsedAlgorithm:uris mac:array",
               KEY + " publicKey:array attestation:array"),
    11: method("getKeyHandle", HANDLE + " id:id", KEY),
    12: method("setCertificatePath", KEY + " certificate:arrays mac:array"),
    13: method("importSymmetricKey", KEY + " encryptedKey:array mac:array"),
    14: method("importPrivateKey", KEY + " encryptedKey:array mac:array"),
    15: method("addExtension", KEY + " type:uri subType:byte qualifier:string "
               "extensionData:blob mac:array"),
    24: method("createProvisioningSession",
               "server_session_id:array client_session_id:array provisioning_uri:string "
               "server_public_key:array life_time:uint",
               "encrypted_session_key:array attested_session_key:array provisioning_id:uint",
               ONLY_2010),
    25: method("deactivate", "", "deactivated:byte"),
    50: method("postDeleteKey", HANDLE + " " + POST),
    51: method("postUnlockKey", HANDLE + " " + POST),
    52: method("postUpdateKey", KEY + " " + POST),
    53: method("postCloneKeyProtection", KEY + " " + POST),
    70: method("enumerateKeys", KEY, KEY + " " + HANDLE, ends=True),
    71: method("getKeyAttributes", KEY,
               "symmetricKeyLength:ushort certificate:arrays appUsage:byte friendlyName:string "
               "endorsedAlgorithm:uris type:uris"),
    72: method("getKeyProtectionInfo", KEY,
               "protectionStatus:byte pukFormat:byte pukRetryLimit:ushort pukErrorCount:ushort "
               "userDefined:bool userModifiable:bool format:byte retryLimit:ushort grouping:byte "
               "patternRestrictions:byte minLength:ushort maxLength:ushort inputMethod:byte "
               "pinErrorCount:ushort enablePinCaching:bool biometricProtection:byte "
               "exportProtection:byte deleteProtection:byte keyBackup:byte"),
    73: method("getExtension", KEY + " type:uri",
               "subType:byte qualifier:string extensionData:blob"),
    74: method("setProperty", KEY + " type:uri name:string value:string"),
    80: method("deleteKey", KEY + " " + AUTHORIZED),
    81: method("exportKey", KEY + " " + AUTHORIZED, "key:array"),
    82: method("unlockKey", KEY + " " + AUTHORIZED),
    83: method("changePin", KEY + " " + AUTHORIZED + " newPin:array"),
    84: method("setPin", KEY + " " + AUTHORIZED + " newPin:array"),
    90: method("updateFirmware", "chunk:blob", "nextUrl:uri"),
    100: method("signHashedData", OPERATION + "data:array", "result:array"),
    101: method("asymmetricKeyDecrypt", OPERATION + "data:array", "result:array"),
    102: method("keyAgreement", OPERATION + "publicKey:array", "result:array"),
    103: method("performHmac", OPERATION + "data:blob", "result:array"),
    104: method("symmetricKeyEncrypt",
                KEY + " algorithm:uri mode:bool parameters:array biometricAuth:bool "
                "authorization:array data:blob", "result:blob"),
}
