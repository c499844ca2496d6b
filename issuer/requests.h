/* The requests that more than one step may end with. Each says which phase comes next. */
#ifndef ISSUER_REQUESTS_H
#define ISSUER_REQUESTS_H

#include "issuer/exchange.h"

enum { LOOKUP_GENERATIONS_MAX = 8 }; /* of key management keys that a device is asked about */

/** CredentialDiscoveryRequest: each lookup of the profile, for each generation that may be there.
 */
CHECKED enum sks_status request_discovery(struct exchange *x, const struct session_key *sk);

/**
 * KeyCreationRequest, or ProvisioningFinalizationRequest where the profile has no keys.
 *
 * @param sk  its counter is stepped, and the session keeps it; as in the others
 */
CHECKED enum sks_status request_keys(struct exchange *x, struct session_key *sk);

/** Keeps which lookups the session is about: credentials that it finds are known by their places.
 */
CHECKED enum sks_status keep_lookups(struct exchange *x);

/** Checks that the profile has them still: it may have been changed while the session ran. */
CHECKED enum sks_status check_lookups(struct exchange *x);

/** Signs a specifier that has all else. @param generation of the key management key */
CHECKED enum sks_status request_signature(struct exchange *x, unsigned generation,
                                          struct lookup_specifier *to);

/** ProvisioningFinalizationRequest; issues the certificates. */
CHECKED enum sks_status request_close(struct exchange *x, struct session_key *sk);

/** InvocationRequest. */
CHECKED enum sks_status request_invocation(struct exchange *x);

/** Checks that each capability that was asked for is answered, and no other. */
CHECKED enum sks_status check_capabilities(struct exchange *x, const struct json_array *answers);

/** The id of a specifier: that of the lookup and the generation. @param id out */
void lookup_specifier_id(const struct lookup_profile *lookup, unsigned generation,
                         char id[SKS_ID_MAX + 1]);

/** The result of a specifier, NULL if there is none. @param results struct lookup_result */
const struct lookup_result *lookup_result_of(const struct json_array *results, const char *id);

#endif
