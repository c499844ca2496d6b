#include "tests/plain/support/issuing.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"
#include "tests/plain/support/user.h"

static const char ISSUER_URI[] = "https://issuer.example/kg2/test";

static enum sks_status call(struct issuing *s, enum method_id id, const union sks_in *in,
                            union sks_out *out)
{
    return user_call(s->token, id, in, out, &s->arena, NULL);
}

static struct bytes keep(struct issuing *s, struct buf *from)
{
    struct bytes kept = arena_copy(&s->arena, buf_bytes(from));

    must(from->status == SKS_OK && kept.ptr != NULL, "memory");
    buf_free(from);
    return kept;
}

static struct bytes mac_of(struct issuing *s, const char *method, struct buf *data)
{
    uint8_t mac[SKS_MAC_SIZE];

    must(session_mac(&s->sk, method, buf_bytes(data), mac) == SKS_OK, "MAC");
    buf_free(data);
    return arena_copy(&s->arena, bytes_at(mac, sizeof mac));
}

static struct bytes encrypted(struct issuing *s, struct bytes clear)
{
    struct buf out = { 0 };

    must(session_encrypt(&s->sk, clear, &out) == SKS_OK, "encryption");
    return keep(s, &out);
}

EVP_PKEY *new_p256(void)
{
    EVP_PKEY *pkey;

    must(private_key_generate(algorithm_by_uri(bytes_of(P256), ALGORITHM_KEY_GENERATION),
                              (struct bytes){ 0 }, &pkey) == SKS_OK,
         "key pair");
    return pkey;
}

static struct bytes spki_of(struct issuing *s, const EVP_PKEY *pkey)
{
    struct buf spki = { 0 };

    must(put_pkey(&spki, pkey) == SKS_OK, "public key");
    return keep(s, &spki);
}

enum sks_status issuing_begin(struct issuing *s, struct token *token, EVP_PKEY *kmk)
{
    EVP_PKEY *own = new_p256();
    union sks_in in = { 0 };
    union sks_out out;
    enum sks_status rc;

    s->token = token;
    must(random_id(s->server_session_id, SKS_ID_MAX) == SKS_OK, "session id");
    s->terms = (struct session_terms){ .session_key_algorithm = bytes_of(SKS_SESSION_ALGORITHM),
                                       .privacy_enabled = true, /* so any device will do */
                                       .server_session_id = bytes_of(s->server_session_id),
                                       .server_ephemeral_key = spki_of(s, own),
                                       .issuer_uri = bytes_of(ISSUER_URI),
                                       .session_life_time = 10 * 3600,
                                       .session_key_limit = UINT16_MAX };
    if (kmk != NULL)
        s->terms.key_management_key = spki_of(s, kmk);
    in.create_session.terms = s->terms;
    TRY(call(s, CREATE_PROVISIONING_SESSION, &in, &out));
    s->handle = out.create_session.provisioning_handle;
    s->terms.client_session_id = out.create_session.client_session_id;
    must(session_key_derive(own, out.create_session.client_ephemeral_key, &s->terms,
                            bytes_of(SKS_DEVICE_ANONYMOUS), &s->sk) == SKS_OK,
         "session key");
out:
    EVP_PKEY_free(own);
    return rc;
}

enum sks_status issuing_puk_policy(struct issuing *s, const char *id, const char *value,
                                   uint16_t retry_limit, struct issued_policy *policy)
{
    const struct puk_policy what = { .id = bytes_of(id),
                                     .encrypted_puk = encrypted(s, bytes_of(value)),
                                     .format = FORMAT_NUMERIC,
                                     .retry_limit = retry_limit };
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;
    enum sks_status rc;

    put_mac_puk_policy(&data, &what);
    in.create_puk_policy =
        (struct create_puk_policy_in){ s->handle, what, mac_of(s, MAC_CREATE_PUK_POLICY, &data) };
    TRY(call(s, CREATE_PUK_POLICY, &in, &out));
    *policy = (struct issued_policy){ out.handle.handle, what.id, true };
out:
    return rc;
}

enum sks_status issuing_pin_policy(struct issuing *s, const struct pin_policy *what,
                                   const struct issued_policy *puk, struct issued_policy *policy)
{
    const struct issued_policy none = { 0 };
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;
    enum sks_status rc;

    puk = puk == NULL ? &none : puk;
    put_mac_pin_policy(&data, what, puk->id);
    in.create_pin_policy = (struct create_pin_policy_in){ s->handle, puk->handle, *what,
                                                          mac_of(s, MAC_CREATE_PIN_POLICY, &data) };
    TRY(call(s, CREATE_PIN_POLICY, &in, &out));
    *policy = (struct issued_policy){ out.handle.handle, what->id, !what->user_defined };
out:
    return rc;
}

enum sks_status issuing_key(struct issuing *s, const struct key_entry *what,
                            const struct issued_policy *policy, struct issued_key *key)
{
    const struct issued_policy none = { 0 };
    struct key_entry entry = *what;
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;
    enum sks_status rc;

    policy = policy == NULL ? &none : policy;
    entry.key_entry_algorithm = bytes_of(SKS_KEY_ENTRY_ALGORITHM);
    if (policy->preset)
        entry.pin_value = encrypted(s, entry.pin_value);
    put_mac_key_entry(&data, &entry, policy->id, policy->preset);
    in.create_key_entry = (struct create_key_entry_in){ s->handle, policy->handle, entry,
                                                        mac_of(s, MAC_CREATE_KEY_ENTRY, &data) };
    TRY(call(s, CREATE_KEY_ENTRY, &in, &out));
    s->sk.counter++; /* of the key attestation */
    *key = (struct issued_key){ .handle = out.create_key_entry.key_handle,
                                .id = entry.id,
                                .public_key = out.create_key_entry.public_key };
out:
    return rc;
}

