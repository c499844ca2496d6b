/* sks-token info and list: what the token tells of itself, for people or as JSON. */
#include "keygen2/base/json.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/certificate.h"
#include "token/commands.h"
#include "token/port.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- JSON of wire outputs ---- */

static json_t *json_list(const struct bytes_list *list, json_t *(*make)(struct bytes item))
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        (void)json_array_append_new(array, make(list->item[i]));
    return array;
}

static json_t *json_field_value(const struct wire_field *field, const void *values)
{
    const void *member = (const uint8_t *)values + field->offset;

    switch (field->type) {
    case WIRE_BYTE:
        return json_integer(*(const uint8_t *)member);
    case WIRE_BOOL:
        return json_boolean(*(const bool *)member);
    case WIRE_USHORT:
        return json_integer(*(const uint16_t *)member);
    case WIRE_UINT:
        return json_integer(*(const uint32_t *)member);
    case WIRE_ARRAYS:
        return json_list(member, json_binary);
    case WIRE_STRINGS:
        return json_list(member, json_text);
    case WIRE_ARRAY:
    case WIRE_BLOB:
    case WIRE_SECRET:
        return json_binary(*(const struct bytes *)member);
    default:
        return json_text(*(const struct bytes *)member);
    }
}

/* Adds a method's outputs under the names that the specification gives them. */
static void add_outputs(json_t *object, enum method_id id, const union sks_out *out)
{
    const struct sks_method *method = sks_method((uint8_t)id);

    for (size_t i = 0; i < method->out_count; i++)
        (void)json_object_set_new(object, method->out[i].name,
                                  json_field_value(&method->out[i], out));
}

static void print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2));

    (void)puts(text == NULL ? "" : text);
    free(text);
    json_decref(value);
}

/* ---- info ---- */

static void print_info(const struct device_info_out *info, struct arena *arena)
{
    X509 *x509 = NULL;
    const char *subject = "?";

    if (info->certificate_path.count > 0 &&
        certificate_parse(info->certificate_path.item[0], &x509) == SKS_OK)
        subject = certificate_name(arena, X509_get_subject_name(x509));
    (void)printf("vendor              %.*s\n", (int)info->vendor_description.len,
                 (const char *)info->vendor_description.ptr);
    (void)printf("API level           %u\n", info->api_level);
    (void)printf("device              %s\n", subject == NULL ? "?" : subject);
    (void)printf("update URL          %.*s\n",
                 info->update_url.len == 0 ? 1 : (int)info->update_url.len,
                 info->update_url.len == 0 ? "-" : (const char *)info->update_url.ptr);
    (void)printf("crypto data size    %u bytes\n", info->crypto_data_size);
    (void)printf("extension data size %u bytes\n", info->extension_data_size);
    (void)printf("device PIN          %s\n", info->device_pin_support ? "yes" : "no");
    (void)printf("biometrics          %s\n", info->biometric_support ? "yes" : "no");
    (void)printf("algorithms\n");
    for (size_t i = 0; i < info->supported_algorithms.count; i++)
        (void)printf("  %.*s\n", (int)info->supported_algorithms.item[i].len,
                     (const char *)info->supported_algorithms.item[i].ptr);
    X509_free(x509);
}

enum exit_code command_info(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    const union sks_in in = { 0 };
    const struct token_options updates = { .update_url = o->update_url,
                                           .update_key = o->update_key };
    struct port port;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    union sks_out out;
    json_t *object;
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(port_open_with(o->store, o->key_file, &updates, &port, &err));
    TRY(token_call(port.link, GET_DEVICE_INFO, &in, &out, &arena, &err));
    if (o->json) {
        object = json_object();
        add_outputs(object, GET_DEVICE_INFO, &out);
        print_json(object);
    } else {
        print_info(&out.device_info, &arena);
    }
out:
    port_close(&port);
    arena_free(&arena);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}

/* ---- list ---- */

struct listed_key {
    uint32_t handle, session;
    struct key_attributes_out attributes;
    struct key_protection_out protection;
    const char *subject;
};

