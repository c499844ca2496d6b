/*
 * What the issuer orders, each with a MAC, in the order in which the token executes it; and the
 * answers that prove it.
 */
#include "keygen2/crypto/certificate.h"
#include "keygen2/evidence/checker.h"
#include "keygen2/message/order_walk.h"

#include <openssl/crypto.h>
#include <string.h>

static enum truth is_mac(const struct checker *c, const char *method, struct bytes data,
                         struct bytes mac)
{
    struct session_key at = c->sk;
    enum sks_status rc = session_mac_verify(&at, method, data, mac);

    OPENSSL_cleanse(&at, sizeof at);
    return rc == SKS_OK ? HOLDS : FAILS;
}

void check_mac(struct checker *c, const char *method, struct bytes id, struct buf *data,
               struct bytes mac)
{
    const char *detail = arena_printf(c->arena, EVIDENCE_DETAIL_MAC, method,
                                      id.len > 0 ? " of " : "", SLICE(id), (unsigned)c->sk.counter);
    enum truth found = UNKNOWN;

    if (data->status != SKS_OK) /* too long for SKS */
        found = FAILS;
    else if (c->has_key)
        found = is_mac(c, method, buf_bytes(data), mac);
    c->sk.counter++;
    buf_free(data);
    c->no_memory |= detail == NULL;
    (void)checker_compare(c, EVIDENCE_CHECK_MAC, found, detail);
}

/* ---- KeyCreationRequest ---- */

static void remember_key(struct checker *c, const struct key_entry_specifier *spec)
{
    struct checked_key *more;

    if (c->keys == c->key_room) {
        c->key_room = c->key_room == 0 ? 16 : 2 * c->key_room;
        more = arena_alloc(c->arena, c->key_room, sizeof *more);
        if (more == NULL) {
            c->no_memory = true;
            c->key_room = c->keys;
            return;
        }
        if (c->keys > 0)
            memcpy(more, c->key, c->keys * sizeof *more);
        c->key = more;
    }
    c->key[c->keys++] = (struct checked_key){
        .told = { .id = spec->key.id,
                  .key_algorithm = spec->key.key_algorithm,
                  .attestation_counter = c->sk.counter++ },
        .parameters = spec->key.key_parameters,
        .mac = spec->mac,
    };
}

/* A record that makes no sense any more ends the walk. */
static enum sks_status go_on(const struct checker *c)
{
    return c->broken ? SKS_ERROR_OPTION : SKS_OK;
}

static enum sks_status take_creation(void *context, const struct order *order, struct buf *data)
{
    struct checker *c = context;

    check_mac(c, order->method, order->id, data, order->mac);
    if (order->kind == ORDER_KEY)
        remember_key(c, order->key);
    return go_on(c);
}

void check_key_creation_request(struct checker *c, const void *from)
{
    const struct key_creation_request *message = from;
    const struct order_walk walk = { .context = c, .take = take_creation };

    check_own_ids(c, message->server_session_id, &message->client_session_id);
    c->deferred = message->deferred_issuance;
    (void)!walk_key_creation(&walk, message);
}

/* ---- KeyCreationResponse ---- */

static enum truth same_keys(const struct checker *c, const struct json_array *generated)
{
    const struct generated_key *key = generated->item;

    if (generated->count != c->keys)
        return FAILS;
    for (size_t i = 0; i < c->keys; i++)
        if (!bytes_equal(key[i].id, c->key[i].told.id))
            return FAILS;
    return HOLDS;
}

/* An attestation is a MAC with a counter that was set aside for it. */
static enum truth is_attested(const struct checker *c, uint16_t counter, struct buf *data,
                              struct bytes attestation)
{
    enum truth found = UNKNOWN;

    if (data->status != SKS_OK)
        found = FAILS;
    else if (c->has_key)
        found = verify_attestation(&c->sk, counter, buf_bytes(data), attestation) == SKS_OK ? HOLDS
                                                                                            : FAILS;
    buf_free(data);
    return found;
}

static bool check_key(struct checker *c, struct checked_key *key,
                      const struct generated_key *generated)
{
    const struct algorithm *algorithm =
        algorithm_by_uri(key->told.key_algorithm, ALGORITHM_KEY_GENERATION);
    const char *detail = arena_printf(c->arena, EVIDENCE_DETAIL_KEY_ATTESTATION,
                                      SLICE(key->told.id), (unsigned)key->told.attestation_counter);
    struct buf data = { 0 };
    bool fits;

    c->no_memory |= detail == NULL;
    key->told.public_key = generated->public_key;
    put_attested_key(&data, generated->public_key, key->mac);
    if (!checker_compare(
            c, EVIDENCE_CHECK_KEY_ATTESTATION,
            is_attested(c, key->told.attestation_counter, &data, generated->attestation), detail))
        return false;
    fits = algorithm != NULL &&
           verify_key_algorithm(algorithm, key->parameters, generated->public_key, NULL) == SKS_OK;
    return checker_compare(c, EVIDENCE_CHECK_KEY_ALGORITHM, fits ? HOLDS : FAILS, NULL);
}

