/* What the whole issuer shares: its keys, its trust, its profiles, its store. */
#ifndef ISSUER_ISSUER_H
#define ISSUER_ISSUER_H

#include "issuer/ca.h"
#include "issuer/drawn_keys.h"
#include "issuer/key_management.h"
#include "issuer/profile.h"
#include "issuer/session_store.h"
#include "issuer/tls.h"
#include "issuer/trust.h"

/* Filled by data_folder.c and serve.c, then constant but for the trust and the key management keys,
 * which may be reloaded, the TLS certificate, which may be renewed, the keys on offer, and the
 * stop. */
struct issuer {
    struct arena arena; /* of all slices below */
    struct session_store store;
    struct ca ca;
    struct key_management key_management;
    EVP_PKEY *evidence_key;
    struct bytes evidence_certificate; /* DER */
    struct tls_certificates tls;
    const char *public_url; /* without '/' at its end; NULL: each listener's own address */
    struct trust trust;
    struct drawn_keys *drawn_keys; /* ephemeral keys on offer */
    struct profile_list profiles;
    atomic_bool stopping; /* no session is begun any more */
};

#endif