/* "PIN", "PIN+PUK", "none", with what is blocked. */
static const char *protection_text(const struct listed_key *key, struct arena *arena)
{
    unsigned status = key->protection.protection_status;

    if ((status & PROTECTION_STATUS_DEVICE_PIN) != 0)
        return "device PIN";
    if ((status & PROTECTION_STATUS_PIN) == 0)
        return "none";
    return arena_printf(arena, "PIN%s%s%s",
                        (status & PROTECTION_STATUS_PIN_BLOCKED) ? " blocked" : "",
                        (status & PROTECTION_STATUS_PUK) ? "+PUK" : "",
                        (status & PROTECTION_STATUS_PUK_BLOCKED) ? " blocked" : "");
}

static enum sks_status read_key(struct port *port, struct listed_key *key, struct arena *arena,
                                struct sks_error *err)
{
    const union sks_in in = { .key_handle.key_handle = key->handle };
    union sks_out out;
    X509 *x509 = NULL;
    enum sks_status rc;

    TRY(token_call(port->link, GET_KEY_PROTECTION_INFO, &in, &out, arena, err));
    key->protection = out.key_protection;
    TRY(token_call(port->link, GET_KEY_ATTRIBUTES, &in, &out, arena, err));
    key->attributes = out.key_attributes;
    key->subject = "?";
    if (key->attributes.certificate_path.count > 0 &&
        certificate_parse(key->attributes.certificate_path.item[0], &x509) == SKS_OK)
        key->subject = certificate_name(arena, X509_get_subject_name(x509));
out:
    X509_free(x509);
    return rc;
}

static json_t *json_of_key(const struct listed_key *key, struct arena *arena)
{
    const struct key_attributes_out *a = &key->attributes;

    return json_pack(
        "{s:I, s:I, s:o, s:s, s:s, s:o, s:o, s:s}", "handle", (json_int_t)key->handle,
        "provisioningHandle", (json_int_t)key->session, "friendlyName", json_text(a->friendly_name),
        "appUsage", name_of_value(NAMES_APP_USAGE, a->app_usage), "subject", key->subject,
        "certificatePath", json_list(&a->certificate_path, json_binary), "endorsedAlgorithms",
        json_list(&a->endorsed_algorithms, json_text), "protection", protection_text(key, arena));
}

static void show_key(const struct listed_key *key, json_t *keys, struct arena *arena)
{
    char *name = arena_text(arena, key->attributes.friendly_name);

    if (keys != NULL) {
        (void)json_array_append_new(keys, json_of_key(key, arena));
        return;
    }
    if (name != NULL)
        log_clean(name); /* an issuer chose it: no control characters to the terminal */
    (void)printf("%6u  %-14s  %-18s  %-20s  %s\n", key->handle,
                 name_of_value(NAMES_APP_USAGE, key->attributes.app_usage),
                 protection_text(key, arena), name == NULL ? "" : name, key->subject);
}

static enum sks_status list_keys(struct port *port, json_t *keys, struct sks_error *err)
{
    union sks_in in = { 0 };
    union sks_out out = { 0 };
    struct arena arena = { 0 };
    enum sks_status rc;

    do {
        TRY(token_call(port->link, ENUMERATE_KEYS, &in, &out, &arena, err));
        if (out.enumerate_keys.key_handle != 0) {
            struct listed_key key = { .handle = out.enumerate_keys.key_handle,
                                      .session = out.enumerate_keys.provisioning_handle };

            TRY(read_key(port, &key, &arena, err));
            show_key(&key, keys, &arena);
            in.key_handle.key_handle = key.handle;
            out.enumerate_keys.key_handle = key.handle;
        }
        arena_free(&arena);
    } while (out.enumerate_keys.key_handle != 0);
out:
    arena_free(&arena);
    return rc;
}

enum exit_code command_list(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    json_t *keys = o->json ? json_array() : NULL;
    struct port port;
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(port_open(o->store, o->key_file, &port, &err));
    if (!o->json)
        (void)printf("handle  usage           protection          name                  subject\n");
    TRY(list_keys(&port, keys, &err));
    if (o->json)
        print_json(json_pack("{s:O}", "keys", keys));
out:
    json_decref(keys);
    port_close(&port);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
