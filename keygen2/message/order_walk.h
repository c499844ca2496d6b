/*
 * What the messages of an issuer order, in the order in which a token executes it and the counter
 * of the MACs steps. For who looks at such a message: the issuer makes it, and the middleware
 * carries it out, each by itself, so that this is not compared with itself.
 */
#ifndef KEYGEN2_MESSAGE_ORDER_WALK_H
#define KEYGEN2_MESSAGE_ORDER_WALK_H

#include "keygen2/crypto/session.h"
#include "keygen2/message/keygen2.h"

enum order_kind {
    ORDER_PUK_POLICY,
    ORDER_PIN_POLICY,
    ORDER_KEY,
    ORDER_CERTIFICATE_PATH,
    ORDER_IMPORT,
    ORDER_EXTENSION,
    ORDER_TARGET, /* of a post operation */
    ORDER_CLOSE,
};

struct order {
    enum order_kind kind;
    const char *method; /* MAC_… */
    struct bytes id;    /* of the policy, key or credential; empty: none */
    struct bytes mac;
    struct bytes encrypted; /* what the session key opens; empty: nothing */
    size_t number;          /* of the key or credential, from 0 */

    /* What it is of; NULL or empty where there is none. */
    const struct puk_policy_specifier *puk;
    const struct pin_policy_specifier *pin; /* also of a key */
    const struct key_entry_specifier *key;
    const struct issued_credential *credential;
    struct bytes certificate; /* of that */
    const struct target_key *target;
    const struct session_close_data *close;
};

/* Who is shown the orders. */
struct order_walk {
    void *context;
    /* @param data  of the MAC; may be freed; its status is not SKS_OK if it is too long for SKS
     * @return what is not SKS_OK ends the walk */
    enum sks_status (*take)(void *context, const struct order *order, struct buf *data);

    /* Of a finalization: what its MACs cover besides. */
    const struct session_terms *terms;                        /* its ids and its issuerUri */
    struct bytes (*public_key)(void *context, size_t number); /* SPKI of a key that was made */
};

/** Goes through a KeyCreationRequest. Behind each key the counter steps for its attestation, too.
 * @return what take() has returned last */
CHECKED enum sks_status walk_key_creation(const struct order_walk *walk,
                                          const struct key_creation_request *request);

/** Goes through a ProvisioningFinalizationRequest, which has a credential for each key. */
CHECKED enum sks_status walk_finalization(const struct order_walk *walk,
                                          const struct provisioning_finalization_request *request);

#endif