void check_key_creation_response(struct checker *c, const void *from)
{
    const struct key_creation_response *message = from;
    const struct generated_key *generated = message->generated_keys.item;
    enum truth same = same_keys(c, &message->generated_keys);

    if (!check_their_ids(c, message->server_session_id, &message->client_session_id) ||
        !checker_compare(c, EVIDENCE_CHECK_GENERATED_KEYS, same, NULL) || same == FAILS)
        return;
    for (size_t i = 0; i < c->keys; i++)
        if (!check_key(c, &c->key[i], &generated[i]))
            return;
    c->made = true;
    c->made_kept = c->deferred; /* else with the answer */
}

/* ---- ProvisioningFinalizationRequest: a credential ---- */

static struct bytes without_zeros(struct bytes number)
{
    while (number.len > 1 && number.ptr[0] == 0)
        number = bytes_at(number.ptr + 1, number.len - 1);
    return number;
}

/* Its own key is in it, or the one that is imported over it. The record tells its number. */
static void check_issued(struct checker *c, struct checked_key *key, size_t index,
                         const struct issued_credential *credential)
{
    const struct evidence_key *told = c->record->keys.item;
    X509 *certificate = check_certificate(credential->certificate_path.item[0]);
    const ASN1_INTEGER *number = certificate == NULL ? NULL : X509_get0_serialNumber(certificate);
    struct bytes serial = { 0 };
    struct buf spki = { 0 };

    if (number != NULL)
        serial = bytes_at(ASN1_STRING_get0_data(number), (size_t)ASN1_STRING_length(number));
    if (number == NULL ||
        put_certificate_key(&spki, credential->certificate_path.item[0]) != SKS_OK ||
        (credential->import_private_key == NULL &&
         !bytes_equal(buf_bytes(&spki), key->told.public_key)))
        checker_tell(c, EVIDENCE_BAD, "certificate", "%.*s: is not for the key that was made",
                     SLICE(key->told.id));
    else
        checker_tell(c, EVIDENCE_GOOD, "certificate", "%.*s: is for the key that was made%s",
                     SLICE(key->told.id),
                     credential->import_private_key == NULL ? "" : ", or the one imported over it");
    key->told.serial_number = arena_copy(c->arena, serial);
    if (index < c->record->keys.count &&
        bytes_equal(without_zeros(told[index].serial_number), without_zeros(serial)))
        key->told.serial_number = told[index].serial_number; /* as many zeros */
    buf_free(&spki);
    X509_free(certificate);
}

/* ---- the whole of it ---- */

static bool same_credentials(const struct checker *c, const struct json_array *credentials)
{
    const struct issued_credential *credential = credentials->item;

    if (credentials->count != c->keys)
        return false;
    for (size_t i = 0; i < c->keys; i++)
        if (!bytes_equal(credential[i].id, c->key[i].told.id))
            return false;
    return true;
}

static enum sks_status take_finalization(void *context, const struct order *order, struct buf *data)
{
    struct checker *c = context;

    if (order->kind == ORDER_TARGET)
        check_target(c, order->method, order->target);
    if (order->kind == ORDER_CLOSE)
        c->nonce = order->close->nonce;
    check_mac(c, order->method, order->id, data, order->mac);
    return go_on(c);
}

static struct bytes public_key_of(void *context, size_t number)
{
    const struct checker *c = context;

    return c->key[number].told.public_key;
}

void check_finalization_request(struct checker *c, const void *from)
{
    const struct provisioning_finalization_request *message = from;
    const struct issued_credential *credential = message->issued_credentials.item;
    const struct session_terms terms = {
        .server_session_id = c->record->server_session_id,
        .client_session_id = c->agreed.client_session_id,
        .issuer_uri = c->record->issuer_uri,
    };
    const struct order_walk walk = {
        .context = c, .take = take_finalization, .terms = &terms, .public_key = public_key_of
    };

    check_own_ids(c, message->server_session_id, &message->client_session_id);
    if (!same_credentials(c, &message->issued_credentials)) {
        checker_break(c, "certificate", "there is not one for each key, in their order");
        return;
    }
    for (size_t i = 0; i < c->keys; i++)
        check_issued(c, &c->key[i], i, &credential[i]);
    (void)!walk_finalization(&walk, message);
}

/* ---- ProvisioningFinalizationResponse ---- */

void check_finalization_response(struct checker *c, const void *from)
{
    const struct provisioning_finalization_response *message = from;
    const char *detail =
        arena_printf(c->arena, EVIDENCE_DETAIL_CLOSING_PROOF, (unsigned)c->sk.counter);
    struct buf data = { 0 };
    enum truth found;

    c->no_memory |= detail == NULL;
    if (!check_their_ids(c, message->server_session_id, &message->client_session_id))
        return;
    put_attested_close(&data, c->nonce);
    found = is_attested(c, c->sk.counter, &data, message->attestation);
    c->proven = checker_compare(c, EVIDENCE_CHECK_CLOSING_PROOF, found, detail) && found != FAILS;
}
