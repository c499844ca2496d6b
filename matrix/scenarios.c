/* What is swept: the shipped profiles, but for those whose sessions wait for the operator (deferred
 * issuance, everything) or want another key management key first (kmk-rollover). */
#include "matrix/sweep.h"

#include <string.h>

const struct scenario SCENARIOS[] = {
    { "p256-user-pin", { NULL }, false },
    { "preset-pin", { NULL }, false },
    { "unique-pins", { NULL }, false },
    { "symmetric-hmac-otp", { NULL }, false },
    { "extensions-and-logotype", { NULL }, false },
    { "privacy", { NULL }, false },
    { "ed25519", { NULL }, false },
    { "key-update", { "p256-user-pin", NULL }, false },
    { "key-unlock", { "p256-user-pin", NULL }, false },
    { "key-delete", { "p256-user-pin", "preset-pin", NULL }, false },
    { "session-2010", { NULL }, true },
    { "rsa2048-pin-puk", { NULL }, true },
    { "multi-key-shared-pin", { NULL }, true },
    { "private-key-restore", { NULL }, true },
    { "key-clone", { "rsa2048-pin-puk", NULL }, true },
};

const size_t SCENARIOS_COUNT = NITEMS(SCENARIOS);

const struct scenario *scenario_find(const char *profile)
{
    for (size_t i = 0; i < SCENARIOS_COUNT; i++)
        if (strcmp(SCENARIOS[i].profile, profile) == 0)
            return &SCENARIOS[i];
    return NULL;
}
