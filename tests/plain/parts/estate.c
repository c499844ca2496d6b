#include "tests/plain/parts/estate.h"
#include "keygen2/crypto/private_key.h"
#include "tests/plain/support/issuing.h"

#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define SKS "https://webpki.github.io/sks/algorithm#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"

enum { DEEDS_MAX = 4, NEVER_BLOCKS = 10000, BLOCKS = 3 };

static const struct key_sort KINDS[] = {
    { "P-256", SKS "ec.nist.p256", NO_IMPORT, SIGN_HASHED_DATA, MORE "ecdsa-sha256", true, 10 },
    { "Ed25519", SKS "ed25519", NO_IMPORT, SIGN_HASHED_DATA, SKS "ed25519", false, 6 },
    { "symmetric", SKS "ec.nist.p256", SYMMETRIC_IMPORT, PERFORM_HMAC, MORE "hmac-sha256", false,
      4 },
    { "imported", SKS "ec.nist.p256", PRIVATE_IMPORT, SIGN_HASHED_DATA, MORE "rsa-sha256", true,
      3 },
    { "RSA", SKS "rsa1024", NO_IMPORT, SIGN_HASHED_DATA, MORE "rsa-sha256", true, 1 },
};

/* What a session does to one key. */
struct deed {
    enum deed_kind { MAKE, UPDATE, CLONE, UNLOCK, DELETE } what;
    struct key_book *key; /* the new one, or the target */
    struct key_book *target;
    struct generation generation; /* of a new one */
    struct generation *noted;     /* of an update, in the book, while the close is under way */
    uint32_t handle;              /* of a new one */
    bool deleting;                /* while the close is under way */
};

struct session_plan {
    struct issuing session;
    struct issued_policy policy; /* handle 0: none */
    struct pin_book *pin;        /* of the policy */
    struct deed deed[DEEDS_MAX];
    unsigned deeds, deactivations;
};

atomic_uint estate_deactivations;

static EVP_PKEY *imported;
static struct buf imported_public, imported_private;

unsigned draw(unsigned *random, unsigned below)
{
    *random = *random * 1664525U + 1013904223U;
    return (*random >> 16) % below;
}

void estates_begin(void)
{
    PKCS8_PRIV_KEY_INFO *info;
    uint8_t *der = NULL;
    int len;

    must(private_key_generate(algorithm_by_uri(bytes_of(SKS "rsa2048"), ALGORITHM_KEY_GENERATION),
                              (struct bytes){ 0 }, &imported) == SKS_OK,
         "RSA key");
    info = EVP_PKEY2PKCS8(imported);
    len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    must(len > 0 && put_pkey(&imported_public, imported) == SKS_OK, "RSA key");
    put_raw(&imported_private, bytes_at(der, (size_t)len));
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
}

void estates_end(void)
{
    EVP_PKEY_free(imported);
    buf_free(&imported_public);
    buf_free(&imported_private);
}

void estate_init(struct estate *estate)
{
    *estate = (struct estate){ .kmk = new_p256() };
    (void)pthread_mutex_init(&estate->issuing, NULL);
}

void estate_free(struct estate *estate)
{
    unsigned keys = atomic_load(&estate->keys);

    for (unsigned i = 0; i < keys; i++) {
        struct pin_book *pin = estate->key[i]->pin;

        for (unsigned k = i + 1; k < keys && pin != NULL; k++)
            if (estate->key[k]->pin == pin)
                estate->key[k]->pin = NULL;
        free(pin);
        free(estate->key[i]);
    }
    EVP_PKEY_free(estate->kmk);
    arena_free(&estate->arena);
}

struct key_book *estate_pick(struct estate *estate, unsigned *random)
{
    unsigned keys = atomic_load(&estate->keys);
    struct key_book *key = NULL;

    for (unsigned tries = 0; tries < 8 && keys > 0; tries++) {
        key = estate->key[draw(random, keys)];
        if (!key_book_may_be_gone(key, 0))
            break;
    }
    return key;
}

/* ---- what one session does ---- */

