/* What each kind of object must be. A reference to a damaged row is no finding of its own: the row
 * is one. */
#include "keygen2/base/names.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/private_key.h"
#include "token/check_internal.h"

#include <string.h>

/* ---- what all have in common ---- */

/* Reads a row that is referred to. False if it is missing, which is a finding, or damaged. */
static bool get(struct checker *c, enum store_kind kind, const char *what, uint32_t handle,
                struct store_row *row)
{
    enum sks_status rc = store_get(c->store, kind, handle, &c->arena, row, NULL);

    if (rc == SKS_OK && row->handle == 0)
        check_find(c, "%s %u is missing", what, handle);
    else if (rc != SKS_OK && rc != SKS_ERROR_INTERNAL)
        c->trouble = rc;
    return rc == SKS_OK && row->handle != 0;
}

/* Nothing else would ever remove it. */
static void need_user(struct checker *c, enum store_kind by, const struct store_row *row)
{
    struct store_row user;

    if (store_next_referring(c->store, by, row->handle, 0, &c->arena, &user, NULL) == SKS_OK &&
        user.handle == 0)
        check_find(c, "nothing refers to it");
}

/* The session that a row belongs to has the same state as the row. */
static void check_owner(struct checker *c, const struct store_row *row)
{
    struct store_row session;

    if (!get(c, STORE_SESSION, "its session", row->owner, &session))
        return;
    if (session.closed != row->closed)
        check_find(c, "it is %s, but its session %u is %s", row->closed ? "closed" : "open",
                   row->owner, session.closed ? "closed" : "open");
}

/* PUKs, PIN policies and PINs belong to nobody once they are closed. */
static void check_guard(struct checker *c, const struct store_row *row, uint64_t birth)
{
    if (birth == 0)
        check_find(c, "it has no birth");
    if (!row->closed)
        check_owner(c, row);
    else if (row->owner != 0)
        check_find(c, "it is closed, but belongs to session %u", row->owner);
    if (row->closed && row->name.len > 0)
        check_find(c, "it is closed, but has a name");
    if (row->tag.len > 0)
        check_find(c, "it has a fingerprint");
}

static void check_tries(struct checker *c, const struct secret *s, uint16_t limit)
{
    if (s->tries.charged > limit)
        check_find(c, "%u wrong tries, of %u that are possible", s->tries.charged, limit);
}

static bool same_life(const struct store_row *a, const struct store_row *b)
{
    return a->owner == b->owner && a->closed == b->closed;
}

/* ---- PUK, PIN policy, PIN ---- */

void check_puk(struct checker *c, const struct store_row *row)
{
    struct secret puk;

    if (secret_from_row(row, &puk) != SKS_OK) {
        check_find(c, "it does not decode");
        return;
    }
    check_guard(c, row, puk.birth);
    if (row->refers != 0)
        check_find(c, "it refers to something");
    check_tries(c, &puk, puk.retry_limit);
    if (row->closed)
        need_user(c, STORE_PIN_POLICY, row);
}

static void check_puk_of(struct checker *c, const struct store_row *row,
                         const struct pin_policy_object *policy)
{
    struct store_row puk_row;
    struct secret puk;

    if (!get(c, STORE_PUK, "its PUK policy", policy->puk.handle, &puk_row) ||
        secret_from_row(&puk_row, &puk) != SKS_OK)
        return;
    if (puk.birth != policy->puk.birth)
        check_find(c, "PUK policy %u is not the one that it was made with", puk.handle);
    if (!same_life(row, &puk_row))
        check_find(c, "PUK policy %u is of another session", puk.handle);
}

void check_pin_policy(struct checker *c, const struct store_row *row)
{
    struct pin_policy_object policy;

    if (pin_policy_from_row(row, &policy) != SKS_OK) {
        check_find(c, "it does not decode");
        return;
    }
    check_guard(c, row, policy.birth);
    if (row->refers != policy.puk.handle)
        check_find(c, "its columns speak of another PUK policy than it does");
    if (policy.puk.handle != 0)
        check_puk_of(c, row, &policy);
    if (row->closed)
        need_user(c, STORE_PIN, row);
}

