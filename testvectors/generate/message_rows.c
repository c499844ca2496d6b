#include "testvectors/generate/message_rows.h"

#include "testvectors/generate/message_text.h"

#include <stdio.h>

#define ROWS(table) table, sizeof(table) / sizeof((table)[0])
#define SSID "'serverSessionId':'<ssid>'"
#define BOTH_IDS SSID ",'clientSessionId':'<csid>'"
#define ID_ROW(name)                                                                               \
    {                                                                                              \
        name, MUST, PROPERTY_ID, 0, 0                                                              \
    }
#define MAC_ROW(at)                                                                                \
    {                                                                                              \
        at "/mac", MUST, PROPERTY_BINARY, 32, 32                                                   \
    }
#define KEY_ATTRIBUTES_TEXT                                                                        \
    "'appUsage':'signature','keyAlgorithm':'https://webpki.github.io/sks/"                         \
    "algorithm#ec.nist.p256'"

static const struct property_row INVOCATION_REQUEST_ROWS[] = {
    { "/@context", MUST, PROPERTY_CONST, 0, 0 },
    { "/@qualifier", MUST, PROPERTY_CONST, 0, 0 },
    ID_ROW("/serverSessionId"),
    { "/action", MUST, PROPERTY_NAME, 0, 0 },
    { "/privacyEnabled", MAY, PROPERTY_FLAG, 0, 0 },
    { "/preferredLanguages", MAY, PROPERTY_TEXTS, 0, 0 },
    { "/targetKeyContainers", MAY, PROPERTY_TEXTS, 1, 0 },
    { "/clientCapabilityQuery", MAY, PROPERTY_TEXTS, 1, 0 },
    { "/clientCapabilityQuery/0", DEPENDS, PROPERTY_URI, 0, 0 },
};

static const struct property_row INVOCATION_RESPONSE_ROWS[] = {
    { "/@context", MUST, PROPERTY_CONST, 0, 0 },
    { "/@qualifier", MUST, PROPERTY_CONST, 0, 0 },
    ID_ROW("/serverSessionId"),
    { "/clientCapabilities", MAY, PROPERTY_LIST, 1, 0 },
    { "/clientCapabilities/0/type", MUST, PROPERTY_URI, 0, 0 },
    { "/clientCapabilities/0/supported", MUST, PROPERTY_FLAG, 0, 0 },
    { "/clientCapabilities/1/values", MUST, PROPERTY_TEXTS, 1, 0 },
    { "/clientCapabilities/2/imageAttributes", MUST, PROPERTY_OBJECT, 0, 0 },
    { "/clientCapabilities/2/imageAttributes/mimeType", MUST, PROPERTY_TEXT, 1, 128 },
    { "/clientCapabilities/2/imageAttributes/width", MUST, PROPERTY_NUMBER, 1, 0xFFFFFFFF },
    { "/clientCapabilities/2/imageAttributes/height", MUST, PROPERTY_NUMBER, 1, 0xFFFFFFFF },
};

static const struct property_row INITIALIZATION_REQUEST_ROWS[] = {
    { "/@context", MUST, PROPERTY_CONST, 0, 0 },
    ID_ROW("/serverSessionId"),
    { "/serverTime", MUST, PROPERTY_SERVER_TIME, 0, 0 },
    { "/sessionKeyAlgorithm", MUST, PROPERTY_URI, 0, 0 },
    { "/sessionKeyLimit", MUST, PROPERTY_NUMBER, 1, 65535 },
    { "/sessionLifeTime", MUST, PROPERTY_NUMBER, 1, 65535 },
    { "/serverEphemeralKey", MUST, PROPERTY_KEY, 0, 0 },
    { "/keyManagementKey", DEPENDS, PROPERTY_KEY, 0, 0 },
    { "/updatableKeyManagementKeys", MAY, PROPERTY_LIST, 1, 0 },
    { "/updatableKeyManagementKeys/0/publicKey", MUST, PROPERTY_KEY, 0, 0 },
    { "/updatableKeyManagementKeys/0/authorization", MUST, PROPERTY_BINARY, 1, 0 },
};

static const struct property_row INITIALIZATION_2010_ROWS[] = {
    { "/sessionKeyAlgorithm", MUST, PROPERTY_URI, 0, 0 },
    { "/sessionKeyLimit", MUST, PROPERTY_NUMBER, 65535, 65535 },
    { "/sessionLifeTime", MUST, PROPERTY_NUMBER, 1, 0xFFFFFFFF },
    { "/serverPublicKey", MUST, PROPERTY_KEY, 0, 0 },
};

