/* What the issuer's messages say, beyond their syntax: values that are fresh, in range, and true.
 */
#include "conform/issuer/families.h"
#include "conform/issuer/look.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/cipher.h"

#include <stdio.h>
#include <string.h>

#define KNOWN (NEEDS(HAS_SESSION_1) | NEEDS(HAS_TRUST))
#define WHOLE (KNOWN | NEEDS(HAS_KEYS) | NEEDS(HAS_END))
#define OLD (NEEDS(HAS_2010) | NEEDS(HAS_TRUST))

enum { CLOCKS_APART = 300 /* seconds */ };

static enum sks_status fine(struct visit *v)
{
    (void)v;
    return SKS_OK;
}

/* ---- values that must differ from session to session ---- */

static struct bytes server_session_id(struct visit *v)
{
    return v->invocation.server_session_id;
}

static struct bytes server_ephemeral_key(struct visit *v)
{
    return v->initialization.server_ephemeral_key;
}

static struct bytes server_public_key(struct visit *v)
{
    return v->initialization.server_public_key;
}

static struct bytes key_mac(struct visit *v)
{
    return v->key[0].mac;
}

static struct bytes nonce(struct visit *v)
{
    return v->finalization.session_close_data->nonce;
}

/* What stands in front of an encrypted value. */
static struct bytes iv_of(struct bytes encrypted)
{
    return bytes_at(encrypted.ptr, encrypted.len < CIPHER_BLOCK ? 0 : CIPHER_BLOCK);
}

static struct bytes puk_iv(struct visit *v)
{
    const struct puk_policy_specifier *policy = v->creation.puk_policy_specifiers.item;

    return policy == NULL ? (struct bytes){ 0 } : iv_of(policy->policy.encrypted_puk);
}

static struct bytes preset_pin_iv(struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++)
        if (v->key[i].specifier->has_encrypted_pin)
            return iv_of(v->key[i].specifier->key.pin_value);
    return (struct bytes){ 0 };
}

/* ---- InvocationRequest, ProvisioningInitializationRequest ---- */

static enum sks_status id_length(struct visit *v)
{
    return expect_true(v->check, v->invocation.server_session_id.len >= 16,
                       "InvocationRequest: serverSessionId", "16 characters or more", "fewer");
}

static enum sks_status server_time(struct visit *v)
{
    int64_t apart = v->initialization.server_time.seconds - clock_now();

    return expect_true(v->check, apart >= -CLOCKS_APART && apart <= CLOCKS_APART,
                       "ProvisioningInitializationRequest: serverTime", "the time",
                       arena_printf(&v->check->arena, "%.*s",
                                    (int)v->initialization.server_time.text.len,
                                    (const char *)v->initialization.server_time.text.ptr));
}

static enum sks_status ephemeral_curve(struct visit *v)
{
    struct public_key key;

    if (public_key_parse(v->initialization.server_ephemeral_key, &key) != SKS_OK ||
        key.kind != KEY_KIND_EC)
        return check_fail(v->check, "serverEphemeralKey", "an EC key", "another");
    return SKS_OK;
}

static enum sks_status rsa_server_key(struct visit *v)
{
    struct public_key key;

    if (public_key_parse(v->initialization.server_public_key, &key) != SKS_OK ||
        key.kind != KEY_KIND_RSA)
        return check_fail(v->check, "serverPublicKey", "an RSA key", "another");
    return expect_true(v->check,
                       public_key_bits(&key) >= SESSION_2010_RSA_MIN &&
                           public_key_bits(&key) <= SESSION_2010_RSA_MAX,
                       "serverPublicKey", "2048 to 4096 bits", "another size");
}

static enum sks_status ids_of_2010(struct visit *v)
{
    return expect_number(v->check, "serverSessionId: characters", SKS_SESSION_ID_2010,
                         v->invocation.server_session_id.len);
}

static enum sks_status no_kmk(struct visit *v)
{
    return expect_number(v->check, "keyManagementKey: octets", 0,
                         v->initialization.key_management_key.len);
}

static enum sks_status limit_of_2010(struct visit *v)
{
    return expect_number(v->check, "sessionKeyLimit", UINT16_MAX,
                         v->initialization.session_key_limit);
}

