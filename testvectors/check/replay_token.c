#include "testvectors/check/replay_token.h"

#include "keygen2/base/files.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/session_2010.h"
#include "testvectors/rfc6979.h"
#include "token/call.h"
#include "token/master_key.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DRAWS_MAX = 32, STORE_MAX = 16 * 1024 * 1024 };

/* ---- draws ---- */

static struct {
    struct {
        enum replay_kind kind;
        struct bytes value;
        EVP_PKEY *key;
    } item[DRAWS_MAX];
    size_t count, used;
    bool on; /* while a transcript is played */
} draws;

bool replay_draws_end(void)
{
    bool all = draws.used == draws.count;

    for (size_t i = 0; i < draws.count; i++)
        EVP_PKEY_free(draws.item[i].key);
    draws.count = draws.used = 0;
    draws.on = false;
    return all;
}

void replay_draws_add(enum replay_kind kind, struct bytes value, EVP_PKEY *key)
{
    draws.on = true;
    if (draws.count == DRAWS_MAX) {
        EVP_PKEY_free(key);
        return;
    }
    draws.item[draws.count].kind = kind;
    draws.item[draws.count].value = value;
    draws.item[draws.count++].key = key;
}

/* The next draw, if it is of that kind. */
static size_t next_draw(enum replay_kind kind)
{
    if (draws.used == draws.count || draws.item[draws.used].kind != kind)
        return DRAWS_MAX;
    return draws.used++;
}

/* ---- what the linker sends here ---- */

enum sks_status __real_random_id(char *out, size_t characters);
enum sks_status __wrap_random_id(char *out, size_t characters);
enum sks_status __real_private_key_generate(const struct algorithm *algorithm,
                                            struct bytes exponent, EVP_PKEY **pkey);
enum sks_status __wrap_private_key_generate(const struct algorithm *algorithm,
                                            struct bytes exponent, EVP_PKEY **pkey);
enum sks_status __real_session_2010_draw(struct session_key *sk);
enum sks_status __wrap_session_2010_draw(struct session_key *sk);
enum sks_status __real_session_2010_encrypt(EVP_PKEY *server_key, const struct session_key *sk,
                                            struct buf *encrypted);
enum sks_status __wrap_session_2010_encrypt(EVP_PKEY *server_key, const struct session_key *sk,
                                            struct buf *encrypted);
int64_t __real_token_clock_now(const struct token_clock *clock);
int64_t __wrap_token_clock_now(const struct token_clock *clock);
enum sks_status __real_device_sign(const struct device *device, struct bytes data, struct buf *out);
enum sks_status __wrap_device_sign(const struct device *device, struct bytes data, struct buf *out);

enum sks_status __wrap_random_id(char *out, size_t characters)
{
    size_t i = draws.on && characters == SKS_ID_MAX ? next_draw(REPLAY_ID) : DRAWS_MAX;

    return i == DRAWS_MAX ? __real_random_id(out, characters)
                          : bytes_to_text(draws.item[i].value, out, characters + 1);
}

enum sks_status __wrap_private_key_generate(const struct algorithm *algorithm,
                                            struct bytes exponent, EVP_PKEY **pkey)
{
    size_t i = draws.on ? next_draw(REPLAY_KEY) : DRAWS_MAX;

    if (i == DRAWS_MAX)
        return __real_private_key_generate(algorithm, exponent, pkey);
    *pkey = draws.item[i].key;
    return *pkey != NULL && EVP_PKEY_up_ref(*pkey) ? SKS_OK : SKS_ERROR_CRYPTO;
}

/* That of the user keys, which is within the library that the linker does not look into. */
static enum sks_status make_key(void *ctx, const struct algorithm *algorithm, struct bytes exponent,
                                EVP_PKEY **pkey)
{
    (void)ctx;
    return private_key_generate(algorithm, exponent, pkey);
}

static const struct key_maker KEY_MAKER = { make_key, NULL };

enum sks_status __wrap_session_2010_draw(struct session_key *sk)
{
    size_t i = draws.on ? next_draw(REPLAY_SESSION_KEY) : DRAWS_MAX;

    if (i == DRAWS_MAX || draws.item[i].value.len != sizeof sk->key)
        return __real_session_2010_draw(sk);
    memcpy(sk->key, draws.item[i].value.ptr, sizeof sk->key);
    sk->counter = 0;
    return SKS_OK;
}

static int64_t waited; /* milliseconds */

void replay_token_wait(uint32_t seconds)
{
    waited += 1000 * (int64_t)seconds;
}

int64_t __wrap_token_clock_now(const struct token_clock *clock)
{
    return __real_token_clock_now(clock) + waited;
}

/* What the vector has must be an encryption of the key; the issuer's side decrypts it. */
enum sks_status __wrap_session_2010_encrypt(EVP_PKEY *server_key, const struct session_key *sk,
                                            struct buf *encrypted)
{
    size_t i = draws.on ? next_draw(REPLAY_ENCRYPTED_KEY) : DRAWS_MAX;

