/* The attacks that are ready by name. Each is a rule file of its own. */
#include "proxy/attack/attack.h"

#define RULES(...) "{\"rules\":[" __VA_ARGS__ "]}"
#define ISSUER(message, rest) "{\"hop\":\"issuer\",\"message\":\"" message "\"," rest "}"
#define TOKEN(method, rest) "{\"hop\":\"token\",\"message\":\"" method "\"," rest "}"
#define AT(path, operation) "\"path\":\"" path "\",\"operation\":\"" operation "\""
#define SPECIFIER "/pinPolicySpecifiers/0/keyEntrySpecifiers/0"

const struct named_attack NAMED_ATTACKS[] = {
    { "middleman",
      "The man in the middle takes both ephemeral keys of the session out and puts his own in, so "
      "that each end agrees on a key with him. The token signs over the server's key that it saw, "
      "and the issuer finds that this is not the key it sent: it refuses the attestation.",
      RULES(ISSUER(
          "ProvisioningInitializationRequest",
          AT("/serverEphemeralKey", "own-key")) "," ISSUER("ProvisioningInitializationResponse",
                                                           AT("/clientEphemeralKey", "own-key"))) },
    { "middleman-2010",
      "The same in the profile of the draft of 2010: the token encrypts its session key for the "
      "middleman, who reads it and encrypts it anew for the issuer. The device's signature binds "
      "the session key to the server key that the token saw: the issuer refuses it.",
      RULES(
          ISSUER("ProvisioningInitializationRequest", AT("/serverPublicKey", "own-key")) "," ISSUER(
              "ProvisioningInitializationResponse", AT("/encryptedSessionKey", "re-encrypt"))) },
    { "foreign-attestation",
      "The session is opened with the attestation of another one. Needs an earlier session on "
      "another connection of the relay. The issuer refuses: the signature is over other ids and "
      "keys.",
      RULES(ISSUER("ProvisioningInitializationResponse",
                   AT("/attestation", "splice") ",\"occurrence\":2")) },
    { "feigned-privacy",
      "The device's certificates are taken away, as if the issuer had asked for privacy. It has "
      "not, and refuses.",
      RULES(ISSUER("ProvisioningInitializationResponse", AT("/deviceId", "delete"))) },
    { "foreign-certificate",
      "The new key gets the certificate of another session's key. Needs an earlier session on "
      "another connection of the relay. The token refuses: the certificate path is under the "
      "session's MAC.",
      RULES(ISSUER("ProvisioningFinalizationRequest",
                   AT("/issuedCredentials/0/certificatePath", "splice") ",\"occurrence\":2")) },
    { "weak-pin",
      "The user is allowed a shorter PIN than the issuer wants. The token refuses: a PIN policy is "
      "under the session's MAC.",
      RULES(ISSUER("KeyCreationRequest", AT("/pinPolicySpecifiers/0/minLength", "decrement"))) },
    { "many-tries",
      "A PIN may be tried more often than the issuer wants. The token refuses: a PIN policy is "
      "under the session's MAC.",
      RULES(ISSUER("KeyCreationRequest", AT("/pinPolicySpecifiers/0/retryLimit", "increment"))) },
    { "exportable",
      "The private key may leave the token. The token refuses: a key's protection is under the "
      "session's MAC.",
      RULES(ISSUER("KeyCreationRequest",
                   AT(SPECIFIER, "insert") ",\"name\":\"exportProtection\",\"value\":\"none\"")) },
    { "endorsed-algorithm",
      "The key may be used with an algorithm that the issuer did not endorse. The token refuses: "
      "endorsed algorithms are under the session's MAC.",
      RULES(ISSUER(
          "KeyCreationRequest",
          AT(SPECIFIER, "insert") ",\"name\":\"endorsedAlgorithms\",\"value\":"
                                  "[\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512\"]")) },
    { "foreign-key",
      "The issuer is shown the attacker's public key as the one that the token made. It refuses: "
      "a key attestation is a MAC that only the token could make.",
      RULES(ISSUER("KeyCreationResponse", AT("/generatedKeys/0/publicKey", "own-key"))) },
    { "kept-key",
      "An order to delete a key is taken out of the finalization. The token refuses the close: "
      "it counts the orders that were under a MAC, so that none can be left out.",
      RULES(ISSUER("ProvisioningFinalizationRequest", AT("/deleteKeys", "delete"))) },
    { "other-target",
      "An order to delete, unlock, update or clone is aimed at the key with the next handle. The "
      "token refuses: the MAC binds the order to its target, or there is no such key.",
      RULES(TOKEN("postDeleteKey", AT("/targetKeyHandle", "increment")) "," TOKEN(
          "postUnlockKey",
          AT("/targetKeyHandle",
             "increment")) "," TOKEN("postUpdateKey",
                                     AT("/targetKeyHandle",
                                        "increment")) "," TOKEN("postCloneKeyProtection",
                                                                AT("/targetKeyHandle",
                                                                   "increment"))) },
    { "old-finalization",
      "The finalization of an earlier session is played again. Needs an earlier session through "
      "the relay. The middleware refuses ids that are not of this session.",
      RULES(
          ISSUER("ProvisioningFinalizationRequest", "\"operation\":\"replay\",\"occurrence\":2")) },
    { "forged-close",
      "The token is never told to close, and the middleware is told that it has, with a proof out "
      "of thin air. The issuer refuses the proof; its session is in doubt, and the token rolls "
      "back at the end of the session's life, or when it is told to.",
      RULES(TOKEN("closeProvisioningSession",
                  "\"operation\":\"forge\",\"value\":{\"status\":0,\"attestation\":"
                  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}")) },
    { "lost-proof",
      "The token has committed, and its closing proof never reaches the issuer: the session is in "
      "doubt, until the proof comes late ('sks-proxy resume').",
      RULES(ISSUER("ProvisioningFinalizationResponse", "\"operation\":\"drop\"")) },
    { "twice",
      "Each response goes to the issuer twice. A byte-identical repeat gets the same answer, and "
      "does nothing: harmless.",
      RULES(ISSUER("InvocationResponse", "\"operation\":\"repeat\"") "," ISSUER(
          "ProvisioningInitializationResponse",
          "\"operation\":\"repeat\"") "," ISSUER("KeyCreationResponse",
                                                 "\"operation\":\"repeat\"") "," ISSUER("Provisioni"
                                                                                        "ngFinaliza"
                                                                                        "tionRespon"
                                                                                        "se",
                                                                                        "\"operatio"
                                                                                        "n\":"
                                                                                        "\"repeat"
                                                                                        "\"")) },
    { "reflection",
      "The issuer's answer to a response is that response itself. The middleware refuses: it is "
      "no request.",
      RULES(ISSUER("InvocationResponse", "\"operation\":\"reflect\"")) },
};

const size_t NAMED_ATTACKS_COUNT = NITEMS(NAMED_ATTACKS);
