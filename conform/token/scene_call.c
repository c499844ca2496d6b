/* The call of each method that succeeds in its scene. */
#include "conform/token/scene.h"

#include "keygen2/crypto/cipher.h"
#include "keygen2/crypto/signature.h"

enum { HASH_SIZE = 32 };

static const char ECDSA_SHA256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
static const char HMAC_SHA256[] = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
static const char AES128_CBC[] = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
static const char RSA_PKCS1[] = "https://webpki.github.io/sks/algorithm#rsa.es.pkcs1_5";
static const char ECDH[] = "https://webpki.github.io/sks/algorithm#ecdh.raw";

static enum sks_status call_create(struct scene *scene, struct call *call)
{
    enum sks_status rc = session_begin(&scene->s, scene->s.target, scene->s.check);

    call_begin(call, CREATE_PROVISIONING_SESSION, 0);
    call->in.create_session.terms = scene->s.terms;
    return rc;
}

static enum sks_status call_roll_over(struct scene *scene, struct call *call)
{
    struct session *s = &scene->s;
    struct buf key = { 0 }, data = { 0 }, signature = { 0 };
    struct update_kmk_in *in = &call->in.update_kmk;
    enum sks_status rc;

    call_begin(call, UPDATE_KEY_MANAGEMENT_KEY, s->handle);
    TRY(put_pkey(&key, s->target->kmk[1]));
    put_roll_over(&data, buf_bytes(&key));
    TRY(sign_sha256(s->target->kmk[0], buf_bytes(&data), &signature));
    in->key_management_key = arena_copy(&s->check->arena, buf_bytes(&key));
    in->authorization = arena_copy(&s->check->arena, buf_bytes(&signature));
out:
    buf_free(&key);
    buf_free(&data);
    buf_free(&signature);
    return rc;
}

/* A public key on the curve of the scene's: that of the session's server key. */
static struct bytes any_public_key(const struct scene *scene)
{
    return scene->s.terms.server_ephemeral_key;
}

static enum sks_status encrypted_for_rsa(struct scene *scene, struct bytes *data)
{
    struct buf encrypted = { 0 };
    enum sks_status rc;

    TRY(rsa_encrypt(scene->s.target->rsa,
                    algorithm_by_uri(bytes_of(RSA_PKCS1), ALGORITHM_DECRYPTION), bytes_of("clear"),
                    &encrypted));
    *data = arena_copy(&scene->s.check->arena, buf_bytes(&encrypted));
out:
    buf_free(&encrypted);
    return rc;
}

static const struct {
    enum method_id method;
    const char *algorithm;
} OPERATIONS[] = {
    { SIGN_HASHED_DATA, ECDSA_SHA256 },
    { ASYMMETRIC_KEY_DECRYPT, RSA_PKCS1 },
    { KEY_AGREEMENT, ECDH },
    { PERFORM_HMAC, HMAC_SHA256 },
    { SYMMETRIC_KEY_ENCRYPT, AES128_CBC },
};

static enum sks_status call_operation(struct scene *scene, enum method_id method, struct call *call)
{
    static const uint8_t HASH[HASH_SIZE] = { 1 };
    struct operation_in in = { .key_handle = scene->key.handle,
                               .authorization = bytes_of(CONFORM_PIN),
                               .data = bytes_at(HASH, sizeof HASH) };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(OPERATIONS); i++)
        if (OPERATIONS[i].method == method)
            in.algorithm = bytes_of(OPERATIONS[i].algorithm);
    if (method == KEY_AGREEMENT)
        in.data = any_public_key(scene);
    if (method == ASYMMETRIC_KEY_DECRYPT)
        rc = encrypted_for_rsa(scene, &in.data);
    if (method == SYMMETRIC_KEY_ENCRYPT)
        call->in.symmetric_encrypt =
            (struct symmetric_encrypt_in){ .key_handle = in.key_handle,
                                           .algorithm = in.algorithm,
                                           .mode = true,
                                           .authorization = in.authorization,
                                           .data = in.data };
    else
        call->in.operation = in;
    return rc;
}

