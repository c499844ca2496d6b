/*
 * A provisioning session as its issuer has it: keys, counter, and every call with its MAC. A call
 * is filled with what is right, changed by whoever tests a refusal, and sent; what the token
 * attests is verified. One call after the other, as the case expects.
 */
#ifndef CONFORM_TOKEN_SESSION_H
#define CONFORM_TOKEN_SESSION_H

#include "conform/token/target.h"
#include "keygen2/crypto/session.h"

#define CONFORM_PIN "4711"
#define CONFORM_PUK "0123456789"

/* As the token knows it and as MACs name it; handle 0: none. */
struct policy {
    uint32_t handle;
    struct bytes id;
    bool user_defined; /* of a PIN policy */
};

struct key {
    uint32_t handle;
    struct bytes id, public_key;
    struct bytes certificate; /* of the end entity, once it is set */
};

struct session {
    struct target *target;
    struct check *check;
    bool is_2010;
    struct session_terms terms; /* of 2010: the ids and the URI */
    struct session_2010_terms terms_2010;
    EVP_PKEY *server_key;
    struct session_key sk;
    struct bytes device_id;
    uint32_t handle;
};

/* A call with what its MAC has besides its inputs. */
struct call {
    enum method_id method;
    union sks_in in;
    union sks_out out;
    const struct key *key;          /* 12-15, 52, 53 */
    const struct policy *pin, *puk; /* 10; 9 */
};

/* What is done to a call: of the field `name` of the method's inputs. */
struct change {
    const char *field; /* NULL: none */
    uint64_t number;   /* of numbers and booleans */
    /* Of all others, of `size` octets if that is not 0; NULL: `size` octets of `number`. */
    const char *text;
    size_t size;
};

/** Fills in the terms; nothing is sent. session_free() it. */
CHECKED enum sks_status session_begin(struct session *s, struct target *target,
                                      struct check *check);

/** createProvisioningSession with the terms; expects a status, and verifies the attestation. */
CHECKED enum sks_status session_create(struct session *s, enum sks_status wanted);

/** Both. */
CHECKED enum sks_status session_open(struct session *s, struct target *target, struct check *check);

/* The same of the profile of 2010; the caller has set the dialect of the link. */
CHECKED enum sks_status session_begin_2010(struct session *s, struct target *target,
                                           struct check *check);
CHECKED enum sks_status session_create_2010(struct session *s, enum sks_status wanted);

/* Calls with right inputs. Ids are drawn. Slices live in the case's arena. */
void call_begin(struct call *call, enum method_id method, uint32_t handle);
void call_puk(struct session *s, struct call *call, const char *value);
void call_pin(struct session *s, struct call *call, const struct policy *puk);
void call_key(struct session *s, struct call *call, const struct policy *pin, const char *value);
CHECKED enum sks_status call_certify(struct session *s, struct call *call, const struct key *key);
CHECKED enum sks_status call_import_symmetric(struct session *s, struct call *call,
                                              const struct key *key, struct bytes value);
CHECKED enum sks_status call_import_private(struct session *s, struct call *call,
                                            const struct key *key, EVP_PKEY *value);
CHECKED enum sks_status call_extension(struct session *s, struct call *call, const struct key *key,
                                       const char *type, enum sks_extension sub_type,
                                       struct bytes data);
/** 50 to 53. @param key  the new one of 52 and 53, else NULL; @param kmk  authorizes */
CHECKED enum sks_status call_post(struct session *s, struct call *call, enum method_id method,
                                  const struct key *key, const struct key *target, EVP_PKEY *kmk);
void call_close(struct session *s, struct call *call);

/** Sets a field. SKS_ERROR_INTERNAL if the method has none of that name. */
CHECKED enum sks_status call_change(struct session *s, struct call *call,
                                    const struct change *change);

/** Sets `mac` to what is right for the inputs; the counter steps. */
CHECKED enum sks_status call_mac(struct session *s, struct call *call);

/** As call_mac(), by another MAC name. @param name NULL: the method's own */
CHECKED enum sks_status call_mac_as(struct session *s, struct call *call, const char *name);

bool method_has_mac(enum method_id method);

/** Sends a call as it is; expects a status, and verifies what it attests. */
CHECKED enum sks_status call_send(struct session *s, struct call *call, enum sks_status wanted);

/** call_mac() and call_send(). */
CHECKED enum sks_status call_do(struct session *s, struct call *call, enum sks_status wanted);

/* Whole steps that succeed. */
CHECKED enum sks_status session_make_pin(struct session *s, const struct policy *puk,
                                         struct policy *pin);
CHECKED enum sks_status session_make_key(struct session *s, const struct policy *pin,
                                         struct key *key);
CHECKED enum sks_status session_certify(struct session *s, struct key *key);
CHECKED enum sks_status session_close(struct session *s);

/** Reads what a createKeyEntry that succeeded has made. */
void key_of(const struct call *call, struct key *key);
void policy_of(const struct call *call, struct policy *policy);

/** Expects that the session is gone: that it cannot be aborted. */
CHECKED enum sks_status session_is_gone(struct session *s);

/** Appends a private key as PKCS #8. */
CHECKED enum sks_status put_pkcs8(struct buf *out, EVP_PKEY *key);

/** Encrypted data; ptr is NULL without memory. */
struct bytes session_seal(struct session *s, struct bytes clear);

void session_free(struct session *s);

#endif