void check_pin(struct checker *c, const struct store_row *row)
{
    struct pin_policy_object policy;
    struct store_row policy_row;
    struct secret pin;

    if (secret_from_row(row, &pin) != SKS_OK) {
        check_find(c, "it does not decode");
        return;
    }
    check_guard(c, row, pin.birth);
    need_user(c, STORE_KEY, row);
    if (!get(c, STORE_PIN_POLICY, "its PIN policy", pin.policy, &policy_row) ||
        pin_policy_from_row(&policy_row, &policy) != SKS_OK)
        return;
    if (!same_life(row, &policy_row))
        check_find(c, "PIN policy %u is of another session", pin.policy);
    check_tries(c, &pin, policy.policy.retry_limit);
}

/* ---- a key ---- */

static void check_pin_of(struct checker *c, const struct key *key)
{
    struct pin_policy_object policy;
    struct store_row pin_row, policy_row;
    struct secret pin;

    if (get(c, STORE_PIN, "its PIN", key->pin.handle, &pin_row) &&
        secret_from_row(&pin_row, &pin) == SKS_OK) {
        if (pin.birth != key->pin.birth)
            check_find(c, "PIN %u is not the one that it was made with", pin.handle);
        if (pin.policy != key->pin_policy.handle)
            check_find(c, "PIN %u is of another PIN policy", pin.handle);
    }
    if (get(c, STORE_PIN_POLICY, "its PIN policy", key->pin_policy.handle, &policy_row) &&
        pin_policy_from_row(&policy_row, &policy) == SKS_OK &&
        policy.birth != key->pin_policy.birth)
        check_find(c, "PIN policy %u is not the one that it was made with", policy.handle);
}

static void check_columns_of_key(struct checker *c, const struct store_row *row,
                                 const struct key *key)
{
    uint8_t fingerprint[32];
    struct bytes tag = { 0 };

    if (row->refers != key->pin.handle)
        check_find(c, "its columns speak of another PIN than it does");
    if (!bytes_equal(row->name, key->closed ? (struct bytes){ 0 } : key->id))
        check_find(c, "its columns have another name than it has");
    if (key->certificate_path.count > 0 &&
        certificate_fingerprint(key->certificate_path.item[0], fingerprint) == SKS_OK)
        tag = bytes_at(fingerprint, sizeof fingerprint);
    if (!bytes_equal(row->tag, tag))
        check_find(c, "its columns have the fingerprint of another certificate");
}

static void check_certificates(struct checker *c, const struct key *key)
{
    struct buf spki = { 0 };
    X509 *x509;

    for (size_t i = 0; i < key->certificate_path.count; i++) {
        if (certificate_parse(key->certificate_path.item[i], &x509) != SKS_OK)
            check_find(c, "certificate number %zu does not decode", i);
        X509_free(x509);
    }
    if (!key->closed) /* the close will ask for the rest */
        return;
    if (key->certificate_path.count == 0)
        check_find(c, "it has no certificate");
    else if (put_certificate_key(&spki, key->certificate_path.item[0]) == SKS_OK &&
             !bytes_equal(buf_bytes(&spki), key->public_key))
        check_find(c, "its certificate is of another key");
    buf_free(&spki);
}

static void check_private_key(struct checker *c, const struct key *key)
{
    struct bytes numbers = key->private_key;
    struct buf spki = { 0 };
    EVP_PKEY *pkey = NULL;

    if (get_private_key(&numbers, &pkey) != SKS_OK || get_end(&numbers) != SKS_OK)
        check_find(c, "its private key does not decode");
    else if (put_pkey(&spki, pkey) != SKS_OK || !bytes_equal(buf_bytes(&spki), key->public_key))
        check_find(c, "its private key is not that of its public key");
    EVP_PKEY_free(pkey);
    buf_free(&spki);
}

