/* What is made with the session key: key attestations and the closing proof, each made otherwise.
 */
#include "conform/issuer/change.h"
#include "conform/issuer/families.h"

#include <stdlib.h>

#define KEYED (NEEDS(HAS_TRUST) | NEEDS(HAS_KEYS) | NEEDS(HAS_END))
#define CLOSED (NEEDS(HAS_TRUST) | NEEDS(HAS_END))

typedef void attest_bend(struct visit *visit, const struct visit_key *key, struct session_key *sk,
                         struct buf *data);

struct bend_row {
    const char *name, *title;
    attest_bend *bend;
    bool at_close;
};

/* ---- the key and the counter ---- */

static void next_counter(struct visit *v, const struct visit_key *key, struct session_key *sk,
                         struct buf *data)
{
    (void)v, (void)key, (void)data;
    sk->counter++;
}

static void last_counter(struct visit *v, const struct visit_key *key, struct session_key *sk,
                         struct buf *data)
{
    (void)v, (void)key, (void)data;
    sk->counter--;
}

static void counter_zero(struct visit *v, const struct visit_key *key, struct session_key *sk,
                         struct buf *data)
{
    (void)v, (void)key, (void)data;
    sk->counter = 0;
}

static void counter_swapped(struct visit *v, const struct visit_key *key, struct session_key *sk,
                            struct buf *data)
{
    (void)v, (void)key, (void)data;
    sk->counter = (uint16_t)(sk->counter << 8 | sk->counter >> 8);
}

static void other_session_key(struct visit *v, const struct visit_key *key, struct session_key *sk,
                              struct buf *data)
{
    (void)key, (void)data;
    sk->key[check_draw_below(v->check, sizeof sk->key)] ^= 1;
}

/* ---- the data ---- */

static void data_flipped(struct visit *v, const struct visit_key *key, struct session_key *sk,
                         struct buf *data)
{
    (void)key, (void)sk;
    data->ptr[check_draw_below(v->check, (uint32_t)data->len)] ^= 1;
}

static void data_cut(struct visit *v, const struct visit_key *key, struct session_key *sk,
                     struct buf *data)
{
    (void)v, (void)key, (void)sk;
    data->len--;
}

static void no_data(struct visit *v, const struct visit_key *key, struct session_key *sk,
                    struct buf *data)
{
    (void)v, (void)key, (void)sk;
    data->len = 0;
}

static void other_mac(struct visit *v, const struct visit_key *key, struct session_key *sk,
                      struct buf *data)
{
    uint8_t mac[SKS_MAC_SIZE];

    (void)sk;
    check_draw(v->check, mac, sizeof mac);
    buf_reset(data);
    put_attested_key(data, key->public_key, bytes_at(mac, sizeof mac));
}

static void key_without_mac(struct visit *v, const struct visit_key *key, struct session_key *sk,
                            struct buf *data)
{
    (void)v, (void)sk;
    buf_reset(data);
    put_array(data, key->public_key);
}

static void other_public_key(struct visit *v, const struct visit_key *key, struct session_key *sk,
                             struct buf *data)
{
    (void)sk;
    buf_reset(data);
    put_attested_key(data,
                     v->terms.server_ephemeral_key.len > 0 ? v->terms.server_ephemeral_key
                                                           : v->initialization.server_public_key,
                     key->mac);
}

static void other_nonce(struct visit *v, const struct visit_key *key, struct session_key *sk,
                        struct buf *data)
{
    uint8_t nonce[32];

    (void)key, (void)sk;
    check_draw(v->check, nonce, sizeof nonce);
    buf_reset(data);
    put_attested_close(data, bytes_at(nonce, sizeof nonce));
}

static void empty_nonce(struct visit *v, const struct visit_key *key, struct session_key *sk,
                        struct buf *data)
{
    (void)v, (void)key, (void)sk;
    buf_reset(data);
    put_attested_close(data, bytes_of(""));
}

/* As the MAC of the close has it. */
static void terms_of_close(struct visit *v, const struct visit_key *key, struct session_key *sk,
                           struct buf *data)
{
    (void)key, (void)sk;
    buf_reset(data);
    put_mac_close(data, &v->terms, v->finalization.session_close_data->nonce);
}

