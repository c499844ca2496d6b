/*
 * The management listener: GET /healthz and GET /metrics, on an address of their own. It has none
 * of the public routes, and they have none of its.
 */
#ifndef ISSUER_MANAGE_H
#define ISSUER_MANAGE_H

#include "issuer/issuer.h"

struct management;

/**
 * Starts to answer.
 *
 * @param address  HOST:PORT or unix:PATH
 * @param any      it may be another address than those of the loopback
 * @param issuer   with its metrics; it, and `data`, must outlive the listener
 * @param data     the issuer's data folder
 * @param url      out: as http_server_listen() gives it
 */
CHECKED enum sks_status management_start(const char *address, bool any, struct issuer *issuer,
                                         const char *data, struct management **management,
                                         const char **url, struct sks_error *err);

/** NULL is allowed. */
void management_stop(struct management *management);

#endif