static const struct property_row INITIALIZATION_RESPONSE_ROWS[] = {
    { "/@context", MUST, PROPERTY_CONST, 0, 0 },
    ID_ROW("/serverSessionId"),
    ID_ROW("/clientSessionId"),
    { "/serverTime", MUST, PROPERTY_SERVER_TIME, 0, 0 },
    { "/clientTime", MUST, PROPERTY_CLIENT_TIME, 0, 0 },
    { "/clientEphemeralKey", DEPENDS, PROPERTY_KEY, 0, 0 },
    { "/deviceId", MAY, PROPERTY_OBJECT, 0, 0 },
    { "/deviceId/certificatePath", MUST, PROPERTY_PATH, 0, 0 },
    { "/attestation", MUST, PROPERTY_BINARY, 1, 0 },
};

static const struct property_row DISCOVERY_RESPONSE_ROWS[] = {
    { "/@context", MUST, PROPERTY_CONST, 0, 0 },
    ID_ROW("/serverSessionId"),
    ID_ROW("/clientSessionId"),
    { "/lookupResults", MUST, PROPERTY_LIST, 1, 0 },
    ID_ROW("/lookupResults/0/id"),
    { "/lookupResults/0/matchingCredentials", MUST, PROPERTY_LIST, 0, 0 },
    ID_ROW("/lookupResults/0/matchingCredentials/0/serverSessionId"),
    ID_ROW("/lookupResults/0/matchingCredentials/0/clientSessionId"),
    { "/lookupResults/0/matchingCredentials/0/certificatePath", MUST, PROPERTY_PATH, 0, 0 },
    { "/lookupResults/0/matchingCredentials/0/locked", MAY, PROPERTY_FLAG, 0, 0 },
};

#define PUK "/pukPolicySpecifiers/0"
#define PIN PUK "/pinPolicySpecifiers/0"
#define KEY PIN "/keyEntrySpecifiers/0"

static const struct property_row KEY_CREATION_REQUEST_ROWS[] = {
    { "/@context", MUST, PROPERTY_CONST, 0, 0 },
    ID_ROW("/serverSessionId"),
    ID_ROW("/clientSessionId"),
    { "/keyEntryAlgorithm", MUST, PROPERTY_URI, 0, 0 },
    { "/deferredIssuance", MAY, PROPERTY_FLAG, 0, 0 },
    { "/pukPolicySpecifiers", MAY, PROPERTY_LIST, 1, 0 },
    ID_ROW(PUK "/id"),
    { PUK "/encryptedPuk", MUST, PROPERTY_BINARY, 32, 160 },
    { PUK "/retryLimit", MUST, PROPERTY_NUMBER, 0, 10000 },
    { PUK "/format", MUST, PROPERTY_NAME, 0, 0 },
    MAC_ROW(PUK),
    { PUK "/pinPolicySpecifiers", MUST, PROPERTY_LIST, 1, 0 },
    ID_ROW(PIN "/id"),
    { PIN "/minLength", MUST, PROPERTY_NUMBER, 0, 128 },
    { PIN "/maxLength", MUST, PROPERTY_NUMBER, 0, 128 },
    { PIN "/retryLimit", MUST, PROPERTY_NUMBER, 1, 10000 },
    { PIN "/format", MUST, PROPERTY_NAME, 0, 0 },
    { PIN "/userModifiable", MAY, PROPERTY_FLAG, 0, 0 },
    { PIN "/grouping", MAY, PROPERTY_NAME, 0, 0 },
    { PIN "/inputMethod", MAY, PROPERTY_NAME, 0, 0 },
    { PIN "/patternRestrictions", MAY, PROPERTY_TEXTS, 1, 0 },
    MAC_ROW(PIN),
    { PIN "/keyEntrySpecifiers", MUST, PROPERTY_LIST, 1, 0 },
    ID_ROW(KEY "/id"),
    { KEY "/encryptedPin", MAY, PROPERTY_BINARY, 32, 160 },
    MAC_ROW(KEY),
};