static const struct bend_row BENDS[] = {
    { "counter-next", "with the counter after the right one", next_counter, false },
    { "counter-last", "with the counter before the right one", last_counter, false },
    { "counter-zero", "with the counter 0", counter_zero, false },
    { "counter-swapped", "with the octets of the counter swapped", counter_swapped, false },
    { "other-session-key", "with another session key", other_session_key, false },
    { "data-flipped", "over data with one bit flipped", data_flipped, false },
    { "data-cut", "over data without their last octet", data_cut, false },
    { "no-data", "over nothing", no_data, false },
    { "other-mac", "over the MAC of another createKeyEntry", other_mac, false },
    { "without-mac", "over the key alone", key_without_mac, false },
    { "other-public-key", "over another key", other_public_key, false },
    { "counter-next", "with the counter after the right one", next_counter, true },
    { "counter-last", "with the counter before the right one", last_counter, true },
    { "counter-zero", "with the counter 0", counter_zero, true },
    { "counter-swapped", "with the octets of the counter swapped", counter_swapped, true },
    { "other-session-key", "with another session key", other_session_key, true },
    { "data-flipped", "over data with one bit flipped", data_flipped, true },
    { "data-cut", "over data without their last octet", data_cut, true },
    { "no-data", "over nothing", no_data, true },
    { "other-nonce", "over another nonce", other_nonce, true },
    { "empty-nonce", "over an empty nonce", empty_nonce, true },
    { "terms", "over what the close itself is under", terms_of_close, true },
};

static enum sks_status bent(struct check *check, void *end, const void *from)
{
    const struct bend_row *row = from;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, row->at_close ? AT_FINALIZATION : AT_CREATION));
    v.bends.attest = row->bend;
    TRY(visit_answer(&v));
    TRY(visit_send(&v, buf_bytes(&v.response)));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

/* ---- a key of another kind, rightly attested ---- */

#define ALGORITHM(name) "https://webpki.github.io/sks/algorithm#" name

static const struct {
    const char *name, *title, *algorithm;
    uint64_t needs;
} KINDS[] = {
    { "ec-p384", "a P-384 key", ALGORITHM("ec.nist.p384"), NEEDS(HAS_EC_KEY) },
    { "ec-p521", "a P-521 key", ALGORITHM("ec.nist.p521"), NEEDS(HAS_EC_KEY) },
    { "ec-p256k1", "a secp256k1 key", ALGORITHM("ec.secg.p256k1"), NEEDS(HAS_EC_KEY) },
    { "ec-brainpool", "a Brainpool key", ALGORITHM("ec.brainpool.p256r1"), NEEDS(HAS_EC_KEY) },
    { "ec-rsa1024", "an RSA key of 1024 bits", ALGORITHM("rsa1024"), NEEDS(HAS_EC_KEY) },
    { "ec-ed25519", "an Ed25519 key", ALGORITHM("ed25519"), NEEDS(HAS_EC_KEY) },
    { "rsa-rsa1024", "RSA of 1024 bits for another size", ALGORITHM("rsa1024"),
      NEEDS(HAS_RSA_KEY) },
    { "rsa-ec", "a P-256 key for RSA", ALGORITHM("ec.nist.p256"), NEEDS(HAS_RSA_KEY) },
    { "rsa-ed25519", "an Ed25519 key for RSA", ALGORITHM("ed25519"), NEEDS(HAS_RSA_KEY) },
    { "ed25519-ec", "a P-256 key for Ed25519", ALGORITHM("ec.nist.p256"), NEEDS(HAS_ED25519_KEY) },
    { "ed25519-rsa1024", "RSA for Ed25519", ALGORITHM("rsa1024"), NEEDS(HAS_ED25519_KEY) },
};

static bool is_right(const struct visit *v, struct bytes algorithm)
{
    for (size_t i = 0; i < v->keys; i++)
        if (!bytes_equal(v->key[i].specifier->key.key_algorithm, algorithm))
            return false;
    return true;
}

static enum sks_status other_kind(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_CREATION));
    v.bends.key_algorithm = row;
    TRY(visit_answer(&v));
    if (is_right(&v, bytes_of(row))) {
        rc = check_skip(check, "the profile wants such keys");
        goto out;
    }
    TRY(visit_send(&v, buf_bytes(&v.response)));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

/* ---- what is elsewhere right ---- */

/* Copies a text of one place of the session into another. */
static enum sks_status put_there(struct visit *v, const char *pointer, struct bytes value)
{
    struct buf text = { 0 };
    struct bytes changed;
    enum sks_status rc;

