/* What is swept: the shipped profiles. */
#include "matrix/sweep.h"

#include <string.h>

const struct scenario SCENARIOS[] = {
    { "p256-user-pin", { NULL }, false, false },
    { "preset-pin", { NULL }, false, false },
    { "unique-pins", { NULL }, false, false },
    { "symmetric-hmac-otp", { NULL }, false, false },
    { "extensions-and-logotype", { NULL }, false, false },
    { "privacy", { NULL }, false, false },
    { "ed25519", { NULL }, false, false },
    { "key-update", { "p256-user-pin", NULL }, true, false },
    { "key-unlock", { "p256-user-pin", NULL }, true, false },
    { "key-delete", { "p256-user-pin", "preset-pin", NULL }, true, false },
    { "session-2010", { NULL }, false, false },
    { "rsa2048-pin-puk", { NULL }, false, false },
    { "multi-key-shared-pin", { NULL }, false, false },
    { "private-key-restore", { NULL }, false, false },
    { "key-clone", { "rsa2048-pin-puk", NULL }, true, false },
    { "kmk-rollover", { "p256-user-pin", ROLL_OVER, "ed25519", NULL }, true, false },
    { "deferred-issuance", { NULL }, false, true },
    { "everything", { "rsa2048-pin-puk", "symmetric-hmac-otp", NULL }, true, true },
};

const size_t SCENARIOS_COUNT = NITEMS(SCENARIOS);

const struct scenario *scenario_find(const char *profile)
{
    for (size_t i = 0; i < SCENARIOS_COUNT; i++)
        if (strcmp(SCENARIOS[i].profile, profile) == 0)
            return &SCENARIOS[i];
    return NULL;
}
