/* What the whole issuer shares: its keys, its trust, its profiles, its store. */
#ifndef ISSUER_ISSUER_H
#define ISSUER_ISSUER_H

#include "issuer/ca.h"
#include "issuer/client_caps.h"
#include "issuer/crl.h"
#include "issuer/drawn_keys.h"
#include "issuer/external_ca.h"
#include "issuer/key_management.h"
#include "issuer/profile.h"
#include "issuer/server_keys.h"
#include "issuer/session_store.h"
#include "issuer/tls.h"
#include "issuer/trust.h"

/* Filled by data_folder.c and serve.c, then constant but for the trust and the key management keys,
 * which may be reloaded, the TLS certificate, which may be renewed, the keys on offer, the CRL, and
 * the stop. */
struct issuer {
    struct arena arena; /* of all slices below */
    struct session_store store;
    struct ca ca;
    struct crl_cache crl;
    const char *crl_url; /* that certificates name; NULL: /crl at the session's own address */
    struct external_ca external_ca;
    struct key_management key_management;
    EVP_PKEY *evidence_key;
    struct bytes evidence_certificate; /* DER */
    struct tls_certificates tls;
    const char *public_url; /* without '/' at its end; NULL: each listener's own address */
    struct trust trust;
    struct drawn_keys *drawn_keys;     /* ephemeral keys on offer */
    struct server_keys *server_keys;   /* of sessions of 2010; NULL: none is made ahead */
    const struct key_maker *key_maker; /* of keys that it draws for a token; NULL: OpenSSL */
    struct profile_list profiles;
    atomic_bool stopping;     /* no session is begun any more */
    struct metrics *metrics;  /* NULL: nobody counts */
    struct client_caps *caps; /* NULL: none */
};

#endif
