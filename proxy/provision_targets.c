#include "proxy/provision_targets.h"

#include "keygen2/base/log.h"
#include "keygen2/crypto/certificate.h"
#include "proxy/certificate_facts.h"
#include "proxy/provision.h"
#include "proxy/token_walk.h"

#include <stdlib.h>

struct search {
    struct enrolment *e;
    struct target **sorted; /* first by session ids, then by session handle and fingerprint */
    size_t count, left;     /* left: not found yet */
};

/* ---- which there are ---- */

static size_t count_targets(const struct provisioning_finalization_request *in)
{
    const struct issued_credential *credential = in->issued_credentials.item;
    size_t count = in->unlock_keys.count + in->delete_keys.count;

    for (size_t i = 0; i < in->issued_credentials.count; i++)
        count += (size_t)(credential[i].update_key != NULL) +
                 (size_t)(credential[i].clone_key_protection != NULL);
    return count;
}

static void add(struct targets *targets, enum target_use use, const struct target_key *key)
{
    if (key != NULL)
        targets->item[targets->count++] = (struct target){ .use = use, .key = key, .name = "?" };
}

static void add_all(struct targets *targets, enum target_use use, const struct json_array *keys)
{
    const struct target_key *key = keys->item;

    for (size_t i = 0; i < keys->count; i++)
        add(targets, use, &key[i]);
}

static void list_targets(const struct provisioning_finalization_request *in,
                         struct targets *targets)
{
    const struct issued_credential *credential = in->issued_credentials.item;

    for (size_t i = 0; i < in->issued_credentials.count; i++) {
        add(targets, TARGET_CLONE, credential[i].clone_key_protection);
        add(targets, TARGET_UPDATE, credential[i].update_key);
    }
    add_all(targets, TARGET_UNLOCK, &in->unlock_keys);
    add_all(targets, TARGET_DELETE, &in->delete_keys);
}

/* ---- sessions ---- */

static int compare_ids(const struct target *a, struct bytes client, struct bytes server)
{
    int order = bytes_compare(a->key->client_session_id, client);

    return order != 0 ? order : bytes_compare(a->key->server_session_id, server);
}

static int by_ids(const void *a, const void *b)
{
    const struct target *y = *(struct target *const *)b;

    return compare_ids(*(struct target *const *)a, y->key->client_session_id,
                       y->key->server_session_id);
}