static const struct property_row KEY_ALONE_ROWS[] = {
    { "/keyEntrySpecifiers", MAY, PROPERTY_LIST, 1, 0 },
    ID_ROW("/keyEntrySpecifiers/0/id"),
    { "/keyEntrySpecifiers/0/devicePinProtection", MAY, PROPERTY_FLAG, 0, 0 },
    { "/keyEntrySpecifiers/0/enablePinCaching", MAY, PROPERTY_FLAG, 0, 0 },
    { "/keyEntrySpecifiers/0/appUsage", MUST, PROPERTY_NAME, 0, 0 },
    { "/keyEntrySpecifiers/0/keyAlgorithm", MUST, PROPERTY_URI, 0, 0 },
    { "/keyEntrySpecifiers/0/keyParameters", MAY, PROPERTY_BINARY, 1, 8 },
    { "/keyEntrySpecifiers/0/endorsedAlgorithms", MAY, PROPERTY_TEXTS, 1, 0 },
    { "/keyEntrySpecifiers/0/serverSeed", MAY, PROPERTY_BINARY, 1, 64 },
    { "/keyEntrySpecifiers/0/biometricProtection", MAY, PROPERTY_NAME, 0, 0 },
    { "/keyEntrySpecifiers/0/deleteProtection", MAY, PROPERTY_NAME, 0, 0 },
    { "/keyEntrySpecifiers/0/exportProtection", MAY, PROPERTY_NAME, 0, 0 },
    { "/keyEntrySpecifiers/0/friendlyName", MAY, PROPERTY_TEXT, 0, 100 },
    MAC_ROW("/keyEntrySpecifiers/0"),
};

static const struct property_row KEY_CREATION_RESPONSE_ROWS[] = {
    { "/@context", MUST, PROPERTY_CONST, 0, 0 },
    ID_ROW("/serverSessionId"),
    ID_ROW("/clientSessionId"),
    { "/generatedKeys", MUST, PROPERTY_LIST, 1, 0 },
    ID_ROW("/generatedKeys/0/id"),
    { "/generatedKeys/0/publicKey", MUST, PROPERTY_KEY, 0, 0 },
    { "/generatedKeys/0/attestation", MUST, PROPERTY_BINARY, 1, 0 },
};

#define CREDENTIAL "/issuedCredentials/0"

static const struct property_row FINALIZATION_ROWS[] = {
    { "/@context", MUST, PROPERTY_CONST, 0, 0 },
    ID_ROW("/serverSessionId"),
    ID_ROW("/clientSessionId"),
    { "/issuedCredentials", MAY, PROPERTY_LIST, 1, 0 },
    ID_ROW(CREDENTIAL "/id"),
    { CREDENTIAL "/certificatePath", MUST, PROPERTY_PATH, 0, 0 },
    MAC_ROW(CREDENTIAL),
    { CREDENTIAL "/trustAnchor", MAY, PROPERTY_FLAG, 0, 0 },
    { CREDENTIAL "/importSymmetricKey", MAY, PROPERTY_OBJECT, 0, 0 },
    { CREDENTIAL "/importSymmetricKey/encryptedKey", MUST, PROPERTY_BINARY, 32, 160 },
    MAC_ROW(CREDENTIAL "/importSymmetricKey"),
    { CREDENTIAL "/extensions", MAY, PROPERTY_LIST, 1, 0 },
    { CREDENTIAL "/extensions/0/type", MUST, PROPERTY_URI, 0, 0 },
    { CREDENTIAL "/extensions/0/extensionData", MUST, PROPERTY_BINARY, 0, 0 },
    { CREDENTIAL "/encryptedExtensions/0/extensionData", MUST, PROPERTY_BINARY, 32, 0 },
    { CREDENTIAL "/propertyBags/0/properties", MUST, PROPERTY_LIST, 1, 0 },
    { CREDENTIAL "/propertyBags/0/properties/0/name", MUST, PROPERTY_TEXT, 1, 255 },
    { CREDENTIAL "/propertyBags/0/properties/0/value", MUST, PROPERTY_TEXT, 0, 65535 },
    { CREDENTIAL "/propertyBags/0/properties/0/writable", MAY, PROPERTY_FLAG, 0, 0 },
    { CREDENTIAL "/logotypes/0/mimeType", MUST, PROPERTY_TEXT, 1, 128 },
    { "/sessionCloseData", MUST, PROPERTY_OBJECT, 0, 0 },
    { "/sessionCloseData/nonce", MUST, PROPERTY_BINARY, 1, 32 },
    MAC_ROW("/sessionCloseData"),
};

