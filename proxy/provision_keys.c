/*
 * KeyCreationRequest: first every PIN is chosen and checked, then the token is asked. KeyGen2,
 * KeyCreationRequest: "executed in exactly the order they are declared", as the MACs count.
 */
#include "keygen2/crypto/pin_rules.h"
#include "keygen2/crypto/pin_text.h"
#include "keygen2/crypto/public_key.h"
#include "proxy/provision.h"

#include <stdio.h>

/* ---- PINs of the user's ---- */

/* The keys of one PIN policy, while their PINs are being chosen. */
struct choice {
    struct enrolment *e;
    struct arena *secrets; /* holds the PINs */
    const struct pin_policy *policy;
    struct key_entry_specifier *key;
    size_t count;
};

static int group_of(const struct choice *c, size_t number)
{
    return pin_group(c->policy->grouping, c->key[number].key.app_usage);
}

static bool is_shared(const struct choice *c, size_t a, size_t b)
{
    return group_of(c, a) >= 0 && group_of(c, a) == group_of(c, b);
}

/* Names the key for the prompt: "signing key and all that share its PIN". */
static void name_key(const struct choice *c, size_t number, char *name, size_t size)
{
    struct bytes text = c->key[number].key.friendly_name;
    bool others = false;

    if (text.len == 0)
        text = c->key[number].key.id;
    for (size_t i = number + 1; i < c->count; i++)
        others = others || is_shared(c, number, i);
    (void)snprintf(name, size, "key \"%.*s\"%s", (int)text.len, (const char *)text.ptr,
                   others ? " and all that share its PIN" : "");
}

/* SKS V1.07, createPinPolicy, grouping: keys of different groups have different PINs. */
static enum sks_status check_distinct(const struct choice *c, size_t number, struct bytes pin,
                                      struct sks_error *err)
{
    for (size_t i = 0; i < number && group_of(c, number) >= 0; i++)
        if (!is_shared(c, i, number) && bytes_equal_secret(c->key[i].key.pin_value, pin))
            return sks_fail(err, SKS_ERROR_OPTION,
                            "keys %.*s and %.*s of policy %.*s must have different PINs; give "
                            "--pin once for each",
                            (int)c->key[i].key.id.len, (const char *)c->key[i].key.id.ptr,
                            (int)c->key[number].key.id.len, (const char *)c->key[number].key.id.ptr,
                            (int)c->policy->id.len, (const char *)c->policy->id.ptr);
    return SKS_OK;
}

static enum sks_status take_pin(const struct choice *c, size_t number, struct bytes typed,
                                struct sks_error *err)
{
    struct buf pin = { 0 };
    enum sks_status rc;

    TRY(pin_from_text(c->policy->format, typed, &pin, err));
    if (!c->e->blind) {
        TRY(pin_check(c->policy, buf_bytes(&pin), err));
        TRY(check_distinct(c, number, buf_bytes(&pin), err));
    }
    c->key[number].key.pin_value = arena_copy(c->secrets, buf_bytes(&pin));
    REQUIRE(c->key[number].key.pin_value.ptr != NULL, err, SKS_ERROR_STORAGE,
            "no memory for a PIN");
out:
    buf_free(&pin);
    return rc;
}

/* A person at a terminal gets another try, a script the reason. */
static enum sks_status choose_pin(const struct choice *c, size_t number)
{
    struct sks_error *err = &c->e->err;
    struct buf typed = { 0 };
    char name[300], wants[PIN_POLICY_TEXT_MAX];
    enum sks_status rc;

    for (size_t i = 0; i < number; i++) {
        if (is_shared(c, i, number)) {
            c->key[number].key.pin_value = c->key[i].key.pin_value;
            return SKS_OK;
        }
    }
    name_key(c, number, name, sizeof name);
    pin_policy_text(c->policy, wants);
    do {
        TRY(user_pin(c->e->user, name, wants, &typed, err));
        rc = take_pin(c, number, buf_bytes(&typed), err);
    } while (rc == SKS_ERROR_OPTION && user_try_again(c->e->user, err->text));
out:
    buf_free(&typed);
    return rc;
}

static enum sks_status choose_pins(struct enrolment *e, struct arena *secrets,
                                   const struct json_array *policies)
{
    struct pin_policy_specifier *spec = policies->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < policies->count; i++) {
        struct choice choice = { e, secrets, &spec[i].policy, spec[i].key_entry_specifiers.item,
                                 spec[i].key_entry_specifiers.count };

        for (size_t k = 0; k < choice.count && spec[i].policy.user_defined; k++)
            TRY(choose_pin(&choice, k));
    }
out:
    return rc;
}

static enum sks_status choose_all_pins(struct enrolment *e, struct arena *secrets,
                                       const struct key_creation_request *request)
{
    const struct puk_policy_specifier *puk = request->puk_policy_specifiers.item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < request->puk_policy_specifiers.count; i++)
        TRY(choose_pins(e, secrets, &puk[i].pin_policy_specifiers));
    TRY(choose_pins(e, secrets, &request->pin_policy_specifiers));
