/* What a ProvisioningInitializationResponse must say, whatever proves it. Each failure is a check
 * of the exchange. */
#ifndef ISSUER_CHECK_INITIALIZATION_H
#define ISSUER_CHECK_INITIALIZATION_H

#include "issuer/exchange.h"

/** serverTime, as it was sent. */
CHECKED enum sks_status check_server_time(struct exchange *x, struct bytes text);

/** A deviceId unless privacy was asked for. @param device  NULL: there is none */
CHECKED enum sks_status check_mode(struct exchange *x, const struct device_id *device);

/** The device is on the list of the profile, if there is one. @param device  NULL with privacy */
CHECKED enum sks_status check_listed(struct exchange *x, const struct device_id *device);

#endif
