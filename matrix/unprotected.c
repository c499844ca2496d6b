#include "matrix/unprotected.h"

#include <string.h>

const struct unprotected UNPROTECTED[] = {
    { HOP_ISSUER, "InvocationRequest", "*",
      "It comes before there is a session key: what it asks of the client is a wish.",
      "KeyGen2, InvocationRequest" },
    { HOP_ISSUER, "InvocationResponse", "*",
      "It comes before there is a session key: what a client says it can do is its own word.",
      "KeyGen2, InvocationResponse" },
    { HOP_ISSUER, "ProvisioningInitializationRequest", "/serverTime",
      "The token has no clock of its own to compare with, and takes its client's time.",
      "KeyGen2, ProvisioningInitializationRequest" },
    { HOP_ISSUER, "ProvisioningInitializationResponse", "/serverTime",
      "It only returns what the issuer said.", "KeyGen2, ProvisioningInitializationResponse" },
    { HOP_ISSUER, "KeyCreationRequest", "/deferredIssuance",
      "Whether the client is to wait is in no MAC.", "KeyGen2, KeyCreationRequest" },
    { HOP_ISSUER, "CredentialDiscoveryResponse", "*",
      "What a client found in its token is in no MAC; it only tells the issuer what to try.",
      "KeyGen2, CredentialDiscoveryResponse" },
    { HOP_TOKEN, "getDeviceInfo", "*",
      "The answer is not signed; what counts of it is in the session's attestation.",
      "SKS, getDeviceInfo" },
};

const size_t UNPROTECTED_COUNT = NITEMS(UNPROTECTED);

const struct unprotected *unprotected_find(const struct plan_case *item)
{
    for (size_t i = 0; i < UNPROTECTED_COUNT; i++) {
        const struct unprotected *row = &UNPROTECTED[i];
        size_t len = strlen(row->path);

        if (row->hop != item->hop || strcmp(row->message, item->message) != 0)
            continue;
        if (strcmp(row->path, "*") == 0 || strcmp(row->path, plan_hit(item)) == 0 ||
            (len > 0 && strncmp(row->path, plan_hit(item), len) == 0 && plan_hit(item)[len] == '/'))
            return row;
    }
    return NULL;
}