/* First place in the sorted order that is not below what is looked for. */
static size_t lower_bound(const struct search *s, int (*compare)(const struct target *, void *),
                          void *wanted)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(s->sorted[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int compare_session(const struct target *target, void *wanted)
{
    const struct enumerate_sessions_out *session = wanted;

    return compare_ids(target, session->client_session_id, session->server_session_id);
}

static enum sks_status visit_session(void *ctx, const struct enumerate_sessions_out *session,
                                     bool *enough)
{
    struct search *s = ctx;
    struct enumerate_sessions_out wanted = *session;

    for (size_t i = lower_bound(s, compare_session, &wanted);
         i < s->count && compare_session(s->sorted[i], &wanted) == 0; i++) {
        s->left -= s->sorted[i]->session_handle == 0;
        s->sorted[i]->session_handle = session->provisioning_handle;
    }
    *enough = s->left == 0;
    return SKS_OK;
}

/* ---- keys ---- */

static int by_session_and_finger_print(const void *a, const void *b)
{
    const struct target *x = *(struct target *const *)a, *y = *(struct target *const *)b;

    if (x->session_handle != y->session_handle)
        return x->session_handle < y->session_handle ? -1 : 1;
    return bytes_compare(x->key->finger_print, y->key->finger_print);
}

/* A key whose session is wanted; without fingerprint it stands before all of its session. */
struct wanted_key {
    uint32_t session_handle;
    struct bytes finger_print;
};

static int compare_key(const struct target *target, void *wanted)
{
    const struct wanted_key *key = wanted;

    if (target->session_handle != key->session_handle)
        return target->session_handle < key->session_handle ? -1 : 1;
    return bytes_compare(target->key->finger_print, key->finger_print);
}

static const char *name_key(struct enrolment *e, const struct key_attributes_out *key)
{
    struct bytes friendly = key->friendly_name;
    struct buf subject = { 0 };
    X509 *x509 = NULL;
    char *name;

    if (certificate_parse(key->certificate_path.item[0], &x509) != SKS_OK ||
        put_certificate_principal(&subject, x509, false) != SKS_OK)
        buf_reset(&subject);
    name = arena_printf(&e->arena, "%.*s%s%.*s", (int)friendly.len, (const char *)friendly.ptr,
                        friendly.len > 0 && subject.len > 0 ? ", " : "", (int)subject.len,
                        (const char *)subject.ptr);
    if (name != NULL)
        log_clean(name);
    X509_free(x509);
    buf_free(&subject);
    return name == NULL ? "?" : name;
}

static enum sks_status visit_key(void *ctx, const struct enumerate_keys_out *found, bool *enough)
{
    struct search *s = ctx;
    struct wanted_key wanted = { .session_handle = found->provisioning_handle };
    union sks_in in = { .key_handle = { found->key_handle } };
    struct arena arena = { 0 };
    union sks_out out;
    const struct key_attributes_out *key = &out.key_attributes;
    uint8_t finger_print[32];
    const char *name = NULL;
    size_t i = lower_bound(s, compare_key, &wanted);
    enum sks_status rc = SKS_OK;

    if (i == s->count || s->sorted[i]->session_handle != wanted.session_handle)
        return SKS_OK;
    TRY(provision_call_in(s->e, GET_KEY_ATTRIBUTES, &in, &out, &arena));
    if (key->certificate_path.count == 0)
        goto out;
    TRY(sks_explain(&s->e->err,
                    certificate_fingerprint(key->certificate_path.item[0], finger_print)));
    wanted.finger_print = bytes_at(finger_print, sizeof finger_print);
    for (i = lower_bound(s, compare_key, &wanted);
         i < s->count && compare_key(s->sorted[i], &wanted) == 0; i++) {
        if (name == NULL)
            name = name_key(s->e, key);
        s->left -= s->sorted[i]->key_handle == 0;
        s->sorted[i]->key_handle = found->key_handle;
        s->sorted[i]->name = name;
    }
    *enough = s->left == 0;
out:
    arena_free(&arena);
    return rc;
}

/* ---- all of it ---- */

static enum sks_status check_found(struct enrolment *e, const struct targets *targets, bool keys)
{
    static const char *const PLACES[] = { "updateKey", "cloneKeyProtection", "unlockKeys",
                                          "deleteKeys" };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < targets->count; i++) {
        const struct target *target = &targets->item[i];

        REFUSE_UNLESS(target->session_handle != 0, e,
                      "%s: the token has no closed session %.*s / %.*s", PLACES[target->use],
                      (int)target->key->server_session_id.len,
                      (const char *)target->key->server_session_id.ptr,
                      (int)target->key->client_session_id.len,
                      (const char *)target->key->client_session_id.ptr);
        REFUSE_UNLESS(!keys || target->key_handle != 0, e,
                      "%s: session %.*s has no key with this fingerprint", PLACES[target->use],
                      (int)target->key->server_session_id.len,
                      (const char *)target->key->server_session_id.ptr);
    }
out:
    return rc;
}

enum sks_status targets_find(struct enrolment *e,
                             const struct provisioning_finalization_request *in,
                             struct targets *targets)
{
    struct search s = { .e = e, .count = count_targets(in) };
    enum sks_status rc = SKS_OK;

    *targets = (struct targets){ 0 };
    if (s.count == 0)
        return SKS_OK;
    targets->item = arena_alloc(&e->arena, s.count, sizeof *targets->item);
    s.sorted = arena_alloc(&e->arena, s.count, sizeof(struct target *));
    REQUIRE(targets->item != NULL && s.sorted != NULL, &e->err, SKS_ERROR_STORAGE,
            "no memory for %zu targets", s.count);
    list_targets(in, targets);
    for (size_t i = 0; i < s.count; i++)
        s.sorted[i] = &targets->item[i];
    qsort(s.sorted, s.count, sizeof(struct target *), by_ids);
    s.left = s.count;
    TRY(walk_sessions(e, false, visit_session, &s));
    TRY(check_found(e, targets, false));
    qsort(s.sorted, s.count, sizeof(struct target *), by_session_and_finger_print);
    s.left = s.count;
    TRY(walk_keys(e, visit_key, &s));
    TRY(check_found(e, targets, true));
out:
    return rc;
}

uint32_t targets_take(struct targets *targets)
{
    return targets->item[targets->next++].key_handle;
}