out:
    return rc;
}

/* ---- policies and keys ---- */

static size_t count_policy_keys(const struct json_array *policies)
{
    const struct pin_policy_specifier *spec = policies->item;
    size_t count = 0;

    for (size_t i = 0; i < policies->count; i++)
        count += spec[i].key_entry_specifiers.count;
    return count;
}

static size_t count_keys(const struct key_creation_request *request)
{
    const struct puk_policy_specifier *puk = request->puk_policy_specifiers.item;
    size_t count = request->key_entry_specifiers.count;

    for (size_t i = 0; i < request->puk_policy_specifiers.count; i++)
        count += count_policy_keys(&puk[i].pin_policy_specifiers);
    return count + count_policy_keys(&request->pin_policy_specifiers);
}

/* What is being made, in the order of the calls: response and e->keys grow alike. */
struct creation {
    struct enrolment *e;
    struct generated_key *made;
    size_t count;
};

static enum sks_status create_key(struct creation *c, uint32_t pin_policy_handle,
                                  const struct key_entry_specifier *spec)
{
    union sks_in in = { .create_key_entry = { c->e->provisioning_handle, pin_policy_handle,
                                              spec->key, spec->mac } };
    union sks_out out;
    const struct create_key_entry_out *key = &out.create_key_entry;
    struct public_key parts;
    enum sks_status rc;

    TRY(provision_call(c->e, CREATE_KEY_ENTRY, &in, &out));
    REFUSE_UNLESS(public_key_parse(key->public_key, &parts) == SKS_OK && key->attestation.len > 0,
                  c->e, "the token gave a malformed key");
    c->made[c->count++] = (struct generated_key){ spec->key.id, key->public_key, key->attestation };
    c->e->keys[c->e->key_count++] = (struct outcome_key){ spec->key.id, key->key_handle };
out:
    return rc;
}

static enum sks_status create_keys(struct creation *c, uint32_t pin_policy_handle,
                                   const struct json_array *keys)
{
    const struct key_entry_specifier *spec = keys->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < keys->count; i++)
        TRY(create_key(c, pin_policy_handle, &spec[i]));
out:
    return rc;
}

static enum sks_status create_pin_policies(struct creation *c, uint32_t puk_policy_handle,
                                           const struct json_array *policies)
{
    const struct pin_policy_specifier *spec = policies->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < policies->count; i++) {
        union sks_in in = { .create_pin_policy = { c->e->provisioning_handle, puk_policy_handle,
                                                   spec[i].policy, spec[i].mac } };
        union sks_out out;

        TRY(provision_call(c->e, CREATE_PIN_POLICY, &in, &out));
        TRY(create_keys(c, out.handle.handle, &spec[i].key_entry_specifiers));
    }
out:
    return rc;
}

static enum sks_status create_puk_policies(struct creation *c, const struct json_array *policies)
{
    const struct puk_policy_specifier *spec = policies->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < policies->count; i++) {
        union sks_in in = { .create_puk_policy = { c->e->provisioning_handle, spec[i].policy,
                                                   spec[i].mac } };
        union sks_out out;

        TRY(provision_call(c->e, CREATE_PUK_POLICY, &in, &out));
        TRY(create_pin_policies(c, out.handle.handle, &spec[i].pin_policy_specifiers));
    }
out:
    return rc;
}

enum sks_status provision_key_creation(struct enrolment *e, const void *request, void *response)
{
    const struct key_creation_request *in = request;
    struct key_creation_response *out = response;
    struct creation creation = { .e = e };
    struct arena secrets = { 0 };
    size_t count = count_keys(in);
    enum sks_status rc;

    REFUSE_UNLESS(!in->deferred_issuance || e->state_folder != NULL, e,
                  "deferred issuance, and no folder to keep the session in");
    e->deferred = in->deferred_issuance && e->state_folder != NULL;
    REFUSE_UNLESS(count > 0, e, "KeyCreationRequest asks for no key");
    creation.made = arena_alloc(&e->arena, count + 1, sizeof *creation.made);
    e->keys = arena_alloc(&e->arena, count + 1, sizeof *e->keys);
    e->key_count = 0;
    REQUIRE(creation.made != NULL && e->keys != NULL, &e->err, SKS_ERROR_STORAGE,
            "no memory for %zu keys", count);
    TRY(choose_all_pins(e, &secrets, in));
    TRY(create_puk_policies(&creation, &in->puk_policy_specifiers));
    TRY(create_pin_policies(&creation, 0, &in->pin_policy_specifiers));
    TRY(create_keys(&creation, 0, &in->key_entry_specifiers));
    out->generated_keys = (struct json_array){ creation.made, creation.count };
out:
    arena_free(&secrets); /* the request's pin_value must not be read again */
    return rc;
}
