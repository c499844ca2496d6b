/*
 * The certificate and key that https listeners show, which may be renewed while they serve. A
 * process has one of them, for libmicrohttpd's callback knows of no listener. Handshakes under way
 * may use the one before, so none is freed before the last server is; none is kept twice.
 */
#ifndef KEYGEN2_BASE_HTTP_TLS_H
#define KEYGEN2_BASE_HTTP_TLS_H

#include "keygen2/base/bytes.h"

#include <gnutls/abstract.h>

struct gnutls_cert_auth_info_st;

/**
 * From now on new connections see this certificate.
 *
 * @param cert_pem, key_pem  chain with the leaf first, and its key
 * @return SKS_ERROR_EXTERNAL if they cannot be read or do not belong together: nothing changes then
 */
CHECKED enum sks_status http_tls_use(const char *cert_pem, const char *key_pem,
                                     struct sks_error *err);

/** Frees all; no https listener may be left. */
void http_tls_free(void);

/** A gnutls_certificate_retrieve_function3. */
int http_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_auth_info_st *info,
                      gnutls_pcert_st **certificates, unsigned *count, gnutls_ocsp_data_st **ocsp,
                      unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags);

#endif
