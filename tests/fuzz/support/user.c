#include "tests/fuzz/support/user.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/signature.h"
#include "tests/fuzz/support/issuer.h"
#include "tests/fuzz/support/made_keys.h"
#include "tests/plain/support/enrol.h"

#include <string.h>

static void give_key(struct world *w, struct input *input, void *member)
{
    size_t which = input_byte(input);

    *(uint32_t *)member = w->keys == 0 ? 0 : w->key[which % w->keys].handle;
}

static void give_session(struct world *w, struct input *input, void *member)
{
    size_t which = input_byte(input);

    *(uint32_t *)member = w->sessions == 0 ? 0 : w->session[which % w->sessions].handle;
}

static void give_text(struct input *input, const char *const *text, size_t count, void *member)
{
    *(struct bytes *)member = bytes_of(text[input_choice(input, count)]);
}

static void give_authorization(struct world *w, struct input *input, void *member)
{
    static const char *const VALUE[] = { "4711", "", "0123456789", "0815", "AB7c", "9999" };

    (void)w;
    give_text(input, VALUE, NITEMS(VALUE), member);
}

static void give_pin(struct world *w, struct input *input, void *member)
{
    static const char *const VALUE[] = { "4711", "0815", "1234", "1122", "AB7c", "123", "" };

    (void)w;
    give_text(input, VALUE, NITEMS(VALUE), member);
}

static void give_property(struct world *w, struct input *input, void *member)
{
    static const char *const NAME[] = { "writable", "fixed", "none" };

    (void)w;
    give_text(input, NAME, NITEMS(NAME), member);
}

static void give_type(struct world *w, struct input *input, void *member)
{
    (void)w;
    give_text(input, EXTENSION_TYPE, EXTENSION_TYPES, member);
}

static void give_algorithm(struct world *w, struct input *input, void *member)
{
    (void)w;
    *(struct bytes *)member = bytes_of(ALGORITHMS[input_choice(input, ALGORITHMS_COUNT)].uri);
}

static void give_parameters(struct world *w, struct input *input, void *member)
{
    static const uint8_t iv[16];

    (void)w;
    *(struct bytes *)member = bytes_at(iv, input_choice(input, 3) == 1 ? sizeof iv : 0);
}

static void give_data(struct world *w, struct input *input, void *member)
{
    static const uint8_t SIZE[] = { 32, 0, 16, 48, 64, 20, 128, 117, 118 };
    static const uint8_t data[128];
    size_t which = input_choice(input, NITEMS(SIZE) + 2);

    if (which < NITEMS(SIZE))
        *(struct bytes *)member = bytes_at(data, SIZE[which]);
    else
        *(struct bytes *)member = which == NITEMS(SIZE) ? w->result : input_bytes(input);
}

static void give_public_key(struct world *w, struct input *input, void *member)
{
    size_t which = input_choice(input, MADE_KEYS + 1);

    (void)w;
    *(struct bytes *)member =
        which == MADE_KEYS ? input_bytes(input) : made_public_key((enum made_key)which);
}

static void give_nonce(struct world *w, struct input *input, void *member)
{
    static const uint8_t nonce[32] = { 0xFF };

    (void)w;
    *(struct bytes *)member =
        input_choice(input, 4) == 3 ? input_bytes(input) : bytes_at(nonce, sizeof nonce);
}

/* Longer than a run of the fuzzer. */
static void give_life_time(struct world *w, struct input *input, void *member)
{
    static const uint32_t SECONDS[] = { UINT16_MAX + 2, UINT32_MAX, UINT16_MAX, 0 };

    (void)w;
    *(uint32_t *)member = SECONDS[input_choice(input, NITEMS(SECONDS))];
}

static void give_server_key(struct world *w, struct input *input, void *member)
{
    (void)w;
    *(struct bytes *)member =
        input_choice(input, 4) == 3 ? input_bytes(input) : made_public_key(MADE_SERVER);
}

/* Fields by the names that the text gives them; a new method finds its fields here too. */
static const struct {
    const char *name;
    void (*give)(struct world *w, struct input *input, void *member);
} VALUES[] = {
    { "keyHandle", give_key },
    { "targetKeyHandle", give_key },
    { "authorization", give_authorization },
    { "provisioningHandle", give_session },
    { "newPin", give_pin },
    { "name", give_property },
    { "type", give_type },
    { "algorithm", give_algorithm },
    { "parameters", give_parameters },
    { "data", give_data },
    { "publicKey", give_public_key },
    { "server_session_id", give_nonce },
    { "client_session_id", give_nonce },
    { "server_public_key", give_server_key },
    { "life_time", give_life_time },
};