    if (i == DRAWS_MAX)
        return __real_session_2010_encrypt(server_key, sk, encrypted);
    put_raw(encrypted, draws.item[i].value);
    return encrypted->status;
}

enum sks_status __wrap_device_sign(const struct device *device, struct bytes data, struct buf *out)
{
    struct buf spki = { 0 };
    struct public_key parts;
    BIGNUM *d = NULL;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    enum sks_status rc;

    if (!draws.on || EVP_PKEY_get_base_id(device->key) != EVP_PKEY_EC)
        return __real_device_sign(device, data, out);
    TRY(put_pkey(&spki, device->key));
    TRY(public_key_parse(buf_bytes(&spki), &parts));
    rc = SKS_ERROR_CRYPTO;
    if (EVP_PKEY_get_bn_param(device->key, "priv", &d) && SHA256(data.ptr, data.len, hash) != NULL)
        rc = rfc6979_sign(OBJ_sn2nid(parts.curve->openssl) != NID_undef
                              ? OBJ_sn2nid(parts.curve->openssl)
                              : OBJ_ln2nid(parts.curve->openssl),
                          EVP_sha256(), d, bytes_at(hash, sizeof hash), out);
out:
    BN_clear_free(d);
    buf_free(&spki);
    return rc;
}

/* ---- the token ---- */

struct replay_token {
    char folder[32], database[64];
    struct token *token;
    struct buf empty; /* the database of a token without keys */
};

static enum sks_status save_device(const char *database, EVP_PKEY *key, struct bytes certificate,
                                   struct sks_error *err)
{
    struct device device = { .key = key, .certificate_path = { &certificate, 1 } };
    struct vault *vault = NULL;
    struct store *store = NULL;
    enum sks_status rc;

    TRY(vault_open("unused", &vault, err));
    TRY(store_open(database, vault, &store, err));
    TRY(device_save(store, &device, err));
out:
    store_close(store);
    vault_close(vault);
    return rc;
}

static void remove_files(const struct replay_token *t)
{
    static const char *const ENDS[] = { "", "-wal", "-shm", "-journal" };
    char path[80];

    for (size_t i = 0; i < NITEMS(ENDS); i++) {
        (void)snprintf(path, sizeof path, "%s%s", t->database, ENDS[i]);
        (void)unlink(path);
    }
}

enum sks_status replay_token_new(EVP_PKEY *device, struct bytes certificate,
                                 struct replay_token **token, struct sks_error *err)
{
    struct replay_token *t = calloc(1, sizeof *t);
    enum sks_status rc;

    *token = NULL;
    REQUIRE(t != NULL, err, SKS_ERROR_STORAGE, "no memory for a token");
    (void)snprintf(t->folder, sizeof t->folder, "%s/sks-vectors.XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                 : "/tmp"); /* nothing here must last */
    REQUIRE(mkdtemp(t->folder) != NULL, err, SKS_ERROR_EXTERNAL, "no temporary folder");
    (void)snprintf(t->database, sizeof t->database, "%s/token.db", t->folder);
    REQUIRE(setenv(MASTER_KEY_VARIABLE,
                   "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 1) == 0,
            err, SKS_ERROR_STORAGE, "no memory for the master key");
    TRY(save_device(t->database, device, certificate, err));
    TRY(file_read(t->database, STORE_MAX, &t->empty, err));
    *token = t;
    t = NULL;
out:
    replay_token_free(t);
    return sks_explain(err, rc);
}

enum sks_status replay_token_reset(struct replay_token *t, struct sks_error *err)
{
    FILE *file;
    bool good;
    enum sks_status rc;

    token_close(t->token);
    t->token = NULL;
    waited = 0;
    remove_files(t);
    file = fopen(t->database, "we");
    good = file != NULL && fwrite(t->empty.ptr, 1, t->empty.len, file) == t->empty.len;
    good = file != NULL && fclose(file) == 0 && good;
    REQUIRE(good, err, SKS_ERROR_EXTERNAL, "%s: cannot be written", t->database);
    rc = token_open(t->database, "unused", &(struct token_options){ .key_maker = &KEY_MAKER },
                    &t->token, err);
out:
    return rc;
}

void replay_token_call(struct replay_token *t, const struct sks_dialect *dialect,
                       struct bytes request, struct buf *answer)
{
    token_process_as(t->token, dialect, request, answer);
}

bool replay_token_session(struct replay_token *t, uint32_t handle, uint16_t *counter,
                          uint16_t *left)
{
    struct arena arena = { 0 };
    struct session s = { 0 };
    bool found = false;

    if (session_load(t->token->store, handle, &arena, &s, &found, NULL) != SKS_OK)
        found = false;
    *counter = s.sk.counter;
    *left = s.operations_left;
    found = found && !s.closed;
    OPENSSL_cleanse(&s, sizeof s);
    arena_free(&arena);
    return found;
}

void replay_token_free(struct replay_token *t)
{
    if (t == NULL)
        return;
    token_close(t->token);
    if (t->database[0] != '\0')
        remove_files(t);
    if (t->folder[0] != '\0')
        (void)rmdir(t->folder);
    buf_free(&t->empty);
    free(t);
}
