#include "tests/plain/parts/key_user.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/session.h"
#include "keygen2/crypto/signature.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static const char MESSAGE[] = "what keys are used on";

/* ---- the results of keys ---- */

struct result {
    const struct key_sort *kind;
    struct bytes result;
};

static bool made_by(const struct generation *g, const void *what)
{
    const struct result *r = what;
    struct bytes data = bytes_of(MESSAGE);
    uint8_t mac[SKS_MAC_SIZE];
    EVP_PKEY *pkey;
    bool made;

    if (r->kind->use == PERFORM_HMAC)
        return hmac_sha256(bytes_at(g->secret, SECRET_SIZE), data, mac) == SKS_OK &&
               bytes_equal(bytes_at(mac, sizeof mac), r->result);
    must(public_key_load(g->public_key, &pkey) == SKS_OK, "public key");
    made = (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519
                ? verify_ed25519(pkey, data, r->result)
                : verify_sha256(pkey, data, r->result)) == SKS_OK;
    EVP_PKEY_free(pkey);
    return made;
}

static bool exported_from(const struct generation *g, const void *what)
{
    const struct result *r = what;

    if (g->export_protection == PROTECTION_NOT_ALLOWED)
        return false;
    return bytes_equal(r->result, r->kind->use == PERFORM_HMAC ? bytes_at(g->secret, SECRET_SIZE)
                                                               : g->public_key);
}

static bool has_certificate(const struct generation *g, const void *what)
{
    return bytes_equal(g->certificate, *(const struct bytes *)what);
}

static bool has_mark(const struct generation *g, const void *what)
{
    return bytes_equal(bytes_of(g->mark), *(const struct bytes *)what);
}

static bool has_protection(const struct generation *g, const void *what)
{
    const struct key_protection_out *shown = what;

    return g->export_protection == shown->export_protection &&
           g->delete_protection == shown->delete_protection;
}

/* ---- PINs and PUKs, right or wrong ---- */

static void choose_pin(const struct key_book *key, unsigned *random, char pin[PIN_TEXT_SIZE])
{
    pin[0] = '\0';
    if (key->pin != NULL && draw(random, 5) > 0)
        pin_book_current(key->pin, pin);
    else if (key->pin != NULL)
        (void)snprintf(pin, PIN_TEXT_SIZE, "%s", LEDGER_WRONG_PIN);
}

/* Seldom one that waits a second. */
static const char *choose_puk(const struct key_book *key, unsigned *random)
{
    if (key->pin != NULL && key->pin->puk_limit == 0 && draw(random, 20) > 0)
        return NULL;
    return draw(random, 4) > 0 ? LEDGER_PUK : LEDGER_WRONG_PUK;
}

/* ---- calls ---- */

enum sks_status try_use(struct token *token, struct key_book *key, const char *pin, uint64_t since)
{
    const struct key_sort *kind = key->kind;
    struct bytes data = bytes_of(MESSAGE);
    uint8_t digest[32];
    union sks_in in = { .operation = { .key_handle = key->handle,
                                       .algorithm = bytes_of(kind->used_with),
                                       .authorization = bytes_of(pin) } };
    struct arena arena = { 0 };
    union sks_out out;
    enum sks_status rc;

    must(EVP_Digest(data.ptr, data.len, digest, NULL, EVP_sha256(), NULL) == 1, "digest");
    in.operation.data = kind->hashed ? bytes_at(digest, sizeof digest) : data;
    rc = user_call(token, kind->use, &in, &out, &arena, NULL);
    if (rc == SKS_OK)
        must(generation_find(key, since, made_by, &(struct result){ kind, out.result.result }) >= 0,
             "a result is one of the key that was there");
    arena_free(&arena);
    return rc;
}

static void use(struct token *token, struct key_book *key, unsigned *random)
{
    uint64_t since = ledger_now();
    char pin[PIN_TEXT_SIZE];
    enum sks_status rc;

    choose_pin(key, random, pin);
    rc = try_use(token, key, pin, since);
    must_be_one_of(rc, allowed_on_key(key, since, allowed_by_pin(key->pin, pin, since, NULL)),
                   key->kind->name, key->handle);
}

static void look_at_attributes(struct token *token, struct key_book *key, unsigned *random)
{
    const union sks_in in = { .key_handle = { key->handle } };
    uint64_t since = ledger_now();
    struct arena arena = { 0 };
    union sks_out out;
    enum sks_status rc = user_call(token, GET_KEY_ATTRIBUTES, &in, &out, &arena, NULL);

    (void)random;
    must_be_one_of(rc, allowed_on_key(key, since, one_of(SKS_OK)), "getKeyAttributes", key->handle);
    if (rc == SKS_OK)
        must(out.key_attributes.certificate_path.count == 1 &&
                 generation_find(key, since, has_certificate,
                                 &out.key_attributes.certificate_path.item[0]) >= 0,
             "a certificate is one of the key that was there");
    arena_free(&arena);
}

