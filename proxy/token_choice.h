/* Which token, where there are several: KeyGen2, InvocationRequest, targetKeyContainers. */
#ifndef PROXY_TOKEN_CHOICE_H
#define PROXY_TOKEN_CHOICE_H

#include "keygen2/message/keygen2.h"
#include "proxy/enrolment.h"

/** The key container type of a token, e.g. "software". SKS V1.07, getDeviceInfo, deviceType. */
const char *token_container(uint8_t device_type);

/** getDeviceInfo of every token; e->token becomes the first. */
CHECKED enum sks_status token_devices(struct enrolment *e);

/**
 * Picks e->token. Those of the kinds that the issuer wants come first in its order, the given order
 * decides among equals. Where several fit, a person is asked.
 *
 * @return SKS_ERROR_OPTION if none fits
 */
CHECKED enum sks_status token_choose(struct enrolment *e, const struct bytes_list *containers);

#endif
