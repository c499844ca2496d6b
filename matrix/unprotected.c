#include "matrix/unprotected.h"

#include <stdio.h>
#include <string.h>

const struct unprotected UNPROTECTED[] = {
    { .hop = HOP_ISSUER,
      .message = "InvocationRequest",
      .path = "/**",
      .shown_in = "p256-user-pin",
      .elsewhere = true,
      .what = "all of it",
      .reason = "It comes before there is a session key: what it asks of the client is a wish.",
      .section = "KeyGen2, InvocationRequest",
      .meaning = "What you are asked to agree to, in which language, and for which kind of token "
                 "may be another's question. Nothing is done before the messages that follow, and "
                 "those are protected." },
    { .hop = HOP_ISSUER,
      .message = "InvocationResponse",
      .path = "/clientCapabilities/**",
      .shown_in = "everything",
      .elsewhere = true,
      .reason = "It comes before there is a session key: what a client says it can do is its own "
                "word.",
      .section = "KeyGen2, InvocationResponse",
      .meaning = "The issuer may take your client for one that can do less, or other things, and "
                 "choose by that; what your token cannot do it refuses." },
    { .hop = HOP_TOKEN,
      .message = "getDeviceInfo",
      .path = "/**",
      .shown_in = "p256-user-pin",
      .elsewhere = true,
      .what = "the answer, but for the device certificate",
      .reason = "It is not signed; the session's attestation has the certificate.",
      .section = "SKS, getDeviceInfo",
      .meaning = "Name, maker and abilities of a token are what your computer says. Which device "
                 "it is the issuer learns from the attestation." },
    { .hop = HOP_ISSUER,
      .message = "ProvisioningInitializationRequest",
      .path = "/serverTime",
      .shown_in = "p256-user-pin",
      .elsewhere = true,
      .rules =
          "{\"rules\":[{\"hop\":\"issuer\",\"message\":\"ProvisioningInitializationRequest\","
          "\"direction\":\"answer\",\"path\":\"/serverTime\",\"operation\":\"flip\",\"bit\":144},"
          "{\"hop\":\"issuer\",\"message\":\"ProvisioningInitializationResponse\","
          "\"path\":\"/serverTime\",\"operation\":\"flip\",\"bit\":144}]}",
      .reason = "The client may look at it, and returns it; no token sees it. Who alters it on the "
                "way there and back again is not noticed.",
      .section = "KeyGen2, ProvisioningInitializationRequest",
      .meaning = "A client whose clock is wrong is not told so." },
    { .profile = "session-2010",
      .hop = HOP_ISSUER,
      .message = "ProvisioningInitializationResponse",
      .path = "/clientTime",
      .shown_in = "session-2010",
      .elsewhere = true,
      .reason = "A session of 2010 does not bind it, nor the TLS certificate.",
      .section = "the draft of 2010, createProvisioningSession",
      .meaning = "The issuer's record may have another time than that of your device." },
    { .hop = HOP_ISSUER,
      .message = "ProvisioningInitializationRequest",
      .path = "/updatableKeyManagementKeys",
      .shown_in = "kmk-rollover",
      .reason = "Each update stands for itself, before the session and in no MAC: what is not "
                "asked for is not done.",
      .section = "KeyGen2, updatableKeyManagementKey; SKS, updateKeyManagementKey",
      .meaning = "Your older keys stay with the issuer's older key management key. The issuer "
                 "finds them there the next time. No foreign key can take over." },
    { .hop = HOP_ISSUER,
      .message = "ProvisioningInitializationRequest",
      .path = "/updatableKeyManagementKeys/*",
      .shown_in = "kmk-rollover",
      .reason = "As above. Its authorization is protected: another one is refused by the token.",
      .section = "KeyGen2, updatableKeyManagementKey",
      .meaning = "As above." },
    { .hop = HOP_ISSUER,
      .message = "ProvisioningInitializationRequest",
      .path = "/updatableKeyManagementKeys/*/publicKey/**",
      .shown_in = "kmk-rollover",
      .reason = "It says which sessions are meant: with another key there are none.",
      .section = "KeyGen2, updatableKeyManagementKey",
      .meaning = "As above." },
    { .hop = HOP_TOKEN,
      .message = "updateKeyManagementKey",
      .path = "/**",
      .shown_in = "kmk-rollover",
      .operations = UNPROTECTED_BY(FORGE) | UNPROTECTED_BY(REPLAY),
      .what = "the answer, and an update in the place of another",
      .reason = "Nothing proves that it was done; and an authorization says which key follows, not "
                "in which session.",
      .section = "SKS, updateKeyManagementKey",
      .meaning = "As above; and an update that the issuer once gave can be given to the token "
                 "again, where it still fits." },
    { .hop = HOP_ISSUER,
      .message = "CredentialDiscoveryRequest",
      .path = "/lookupSpecifiers/**",
      .shown_in = "key-delete",
      .elsewhere = true,
      .reason = "Its signature and nonce are for the client to check: the token takes no part in "
                "a lookup.",
      .section = "SKS, appendix D",
      .meaning = "A client that does not check tells anyone which certificates of an issuer you "
                 "have. Keys are safe: what is then done to them wants that issuer's signature." },
    { .hop = HOP_ISSUER,
      .message = "CredentialDiscoveryResponse",
      .path = "/lookupResults/**",
      .shown_in = "key-delete",
      .reason = "What a client found is in no MAC; it tells the issuer what to try.",
      .section = "SKS, appendix D",
      .meaning = "A key may be hidden from its issuer, and so stays as it is: not updated, not "
                 "unlocked, not deleted." },
    { .hop = HOP_TOKEN,
      .message = "enumerateProvisioningSessions",
      .path = "/**",
      .shown_in = "key-delete",
      .what = "question and answer",
      .reason = "A client looks for keys by them, and they are not signed.",
      .section = "SKS, enumerateProvisioningSessions",
      .meaning = "As above: keys are hidden from the lookup of their issuer." },
    { .hop = HOP_TOKEN,
      .message = "enumerateKeys",
      .path = "/**",
      .shown_in = "key-delete",
      .what = "question and answer",
      .reason = "As those of sessions.",
      .section = "SKS, enumerateKeys",
      .meaning = "As above." },
    { .hop = HOP_TOKEN,
      .message = "getKeyAttributes",
      .path = "/**",
      .shown_in = "key-delete",
      .what = "question and answer",
      .reason = "As those of sessions.",
      .section = "SKS, getKeyAttributes",
      .meaning =
          "As above. An application that asks for a certificate so has to check it itself." },
    { .hop = HOP_TOKEN,
      .message = "createKeyEntry",
      .path = "/pinValue",
      .shown_in = "p256-user-pin",
      .what = "a PIN that the user chooses, within its policy",
      .reason = "The issuer does not know it, so that its MAC cannot cover it; the token only "
                "sees to it that it obeys its policy.",
      .section = "SKS, createKeyEntry",
      .meaning = "The program that you type a PIN into learns it, and may set another one. A token "
                 "with a keypad of its own does not have that hole." },
    { .hop = HOP_ISSUER,
      .message = "KeyCreationRequest",
      .path = "/deferredIssuance",
      .shown_in = "p256-user-pin",
      .rules = "{\"rules\":[{\"hop\":\"issuer\",\"message\":\"KeyCreationRequest\","
               "\"direction\":\"answer\",\"path\":\"\",\"operation\":\"insert\","
               "\"name\":\"deferredIssuance\",\"value\":true}]}",
      .elsewhere = true,
      .reason = "Whether the client is to wait is in no MAC.",
      .section = "KeyGen2, KeyCreationRequest",
      .meaning = "A client may be made to wait for what comes at once, or give up where it should "
                 "have waited; then there are no keys." },
    { .hop = HOP_ISSUER,
      .message = "ProvisioningFinalizationRequest",
      .path = "/issuedCredentials/*/trustAnchor",
      .shown_in = "everything",
      .elsewhere = true,
      .reason = "The MAC covers the certificates, not what the client makes of the last one.",
      .section = "KeyGen2, issuedCredential",
      .meaning = "You may be offered a certification authority to trust that the issuer did not "
                 "mean so. Compare its fingerprint before you say yes." },
    { .profile = "privacy",
      .hop = HOP_TOKEN,
      .message = "createProvisioningSession",
      .path = "/**",
      .apart = "any token will do: `sks-proxy provision` with a second one, "
               "tests/integration/test_attacks.py",
      .what = "which token it is",
      .reason = "Nothing but the session key attests it, and that is whoever's has answered.",
      .section = "SKS, 2.6",
      .meaning = "With privacy the issuer cannot tell your token from another, a program that only "
                 "plays a token included. That is what privacy costs." },
};

