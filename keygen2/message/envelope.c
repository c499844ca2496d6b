/*
 * What all messages have in common: "@context", "@qualifier", and the way in and out.
 */
#include "keygen2/crypto/certificate.h"
#include "keygen2/message/jsf.h"
#include "keygen2/message/keygen2.h"

#include <stdio.h>
#include <string.h>

enum { USUAL_SIZE = 4096 }; /* of the text of a message */

const struct json_type *const KEYGEN2_MESSAGES[KEYGEN2_MESSAGES_COUNT] = {
    &INVOCATION_REQUEST,
    &INVOCATION_RESPONSE,
    &PROVISIONING_INITIALIZATION_REQUEST,
    &PROVISIONING_INITIALIZATION_RESPONSE,
    &CREDENTIAL_DISCOVERY_REQUEST,
    &CREDENTIAL_DISCOVERY_RESPONSE,
    &KEY_CREATION_REQUEST,
    &KEY_CREATION_RESPONSE,
    &PROVISIONING_FINALIZATION_REQUEST,
    &PROVISIONING_FINALIZATION_RESPONSE,
};

static bool is_qualifier(const json_t *root, const char *name)
{
    const char *qualifier = json_string_value(json_object_get(root, "@qualifier"));

    return qualifier != NULL && strcmp(qualifier, name) == 0;
}

static enum sks_status refuse_qualifier(const struct json_type *const types[], size_t count,
                                        const json_t *root, struct sks_error *err)
{
    struct json_reader reader = { .err = err };
    const struct json_place at = { NULL, "@qualifier", 0 };
    char expected[160] = "";
    size_t len = 0;

    if (json_object_get(root, "@qualifier") == NULL)
        return json_refuse(&reader, &at, "missing");
    for (size_t i = 0; i < count && len < sizeof expected; i++)
        len += (size_t)snprintf(expected + len, sizeof expected - len, "%s\"%s\"",
                                i == 0 ? "" : " or ", types[i]->name);
    return json_refuse(&reader, &at, "expected %s", expected);
}

static bool is_request(const char *name)
{
    static const char suffix[] = "Request";
    size_t len = strlen(name);

    return len >= sizeof suffix - 1 && strcmp(name + len - (sizeof suffix - 1), suffix) == 0;
}

/* As the public reference has it, a request may be signed as a whole. That says nothing about who
 * has signed, so it is checked, taken away and forgotten. */
static enum sks_status take_signature(json_t *root, struct arena *arena, struct sks_error *err)
{
    struct json_reader reader = { .arena = arena, .err = err };
    const struct json_place at = { NULL, "signature", 0 };
    const json_t *value = json_object_get(root, "signature");
    struct jsf_signature signature;
    enum sks_status rc = SKS_OK;

    if (value == NULL)
        return SKS_OK;
    TRY(jsf_decode(&reader, &at, value, &signature));
    TRY(jsf_verify(&reader, &at, root, &signature));
    (void)json_object_del(root, "signature");
out:
    return sks_explain(err, rc);
}

enum sks_status keygen2_decode_one_of(const struct json_type *const types[], size_t count,
                                      bool lenient, struct bytes text, void *const out[],
                                      size_t *found, struct arena *arena, struct sks_error *err)
{
    json_t *root = NULL;
    size_t i = 0;
    enum sks_status rc;

    REQUIRE(text.len <= KEYGEN2_MESSAGE_MAX, err, SKS_ERROR_OPTION, "message over %d bytes",
            KEYGEN2_MESSAGE_MAX);
    TRY(json_parse(text, &root, err));
    while (i < count && !is_qualifier(root, types[i]->name))
        i++;
    if (i == count) {
        rc = refuse_qualifier(types, count, root, err);
        goto out;
    }
    *found = i;
    if (lenient) {
        rc = sks_explain(err, json_decode_leniently(types[i], root, out[i], arena));
        goto out;
    }
    if (is_request(types[i]->name))
        TRY(take_signature(root, arena, err));
    rc = json_decode(types[i], root, out[i], arena, err);
out:
    json_decref(root);
    return rc;
}

enum sks_status keygen2_decode(const struct json_type *type, struct bytes text, void *out,
                               struct arena *arena, struct sks_error *err)
{
    size_t found;

    return keygen2_decode_one_of(&type, 1, false, text, &out, &found, arena, err);
}

enum sks_status keygen2_encode(const struct json_type *type, const void *in, struct buf *text)
{
    (void)buf_reserve(text, USUAL_SIZE);
    json_put(text, type, in);
    return text->status;
}

const char *keygen2_qualifier(struct bytes text)
{
    const char *qualifier = "?";
    json_t *root = NULL;

    if (text.len <= KEYGEN2_MESSAGE_MAX && json_parse(text, &root, NULL) == SKS_OK)
        for (size_t i = 0; i < KEYGEN2_MESSAGES_COUNT; i++)
            if (is_qualifier(root, KEYGEN2_MESSAGES[i]->name))
                qualifier = KEYGEN2_MESSAGES[i]->name;
    json_decref(root);
    return qualifier;
}

enum sks_status keygen2_check_path(struct json_reader *r, const struct json_place *at,
                                   const struct bytes_list *path)
{
    const struct json_place place = { at, "certificatePath", 0 };
    struct sks_error why = { 0 };

    /* One alone has no order; who uses it, an issuer or a token, decodes it anyhow. */
    if (path->count == 1 && certificate_has_outline(path->item[0]))
        return SKS_OK;
    switch (certificate_path_check(path, true, &why)) {
    case SKS_OK:
        return SKS_OK;
    case SKS_ERROR_STORAGE:
        return SKS_ERROR_STORAGE;
    default:
        return json_refuse(r, &place, "%s", why.text);
    }
}