static void look_at_protection(struct token *token, struct key_book *key, unsigned *random)
{
    uint64_t since = ledger_now();
    struct key_protection_out out;
    enum sks_status rc = try_protection(token, key->handle, &out);

    (void)random;
    must_be_one_of(rc, allowed_on_key(key, since, one_of(SKS_OK)), "getKeyProtectionInfo",
                   key->handle);
    if (rc != SKS_OK)
        return;
    must(generation_find(key, since, has_protection, &out) >= 0,
         "protections are those of the key that was there");
    must(((out.protection_status & PROTECTION_STATUS_PIN) != 0) == (key->pin != NULL) &&
             (out.pin_error_count <= out.retry_limit || key->pin == NULL),
         "its PIN is that of the key");
}

static void look_at_extension(struct token *token, struct key_book *key, unsigned *random)
{
    const union sks_in in = { .get_extension = { key->handle, bytes_of(ESTATE_BAG) } };
    uint64_t since = ledger_now();
    struct arena arena = { 0 };
    struct bytes name, mark = { 0 };
    bool writable = true;
    union sks_out out;
    enum sks_status rc = user_call(token, GET_EXTENSION, &in, &out, &arena, NULL);

    (void)random;
    must_be_one_of(rc, allowed_on_key(key, since, one_of(SKS_OK)), "getExtension", key->handle);
    if (rc == SKS_OK) {
        struct bytes bag = out.extension.extension_data;

        must(get_array(&bag, &name) == SKS_OK && get_bool(&bag, &writable) == SKS_OK &&
                 get_array(&bag, &mark) == SKS_OK && !writable,
             "property bag");
        must(generation_find(key, since, has_mark, &mark) >= 0,
             "an extension is one of the key that was there");
    }
    arena_free(&arena);
}

static void write_note(struct token *token, struct key_book *key, unsigned *random)
{
    uint64_t since = ledger_now();
    char note[16];
    enum sks_status rc;

    (void)snprintf(note, sizeof note, "%u", draw(random, 1U << 16));
    rc = try_set_property(token, key->handle, ESTATE_BAG, "note", note);
    must_be_one_of(rc, allowed_on_key(key, since, one_of(SKS_OK)), "setProperty", key->handle);
}

static void change_pin(struct token *token, struct key_book *key, unsigned *random)
{
    uint64_t since = ledger_now();
    struct pin_value *asked = key->pin == NULL ? NULL : pin_book_ask(key->pin);
    char pin[PIN_TEXT_SIZE];
    unsigned allowed;
    enum sks_status rc;

    if (asked == NULL)
        return;
    choose_pin(key, random, pin);
    rc = try_new_pin(token, CHANGE_PIN, key->handle, pin, asked->text);
    allowed = allowed_by_pin(key->pin, pin, since, asked);
    pin_book_answer(key->pin, asked, pin, rc == SKS_OK);
    must_be_one_of(rc, allowed_on_key(key, since, allowed), "changePin", key->handle);
}

static void set_pin(struct token *token, struct key_book *key, unsigned *random)
{
    uint64_t since = ledger_now();
    const char *puk = choose_puk(key, random);
    struct pin_value *asked = key->pin == NULL || puk == NULL ? NULL : pin_book_ask(key->pin);
    enum sks_status rc;

    if (asked == NULL)
        return;
    rc = try_new_pin(token, SET_PIN, key->handle, puk, asked->text);
    pin_book_answer(key->pin, asked, NULL, rc == SKS_OK);
    must_be_one_of(rc, allowed_on_key(key, since, allowed_by_puk(key->pin, puk)), "setPin",
                   key->handle);
}

static void unlock(struct token *token, struct key_book *key, unsigned *random)
{
    uint64_t since = ledger_now();
    const char *puk = choose_puk(key, random);
    enum sks_status rc;

    if (puk == NULL)
        return;
    rc = try_manage(token, UNLOCK_KEY, key->handle, puk);
    must_be_one_of(rc, allowed_on_key(key, since, allowed_by_puk(key->pin, puk)), "unlockKey",
                   key->handle);
}

/* ---- what a key's own protection guards ---- */