const size_t UNPROTECTED_COUNT = NITEMS(UNPROTECTED);

const struct unprotected *unprotected_find(const char *profile, const struct plan_case *item)
{
    for (size_t i = 0; i < UNPROTECTED_COUNT; i++) {
        const struct unprotected *row = &UNPROTECTED[i];

        if (row->apart == NULL && row->hop == item->hop &&
            strcmp(row->message, item->message) == 0 &&
            plan_fits(row->path, plan_hit(item), false) &&
            (row->profile == NULL || strcmp(row->profile, profile) == 0) &&
            (row->operations == 0 || (row->operations & UINT64_C(1) << item->operation) != 0))
            return row;
    }
    return NULL;
}

static const char HEAD[] =
    "# What KeyGen2 and SKS leave unprotected\n\n"
    "Made by `sks-proxy matrix --unprotected` from `matrix/unprotected.c`. A change of these is no "
    "failure of the\nattack matrix ([matrix.md](matrix.md)), whatever comes of it; whatever is not "
    "here, one of the two ends notices, with\na middleware that checks nothing. A row that no case "
    "of the sweep makes use of is an error of the list.\n\n"
    "| hop | message | what of it | why | where | what it means for you |\n"
    "|---|---|---|---|---|---|\n";

static void print_operations(uint64_t operations)
{
    const char *before = ", by ";

    for (const struct name *name = OPERATION_NAMES; name->text != NULL && operations != 0; name++)
        if ((operations & UINT64_C(1) << name->value) != 0) {
            (void)printf("%s`%s`", before, name->text);
            before = ", ";
        }
}

void unprotected_print(void)
{
    (void)printf("%s", HEAD);
    for (size_t i = 0; i < UNPROTECTED_COUNT; i++) {
        const struct unprotected *row = &UNPROTECTED[i];

        (void)printf("| %s | %s | ", name_of_value(HOP_NAMES, (uint8_t)row->hop), row->message);
        if (row->what != NULL)
            (void)printf("%s", row->what);
        else
            (void)printf("`%s`", row->path);
        print_operations(row->operations);
        if (row->profile != NULL)
            (void)printf(" (`%s`)", row->profile);
        (void)printf(" | %s | %s | %s |\n", row->reason, row->section, row->meaning);
    }
}