static struct bytes make_certificate(struct issuing *s, struct bytes public_key)
{
    const struct own_certificate what = { .common_name = s->server_session_id, .days = 1 };
    struct bytes der;
    EVP_PKEY *key, *ca = new_p256();
    X509 *x509;

    must(public_key_load(public_key, &key) == SKS_OK, "public key");
    must(own_certificate_make(&what, key, NULL, ca, &x509, NULL) == SKS_OK, "certificate");
    der = certificate_der(&s->arena, x509);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca);
    X509_free(x509);
    return der;
}

enum sks_status issuing_certify(struct issuing *s, struct issued_key *key, struct bytes imported)
{
    struct bytes_list path = { &key->certificate, 1 };
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    key->certificate = make_certificate(s, imported.len > 0 ? imported : key->public_key);
    put_mac_certificate_path(&data, key->public_key, key->id, &path);
    in.set_certificate_path =
        (struct set_certificate_path_in){ key->handle, path,
                                          mac_of(s, MAC_SET_CERTIFICATE_PATH, &data) };
    return call(s, SET_CERTIFICATE_PATH, &in, &out);
}

static enum sks_status import(struct issuing *s, enum method_id id, const char *method,
                              const struct issued_key *key, struct bytes value)
{
    const struct bytes secret = encrypted(s, value);
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    put_mac_import(&data, key->certificate, secret);
    in.import_key = (struct import_key_in){ key->handle, secret, mac_of(s, method, &data) };
    return call(s, id, &in, &out);
}

enum sks_status issuing_import_symmetric(struct issuing *s, const struct issued_key *key,
                                         struct bytes value)
{
    return import(s, IMPORT_SYMMETRIC_KEY, MAC_IMPORT_SYMMETRIC_KEY, key, value);
}

enum sks_status issuing_import_private(struct issuing *s, const struct issued_key *key,
                                       struct bytes pkcs8)
{
    return import(s, IMPORT_PRIVATE_KEY, MAC_IMPORT_PRIVATE_KEY, key, pkcs8);
}

enum sks_status issuing_extend(struct issuing *s, const struct issued_key *key,
                               const struct extension *extension)
{
    struct extension e = *extension;
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    if (e.sub_type == EXTENSION_ENCRYPTED)
        e.data = encrypted(s, e.data);
    put_mac_extension(&data, key->certificate, &e);
    in.add_extension =
        (struct add_extension_in){ key->handle, e, mac_of(s, MAC_ADD_EXTENSION, &data) };
    return call(s, ADD_EXTENSION, &in, &out);
}

/* Proves that the issuer of the target's session asks for it. */
static struct bytes authorize(struct issuing *s, EVP_PKEY *kmk, struct bytes certificate)
{
    struct buf reference = { 0 }, signature = { 0 };

    must(put_target_reference(&reference, &s->sk, bytes_of(SKS_DEVICE_ANONYMOUS), certificate) ==
                 SKS_OK &&
             sign_sha256(kmk, buf_bytes(&reference), &signature) == SKS_OK,
         "target reference");
    buf_free(&reference);
    return keep(s, &signature);
}

enum sks_status issuing_post(struct issuing *s, enum post_kind kind, EVP_PKEY *kmk,
                             const struct issued_key *key, const struct issued_key *target)
{
    static const struct {
        enum method_id id;
        const char *mac;
    } METHOD[] = {
        [POST_DELETE] = { POST_DELETE_KEY, MAC_POST_DELETE_KEY },
        [POST_UNLOCK] = { POST_UNLOCK_KEY, MAC_POST_UNLOCK_KEY },
        [POST_UPDATE] = { POST_UPDATE_KEY, MAC_POST_UPDATE_KEY },
        [POST_CLONE] = { POST_CLONE_KEY_PROTECTION, MAC_POST_CLONE_KEY_PROTECTION },
    };
    struct bytes authorization = authorize(s, kmk, target->certificate);
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    if (key != NULL)
        put_mac_post_key(&data, key->certificate, authorization);
    else
        put_mac_post_session(&data, authorization);
    in.post_key = (struct post_key_in){ key != NULL ? key->handle : s->handle, target->handle,
                                        authorization, mac_of(s, METHOD[kind].mac, &data) };
    return call(s, METHOD[kind].id, &in, &out); /* post_session_in has the same members */
}

enum sks_status issuing_close(struct issuing *s)
{
    struct bytes nonce = bytes_of("nonce of the closing");
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;
    enum sks_status rc;

    put_mac_close(&data, &s->terms, nonce);
    in.close_session =
        (struct close_session_in){ s->handle, nonce, mac_of(s, MAC_CLOSE_SESSION, &data) };
    TRY(call(s, CLOSE_PROVISIONING_SESSION, &in, &out));
    put_attested_close(&data, nonce);
    must(session_mac_verify(&s->sk, MAC_DEVICE_ATTESTATION, buf_bytes(&data),
                            out.close_session.attestation) == SKS_OK,
         "closing proof");
out:
    buf_free(&data);
    return rc;
}

enum sks_status issuing_abort(struct issuing *s)
{
    const union sks_in in = { .session_handle.provisioning_handle = s->handle };
    union sks_out out;

    return call(s, ABORT_PROVISIONING_SESSION, &in, &out);
}

void issuing_free(struct issuing *s)
{
    arena_free(&s->arena);
    OPENSSL_cleanse(&s->sk, sizeof s->sk);
    *s = (struct issuing){ 0 };
}