static const struct property_row TARGET_ROWS[] = {
    { "/unlockKeys", MAY, PROPERTY_LIST, 1, 0 },
    { "/deleteKeys", MAY, PROPERTY_LIST, 1, 0 },
    { "/deleteKeys/0/fingerPrint", MUST, PROPERTY_BINARY, 32, 32 },
    ID_ROW("/deleteKeys/0/serverSessionId"),
    ID_ROW("/deleteKeys/0/clientSessionId"),
    { "/deleteKeys/0/authorization", MUST, PROPERTY_BINARY, 1, 0 },
    MAC_ROW("/deleteKeys/0"),
};

static const struct property_row FINALIZATION_RESPONSE_ROWS[] = {
    { "/@context", MUST, PROPERTY_CONST, 0, 0 },
    { "/@qualifier", MUST, PROPERTY_CONST, 0, 0 },
    ID_ROW("/serverSessionId"),
    ID_ROW("/clientSessionId"),
    { "/attestation", MUST, PROPERTY_BINARY, 1, 0 },
};

#define TARGET(label)                                                                              \
    "{'fingerPrint':'<32:finger " label                                                            \
    ">','serverSessionId':'<ssid>','clientSessionId':'<csid>',"                                    \
    "'authorization':'<64:authorization " label ">','mac':'<32:mac " label ">'}"
#define CLOSE_DATA "'sessionCloseData':{'nonce':'<32:nonce>','mac':'<32:close>'}"

