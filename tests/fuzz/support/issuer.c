#include "keygen2/crypto/algorithms.h"
#include "tests/fuzz/support/issue.h"
#include "tests/plain/support/enrol.h"

#include <string.h>

static struct bytes device_certificate(struct world *w)
{
    static struct arena arena;
    static struct bytes certificate;
    union sks_in in = { 0 };
    union sks_out out;

    if (certificate.len == 0 && world_call(w, GET_DEVICE_INFO, &in, &out) == SKS_OK)
        certificate = arena_copy(&arena, out.device_info.certificate_path.item[0]);
    return certificate;
}

struct bytes issue_device_id(struct world *w, const struct known_session *s)
{
    return s->terms.privacy_enabled ? bytes_of(SKS_DEVICE_ANONYMOUS) : device_certificate(w);
}

struct bytes issue_keep(struct world *w, struct buf *made)
{
    struct bytes kept = arena_copy(&w->arena, buf_bytes(made));

    must(made->status == SKS_OK && kept.ptr != NULL, "memory");
    buf_free(made);
    return kept;
}

struct bytes issue_new_id(struct world *w)
{
    return bytes_of(arena_printf(&w->arena, "Object.%u", ++w->ids));
}

struct bytes issue_encrypted(struct issue *c, struct bytes clear)
{
    struct buf out = { 0 };

    must(session_encrypt(&c->session->sk, clear, &out) == SKS_OK, "encryption");
    return issue_keep(c->w, &out);
}

bool issue_pick_session(struct issue *c, bool open)
{
    size_t count = 0, which;

    for (size_t i = 0; i < c->w->sessions; i++)
        count += c->w->session[i].open == open;
    if (count == 0)
        return false;
    which = input_choice(c->input, count);
    for (c->session = c->w->session; c->session->open != open || which-- > 0; c->session++) {
    }
    c->in.handle = c->session->handle;
    return true;
}

struct known_key *issue_pick_key(struct issue *c, bool closed)
{
    size_t count = 0, which;
    struct known_key *key = c->w->key;

    for (size_t i = 0; i < c->w->keys; i++)
        count += c->w->key[i].closed == closed;
    if (count == 0)
        return NULL;
    which = input_choice(c->input, count);
    while (key->closed != closed || which-- > 0)
        key++;
    return key;
}

/* A policy of the call's session; 0 for none. */
uint32_t issue_pick_policy(struct issue *c, bool is_puk)
{
    size_t which = input_choice(c->input, 4);

    for (size_t i = c->w->policies; which > 0 && i > 0; i--) {
        const struct known_policy *policy = &c->w->policy[i - 1];

        if (policy->session == c->session->handle && policy->is_puk == is_puk && --which == 0)
            return policy->handle;
    }
    return 0;
}

struct bytes issue_policy_id(struct world *w, uint32_t handle, bool is_puk)
{
    const struct known_policy *policy = world_policy(w, handle, is_puk);

    return policy == NULL ? (struct bytes){ 0 } : policy->id;
}

/* ---- one call ---- */

/* Making an RSA key would take too long. */
static void spare_rsa(struct create_key_entry_in *in)
{
    const struct algorithm *algorithm =
        algorithm_by_uri(in->key.key_algorithm, ALGORITHM_KEY_GENERATION);

    if (algorithm != NULL && algorithm->kind == KEY_KIND_RSA)
        in->key.key_algorithm = (struct bytes){ 0 };
}

static void set_mac(struct issue *c, const struct issue_step *step, const struct sks_method *method)
{
    struct buf data = { 0 };
    uint8_t mac[SKS_MAC_SIZE];

    step->put(c, &data);
    must(data.status == SKS_OK &&
             session_mac(&c->session->sk, step->mac, buf_bytes(&data), mac) == SKS_OK,
         "MAC");
    buf_free(&data);
    for (size_t i = 0; i < method->in_count; i++)
        if (strcmp(method->in[i].name, "mac") == 0)
            *(struct bytes *)((uint8_t *)&c->in + method->in[i].offset) =
                arena_copy(&c->w->arena, bytes_at(mac, sizeof mac));
}

/* Handles are bound by the ids of what they name; a PIN that the user chose is not bound at all. */
static bool is_protected(const struct wire_field *field)
{
    return field->type != WIRE_UINT && field->type != WIRE_SECRET;
}

static void perform(struct issue *c, const struct issue_step *step, struct twist twist)
{
    const struct sks_method *method = sks_method((uint8_t)step->id);
    const struct wire_field *altered = NULL;
    uint32_t session = c->session == NULL ? 0 : c->session->handle;
    uint16_t counter = c->session == NULL ? 0 : c->session->sk.counter;

    for (unsigned i = 0; i < twist.before; i++)
        (void)input_alter(c->input, method->in, method->in_count, "mac", &c->in, &c->w->arena);
    if (step->id == CREATE_KEY_ENTRY)
        spare_rsa(&c->in.create_key_entry);
    if (step->mac != NULL)
        set_mac(c, step, method);
    if (twist.after)
        altered = input_alter(c->input, method->in, method->in_count, NULL, &c->in, &c->w->arena);
    if (world_call(c->w, step->id, &c->in, &c->out) == SKS_OK) {
        must(step->mac == NULL || altered == NULL || !is_protected(altered),
             "what was altered behind the MAC is noticed");
        if (step->done != NULL)
            step->done(c);
    } else if ((c->session = world_session(c->w, session, true)) != NULL) {
        c->session->sk.counter = counter; /* the call came to nothing */
    }
}

void issuer_step(struct world *w, struct input *input, size_t step, struct twist twist)
{
    struct issue c = { .w = w, .input = input };
    const struct issue_step *row = step < NITEMS(SESSION_STEPS)
                                       ? &SESSION_STEPS[step]
                                       : &KEY_STEPS[step - NITEMS(SESSION_STEPS)];

    if (row->fill(&c))
        perform(&c, row, twist);
}
