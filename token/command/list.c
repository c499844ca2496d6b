/* sks-token info and list: the token, and all its keys. */
#include "token/command/certificate.h"
#include "token/command/key.h"
#include "token/command/protection.h"
#include "token/command/rows.h"

#include <stdio.h>
#include <string.h>

/* ---- info ---- */

const struct option_row OPTIONS_INFO[] = { STORE, MASTER_KEY, UPDATE_URL, UPDATE_KEY, JSON, END };

/* getDeviceInfo does not tell it: a deactivated token answers that, and NOT_AVAILABLE to the rest.
 */
static enum sks_status read_state(struct port *port, const char **state, struct arena *arena,
                                  struct sks_error *err)
{
    const union sks_in in = { 0 };
    enum sks_status rc = token_call(port->link, ENUMERATE_KEYS, &in, NULL, arena, err);

    *state = rc == SKS_ERROR_NOT_AVAILABLE ? "deactivated" : "active";
    return rc == SKS_ERROR_NOT_AVAILABLE ? SKS_OK : rc;
}

static void print_info(const struct device_info_out *info, const char *state, struct arena *arena)
{
    (void)printf("vendor               %s\n", clean_text(arena, info->vendor_description));
    (void)printf("state                %s\n", state);
    (void)printf("API level            %u\n", info->api_level);
    (void)printf("update URL           %s\n",
                 info->update_url.len == 0 ? "-" : clean_text(arena, info->update_url));
    (void)printf("crypto data size     %u bytes\n", info->crypto_data_size);
    (void)printf("extension data size  %u bytes\n", info->extension_data_size);
    (void)printf("device PIN           %s\n", info->device_pin_support ? "yes" : "no");
    (void)printf("biometrics           %s\n", info->biometric_support ? "yes" : "no");
    for (size_t i = 0; i < info->certificate_path.count; i++) {
        (void)printf("device certificate%s\n", i == 0 ? "" : ", its issuer");
        certificate_print(info->certificate_path.item[i], "  ");
    }
    (void)printf("algorithms\n");
    for (size_t i = 0; i < info->supported_algorithms.count; i++)
        (void)printf("  %s\n", clean_text(arena, info->supported_algorithms.item[i]));
}

enum exit_code command_info(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    const struct token_options updates = { .update_url = o->update_url,
                                           .update_key = o->update_key };
    const union sks_in in = { 0 };
    struct port port;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    union sks_out out;
    const char *state;
    json_t *object;
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(port_open_with(o->store, o->key_file, &updates, &port, &err));
    TRY(port_call(&port, GET_DEVICE_INFO, &in, &out, &arena, &err));
    TRY(read_state(&port, &state, &arena, &err));
    if (!o->json) {
        print_info(&out.device_info, state, &arena);
        goto out;
    }
    object = json_pack("{s:s}", "state", state);
    json_add_outputs(object, GET_DEVICE_INFO, &out);
    (void)json_object_set_new(object, "certificates",
                              json_list(&out.device_info.certificate_path, certificate_json));
    rc = json_print(object, &err);
out:
    arena_free(&arena);
    return port_finish(&port, rc, &err);
}

/* ---- list ---- */

const struct option_row OPTIONS_LIST[] = { STORE, MASTER_KEY, JSON, END };

static struct bytes end_entity(const struct key_view *key)
{
    const struct bytes_list *path = &key->attributes.certificate_path;

    return path->count > 0 ? path->item[0] : (struct bytes){ 0 };
}

static enum sks_status add_row(struct table *table, const struct key_view *key)
{
    struct arena *arena = &table->arena;
    struct bytes certificate = end_entity(key);
    bool expired;
    const char *expiry = certificate_expiry_text(certificate, arena, &expired);

    return table_add(table, (const char *const[]){
                                arena_printf(arena, "%u", key->handle),
                                clean_text(arena, key->attributes.friendly_name),
                                key_algorithm_text(key, arena),
                                value_text(NAMES_APP_USAGE, key->attributes.app_usage),
                                protection_short(&key->protection, arena),
                                arena_printf(arena, "%.10s%s", expiry, expired ? " EXPIRED" : ""),
                                certificate_subject_text(certificate, arena),
                            });
}

static json_t *json_of_key(const struct key_view *key, uint32_t session, struct arena *arena)
{
    const struct key_attributes_out *a = &key->attributes;
    bool expired;

    return json_pack("{s:I, s:I, s:o, s:s, s:I, s:s, s:s, s:s, s:s, s:o, s:o}", "handle",
                     (json_int_t)key->handle, "provisioningHandle", (json_int_t)session,
                     "friendlyName", json_text(a->friendly_name), "algorithm",
                     key_algorithm_text(key, arena), "symmetricKeyLength",
                     (json_int_t)a->symmetric_key_length, "appUsage",
                     value_text(NAMES_APP_USAGE, a->app_usage), "protection",
                     protection_short(&key->protection, arena), "subject",
                     certificate_subject_text(end_entity(key), arena), "notAfter",
                     certificate_expiry_text(end_entity(key), arena, &expired), "certificatePath",
                     json_list(&a->certificate_path, json_binary), "endorsedAlgorithms",
                     json_list(&a->endorsed_algorithms, json_text));
}

static enum sks_status list_keys(struct port *port, struct table *table, json_t *keys,
                                 struct sks_error *err)
{
    struct arena arena = { 0 };
    struct key_view key = { 0 };
    enum sks_status rc;

    do {
        TRY(key_next(port, key.handle, &key, &arena, err));
        if (key.handle != 0 && keys == NULL)
            TRY(add_row(table, &key));
        if (key.handle != 0 && keys != NULL)
            (void)json_array_append_new(keys, json_of_key(&key, key.session, &arena));
        arena_free(&arena);
    } while (key.handle != 0);
out:
    arena_free(&arena);
    return sks_explain(err, rc);
}

enum exit_code command_list(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct table table = { .head = { "handle", "name", "algorithm", "use", "protection", "expires",
                                     "subject" } };
    json_t *keys = o->json ? json_array() : NULL;
    struct port port;
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(port_open(o->store, o->key_file, &port, &err));
    TRY(list_keys(&port, &table, keys, &err));
    if (o->json)
        rc = json_print(json_pack("{s:O}", "keys", keys), &err);
    else
        table_print(&table);
out:
    json_decref(keys);
    table_free(&table);
    return port_finish(&port, rc, &err);
}
