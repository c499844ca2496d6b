/* The issuer's calls about keys: making them, what goes into them, post operations. */
#include "tests/fuzz/support/issue.h"
#include "tests/fuzz/support/made_keys.h"
#include "tests/plain/support/enrol.h"

#define SKS_URI "https://webpki.github.io/sks/algorithm#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"

static bool fill_open_key(struct issue *c)
{
    c->key = issue_pick_key(c, false);
    if (c->key == NULL)
        return false;
    c->in.handle = c->key->handle;
    c->session = world_session(c->w, c->key->session, true);
    return true;
}

/* ---- createKeyEntry ---- */

/* Ascending, as the text asks. */
static struct bytes_list endorsed(struct issue *c)
{
    static const char *const URI[][2] = {
        { NULL, NULL },
        { MORE "ecdsa-sha256", MORE "ecdsa-sha512" },
        { MORE "hmac-sha256", MORE "hmac-sha512" },
        { SKS_URI "ed25519", NULL },
        { SKS_ALGORITHM_NONE, NULL },
        { "http://www.w3.org/2001/04/xmlenc#aes128-cbc", NULL },
    };
    const char *const *row = URI[input_choice(c->input, NITEMS(URI))];
    struct bytes_list list = { arena_alloc(&c->w->arena, 2, sizeof *list.item), 0 };

    must(list.item != NULL, "memory");
    for (size_t i = 0; i < 2 && row[i] != NULL; i++)
        list.item[list.count++] = bytes_of(row[i]);
    return list;
}

/* The PIN, as the policy wants it. */
static struct bytes pin_value(struct issue *c, uint32_t handle)
{
    static const char *const PIN[] = { "4711", "0815", "AB7c", "x" };
    const struct known_policy *policy = world_policy(c->w, handle, false);
    struct bytes pin = bytes_of(PIN[input_choice(c->input, NITEMS(PIN))]);

    if (policy == NULL)
        return (struct bytes){ 0 };
    return policy->user_defined ? pin : issue_encrypted(c, pin);
}

static bool fill_key(struct issue *c)
{
    struct create_key_entry_in *in = &c->in.create_key_entry;
    uint8_t flags, protection;

    if (!issue_pick_session(c, true) || c->w->keys == KEYS_MAX)
        return false;
    in->pin_policy_handle = issue_pick_policy(c, false);
    flags = input_byte(c->input);
    protection = input_byte(c->input);
    in->key = (struct key_entry){
        .id = issue_new_id(c->w),
        .key_entry_algorithm = bytes_of(SKS_KEY_ENTRY_ALGORITHM),
        .server_seed = bytes_of((flags & 1) != 0 ? "seed" : ""),
        .app_usage = flags >> 1 & 3,
        .key_algorithm = bytes_of((flags & 8) == 0 ? SKS_URI "ec.nist.p256" : SKS_URI "ed25519"),
        .export_protection = protection & 3,
        .delete_protection = protection >> 2 & 3,
        .friendly_name = bytes_of((flags & 16) != 0 ? "a name" : ""),
        .pin_value = pin_value(c, in->pin_policy_handle),
        .endorsed_algorithms = endorsed(c),
    };
    return true;
}

static void put_key(struct issue *c, struct buf *data)
{
    const struct create_key_entry_in *in = &c->in.create_key_entry;
    const struct known_policy *policy = world_policy(c->w, in->pin_policy_handle, false);

    put_mac_key_entry(data, &in->key, issue_policy_id(c->w, in->pin_policy_handle, false),
                      policy != NULL && !policy->user_defined);
}

static void done_key(struct issue *c)
{
    const struct create_key_entry_out *out = &c->out.create_key_entry;
    struct buf data = { 0 };

    put_attested_key(&data, out->public_key, c->in.create_key_entry.mac);
    must(session_mac_verify(&c->session->sk, MAC_DEVICE_ATTESTATION, buf_bytes(&data),
                            out->attestation) == SKS_OK,
         "key attestation");
    buf_free(&data);
    c->w->key[c->w->keys++] = (struct known_key){ .handle = out->key_handle,
                                                  .session = c->in.handle,
                                                  .id = c->in.create_key_entry.key.id,
                                                  .public_key = out->public_key };
}

/* ---- what goes into a key ---- */

static bool fill_path(struct issue *c)
{
    size_t which = input_choice(c->input, 8);
    struct bytes *item = arena_alloc(&c->w->arena, 2, sizeof *item);

    if (!fill_open_key(c) || item == NULL)
        return false;
    item[0] = made_certificate(which < 4 ? c->key->public_key
                                         : made_public_key((enum made_key)(which % MADE_KEYS)),
                               &c->w->arena);
    item[1] = item[0]; /* self-issued */
    c->in.set_certificate_path.certificate_path =
        (struct bytes_list){ item, which % 4 == 3 ? 2 : 1 };
    return true;
}

static void put_path(struct issue *c, struct buf *data)
{
    put_mac_certificate_path(data, c->key->public_key, c->key->id,
                             &c->in.set_certificate_path.certificate_path);
}

static void done_path(struct issue *c)
{
    c->key->certificate = c->in.set_certificate_path.certificate_path.item[0];
}

static bool fill_symmetric(struct issue *c)
{
    static const uint8_t SIZE[] = { 16, 32, 24, 1, 128, 129, 0 };
    static const uint8_t key[129];

    if (!fill_open_key(c))
        return false;
    c->in.import_key.encrypted_key =
        issue_encrypted(c, bytes_at(key, SIZE[input_choice(c->input, NITEMS(SIZE))]));
    return true;
}

