/*
 * One KeyGen2 message to its SKS calls. Each function gets a decoded request and fills the
 * response but for its session ids, which the dialogue knows. A failure is in e->err and e->fault.
 */
#ifndef PROXY_PROVISION_H
#define PROXY_PROVISION_H

#include "keygen2/message/keygen2.h"
#include "proxy/enrolment.h"

/** Traces what crosses a token link: for token_link_config.watch, with a struct trace. */
void provision_watch(void *trace, const struct token_event *event);

/**
 * Makes a call of the session; a failure names the method and sets e->fault.
 *
 * @param in, out  as token_call(); the outputs live in e->arena
 */
CHECKED enum sks_status provision_call(struct enrolment *e, enum method_id method,
                                       const union sks_in *in, union sks_out *out);

/** As provision_call(), with the outputs in an arena of the caller's. */
CHECKED enum sks_status provision_call_in(struct enrolment *e, enum method_id method,
                                          const union sks_in *in, union sks_out *out,
                                          struct arena *arena);

/** getDeviceInfo: what the token can do, and its certificate. */
CHECKED enum sks_status provision_device(struct enrolment *e);

/** InvocationRequest: consent, and an answer to every capability query. */
CHECKED enum sks_status provision_invocation(struct enrolment *e, const void *request,
                                             void *response);

/** ProvisioningInitializationRequest: createProvisioningSession. */
CHECKED enum sks_status provision_initialization(struct enrolment *e, const void *request,
                                                 void *response);

/** The session of an issuer that wants it as in the draft of 2010; fills what the response has of
 * the new session. In session_2010.c. */
CHECKED enum sks_status
provision_create_2010(struct enrolment *e, const struct provisioning_initialization_request *in,
                      struct provisioning_initialization_response *response);

/**
 * updatableKeyManagementKeys: every closed session whose key management key is among them gets the
 * one above it, the deepest generation first. In provision_roll_over.c.
 */
CHECKED enum sks_status provision_roll_over(struct enrolment *e,
                                            const struct provisioning_initialization_request *in);

/** CredentialDiscoveryRequest: what of the issuer's is there. In provision_discovery.c. */
CHECKED enum sks_status provision_discovery(struct enrolment *e, const void *request,
                                            void *response);

/** KeyCreationRequest: PINs from the user, policies, keys. In provision_keys.c. */
CHECKED enum sks_status provision_key_creation(struct enrolment *e, const void *request,
                                               void *response);

/** ProvisioningFinalizationRequest: credentials, post operations, closeProvisioningSession. In
 * provision_finalization.c. */
CHECKED enum sks_status provision_finalization(struct enrolment *e, const void *request,
                                               void *response);

/**
 * Rolls the token's session back, if there is one. Settles e->may_be_committed: an abort that
 * succeeds shows that the close never took effect.
 */
void provision_abort(struct enrolment *e);

#endif
