#include "tests/plain/support/enrol.h"
#include "tests/plain/support/issuing.h"

#include <stdlib.h>

static const char EXTENSION[] = "https://example.com/extension";

struct enrolment {
    struct issuing session;
    const struct enrolment_plan *plan;
    struct issued_policy pin;
    struct issued_key key[ENROLMENT_KEYS_MAX];
    unsigned keys;
};

static void make_policies(struct enrolment *e)
{
    const struct pin_policy what = { .id = bytes_of("PIN.1"),
                                     .user_defined = true,
                                     .user_modifiable = true,
                                     .retry_limit = 3,
                                     .min_length = 4,
                                     .max_length = 8 };
    struct issued_policy puk = { 0 };

    if (e->plan->puk != NULL)
        must(issuing_puk_policy(&e->session, "PUK.1", e->plan->puk, 3, &puk) == SKS_OK,
             "createPukPolicy");
    if (e->plan->pin != NULL)
        must(issuing_pin_policy(&e->session, &what, &puk, &e->pin) == SKS_OK, "createPinPolicy");
}

static struct issued_key *make_key(struct enrolment *e)
{
    const struct enrolment_plan *plan = e->plan;
    struct issued_key *key = &e->key[e->keys % ENROLMENT_KEYS_MAX];
    const struct key_entry what = {
        .id = bytes_of(arena_printf(&e->session.arena, "Key.%u", e->keys)),
        .pin_value = bytes_of(plan->pin == NULL ? "" : plan->pin),
        .key_algorithm = bytes_of(plan->algorithm),
    };

    must(issuing_key(&e->session, &what, &e->pin, key) == SKS_OK, "createKeyEntry");
    e->keys++;
    return key;
}

static void extend(struct enrolment *e, const struct issued_key *key)
{
    const size_t size = e->plan->extension_size;
    const struct extension extension = {
        .type = bytes_of(EXTENSION), .data = { arena_alloc(&e->session.arena, size, 1), size }
    };

    must(issuing_extend(&e->session, key, &extension) == SKS_OK, "addExtension");
}

struct enrolment *enrolment_begin(struct token *token, const struct enrolment_plan *plan)
{
    struct enrolment *e = calloc(1, sizeof *e);

    must(e != NULL && plan->keys <= ENROLMENT_KEYS_MAX, "enrolment");
    e->plan = plan;
    must(issuing_begin(&e->session, token, NULL) == SKS_OK, "createProvisioningSession");
    make_policies(e);
    for (unsigned i = 0; i < plan->keys; i++) {
        struct issued_key *key = make_key(e);

        must(issuing_certify(&e->session, key, (struct bytes){ 0 }) == SKS_OK,
             "setCertificatePath");
        if (plan->symmetric_key.len > 0)
            must(issuing_import_symmetric(&e->session, key, plan->symmetric_key) == SKS_OK,
                 "importSymmetricKey");
        if (plan->extension_size > 0)
            extend(e, key);
    }
    return e;
}

void enrolment_close(struct enrolment *e)
{
    must(issuing_close(&e->session) == SKS_OK, "closeProvisioningSession");
}

void enrolment_add_key(struct enrolment *e)
{
    (void)make_key(e);
}

void enrolment_abort(struct enrolment *e)
{
    must(issuing_abort(&e->session) == SKS_OK, "abortProvisioningSession");
}

uint32_t enrolment_key(const struct enrolment *e, unsigned number)
{
    return e->key[number].handle;
}

void enrolment_free(struct enrolment *e)
{
    issuing_free(&e->session);
    OPENSSL_clear_free(e, sizeof *e);
}

void enrol(struct token *token, const char *pin, uint32_t *handle)
{
    const struct enrolment_plan plan = { .algorithm = P256, .keys = 1, .pin = pin };
    struct enrolment *e = enrolment_begin(token, &plan);

    enrolment_close(e);
    *handle = enrolment_key(e, 0);
    enrolment_free(e);
}

void enrol_and_abort(struct token *token)
{
    const struct enrolment_plan plan = { .algorithm = P256, .keys = 1, .pin = "4711" };
    struct enrolment *e = enrolment_begin(token, &plan);

    enrolment_abort(e);
    enrolment_free(e);
}