static bool fill_private(struct issue *c)
{
    size_t which = input_choice(c->input, MADE_KEYS + 1);

    if (!fill_open_key(c))
        return false;
    c->in.import_key.encrypted_key = issue_encrypted(
        c, which == MADE_KEYS ? input_bytes(c->input) : made_pkcs8((enum made_key)which));
    return true;
}

static void put_import(struct issue *c, struct buf *data)
{
    put_mac_import(data, c->key->certificate, c->in.import_key.encrypted_key);
}

static struct bytes property_bag(struct world *w)
{
    static const char *const TEXT[] = { "writable", "fixed" };
    struct buf bag = { 0 };

    for (size_t i = 0; i < NITEMS(TEXT); i++) {
        put_string(&bag, TEXT[i]);
        put_bool(&bag, i == 0);
        put_string(&bag, "value");
    }
    return issue_keep(w, &bag);
}

static bool fill_extension(struct issue *c)
{
    struct extension *e = &c->in.add_extension.extension;

    if (!fill_open_key(c))
        return false;
    e->type = bytes_of(EXTENSION_TYPE[input_choice(c->input, EXTENSION_TYPES)]);
    e->sub_type = (uint8_t)input_choice(c->input, EXTENSION_LOGOTYPE + 1);
    if (e->sub_type == EXTENSION_LOGOTYPE)
        e->qualifier = bytes_of("image/png");
    if (e->sub_type == EXTENSION_PROPERTY_BAG)
        e->data = property_bag(c->w);
    else
        e->data = input_bytes(c->input);
    if (e->sub_type == EXTENSION_ENCRYPTED)
        e->data = issue_encrypted(c, e->data);
    return true;
}

static void put_extension(struct issue *c, struct buf *data)
{
    put_mac_extension(data, c->key->certificate, &c->in.add_extension.extension);
}

/* ---- post operations ---- */

/* The target key reference, signed by the key management key of the session that owns it. */
static struct bytes authorization(struct issue *c, const struct known_key *target)
{
    const struct known_session *owner = world_session(c->w, target->session, false);
    EVP_PKEY *kmk = owner == NULL || owner->kmk == NULL ? made_key(MADE_P256) : owner->kmk;
    struct buf reference = { 0 };
    struct bytes signature;

    must(put_target_reference(&reference, &c->session->sk, issue_device_id(c->w, c->session),
                              target->certificate) == SKS_OK,
         "target key reference");
    signature = made_signature(kmk, buf_bytes(&reference));
    buf_free(&reference);
    return signature;
}

static bool fill_post(struct issue *c)
{
    const struct known_key *target = issue_pick_key(c, true);

    if (target == NULL || c->w->posts == POSTS_MAX)
        return false;
    c->in.post_session.target_key_handle = target->handle;
    c->in.post_session.authorization = authorization(c, target);
    return true;
}

static bool fill_post_session(struct issue *c)
{
    return issue_pick_session(c, true) && fill_post(c);
}

_Static_assert(offsetof(struct post_session_in, authorization) ==
                       offsetof(struct post_key_in, authorization) &&
                   offsetof(struct post_session_in, target_key_handle) ==
                       offsetof(struct post_key_in, target_key_handle),
               "the four post operations have the same inputs");

static bool fill_post_key(struct issue *c)
{
    return fill_open_key(c) && fill_post(c);
}

static void put_post_session(struct issue *c, struct buf *data)
{
    put_mac_post_session(data, c->in.post_session.authorization);
}

static void put_post_key(struct issue *c, struct buf *data)
{
    put_mac_post_key(data, c->key->certificate, c->in.post_key.authorization);
}

static void add_post(struct issue *c, enum method_id kind, uint32_t new_key)
{
    c->w->post[c->w->posts++] = (struct known_post){ .session = c->session->handle,
                                                     .target = c->in.post_session.target_key_handle,
                                                     .new_key = new_key,
                                                     .kind = kind };
}

static void done_delete(struct issue *c)
{
    add_post(c, POST_DELETE_KEY, 0);
}

static void done_unlock(struct issue *c)
{
    add_post(c, POST_UNLOCK_KEY, 0);
}

static void done_update(struct issue *c)
{
    add_post(c, POST_UPDATE_KEY, c->in.post_key.key_handle);
}

static void done_clone(struct issue *c)
{
    add_post(c, POST_CLONE_KEY_PROTECTION, c->in.post_key.key_handle);
}

const struct issue_step KEY_STEPS[KEY_STEPS_COUNT] = {
    { CREATE_KEY_ENTRY, MAC_CREATE_KEY_ENTRY, fill_key, put_key, done_key },
    { SET_CERTIFICATE_PATH, MAC_SET_CERTIFICATE_PATH, fill_path, put_path, done_path },
    { IMPORT_SYMMETRIC_KEY, MAC_IMPORT_SYMMETRIC_KEY, fill_symmetric, put_import, NULL },
    { IMPORT_PRIVATE_KEY, MAC_IMPORT_PRIVATE_KEY, fill_private, put_import, NULL },
    { ADD_EXTENSION, MAC_ADD_EXTENSION, fill_extension, put_extension, NULL },
    { POST_DELETE_KEY, MAC_POST_DELETE_KEY, fill_post_session, put_post_session, done_delete },
    { POST_UNLOCK_KEY, MAC_POST_UNLOCK_KEY, fill_post_session, put_post_session, done_unlock },
    { POST_UPDATE_KEY, MAC_POST_UPDATE_KEY, fill_post_key, put_post_key, done_update },
    { POST_CLONE_KEY_PROTECTION, MAC_POST_CLONE_KEY_PROTECTION, fill_post_key, put_post_key,
      done_clone },
};