/* A session is lost to a deactivation, or fails for a target that a user deletes meanwhile. */
static bool went_well(const struct session_plan *plan, enum sks_status rc, const char *what)
{
    unsigned allowed = one_of(SKS_OK);

    if (plan->deactivations != atomic_load(&estate_deactivations))
        allowed |= one_of(SKS_ERROR_NO_SESSION) | one_of(SKS_ERROR_NO_KEY);
    for (unsigned i = 0; i < plan->deeds; i++)
        if (plan->deed[i].target != NULL &&
            key_book_may_be_gone(plan->deed[i].target, plan->deed[i].deleting ? 1 : 0))
            allowed |= one_of(SKS_ERROR_NO_KEY);
    must_be_one_of(rc, allowed, what, 0);
    return rc == SKS_OK;
}

static const struct key_sort *draw_kind(unsigned *random)
{
    unsigned all = 0, chosen;

    for (size_t i = 0; i < NITEMS(KINDS); i++)
        all += KINDS[i].weight;
    chosen = draw(random, all);
    for (size_t i = 0;; i++) {
        if (chosen < KINDS[i].weight)
            return &KINDS[i];
        chosen -= KINDS[i].weight;
    }
}

static struct pin_book *new_pin_book(unsigned *random)
{
    struct pin_book *book = calloc(1, sizeof *book);

    must(book != NULL, "memory");
    (void)pthread_mutex_init(&book->lock, NULL);
    book->blocks = draw(random, 4) == 0;
    book->puk_limit = book->blocks ? BLOCKS : draw(random, 8) == 0 ? 0 : NEVER_BLOCKS;
    pin_book_answer(book, pin_book_ask(book), NULL, true);
    return book;
}

static struct key_book *new_key_book(const struct key_sort *kind, struct pin_book *pin)
{
    struct key_book *key = calloc(1, sizeof *key);

    must(key != NULL, "memory");
    (void)pthread_mutex_init(&key->lock, NULL);
    key->kind = kind;
    key->pin = pin;
    return key;
}

static bool make_policy(struct session_plan *plan)
{
    struct pin_policy what = { .id = bytes_of("PIN"),
                               .user_defined = true,
                               .user_modifiable = true,
                               .grouping = GROUPING_SHARED,
                               .min_length = 4,
                               .max_length = 8 };
    struct issued_policy puk;

    what.retry_limit = plan->pin->blocks ? BLOCKS : NEVER_BLOCKS;
    return went_well(
               plan,
               issuing_puk_policy(&plan->session, "PUK", LEDGER_PUK, plan->pin->puk_limit, &puk),
               "createPukPolicy") &&
           went_well(plan, issuing_pin_policy(&plan->session, &what, &puk, &plan->policy),
                     "createPinPolicy");
}

static bool import_key(struct session_plan *plan, struct deed *deed, const struct issued_key *key)
{
    switch (deed->key->kind->import) {
    case SYMMETRIC_IMPORT:
        must(RAND_bytes(deed->generation.secret, SECRET_SIZE) == 1, "random bytes");
        return went_well(plan,
                         issuing_import_symmetric(&plan->session, key,
                                                  bytes_at(deed->generation.secret, SECRET_SIZE)),
                         "importSymmetricKey");
    case PRIVATE_IMPORT:
        return went_well(plan,
                         issuing_import_private(&plan->session, key, buf_bytes(&imported_private)),
                         "importPrivateKey");
    default:
        return true;
    }
}

/* Whose the bag is, and something to change. */
static bool extend(struct session_plan *plan, const struct deed *deed, const struct issued_key *key)
{
    struct buf bag = { 0 };
    struct extension extension = { .type = bytes_of(ESTATE_BAG),
                                   .sub_type = EXTENSION_PROPERTY_BAG };
    bool well;

    put_string(&bag, "of");
    put_bool(&bag, false);
    put_string(&bag, deed->generation.mark);
    put_string(&bag, "note");
    put_bool(&bag, true);
    put_string(&bag, "0");
    extension.data = buf_bytes(&bag);
    well = went_well(plan, issuing_extend(&plan->session, key, &extension), "addExtension");
    buf_free(&bag);
    return well;
}