const struct message_base MESSAGE_BASES[] = {
    { "InvocationRequest",
      SSID ",'action':'manage','privacyEnabled':false,'preferredLanguages':['en','sv'],"
           "'targetKeyContainers':['embedded','uicc'],"
           "'clientCapabilityQuery':['https://example.com/feature']",
      ROWS(INVOCATION_REQUEST_ROWS),
      { "" } },
    { "InvocationResponse",
      SSID ",'clientCapabilities':[{'type':'https://example.com/feature','supported':false},"
           "{'type':'https://example.com/languages','values':['en']},"
           "{'type':'https://example.com/logotype','imageAttributes':"
           "{'mimeType':'image/png','width':300,'height':200}}]",
      ROWS(INVOCATION_RESPONSE_ROWS),
      { "", "/clientCapabilities/0", "/clientCapabilities/2/imageAttributes" } },
    { "ProvisioningInitializationRequest",
      SSID ",'serverTime':'2026-11-01T12:00:00Z','sessionKeyAlgorithm':'https://webpki.github.io/"
           "sks/algorithm#session.1','sessionKeyLimit':200,'sessionLifeTime':600,"
           "'serverEphemeralKey':<key-server>,'keyManagementKey':<key-management>,"
           "'updatableKeyManagementKeys':[{'publicKey':<key384-older>,"
           "'authorization':'<96:authorization>'}]",
      ROWS(INITIALIZATION_REQUEST_ROWS),
      { "", "/serverEphemeralKey", "/updatableKeyManagementKeys/0" } },
    { "ProvisioningInitializationRequest",
      SSID ",'serverTime':'2026-11-01T12:00:00Z','sessionKeyAlgorithm':"
           "'urn:sks:2010:session.rsa','sessionKeyLimit':65535,'sessionLifeTime':65536,"
           "'serverPublicKey':<rsa>",
      ROWS(INITIALIZATION_2010_ROWS),
      { "/serverPublicKey" } },
    { "ProvisioningInitializationResponse",
      BOTH_IDS ",'serverTime':'2026-11-01T12:00:00Z','clientTime':'2026-11-01T12:00:01+00:00',"
               "'clientEphemeralKey':<key-client>,'deviceId':{'certificatePath':['<device>']},"
               "'attestation':'<64:attestation>'",
      ROWS(INITIALIZATION_RESPONSE_ROWS),
      { "", "/deviceId" } },
    { "CredentialDiscoveryResponse",
      BOTH_IDS ",'lookupResults':[{'id':'Lookup.1','matchingCredentials':[{" BOTH_IDS
               ",'certificatePath':['<alice>'],'locked':true}]},"
               "{'id':'Lookup.2','matchingCredentials':[]}]",
      ROWS(DISCOVERY_RESPONSE_ROWS),
      { "", "/lookupResults/0", "/lookupResults/0/matchingCredentials/0" } },
    { "KeyCreationRequest",
      BOTH_IDS
      ",'keyEntryAlgorithm':'https://webpki.github.io/sks/"
      "algorithm#key.1','deferredIssuance':false,"
      "'pukPolicySpecifiers':[{'id':'PUK.1','encryptedPuk':'<32:puk>','retryLimit':3,'format':"
      "'numeric','mac':'<32:mac puk>','pinPolicySpecifiers':[{'id':'PIN.1','minLength':4,"
      "'maxLength':8,'retryLimit':3,'format':'numeric','userModifiable':true,'grouping':'shared',"
      "'inputMethod':'any','patternRestrictions':['sequence','three-in-a-row'],'mac':"
      "'<32:mac "
      "pin>','keyEntrySpecifiers':[{'id':'Key.1','encryptedPin':'<32:pin>'," KEY_ATTRIBUTES_TEXT
      ",'mac':'<32:mac key>'}]}]}]",
      ROWS(KEY_CREATION_REQUEST_ROWS),
      { "", PUK, PIN, KEY } },
    { "KeyCreationRequest",
      BOTH_IDS
      ",'keyEntryAlgorithm':'https://webpki.github.io/sks/algorithm#key.1','keyEntrySpecifiers':["
      "{'id':'Key.1','devicePinProtection':false,'enablePinCaching':false,'appUsage':'universal',"
      "'keyAlgorithm':'https://webpki.github.io/sks/algorithm#rsa2048.exp','keyParameters':'Aw',"
      "'endorsedAlgorithms':['https://webpki.github.io/sks/algorithm#none'],'serverSeed':"
      "'<32:seed>','biometricProtection':'none','deleteProtection':'none','exportProtection':"
      "'non-exportable','friendlyName':'a key','mac':'<32:mac key>'}]",
      ROWS(KEY_ALONE_ROWS),
      { "/keyEntrySpecifiers/0" } },
    { "KeyCreationResponse",
      BOTH_IDS ",'generatedKeys':[{'id':'Key.1','publicKey':<key-user>,"
               "'attestation':'<32:attestation>'}]",
      ROWS(KEY_CREATION_RESPONSE_ROWS),
      { "", "/generatedKeys/0", "/generatedKeys/0/publicKey" } },
    { "ProvisioningFinalizationRequest",
      BOTH_IDS
      ",'issuedCredentials':[{'id':'Key.1','certificatePath':['<alice>'],'mac':'<32:mac path>',"
      "'trustAnchor':false,'importSymmetricKey':{'encryptedKey':'<48:symmetric>','mac':"
      "'<32:mac import>'},'extensions':[{'type':'https://example.com/1','extensionData':"
      "'<12:extension>','mac':'<32:mac 1>'}],'encryptedExtensions':[{'type':"
      "'https://example.com/2','extensionData':'<32:encrypted>','mac':'<32:mac 2>'}],"
      "'propertyBags':[{'type':'https://example.com/3','properties':[{'name':'n','value':'v',"
      "'writable':true}],'mac':'<32:mac 3>'}],'logotypes':[{'type':'https://example.com/4',"
      "'mimeType':'image/png','extensionData':'<20:logotype>','mac':'<32:mac 4>'}]}]," CLOSE_DATA,
      ROWS(FINALIZATION_ROWS),
      { "", CREDENTIAL, CREDENTIAL "/importSymmetricKey", CREDENTIAL "/extensions/0",
        CREDENTIAL "/propertyBags/0/properties/0", "/sessionCloseData" } },
    { "ProvisioningFinalizationRequest",
      BOTH_IDS
      ",'unlockKeys':[" TARGET("unlock") "],'deleteKeys':[" TARGET("delete") "]," CLOSE_DATA,
      ROWS(TARGET_ROWS),
      { "/unlockKeys/0" } },
    { "ProvisioningFinalizationResponse",
      BOTH_IDS ",'attestation':'<32:proof>'",
      ROWS(FINALIZATION_RESPONSE_ROWS),
      { "" } },
};
const size_t MESSAGE_BASES_COUNT = sizeof MESSAGE_BASES / sizeof MESSAGE_BASES[0];

json_t *message_base_tree(struct suite *s, const struct message_base *m)
{
    static const char HEAD[] = "{'@context':'https://webpki.github.io/keygen2#20190318',"
                               "'@qualifier':'%s',%s}";
    char template[3000];

    need((size_t)snprintf(template, sizeof template, HEAD, m->type, m->template) < sizeof template,
         "room for a message");
    return message_tree(s, template);
}
