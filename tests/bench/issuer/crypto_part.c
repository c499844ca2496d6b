#include "issuer/ca.h"
#include "issuer/profile.h"
#include "issuer/verify.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"
#include "tests/bench/bench.h"
#include "tests/bench/issuer/bare_session.h"
#include "tests/bench/issuer/issuer_parts.h"
#include "tests/plain/support/must.h"

#include <openssl/x509v3.h>

static const struct own_certificate CA = {
    .common_name = "CA of a benchmark",
    .days = 1000,
    .extension = { { NID_basic_constraints, "critical,CA:TRUE" },
                   { NID_key_usage, "critical,keyCertSign" },
                   { NID_subject_key_identifier, "hash" } },
};

/* A session's inputs, always the same: each run makes all of its own again. */
struct crypto {
    struct arena arena;
    struct profile_list profiles;
    struct ca ca;
    const struct pin_profile *pin;
    const struct key_profile *key;
    const struct algorithm *p256;
    EVP_PKEY *device_key;
    struct buf peer; /* SPKI of the token's ephemeral key, and of the key that it makes */
    struct session_terms terms;
    struct bytes device_id;
    struct buf attestation;
    double spent;
};

static EVP_PKEY *generate(const struct crypto *c)
{
    EVP_PKEY *key;

    must(private_key_generate(c->p256, (struct bytes){ 0 }, &key) == SKS_OK, "key pair");
    return key;
}

static void set_terms(struct crypto *c)
{
    c->terms = (struct session_terms){
        .session_key_algorithm = bytes_of(SKS_SESSION_ALGORITHM),
        .client_session_id = bytes_of("client-session-of-32-characters."),
        .server_session_id = bytes_of("server-session-of-32-characters."),
        .issuer_uri = bytes_of("http://127.0.0.1:8080/kg2/" PROFILE),
        .server_ephemeral_key = buf_bytes(&c->peer), /* what is attested stays the same */
        .session_life_time = 600,
        .session_key_limit = 200,
    };
}

static void open_crypto(struct crypto *c)
{
    const struct profile *profile;
    struct buf data = { 0 };
    EVP_PKEY *ca_key, *peer;
    X509 *ca;

    c->p256 = algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    must(profiles_load(PROFILES_FOLDER, &c->profiles, NULL) == SKS_OK, "profiles");
    profile = profile_find(&c->profiles, PROFILE);
    c->pin = profile->pins.item;
    c->key = c->pin->keys.item;
    ca_key = generate(c);
    peer = generate(c);
    c->device_key = generate(c);
    must(own_certificate_make(&CA, ca_key, NULL, ca_key, &ca, NULL) == SKS_OK &&
             ca_load(&c->ca, &c->arena, ca_key, ca, NULL) == SKS_OK &&
             put_pkey(&c->peer, peer) == SKS_OK,
         "CA");
    c->device_id = c->ca.certificate; /* any certificate: it is only hashed here */
    set_terms(c);
    put_session_attestation_data(&data, &c->terms, c->device_id, buf_bytes(&c->peer));
    must(sign_sha256(c->device_key, buf_bytes(&data), &c->attestation) == SKS_OK, "attestation");
    buf_free(&data);
    X509_free(ca);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(ca_key);
}

static void close_crypto(struct crypto *c)
{
    ca_free(&c->ca);
    profiles_free(&c->profiles);
    EVP_PKEY_free(c->device_key);
    buf_free(&c->peer);
    buf_free(&c->attestation);
    arena_free(&c->arena);
}

/* The issuer's half of the key agreement: drawn for one message, used in the next. What is kept of
 * it for a restart is made, but not read. */