static enum sks_status call_managing(struct scene *scene, enum method_id method, struct call *call)
{
    union sks_in *in = &call->in;

    switch (method) {
    case GET_EXTENSION:
        in->get_extension.type = bytes_of(EXTENSION_TYPE);
        break;
    case SET_PROPERTY:
        in->set_property = (struct set_property_in){ scene->key.handle, bytes_of(EXTENSION_TYPE),
                                                     bytes_of(BAG_NAME), bytes_of("another") };
        break;
    case UNLOCK_KEY:
        in->authorized.authorization = bytes_of(CONFORM_PUK);
        break;
    case CHANGE_PIN:
    case SET_PIN:
        in->new_pin.authorization = bytes_of(method == SET_PIN ? CONFORM_PUK : CONFORM_PIN);
        in->new_pin.new_pin = bytes_of("835162");
        break;
    default:
        return method >= SIGN_HASHED_DATA ? call_operation(scene, method, call) : SKS_OK;
    }
    return SKS_OK;
}

static enum sks_status call_import(struct scene *scene, struct call *call)
{
    uint8_t secret[SECRET_SIZE];

    check_draw(scene->s.check, secret, sizeof secret);
    return call_import_symmetric(&scene->s, call, &scene->key, bytes_at(secret, sizeof secret));
}

static enum sks_status call_own_key(struct scene *scene, struct call *call)
{
    enum sks_status rc;

    TRY(target_certify(scene->s.target, scene->s.check, scene->key.public_key,
                       &scene->key.certificate));
    rc = call_certify(&scene->s, call, &scene->key);
out:
    return rc;
}

enum sks_status scene_call(struct scene *scene, enum method_id method, struct call *call)
{
    struct session *s = &scene->s;

    call_begin(call, method,
               method == ENUMERATE_PROVISIONING_SESSIONS || method < 3 ? 0
               : method <= GET_KEY_HANDLE                              ? s->handle
               : method == ENUMERATE_KEYS                              ? 0
                                                                       : scene->key.handle);
    switch (method) {
    case CREATE_PROVISIONING_SESSION:
        return call_create(scene, call);
    case CLOSE_PROVISIONING_SESSION:
        call_close(s, call);
        return SKS_OK;
    case ENUMERATE_PROVISIONING_SESSIONS:
        call->in.enumerate_sessions.provisioning_state = true;
        return SKS_OK;
    case UPDATE_KEY_MANAGEMENT_KEY:
        return call_roll_over(scene, call);
    case CREATE_PUK_POLICY:
        call_puk(s, call, CONFORM_PUK);
        return SKS_OK;
    case CREATE_PIN_POLICY:
        call_pin(s, call, &scene->puk);
        return SKS_OK;
    case CREATE_KEY_ENTRY:
        call_key(s, call, &scene->pin, CONFORM_PIN);
        return SKS_OK;
    case GET_KEY_HANDLE:
        call->in.get_key_handle.id = scene->key.id;
        return SKS_OK;
    case SET_CERTIFICATE_PATH:
        return call_own_key(scene, call);
    case IMPORT_SYMMETRIC_KEY:
        return call_import(scene, call);
    case IMPORT_PRIVATE_KEY:
        return call_import_private(s, call, &scene->key, s->target->kmk[1]);
    case ADD_EXTENSION:
        return call_extension(s, call, &scene->key, EXTENSION_TYPE, EXTENSION_PLAIN,
                              bytes_of("data"));
    case POST_DELETE_KEY:
    case POST_UNLOCK_KEY:
        return call_post(&scene->next, call, method, NULL, &scene->key, s->target->kmk[0]);
    case POST_UPDATE_KEY:
    case POST_CLONE_KEY_PROTECTION:
        return call_post(&scene->next, call, method, &scene->new_key, &scene->key,
                         s->target->kmk[0]);
    default:
        return call_managing(scene, method, call);
    }
}
