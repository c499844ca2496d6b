/* KeyCreationRequest: each policy and key with its MAC, in the order in which a token makes them.
 */
#include "conform/issuer/visit.h"

#include "keygen2/crypto/pin_rules.h"
#include "keygen2/crypto/private_key.h"

#include <openssl/crypto.h>

static const char CREATION[] = "KeyCreationRequest";

/* One that this session has not had yet. */
static enum sks_status make_rsa(struct visit *v, const struct algorithm *algorithm,
                                struct bytes uri, struct bytes parameters, EVP_PKEY **key)
{
    struct site *site = v->site;
    struct kept_key *kept = site->kept;
    enum sks_status rc;

    for (size_t i = 0; i < site->kept_count; i++)
        if ((v->used_keys & UINT32_C(1) << i) == 0 && bytes_equal(kept[i].algorithm, uri) &&
            bytes_equal(kept[i].parameters, parameters)) {
            v->used_keys |= UINT32_C(1) << i;
            *key = kept[i].key;
            return EVP_PKEY_up_ref(*key) == 1 ? SKS_OK : SKS_ERROR_STORAGE;
        }
    TRY(private_key_generate(algorithm, parameters, key));
    if (site->kept_count < KEPT_KEYS_MAX && EVP_PKEY_up_ref(*key) == 1) {
        v->used_keys |= UINT32_C(1) << site->kept_count;
        kept[site->kept_count].algorithm = arena_copy(&site->arena, uri);
        kept[site->kept_count].parameters = arena_copy(&site->arena, parameters);
        kept[site->kept_count++].key = *key;
    }
out:
    return rc;
}

static enum sks_status make_key(struct visit *v, const struct key_entry *wanted,
                                struct bytes *public_key)
{
    struct bytes uri =
        v->bends.key_algorithm == NULL ? wanted->key_algorithm : bytes_of(v->bends.key_algorithm);
    struct bytes parameters =
        v->bends.key_algorithm == NULL ? wanted->key_parameters : (struct bytes){ 0 };
    const struct algorithm *algorithm = algorithm_by_uri(uri, ALGORITHM_KEY_GENERATION);
    struct buf spki = { 0 };
    EVP_PKEY *key = NULL;
    enum sks_status rc;

    TRY(algorithm->kind == KEY_KIND_RSA ? make_rsa(v, algorithm, uri, parameters, &key)
                                        : private_key_generate(algorithm, parameters, &key));
    TRY(put_pkey(&spki, key));
    rc = visit_keep(v, &spki, public_key);
out:
    EVP_PKEY_free(key);
    buf_free(&spki);
    return sks_explain(&v->check->err, rc);
}

static enum sks_status check_secret(struct visit *v, const char *what, struct bytes encrypted,
                                    const struct pin_policy *policy, uint8_t format)
{
    struct buf clear = { 0 };
    const char *wrong = NULL;
    enum sks_status rc = session_decrypt(&v->sk, encrypted, &clear);

    if (rc != SKS_OK) {
        rc = visit_blame(v, what, "what decrypts with the session's encryption key", "another");
        goto out;
    }
    wrong = policy != NULL ? pin_violation(policy, buf_bytes(&clear))
                           : puk_violation(format, buf_bytes(&clear));
    if (wrong != NULL)
        rc = visit_blame(v, what, "a value that obeys its policy", "one that %s", wrong);
out:
    buf_free(&clear);
    return rc;
}

static enum sks_status check_algorithms(struct visit *v, const struct key_entry *key)
{
    for (size_t i = 0; i < key->endorsed_algorithms.count; i++)
        if (algorithm_by_uri(key->endorsed_algorithms.item[i], ALGORITHM_ENDORSABLE) == NULL)
            return visit_blame(v, "KeyCreationRequest: endorsedAlgorithms", "algorithms of SKS",
                               "%.*s", (int)key->endorsed_algorithms.item[i].len,
                               (const char *)key->endorsed_algorithms.item[i].ptr);
    return SKS_OK;
}

/* Makes a key that was ordered, and attests it. */
static enum sks_status add_key(struct visit *v, const struct order *order)
{
    struct generated_key *generated = &v->generated[v->keys];
    struct visit_key *key = &v->key[v->keys];
    struct buf data = { 0 };
    enum sks_status rc;

    *key = (struct visit_key){ .id = order->id,
                               .mac = order->mac,
                               .specifier = order->key,
                               .pin = order->pin,
                               .counter = v->sk.counter };
    TRY(make_key(v, &order->key->key, &key->public_key));
    put_attested_key(&data, key->public_key, key->mac);
    generated->id = key->id;
    generated->public_key = key->public_key;
    rc = visit_attest(v, key, &data, &generated->attestation);
    v->keys++;
out:
    buf_free(&data);
    return rc;
}

static enum sks_status take(void *context, const struct order *order, struct buf *data)
{
    struct visit *v = context;
    enum sks_status rc;

    REQUIRE(v->keys < VISIT_KEYS_MAX || order->kind != ORDER_KEY, &v->check->err, SKS_ERROR_STORAGE,
            "more than %d keys in a session", VISIT_KEYS_MAX);
    if (order->kind == ORDER_KEY)
        TRY(check_algorithms(v, &order->key->key));
    TRY(visit_mac(v, CREATION, order, data));
    if (order->encrypted.len > 0 && order->kind == ORDER_KEY)
        TRY(check_secret(v, "KeyCreationRequest: encryptedPin", order->encrypted,
                         &order->pin->policy, 0));
    if (order->kind == ORDER_PUK_POLICY)
        TRY(check_secret(v, "KeyCreationRequest: encryptedPuk", order->encrypted, NULL,
                         order->puk->policy.format));
    if (order->kind == ORDER_KEY)
        rc = add_key(v, order);
out:
    return rc;
}

enum sks_status visit_creation(struct visit *v)
{
    const struct key_creation_request *request = &v->creation;
    const struct order_walk walk = { .context = v, .take = take };
    struct generated_key generated[VISIT_KEYS_MAX];
    struct key_creation_response response = { .server_session_id = request->server_session_id,
                                              .client_session_id = request->client_session_id };
    struct session_key before = v->sk;
    enum sks_status rc;

    v->keys = 0;
    v->used_keys = 0;
    v->generated = generated;
    TRY(visit_ids(v, CREATION, request->server_session_id, request->client_session_id));
    TRY(expect_text(v->check, "KeyCreationRequest: keyEntryAlgorithm", SKS_KEY_ENTRY_ALGORITHM,
                    request->key_entry_algorithm));
    TRY(walk_key_creation(&walk, request));
    response.generated_keys = (struct json_array){ generated, v->keys };
    rc = visit_encode(v, &KEY_CREATION_RESPONSE, &response);
out:
    v->generated = NULL;
    if (rc != SKS_OK)
        v->sk = before;
    OPENSSL_cleanse(&before, sizeof before);
    return rc;
}