static void agree(struct crypto *c, struct session_key *sk)
{
    struct buf spki = { 0 }, kept = { 0 };
    EVP_PKEY *own = generate(c);

    must(put_key_pair(&spki, &kept, own) == SKS_OK, "key kept");
    must(session_key_derive(own, buf_bytes(&c->peer), &c->terms, c->device_id, sk) == SKS_OK,
         "session key");
    must(verify_session_attestation(&c->terms, c->device_id, buf_bytes(&c->peer), sk, c->device_key,
                                    buf_bytes(&c->attestation)) == SKS_OK,
         "attestation");
    EVP_PKEY_free(own);
    buf_free(&spki);
    buf_free(&kept);
}

static void make_mac(struct session_key *sk, const char *method, struct buf *data, uint8_t mac[32])
{
    must(session_mac(sk, method, buf_bytes(data), mac) == SKS_OK, "MAC");
    buf_reset(data);
}

static void check_attestation(const struct session_key *sk, struct buf *data)
{
    uint8_t none[SKS_MAC_SIZE] = { 0 };

    must(verify_attestation(sk, sk->counter, buf_bytes(data), bytes_at(none, sizeof none)) ==
             SKS_ERROR_MAC,
         "an attestation that does not hold"); /* costs what a good one does */
    buf_reset(data);
}

static void order_key(struct crypto *c, struct session_key *sk, struct buf *data)
{
    uint8_t mac[SKS_MAC_SIZE];

    put_mac_pin_policy(data, &c->pin->policy, (struct bytes){ 0 });
    make_mac(sk, MAC_CREATE_PIN_POLICY, data, mac);
    put_mac_key_entry(data, &c->key->key, c->pin->policy.id, false);
    make_mac(sk, MAC_CREATE_KEY_ENTRY, data, mac);
    put_attested_key(data, buf_bytes(&c->peer), bytes_at(mac, sizeof mac));
    check_attestation(sk, data);
}

static void certify(struct crypto *c, struct session_key *sk, struct buf *data)
{
    uint8_t serial[CA_SERIAL_SIZE], mac[SKS_MAC_SIZE];
    struct buf der = { 0 };
    struct bytes certificate;
    EVP_PKEY *key;

    must(public_key_load(buf_bytes(&c->peer), &key) == SKS_OK &&
             verify_key_algorithm(c->key->algorithm, (struct bytes){ 0 }, buf_bytes(&c->peer),
                                  NULL) == SKS_OK &&
             ca_issue(&c->ca, &c->key->template, buf_bytes(&c->peer), clock_now(), serial, &der) ==
                 SKS_OK,
         "certificate");
    certificate = buf_bytes(&der);
    put_mac_certificate_path(data, buf_bytes(&c->peer), c->key->key.id,
                             &(struct bytes_list){ &certificate, 1 });
    make_mac(sk, MAC_SET_CERTIFICATE_PATH, data, mac);
    put_mac_close(data, &c->terms, bytes_at(serial, sizeof serial));
    make_mac(sk, MAC_CLOSE_SESSION, data, mac);
    put_attested_close(data, bytes_at(serial, sizeof serial));
    check_attestation(sk, data);
    EVP_PKEY_free(key);
    buf_free(&der);
}

static void run_crypto(void *ctx, unsigned number)
{
    struct crypto *c = ctx;
    struct session_key sk = { 0 };
    struct buf data = { 0 };
    double begin = bench_cpu_now();

    (void)number;
    agree(c, &sk);
    order_key(c, &sk, &data);
    certify(c, &sk, &data);
    buf_free(&data);
    c->spent += bench_cpu_now() - begin;
}

void measure_crypto(void)
{
    struct bare_session *bare = bare_session_new();
    struct crypto crypto = { 0 };
    const struct operation ours = { run_crypto, &crypto, &crypto.spent };
    const struct operation theirs = { run_bare_issuer, bare, bare_session_spent(bare) };

    open_crypto(&crypto);
    bench_section("issuer, CPU of one thread");
    bench_ratio("issuerCrypto", "cryptography of a session", bench_compare(&ours, &theirs));
    close_crypto(&crypto);
    bare_session_free(bare);
}
