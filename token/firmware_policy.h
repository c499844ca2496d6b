/*
 * The policy of a token, which is what its firmware is: the algorithms that are enabled, and what
 * issuers may ask for. docs/firmware.md has the JSON form; once read, a policy never changes.
 */
#ifndef TOKEN_FIRMWARE_POLICY_H
#define TOKEN_FIRMWARE_POLICY_H

#include "keygen2/crypto/algorithms.h"
#include "keygen2/objects.h"

struct firmware_limits {
    uint32_t max_session_life_time; /* seconds */
    uint16_t max_pin_retry_limit;
    uint16_t max_puk_retry_limit; /* 0: no limit; else a PUK that never blocks is over it, too */
    uint16_t min_pin_length;      /* least minLength of a PIN policy */
};

struct firmware_policy {
    uint32_t version;              /* 0: none was ever installed */
    bool disabled[ALGORITHMS_MAX]; /* by row of ALGORITHMS */
    struct firmware_limits limits;
};

/* What holds as long as none is installed: all algorithms, no limit but those of SKS. */
extern const struct firmware_policy FIRMWARE_NO_POLICY;

/**
 * Reads the JSON form.
 *
 * @param text    UTF-8
 * @param policy  out: holds no pointers
 * @return SKS_ERROR_OPTION for what is no policy, with the line or the JSON pointer in err
 */
CHECKED enum sks_status firmware_policy_read(struct bytes text, struct firmware_policy *policy,
                                             struct sks_error *err);

/** True if the policy leaves a row of ALGORITHMS enabled. */
bool firmware_enables(const struct firmware_policy *policy, const struct algorithm *algorithm);

/** As algorithm_by_uri(), for enabled algorithms: a disabled one is as unknown. */
const struct algorithm *firmware_algorithm(const struct firmware_policy *policy, struct bytes uri,
                                           unsigned use);

#endif
