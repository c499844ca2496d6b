/* What one rule does to one value. */
#ifndef PROXY_ATTACK_OPERATIONS_H
#define PROXY_ATTACK_OPERATIONS_H

#include "proxy/attack/own_keys.h"
#include "proxy/attack/rules.h"

struct operation_context {
    const struct rule *rule;
    struct message *message; /* whose decoded document is altered */
    bool answer;
    const json_t *other; /* for splice: the same message of another session; NULL: none */
    struct own_keys *keys;
};

/** Alters the body as it is sent: operation_is_of_octets(). SKS_ERROR_OPTION if it does not fit. */
CHECKED enum sks_status operation_apply_raw(const struct rule *rule, struct buf *body,
                                            struct sks_error *err);

/** Alters the value at the rule's path. SKS_ERROR_OPTION, with the reason, if it does not fit. */
CHECKED enum sks_status operation_apply(const struct operation_context *context,
                                        struct sks_error *err);

#endif