static void give_field(struct world *w, struct input *input, const struct wire_field *field,
                       union sks_in *in)
{
    for (size_t i = 0; i < NITEMS(VALUES); i++) {
        if (strcmp(VALUES[i].name, field->name) == 0) {
            VALUES[i].give(w, input, (uint8_t *)in + field->offset);
            return;
        }
    }
    input_fields(input, field, 1, in, &w->arena);
}

/* ---- results: of the key that is meant, whatever the token keeps in memory ---- */

static void check_signature(EVP_PKEY *key, struct bytes data, struct bytes signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    struct buf der = { 0 };

    must(put_ecdsa_der(&der, signature) == SKS_OK && EVP_PKEY_verify_init(ctx) > 0 &&
             EVP_PKEY_verify(ctx, der.ptr, der.len, data.ptr, data.len) == 1,
         "the signature is that of the key");
    EVP_PKEY_CTX_free(ctx);
    buf_free(&der);
}

static void check_agreement(struct bytes public_key, struct bytes result)
{
    struct buf z = { 0 };

    must(ecdh_raw(made_key(MADE_P256), public_key, &z) == SKS_OK &&
             bytes_equal(buf_bytes(&z), result),
         "the secret is that of the key");
    buf_free(&z);
}

static void check_result(struct world *w, enum method_id id, const struct operation_in *in,
                         struct bytes result)
{
    const struct known_key *key = world_key(w, in->key_handle, true);
    const struct algorithm *algorithm =
        algorithm_by_uri(in->algorithm, ALGORITHM_SIGNATURE | ALGORITHM_AGREEMENT);
    struct buf public_key = { 0 };
    EVP_PKEY *pkey = NULL;

    must(key != NULL && put_certificate_key(&public_key, key->certificate) == SKS_OK &&
             public_key_load(buf_bytes(&public_key), &pkey) == SKS_OK,
         "the key's certificate");
    if (id == SIGN_HASHED_DATA && algorithm->kind == KEY_KIND_EC)
        check_signature(pkey, in->data, result);
    if (id == KEY_AGREEMENT && bytes_equal(in->data, made_public_key(MADE_P256)))
        check_agreement(buf_bytes(&public_key), result);
    EVP_PKEY_free(pkey);
    buf_free(&public_key);
}

/* That of the 2010 profile comes last, so that inputs from before it mean what they meant. */
static const struct sks_method *choose_method(struct input *input)
{
    size_t which = input_choice(input, SKS_METHODS_COUNT);
    size_t late = (size_t)(sks_method(CREATE_SESSION_2010) - SKS_METHODS);

    if (which == SKS_METHODS_COUNT - 1)
        return &SKS_METHODS[late];
    return &SKS_METHODS[which < late ? which : which + 1];
}

void user_step(struct world *w, struct input *input)
{
    const struct sks_method *method = choose_method(input);
    union sks_in in = { 0 };
    union sks_out out;
    uint8_t twist = input_byte(input);

    if (method->id == CREATE_PROVISIONING_SESSION)
        return; /* without its key nothing could be done with it */
    if (method->id == CREATE_SESSION_2010 && w->sessions == SESSIONS_MAX)
        return;
    for (size_t i = 0; i < method->in_count; i++)
        give_field(w, input, &method->in[i], &in);
    if (twist == 1)
        (void)input_alter(input, method->in, method->in_count, NULL, &in, &w->arena);
    if (world_call(w, (enum method_id)method->id, &in, &out) != SKS_OK)
        return;
    if (method->id == CREATE_SESSION_2010)
        issuer_keep_session_2010(w, &in.create_session_2010, &out.create_session_2010);
    if (method->id == DELETE_KEY) {
        world_forget_key(w, in.handle);
        world_check_garbage();
    }
    if (method->id == SIGN_HASHED_DATA || method->id == KEY_AGREEMENT)
        check_result(w, (enum method_id)method->id, &in.operation, out.result.result);
    if (method->id == SYMMETRIC_KEY_ENCRYPT)
        w->result = out.result.result;
}