    json_put_binary(&text, value);
    put_byte(&text, 0);
    TRY(sks_explain(&v->check->err, text.status));
    TRY(change_message(v->check, buf_bytes(&v->response),
                       &(struct change){ CHANGE_SET, pointer, (const char *)text.ptr }, &changed));
    TRY(visit_send(v, changed));
    rc = visit_refused(v);
out:
    buf_free(&text);
    return rc;
}

static enum sks_status reflected_key_mac(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_CREATION));
    rc = put_there(&v, "/generatedKeys/0/attestation", v.key[0].mac);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status reflected_close_mac(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_FINALIZATION));
    rc = put_there(&v, "/attestation", v.finalization.session_close_data->mac);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status reflected_nonce(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_FINALIZATION));
    rc = put_there(&v, "/attestation", v.finalization.session_close_data->nonce);
out:
    visit_free(&v);
    return rc;
}

/* A value of one answer in the place of another's. */
struct transfer {
    const char *from, *to;
};

static enum sks_status swapped(struct check *check, void *end, const void *row)
{
    const struct transfer *what = row;
    struct visit v = { 0 };
    json_t *answer = NULL;
    struct bytes changed;
    char *value = NULL;
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, AT_CREATION));
    TRY(json_parse(buf_bytes(&v.response), &answer, &check->err));
    value = json_dumps(
        json_object_get(json_array_get(json_object_get(answer, "generatedKeys"), 1), what->from),
        JSON_COMPACT | JSON_ENCODE_ANY);
    REQUIRE(value != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(change_message(check, buf_bytes(&v.response),
                       &(struct change){ CHANGE_SET, what->to, value }, &changed));
    TRY(visit_send(&v, changed));
    rc = visit_refused(&v);
out:
    free(value);
    json_decref(answer);
    visit_free(&v);
    return rc;
}

#define TWO (KEYED | NEEDS(HAS_TWO_KEYS))

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "key-attestation.reflected",
         "the issuer's own MAC as key attestation: refused", "http 6", KEYED, reflected_key_mac,
         NULL),
    CASE(LEVEL_MUST, "key-attestation.of-another-key", "the attestation of another key: refused",
         "http 6", TWO, swapped,
         &(const struct transfer){ "attestation", "/generatedKeys/0/attestation" }),
    CASE(LEVEL_MUST, "key-attestation.key-of-another", "another key beside an attestation: refused",
         "http 6", TWO, swapped,
         &(const struct transfer){ "publicKey", "/generatedKeys/0/publicKey" }),
    CASE(LEVEL_MUST, "key-attestation.id-of-another", "another key's id: refused", "http 6", TWO,
         swapped, &(const struct transfer){ "id", "/generatedKeys/0/id" }),
    CASE(LEVEL_MUST, "closing-proof.reflected", "the issuer's own MAC as closing proof: refused",
         "http 6", CLOSED, reflected_close_mac, NULL),
    CASE(LEVEL_MUST, "closing-proof.nonce", "the nonce as closing proof: refused", "http 6", CLOSED,
         reflected_nonce, NULL),
};

static void add_bend(struct cases *cases, const struct bend_row *row)
{
    const char *group = row->at_close ? "closing-proof" : "key-attestation";
    const char *what = row->at_close ? "a closing proof" : "a key attestation";

    cases_add(cases, &(struct conform_case){
                         .id = cases_text(cases, "%s.%s", group, row->name),
                         .title = cases_text(cases, "%s %s: refused", what, row->title),
                         .section = row->at_close ? "SKS closeProvisioningSession; http 6"
                                                  : "SKS createKeyEntry; http 6",
                         .needs = row->at_close ? CLOSED : KEYED,
                         .run = bent,
                         .row = row });
}

void issuer_cases_of_attestations(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(BENDS); i++)
        add_bend(cases, &BENDS[i]);
    for (size_t i = 0; i < NITEMS(KINDS); i++)
        cases_add(cases,
                  &(struct conform_case){
                      .id = cases_text(cases, "key-algorithm.%s", KINDS[i].name),
                      .title = cases_text(cases, "%s, attested as it is: refused", KINDS[i].title),
                      .section = "SKS createKeyEntry; http 6",
                      .needs = KEYED | KINDS[i].needs,
                      .run = other_kind,
                      .row = KINDS[i].algorithm });
    cases_add_all(cases, CASES, NITEMS(CASES));
}
