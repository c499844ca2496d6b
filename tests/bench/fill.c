#include "tests/bench/fill.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"
#include "tests/plain/support/own_store.h"
#include "token/object.h"

#include <stdio.h>
#include <string.h>

enum { BATCH = 500, KEYS_OF_A_SESSION = 8, SERIAL_SIZE = 8 };

const char FILL_PIN[] = "471108";

static struct material {
    EVP_PKEY *pkey;
    struct buf public_key, private_key;
} material[FILL_DISTINCT];

static struct buf certificate; /* one for all; each key gets a serial number of its own */
static size_t serial_at;

static void make_certificate(void)
{
    const struct own_certificate what = { .common_name = "bench", .days = 1 };
    const ASN1_INTEGER *serial;
    struct arena arena = { 0 };
    const uint8_t *at;
    X509 *x509;

    must(own_certificate_make(&what, material[0].pkey, NULL, material[0].pkey, &x509, NULL) ==
             SKS_OK,
         "certificate");
    put_raw(&certificate, certificate_der(&arena, x509));
    serial = X509_get0_serialNumber(x509);
    must(ASN1_STRING_length(serial) >= SERIAL_SIZE, "serial number");
    at = memmem(certificate.ptr, certificate.len, ASN1_STRING_get0_data(serial),
                (size_t)ASN1_STRING_length(serial));
    must(at != NULL, "serial number");
    serial_at = (size_t)(at - certificate.ptr) + (size_t)ASN1_STRING_length(serial) - SERIAL_SIZE;
    X509_free(x509);
    arena_free(&arena);
}

static void make_material(void)
{
    const struct algorithm *p256 = algorithm_by_uri(bytes_of(P256), ALGORITHM_KEY_GENERATION);

    if (material[0].pkey != NULL)
        return;
    for (size_t i = 0; i < FILL_DISTINCT; i++) {
        struct material *m = &material[i];

        must(private_key_generate(p256, (struct bytes){ 0 }, &m->pkey) == SKS_OK &&
                 put_pkey(&m->public_key, m->pkey) == SKS_OK &&
                 put_private_key(&m->private_key, m->pkey) == SKS_OK,
             "key");
    }
    make_certificate();
}

EVP_PKEY *fill_private_key(uint32_t handle)
{
    return material[handle % FILL_DISTINCT].pkey;
}

static void add_session(struct changes *changes, struct store *store, uint32_t *handle)
{
    struct session s = { .closed = true,
                         .terms = { .session_key_algorithm = bytes_of(SKS_SESSION_ALGORITHM),
                                    .server_session_id = bytes_of("server"),
                                    .client_session_id = bytes_of("client"),
                                    .issuer_uri = bytes_of("https://issuer.example/kg2/bench"),
                                    .session_life_time = 600,
                                    .session_key_limit = 50 } };

    s.handle = *handle = store_new_handle(store, STORE_SESSION);
    session_put(changes, store, &s);
}

static uint32_t add_key(struct changes *changes, struct store *store, uint32_t session)
{
    struct pin_policy_object policy = { .handle = store_new_handle(store, STORE_PIN_POLICY),
                                        .closed = true,
                                        .policy = { .user_defined = true,
                                                    .user_modifiable = true,
                                                    .retry_limit = 3,
                                                    .min_length = 4,
                                                    .max_length = 8 } };
    struct secret pin = { .kind = STORE_PIN,
                          .handle = store_new_handle(store, STORE_PIN),
                          .closed = true,
                          .value = bytes_of(FILL_PIN),
                          .policy = policy.handle };
    struct key key = { .handle = store_new_handle(store, STORE_KEY),
                       .owner = session,
                       .closed = true,
                       .id = bytes_of("Key") };
    const struct material *m = &material[key.handle % FILL_DISTINCT];
    struct bytes leaf = buf_bytes(&certificate);

    must(draw_birth(&policy.birth) == SKS_OK && draw_birth(&pin.birth) == SKS_OK, "birth");
    memcpy(certificate.ptr + serial_at, &key.handle, sizeof key.handle);
    key.public_key = buf_bytes(&m->public_key);
    key.private_key = buf_bytes(&m->private_key);
    key.certificate_path = (struct bytes_list){ &leaf, 1 };
    key.pin_policy = (struct reference){ policy.handle, policy.birth };
    key.pin = (struct reference){ pin.handle, pin.birth };
    pin_policy_put(changes, store, &policy);
    secret_put(changes, store, &pin);
    key_put(changes, store, &key);
    return key.handle;
}

void fill_store(const char *folder, uint32_t *handle, uint32_t count)
{
    char path[STORE_FOLDER_MAX + sizeof TOKEN_DATABASE];
    struct changes changes = { 0 };
    struct vault *vault;
    struct store *store;
    uint32_t session = 0;

    make_material();
    (void)snprintf(path, sizeof path, "%s/%s", folder, TOKEN_DATABASE);
    must(vault_open("unused", &vault, NULL) == SKS_OK, "vault");
    must(store_open(path, vault, &store, NULL) == SKS_OK, "store");
    for (uint32_t i = 0; i < count; i++) {
        if (i % KEYS_OF_A_SESSION == 0)
            add_session(&changes, store, &session);
        handle[i] = add_key(&changes, store, session);
        if (i % BATCH == BATCH - 1 || i + 1 == count) {
            must(store_apply(store, &changes, NULL) == SKS_OK, "rows");
            changes_free(&changes);
        }
    }
    store_close(store);
    vault_close(vault);
}
