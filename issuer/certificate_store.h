/* Which certificate sits in which device: what was issued, and what became of it. */
#ifndef ISSUER_CERTIFICATE_STORE_H
#define ISSUER_CERTIFICATE_STORE_H

#include "issuer/session_store.h"

/* The numbers are stored. */
enum certificate_state {
    CERTIFICATE_IN_DOUBT, /* it went out, and no proof came back yet */
    CERTIFICATE_LIVE,
    CERTIFICATE_REPLACED, /* by an update */
    CERTIFICATE_DELETED,
    CERTIFICATE_VOID, /* its session failed */
};

extern const struct name NAMES_CERTIFICATE_STATE[];

struct issued_certificate {
    struct bytes serial, key_id, der;
    uint8_t fingerprint[32];
    struct bytes device;    /* SHA-256 of the device certificate; empty in privacy mode */
    const char *session_id; /* that has issued it */
    const char *owner_id;   /* that owns its key in the device now */
    unsigned generation;    /* of that one's key management key; 0: it has none */
    enum certificate_state state;
    /* Of the row alone, which no reader fills. */
    int64_t expires;
    bool external;   /* not by our own CA */
    bool unlockable; /* its key has a PIN of its own, which postUnlockKey wants */
};

/** Appends what names the device of a session: SHA-256 of its certificate, or nothing. */
CHECKED enum sks_status put_device_name(struct buf *out, const struct session_state *state);

/* ---- within a transaction ---- */

/**
 * Adds a certificate of a session, with the session's device and key management key.
 *
 * @param certificate  serial, key_id, der and state
 */
CHECKED enum sks_status certificate_insert(struct database *db, const struct session *session,
                                           const struct issued_certificate *certificate,
                                           struct sks_error *err);

/** Adds what a session has issued, and which post operations it asked for. */
CHECKED enum sks_status certificates_add(struct database *db, const struct session *session,
                                         struct sks_error *err);

/**
 * A session has closed with a valid proof: its certificates are live, its post operations were
 * done. Where a target was in doubt itself, its key was there: so the same holds of its session,
 * which has succeeded by that.
 *
 * @param confirmed  out: how many sessions have
 */
CHECKED enum sks_status certificates_confirm(struct database *db, int64_t session,
                                             size_t *confirmed, struct sks_error *err);

/** A session has failed: what it issued is void. */
CHECKED enum sks_status certificates_void(struct database *db, int64_t session,
                                          struct sks_error *err);

/* ---- for the rest of the issuer ---- */

/** Finds a certificate. @param certificate out: state and device, in the arena; NULL if unknown */
CHECKED enum sks_status certificate_find(struct session_store *store, const uint8_t fingerprint[32],
                                         struct arena *arena,
                                         struct issued_certificate **certificate,
                                         struct sks_error *err);

/** Whether a certificate has this serial number. @param known out */
CHECKED enum sks_status certificate_serial_is_known(struct session_store *store,
                                                    struct bytes serial, bool *known,
                                                    struct sks_error *err);

/**
 * The oldest generation of key management keys that the device is known to have a key of.
 *
 * @param device      as put_device_name() has it
 * @param generation  out: 0 if there is none
 */
CHECKED enum sks_status certificates_oldest_generation(struct session_store *store,
                                                       struct bytes device, unsigned *generation,
                                                       struct sks_error *err);

/* A certificate of a session in doubt. */
struct certificate_in_doubt {
    struct bytes der;
    unsigned generation; /* of the key management key that its session has */
    bool unlockable;
};

/**
 * The certificates in a device whose sessions are in doubt and have a key management key, those of
 * the oldest generations first.
 *
 * @param device  as put_device_name() has it
 * @param list    out: room for `max`; lives in the arena
 */
CHECKED enum sks_status certificates_in_doubt(struct session_store *store, struct bytes device,
                                              struct arena *arena,
                                              struct certificate_in_doubt *list, size_t max,
                                              size_t *count, struct sks_error *err);

/** Calls each() for all certificates, or those of one device. @param device ptr NULL: all */
CHECKED enum sks_status
certificates_each(struct session_store *store, struct bytes device,
                  void (*each)(void *ctx, const struct issued_certificate *certificate), void *ctx,
                  struct sks_error *err);

#endif
