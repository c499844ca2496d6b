#include "matrix/effects.h"

static const char ECDSA_SHA256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
static const char *const HMACS[] = { "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
                                     "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256" };

/* Appends what comes of it, but for the bytes of a signature, which are others each time. */
static enum sks_status use(struct token_end *end, enum method_id id, uint32_t handle,
                           const char *algorithm, const char *pin, bool anew, json_t *uses,
                           bool *right, struct sks_error *err)
{
    static const uint8_t HASH[32] = { 0 };
    union sks_in in = { .operation = { .key_handle = handle,
                                       .algorithm = bytes_of(algorithm),
                                       .authorization = bytes_of(pin),
                                       .data = bytes_at(HASH, sizeof HASH) } };
    json_t *answer = NULL;
    enum sks_status rc;

    TRY(token_end_call(end, id, &in, &answer, err));
    (void)json_object_del(answer, "errorString");
    if (id == SIGN_HASHED_DATA || anew)
        (void)json_object_del(answer, "result");
    *right = json_integer_value(json_object_get(answer, "status")) != SKS_ERROR_AUTHORIZATION;
    (void)json_array_append(uses, answer);
out:
    json_decref(answer);
    return rc;
}

/* The first PIN that is right, and what the key does with it. */
static enum sks_status use_key(struct token_end *end, uint32_t handle, const char *const *pins,
                               bool anew, json_t *uses, struct sks_error *err)
{
    bool right = false;
    enum sks_status rc = SKS_OK;

    for (; *pins != NULL && !right; pins++)
        TRY(use(end, SIGN_HASHED_DATA, handle, ECDSA_SHA256, *pins, anew, uses, &right, err));
    for (size_t i = 0; right && i < NITEMS(HMACS); i++)
        TRY(use(end, PERFORM_HMAC, handle, HMACS[i], pins[-1], anew, uses, &right, err));
out:
    return rc;
}

enum sks_status effects_add(struct token_end *end, const char *const *pins, bool anew, json_t *view,
                            struct sks_error *err)
{
    static const char *const DRAWN[] = { "provisioningHandle", "clientSessionId", "serverSessionId",
                                         "clientTime" };
    json_t *keys = json_array(), *owners = json_array(), *uses = json_array(), *entry;
    size_t i;
    enum sks_status rc;

    TRY(token_end_enumerate(end, ENUMERATE_KEYS, true, true, keys, err));
    json_array_foreach(keys, i, entry)
        TRY(use_key(end, (uint32_t)json_integer_value(json_object_get(entry, "keyHandle")), pins,
                    anew, uses, err));
    TRY(token_end_enumerate(end, ENUMERATE_PROVISIONING_SESSIONS, false, true, owners, err));
    json_array_foreach(owners, i, entry) for (size_t k = 0; k < NITEMS(DRAWN); k++)(void)
        json_object_del(entry, DRAWN[k]);
    REQUIRE(json_object_set(view, "uses", uses) == 0 &&
                json_object_set(view, "owners", owners) == 0,
            err, SKS_ERROR_STORAGE, "no memory for what the token holds");
out:
    json_decref(keys);
    json_decref(owners);
    json_decref(uses);
    return rc;
}