/* Post operations of later sessions need the same key, or a roll-over to another. */
static enum sks_status same_kmk(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 }, other = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_INITIALIZATION));
    TRY(visit_ready(&other, end, check, check->item->needs, AT_INITIALIZATION));
    rc = expect_bytes(check, "keyManagementKey of two sessions",
                      v.initialization.key_management_key, other.initialization.key_management_key);
out:
    visit_free(&v);
    visit_free(&other);
    return rc;
}

/* ---- KeyCreationRequest ---- */

static enum sks_status pin_lengths(struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++)
        if (v->key[i].pin != NULL &&
            v->key[i].pin->policy.min_length > v->key[i].pin->policy.max_length)
            return check_fail(v->check, "pinPolicySpecifier", "minLength up to maxLength",
                              "%u and %u", v->key[i].pin->policy.min_length,
                              v->key[i].pin->policy.max_length);
    return SKS_OK;
}

static enum sks_status endorsed_fit(struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++) {
        const struct key_entry *key = &v->key[i].specifier->key;
        const struct algorithm *made =
            algorithm_by_uri(key->key_algorithm, ALGORITHM_KEY_GENERATION);

        for (size_t k = 0; k < key->endorsed_algorithms.count; k++) {
            const struct algorithm *each =
                algorithm_by_uri(key->endorsed_algorithms.item[k], ALGORITHM_ENDORSABLE);

            if (each->kind != made->kind && each->kind != KEY_KIND_SYMMETRIC &&
                each->kind != KEY_KIND_NONE)
                return check_fail(v->check, "endorsedAlgorithms", "algorithms of such a key", "%s",
                                  each->uri);
        }
    }
    return SKS_OK;
}

static enum sks_status endorsed_once(struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++) {
        const struct bytes_list *list = &v->key[i].specifier->key.endorsed_algorithms;

        for (size_t k = 0; k < list->count; k++)
            for (size_t m = 0; m < k; m++)
                if (bytes_equal(list->item[k], list->item[m]))
                    return check_fail(v->check, "endorsedAlgorithms", "each once", "%.*s twice",
                                      (int)list->item[k].len, (const char *)list->item[k].ptr);
    }
    return SKS_OK;
}

static enum sks_status strong_keys(struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++) {
        const struct algorithm *made =
            algorithm_by_uri(v->key[i].specifier->key.key_algorithm, ALGORITHM_KEY_GENERATION);

        if (made->kind == KEY_KIND_RSA && made->size < 2048)
            return check_fail(v->check, "keyAlgorithm", "RSA of 2048 bits or more", "%s",
                              made->uri);
    }
    return SKS_OK;
}

static enum sks_status nonce_length(struct visit *v)
{
    return expect_number(v->check, "sessionCloseData: octets of the nonce", SKS_NONCE_MAX,
                         v->finalization.session_close_data->nonce.len);
}

/* ---- the list ---- */

#define INVOCATION(name) "InvocationRequest." name
#define INITIALIZATION(name) "ProvisioningInitializationRequest." name
#define CREATION(name) "KeyCreationRequest." name
#define FINALIZATION(name) "ProvisioningFinalizationRequest." name