/* What the protection that the key has just now asks for; perhaps it has another in a moment. */
static bool choose_authorization(struct key_book *key, uint8_t protection, unsigned *random,
                                 char authorization[PIN_TEXT_SIZE])
{
    const char *puk = "";

    authorization[0] = '\0';
    if (protection == PROTECTION_PIN)
        choose_pin(key, random, authorization);
    else if (protection == PROTECTION_PUK && (puk = choose_puk(key, random)) == NULL)
        return false;
    else
        (void)snprintf(authorization, PIN_TEXT_SIZE, "%s", puk);
    return true;
}

static unsigned allowed_by_protection(struct key_book *key, uint8_t protection,
                                      const char *authorization, uint64_t since)
{
    switch (protection) {
    case PROTECTION_PIN:
        return allowed_by_pin(key->pin, authorization, since, NULL);
    case PROTECTION_PUK:
        return allowed_by_puk(key->pin, authorization);
    case PROTECTION_NOT_ALLOWED:
        return one_of(SKS_ERROR_NOT_ALLOWED);
    default:
        return one_of(authorization[0] == '\0' ? SKS_OK : SKS_ERROR_OPTION);
    }
}

/* Whichever generation it may have met. */
static unsigned allowed_guarded(struct key_book *key, bool export, const char *authorization,
                                uint64_t since)
{
    unsigned allowed = 0;

    for (unsigned i = 0; i < GENERATIONS_MAX; i++)
        if (generation_is_possible(key, i, since))
            allowed |= allowed_by_protection(key,
                                             export ? key->generation[i].export_protection
                                                    : key->generation[i].delete_protection,
                                             authorization, since);
    return allowed_on_key(key, since, allowed);
}

/* PKCS #8 as the public key; a symmetric key as it is. */
static struct bytes compare_by(struct arena *arena, const struct key_sort *kind, struct bytes value)
{
    const uint8_t *der = value.ptr;
    PKCS8_PRIV_KEY_INFO *info;
    EVP_PKEY *pkey;
    struct buf spki = { 0 };

    if (kind->use == PERFORM_HMAC)
        return value;
    info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, (long)value.len);
    pkey = info == NULL ? NULL : EVP_PKCS82PKEY(info);
    must(pkey != NULL && put_pkey(&spki, pkey) == SKS_OK, "PKCS #8");
    value = arena_copy(arena, buf_bytes(&spki));
    buf_free(&spki);
    EVP_PKEY_free(pkey);
    PKCS8_PRIV_KEY_INFO_free(info);
    return value;
}

static void export_it(struct token *token, struct key_book *key, unsigned *random)
{
    uint64_t since = ledger_now();
    union sks_in in = { .authorized = { key->handle, { 0 } } };
    char authorization[PIN_TEXT_SIZE];
    struct arena arena = { 0 };
    union sks_out out;
    enum sks_status rc;

    if (!choose_authorization(key, generation_current(key).export_protection, random,
                              authorization))
        return;
    in.authorized.authorization = bytes_of(authorization);
    rc = user_call(token, EXPORT_KEY, &in, &out, &arena, NULL);
    must_be_one_of(rc, allowed_guarded(key, true, authorization, since), "exportKey", key->handle);
    if (rc == SKS_OK)
        must(generation_find(key, since, exported_from,
                             &(struct result){ key->kind, compare_by(&arena, key->kind,
                                                                     out.result.result) }) >= 0,
             "what was exported is the key that was there, and allowed it");
    arena_free(&arena);
}

static void delete_it(struct token *token, struct key_book *key, unsigned *random)
{
    uint64_t since = ledger_now();
    char authorization[PIN_TEXT_SIZE];
    unsigned allowed;
    enum sks_status rc;

    if (draw(random, 4) > 0 || !choose_authorization(key, generation_current(key).delete_protection,
                                                     random, authorization))
        return;
    key_book_ask_deletion(key);
    rc = try_manage(token, DELETE_KEY, key->handle, authorization);
    allowed = allowed_guarded(key, false, authorization, since);
    if (!key_book_may_be_gone(key, 1)) /* but for this one */
        allowed &= ~one_of(SKS_ERROR_NO_KEY);
    key_book_answer_deletion(key, rc == SKS_OK);
    must_be_one_of(rc, allowed, "deleteKey", key->handle);
}

void use_key(struct token *token, struct key_book *key, unsigned *random)
{
    static void (*const CALLS[])(struct token * token, struct key_book * key, unsigned *random) = {
        use,
        use,
        use,
        use,
        look_at_attributes,
        look_at_protection,
        look_at_extension,
        write_note,
        change_pin,
        set_pin,
        unlock,
        export_it,
        export_it,
        delete_it,
    };

    CALLS[draw(random, NITEMS(CALLS))](token, key, random);
}