/* Without a policy of its own it may be what takes the place of another, or shares its PIN. */
static bool make_key(struct session_plan *plan, struct deed *deed, struct arena *keep,
                     struct issued_key *key, unsigned *random)
{
    static const uint8_t OWN_PIN[] = { PROTECTION_NONE, PROTECTION_PIN, PROTECTION_PUK };
    static const uint8_t NO_PIN[] = { PROTECTION_NONE, PROTECTION_NOT_ALLOWED, PROTECTION_NONE };
    struct generation *g = &deed->generation;
    bool own_pin = deed->what == MAKE && deed->key->pin != NULL;
    const uint8_t *protections = own_pin ? OWN_PIN : NO_PIN;
    const struct key_entry what = {
        .id = bytes_of(arena_printf(&plan->session.arena, "Key.%td", deed - plan->deed)),
        .pin_value = bytes_of(own_pin ? deed->key->pin->value[0].text : ""),
        .export_protection = g->export_protection = protections[draw(random, 3)],
        .delete_protection = g->delete_protection = protections[draw(random, 3)],
        .app_usage = APP_USAGE_UNIVERSAL,
        .key_algorithm = bytes_of(deed->key->kind->generated_by),
    };
    bool is_private = deed->key->kind->import == PRIVATE_IMPORT;

    if (!went_well(plan, issuing_key(&plan->session, &what, own_pin ? &plan->policy : NULL, key),
                   "createKeyEntry"))
        return false;
    (void)snprintf(g->mark, sizeof g->mark, "%s/%td", plan->session.server_session_id,
                   deed - plan->deed);
    if (!went_well(plan,
                   issuing_certify(&plan->session, key,
                                   is_private ? buf_bytes(&imported_public) : (struct bytes){ 0 }),
                   "setCertificatePath") ||
        !import_key(plan, deed, key) || !extend(plan, deed, key))
        return false;
    g->public_key = arena_copy(keep, is_private ? buf_bytes(&imported_public) : key->public_key);
    g->certificate = arena_copy(keep, key->certificate);
    return true;
}

/* ---- choosing ---- */

/* A new key, of the policy's PIN or without one. */
static void plan_new_key(struct session_plan *plan, unsigned *random)
{
    struct deed *deed = &plan->deed[plan->deeds++];
    bool own_pin = plan->pin != NULL && draw(random, 3) > 0;

    *deed = (struct deed){ .what = MAKE };
    if (plan->deeds == 1) /* a policy must have a key */
        own_pin = plan->pin != NULL;
    deed->key = new_key_book(draw_kind(random), own_pin ? plan->pin : NULL);
}

static bool is_target(const struct session_plan *plan, const struct key_book *key)
{
    for (unsigned i = 0; i < plan->deeds; i++)
        if (plan->deed[i].target == key)
            return true;
    return false;
}

static void plan_post(struct estate *estate, struct session_plan *plan, unsigned *random,
                      bool has_room)
{
    static const enum deed_kind WHAT[] = { UPDATE, UPDATE, UPDATE, CLONE, UNLOCK, DELETE };
    struct key_book *target = estate_pick(estate, random);
    struct deed *deed = &plan->deed[plan->deeds];

    if (target == NULL || key_book_is_gone(target) || is_target(plan, target))
        return;
    *deed = (struct deed){ .what = WHAT[draw(random, NITEMS(WHAT))], .target = target };
    if ((deed->what == UNLOCK && target->pin == NULL) ||
        (deed->what == UPDATE && target->generations == GENERATIONS_MAX) ||
        (deed->what == CLONE && !has_room))
        return;
    if (deed->what == UPDATE)
        deed->key = target; /* its next generation */
    if (deed->what == CLONE)
        deed->key = new_key_book(draw_kind(random), target->pin);
    plan->deeds++;
}

static void make_plan(struct estate *estate, struct session_plan *plan, unsigned *random)
{
    unsigned wanted = 1 + draw(random, DEEDS_MAX);
    unsigned keys = atomic_load(&estate->keys);
    bool has_room = keys + DEEDS_MAX <= ESTATE_KEYS_MAX;

    if (has_room && (keys == 0 || draw(random, 3) == 0))
        plan->pin = new_pin_book(random);
    for (unsigned i = 0; i < wanted; i++)
        if (plan->pin != NULL || (has_room && draw(random, 4) == 0))
            plan_new_key(plan, random);
        else
            plan_post(estate, plan, random, has_room);
}