static const struct conform_case CASES[] = {
    LOOK(INVOCATION("syntax"), "as the text has it, and nothing else",
         "KeyGen2 InvocationRequest; http 5", LEVEL_MUST, 0, AT_INVOCATION, fine),
    LOOK(INVOCATION("id-length"), "serverSessionId is too long to be guessed", "http 5",
         LEVEL_SHOULD, 0, AT_INVOCATION, id_length),
    FRESH(INVOCATION("id-fresh"), "serverSessionId is another one each time",
          "SKS createProvisioningSession; http 5", 0, AT_INVOCATION, server_session_id),
    LOOK(INITIALIZATION("syntax"), "as the text has it, of this session, keys on known curves",
         "KeyGen2 ProvisioningInitializationRequest; http 5", LEVEL_MUST, 0, AT_INITIALIZATION,
         fine),
    LOOK(INITIALIZATION("server-time"), "serverTime is the time",
         "KeyGen2 ProvisioningInitializationRequest; http 5", LEVEL_SHOULD, 0, AT_INITIALIZATION,
         server_time),
    LOOK(INITIALIZATION("ephemeral-curve"), "serverEphemeralKey is an EC key",
         "SKS createProvisioningSession", LEVEL_MUST, NEEDS(HAS_SESSION_1), AT_INITIALIZATION,
         ephemeral_curve),
    FRESH(INITIALIZATION("ephemeral-fresh"), "serverEphemeralKey is another one each time",
          "SKS createProvisioningSession", NEEDS(HAS_SESSION_1), AT_INITIALIZATION,
          server_ephemeral_key),
    CASE(LEVEL_SHOULD, INITIALIZATION("same-key-management-key"), "keyManagementKey stays the same",
         "practice", NEEDS(HAS_SESSION_1) | NEEDS(HAS_KMK), same_kmk, NULL),
    LOOK(INITIALIZATION("draft-2010-server-key"), "serverPublicKey is RSA of 2048 to 4096 bits",
         "2010 9", LEVEL_MUST, OLD, AT_INITIALIZATION, rsa_server_key),
    FRESH(INITIALIZATION("draft-2010-fresh"), "serverPublicKey is another one each time", "2010 10",
          OLD, AT_INITIALIZATION, server_public_key),
    LOOK(INITIALIZATION("draft-2010-id"), "serverSessionId has 32 characters", "2010 9", LEVEL_MUST,
         OLD, AT_INITIALIZATION, ids_of_2010),
    LOOK(INITIALIZATION("draft-2010-no-key-management-key"), "there is no keyManagementKey",
         "2010 9", LEVEL_MUST, OLD, AT_INITIALIZATION, no_kmk),
    LOOK(INITIALIZATION("draft-2010-limit"), "sessionKeyLimit is 65535", "2010 9", LEVEL_MUST, OLD,
         AT_INITIALIZATION, limit_of_2010),
    LOOK(CREATION("macs"), "ids, algorithm, MACs in their order with counters from 0",
         "SKS MAC Operations; http 5", LEVEL_MUST, NEEDS(HAS_KEYS), AT_CREATION, fine),
    FRESH(CREATION("mac-fresh"), "the MAC of createKeyEntry is another one each time",
          "SKS createProvisioningSession", WHOLE, AT_CREATION, key_mac),
    LOOK(CREATION("pin-lengths"), "minLength is not above maxLength", "SKS createPinPolicy",
         LEVEL_MUST, NEEDS(HAS_PIN_POLICY), AT_CREATION, pin_lengths),
    LOOK(CREATION("endorsed-fit"), "endorsed algorithms fit the key or what is imported over it",
         "SKS createKeyEntry", LEVEL_SHOULD, NEEDS(HAS_ENDORSED), AT_CREATION, endorsed_fit),
    LOOK(CREATION("endorsed-once"), "no algorithm is endorsed twice",
         "SKS createKeyEntry; KeyGen2 keyEntrySpecifier", LEVEL_SHOULD, NEEDS(HAS_ENDORSED),
         AT_CREATION, endorsed_once),
    LOOK(CREATION("strong-keys"), "no RSA keys below 2048 bits", "SP 800-131A", LEVEL_SHOULD,
         NEEDS(HAS_KEYS), AT_CREATION, strong_keys),
    FRESH(CREATION("puk-fresh"), "encryptedPuk has an IV of its own each time",
          "SKS Encrypted Data", NEEDS(HAS_PUK_POLICY), AT_CREATION, puk_iv),
    FRESH(CREATION("pin-fresh"), "encryptedPin has an IV of its own each time",
          "SKS Encrypted Data", NEEDS(HAS_PRESET_PIN), AT_CREATION, preset_pin_iv),
    LOOK(FINALIZATION("macs"), "ids, a credential for each key, MACs in their order, the close",
         "SKS MAC Operations; http 5", LEVEL_MUST, WHOLE, AT_FINALIZATION, fine),
    FRESH(FINALIZATION("nonce-fresh"), "the nonce of the close is another one each time",
          "SKS closeProvisioningSession", WHOLE, AT_FINALIZATION, nonce),
    LOOK(FINALIZATION("nonce-length"), "the nonce has 32 octets", "practice", LEVEL_SHOULD, WHOLE,
         AT_FINALIZATION, nonce_length),
};

void issuer_cases_of_requests(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