/* A close refuses a certificate that another key has. Told once of each pair. */
static void check_twins(struct checker *c, const struct store_row *row)
{
    struct store_row twin = { .handle = row->handle };

    if (!row->closed || row->tag.len == 0)
        return;
    while (store_next_tagged(c->store, row->tag, twin.handle, &c->arena, &twin, NULL) == SKS_OK &&
           twin.handle != 0)
        if (twin.kind == STORE_KEY && twin.closed)
            check_find(c, "key %u has the same certificate", twin.handle);
}

static void check_extensions_of(struct checker *c, const struct key *key)
{
    struct key_extension e;
    struct arena one = { 0 };
    bool found;

    for (size_t i = 0; i < key->extension_types.count; i++) {
        struct bytes type = key->extension_types.item[i];

        if (extension_load(c->store, key, type, &one, &e, &found, NULL) == SKS_OK && !found)
            check_find(c, "its extension of type %.*s is missing", (int)type.len,
                       (const char *)type.ptr);
        arena_free(&one); /* they may be large */
    }
}

void check_key(struct checker *c, const struct store_row *row)
{
    struct key key;

    if (key_from_row(row, &c->arena, &key) != SKS_OK) {
        check_find(c, "it does not decode");
        return;
    }
    check_owner(c, row);
    check_columns_of_key(c, row, &key);
    check_private_key(c, &key);
    check_certificates(c, &key);
    check_twins(c, row);
    check_extensions_of(c, &key);
    if ((key.pin.handle == 0) != (key.pin_policy.handle == 0) ||
        (key.pin.handle != 0 && key.device_pin_protection))
        check_find(c, "its PIN and its PIN policy contradict each other");
    else if (key.pin.handle != 0)
        check_pin_of(c, &key);
}

/* ---- extensions, post operations ---- */

void check_extension(struct checker *c, const struct store_row *row)
{
    struct key_extension e, named = { 0 };
    struct store_row key_row;
    struct key key;
    bool listed = false, found = false;

    if (extension_from_row(row, &e) != SKS_OK) {
        check_find(c, "it does not decode");
        return;
    }
    if (!get(c, STORE_KEY, "its key", e.key, &key_row) ||
        key_from_row(&key_row, &c->arena, &key) != SKS_OK)
        return;
    if (!same_life(row, &key_row))
        check_find(c, "key %u is of another session", e.key);
    for (size_t i = 0; i < key.extension_types.count; i++)
        listed |= bytes_equal(key.extension_types.item[i], e.extension.type);
    if (!listed)
        check_find(c, "key %u knows of no such extension", e.key);
    else if (extension_load(c->store, &key, e.extension.type, &c->arena, &named, &found, NULL) ==
                 SKS_OK &&
             (!found || named.handle != row->handle))
        check_find(c, "its columns have another name than it has");
}

/* Its target may have been deleted since: then the close will refuse it. */
static void check_target(struct checker *c, uint32_t handle)
{
    struct store_row target;

    if (handle == 0 || handle > store_last_handle(c->store, STORE_KEY))
        check_find(c, "there never was its target, key %u", handle);
    else if (store_get(c->store, STORE_KEY, handle, &c->arena, &target, NULL) == SKS_OK &&
             target.handle != 0 && !target.closed)
        check_find(c, "its target, key %u, is still being provisioned", handle);
}

void check_post(struct checker *c, const struct store_row *row)
{
    struct post_operation post;
    struct store_row key;
    bool wants_key;

    if (post_from_row(row, &post) != SKS_OK || post.kind > POST_CLONE) {
        check_find(c, "it does not decode");
        return;
    }
    check_owner(c, row);
    if (row->closed)
        check_find(c, "it is closed");
    check_target(c, post.target);
    wants_key = post.kind == POST_UPDATE || post.kind == POST_CLONE;
    if (wants_key != (post.new_key != 0))
        check_find(c, "it must%s have a new key", wants_key ? "" : " not");
    else if (wants_key && get(c, STORE_KEY, "its new key", post.new_key, &key) &&
             !same_life(row, &key))
        check_find(c, "its new key %u is of another session", post.new_key);
}