/* ---- doing ---- */

static bool post(struct estate *estate, struct session_plan *plan, const struct deed *deed,
                 const struct issued_key *key)
{
    static const struct {
        enum post_kind kind;
        const char *name;
    } POST[] = {
        [UPDATE] = { POST_UPDATE, "postUpdateKey" },
        [CLONE] = { POST_CLONE, "postCloneKeyProtection" },
        [UNLOCK] = { POST_UNLOCK, "postUnlockKey" },
        [DELETE] = { POST_DELETE, "postDeleteKey" },
    };
    const struct issued_key target = { .handle = deed->target->handle,
                                       .certificate =
                                           generation_current(deed->target).certificate };

    return went_well(plan,
                     issuing_post(&plan->session, POST[deed->what].kind, estate->kmk, key, &target),
                     POST[deed->what].name);
}

static bool do_deed(struct estate *estate, struct session_plan *plan, struct deed *deed,
                    unsigned *random)
{
    struct issued_key key;

    if (deed->what == UNLOCK || deed->what == DELETE)
        return post(estate, plan, deed, NULL);
    if (!make_key(plan, deed, &estate->arena, &key, random))
        return false;
    deed->handle = key.handle;
    return deed->what == MAKE || post(estate, plan, deed, &key);
}

/* From now on whoever looks may find it done. */
static void note_begin(struct deed *deed)
{
    deed->generation.note.begin = ledger_now();
    if (deed->what == UPDATE)
        deed->noted = key_book_ask_update(deed->key, &deed->generation);
    if (deed->what == DELETE)
        key_book_ask_deletion(deed->target);
    deed->deleting = deed->what == DELETE;
}

static void note_end(struct estate *estate, struct deed *deed, bool done)
{
    unsigned keys = atomic_load(&estate->keys);

    if (deed->what == UPDATE)
        key_book_answer_update(deed->key, deed->noted, done);
    if (deed->what == DELETE)
        key_book_answer_deletion(deed->target, done);
    if (!done || (deed->what != MAKE && deed->what != CLONE))
        return;
    deed->key->handle = deed->handle;
    key_book_answer_update(deed->key, key_book_ask_update(deed->key, &deed->generation), true);
    estate->key[keys] = deed->key;
    atomic_store(&estate->keys, keys + 1);
    deed->key = NULL; /* the estate's now */
}

static bool close_session(struct estate *estate, struct session_plan *plan)
{
    bool done;

    for (unsigned i = 0; i < plan->deeds; i++)
        note_begin(&plan->deed[i]);
    done = went_well(plan, issuing_close(&plan->session), "closeProvisioningSession");
    for (unsigned i = 0; i < plan->deeds; i++)
        note_end(estate, &plan->deed[i], done);
    return done;
}

static bool carry_out(struct estate *estate, struct session_plan *plan, struct token *token,
                      unsigned *random)
{
    if (!went_well(plan, issuing_begin(&plan->session, token, estate->kmk),
                   "createProvisioningSession") ||
        (plan->pin != NULL && !make_policy(plan)))
        return false;
    for (unsigned i = 0; i < plan->deeds; i++)
        if (!do_deed(estate, plan, &plan->deed[i], random))
            return false;
    if (draw(random, 5) > 0)
        return close_session(estate, plan);
    (void)went_well(plan, issuing_abort(&plan->session), "abortProvisioningSession");
    return false;
}

bool estate_manage(struct estate *estate, struct token *token, unsigned *random)
{
    struct session_plan plan = { .deactivations = atomic_load(&estate_deactivations) };
    bool done;

    if (pthread_mutex_trylock(&estate->issuing) != 0)
        return false;
    make_plan(estate, &plan, random);
    done = carry_out(estate, &plan, token, random);
    for (unsigned i = 0; i < plan.deeds; i++)
        if (plan.deed[i].what == MAKE || plan.deed[i].what == CLONE)
            free(plan.deed[i].key);
    if (!done)
        free(plan.pin);
    issuing_free(&plan.session);
    (void)pthread_mutex_unlock(&estate->issuing);
    return true;
}
