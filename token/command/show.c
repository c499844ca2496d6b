/* sks-token show: all that a key shows of itself. */
#include "keygen2/crypto/pem.h"
#include "token/command/certificate.h"
#include "token/command/data.h"
#include "token/command/protection.h"
#include "token/command/rows.h"

#include <stdio.h>

const struct option_row OPTIONS_SHOW[] = {
    STORE,
    MASTER_KEY,
    JSON,
    FLAG_ROW("pem", "print the certificate path in PEM form, and nothing else", pem),
    TEXT_ROW("extension", "TYPE",
             "write the data of this extension, and nothing else; a property bag as NAME=VALUE",
             extension),
    OUTPUT("where that data goes"),
    END,
};

/* ---- extensions ---- */

static const struct name EXTENSIONS[] = {
    { "extension", EXTENSION_PLAIN },
    { "encrypted-extension", EXTENSION_ENCRYPTED },
    { "property-bag", EXTENSION_PROPERTY_BAG },
    { "logotype", EXTENSION_LOGOTYPE },
    { NULL, 0 },
};

struct property {
    struct bytes name, value;
    bool writable;
};

static enum sks_status get_property(struct bytes *bag, struct property *property)
{
    enum sks_status rc;

    TRY(get_string(bag, &property->name));
    TRY(get_bool(bag, &property->writable));
    TRY(get_string(bag, &property->value));
out:
    return rc;
}

static enum sks_status get_extension_of(struct key_command *c, struct bytes type,
                                        struct extension_out *extension)
{
    const union sks_in in = {
        .get_extension = { .key_handle = c->key.handle, .type = type },
    };
    union sks_out out = { 0 };
    enum sks_status rc = key_call(c, GET_EXTENSION, &in, &out);

    *extension = out.extension;
    return rc;
}

static json_t *properties_json(struct bytes bag)
{
    json_t *array = json_array();
    struct property property;

    while (bag.len > 0 && get_property(&bag, &property) == SKS_OK)
        (void)json_array_append_new(
            array, json_pack("{s:o, s:o, s:b}", "name", json_text(property.name), "value",
                             json_text(property.value), "writable", (int)property.writable));
    return array;
}

static json_t *extension_json(struct bytes type, const struct extension_out *e, bool with_data)
{
    json_t *object = json_pack("{s:o, s:s, s:o, s:I}", "type", json_text(type), "subType",
                               value_text(EXTENSIONS, e->sub_type), "qualifier",
                               json_text(e->qualifier), "size", (json_int_t)e->extension_data.len);

    if (with_data && e->sub_type == EXTENSION_PROPERTY_BAG)
        (void)json_object_set_new(object, "properties", properties_json(e->extension_data));
    else if (with_data)
        (void)json_object_set_new(object, "data", json_binary(e->extension_data));
    return object;
}

/* One line a property. What would break a line is shown as '?': --json tells it exactly. */
static void put_properties(struct buf *out, struct bytes bag, struct arena *arena)
{
    struct property property;

    while (bag.len > 0 && get_property(&bag, &property) == SKS_OK) {
        put_text(out, clean_text(arena, property.name));
        put_byte(out, '=');
        put_text(out, clean_text(arena, property.value));
        put_byte(out, '\n');
    }
}

static enum sks_status write_extension(struct key_command *c)
{
    const struct token_command_options *o = c->options;
    struct bytes type = bytes_of(o->extension);
    struct buf lines = { 0 };
    struct extension_out e;
    enum sks_status rc;

    TRY(get_extension_of(c, type, &e));
    if (o->json) {
        rc = json_print(extension_json(type, &e, true), &c->err);
    } else if (e.sub_type == EXTENSION_PROPERTY_BAG) {
        put_properties(&lines, e.extension_data, &c->arena);
        TRY(lines.status);
        rc = data_write(o->output, DATA_CLEAR, buf_bytes(&lines), &c->err);
    } else {
        rc = data_write(o->output, DATA_CLEAR, e.extension_data, &c->err);
    }
out:
    buf_free(&lines);
    return sks_explain(&c->err, rc);
}

static enum sks_status print_extensions(struct key_command *c)
{
    const struct bytes_list *types = &c->key.attributes.extension_types;
    struct extension_out e;
    enum sks_status rc = SKS_OK;

    if (types->count > 0)
        (void)printf("\nextensions\n");
    for (size_t i = 0; i < types->count; i++) {
        TRY(get_extension_of(c, types->item[i], &e));
        (void)printf("  %s  %s%s%s, %zu bytes\n", clean_text(&c->arena, types->item[i]),
                     value_text(EXTENSIONS, e.sub_type), e.qualifier.len > 0 ? " " : "",
                     clean_text(&c->arena, e.qualifier), e.extension_data.len);
    }
out:
    return rc;
}

/* ---- the key ---- */

static void print_attributes(struct key_command *c)
{
    const struct key_attributes_out *a = &c->key.attributes;
    const struct bytes_list *endorsed = &a->endorsed_algorithms;
    unsigned backup = c->key.protection.key_backup;

    (void)printf("%s\n", key_title(&c->key, &c->arena));
    (void)printf("  usage          %s\n", value_text(NAMES_APP_USAGE, a->app_usage));
    (void)printf("  algorithm      %s\n", key_algorithm_text(&c->key, &c->arena));
    (void)printf("  origin         %s%s\n",
                 (backup & KEY_BACKUP_IMPORTED) != 0 ? "imported" : "made in the token",
                 (backup & KEY_BACKUP_EXPORTED) != 0 ? ", has been exported" : "");
    (void)printf("  to be used by  %s\n", endorsed->count > 0
                                              ? clean_text(&c->arena, endorsed->item[0])
                                              : "any algorithm that fits");
    for (size_t i = 1; i < endorsed->count; i++)
        (void)printf("                 %s\n", clean_text(&c->arena, endorsed->item[i]));
}

static enum sks_status print_key(struct key_command *c)
{
    const struct bytes_list *path = &c->key.attributes.certificate_path;

    print_attributes(c);
    (void)printf("\nprotection\n");
    protection_draw(&c->key, &c->arena);
    for (size_t i = 0; i < path->count; i++) {
        (void)printf("\ncertificate %zu of %zu\n", i + 1, path->count);
        certificate_print(path->item[i], "  ");
    }
    return print_extensions(c);
}

static json_t *backup_json(unsigned backup)
{
    json_t *array = json_array();

    if ((backup & KEY_BACKUP_IMPORTED) != 0)
        (void)json_array_append_new(array, json_string("imported"));
    if ((backup & KEY_BACKUP_EXPORTED) != 0)
        (void)json_array_append_new(array, json_string("exported"));
    return array;
}

static enum sks_status print_key_json(struct key_command *c)
{
    const struct key_attributes_out *a = &c->key.attributes;
    json_t *extensions = json_array();
    struct extension_out e;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < a->extension_types.count; i++) {
        TRY(get_extension_of(c, a->extension_types.item[i], &e));
        (void)json_array_append_new(extensions,
                                    extension_json(a->extension_types.item[i], &e, false));
    }
    rc = json_print(
        json_pack("{s:I, s:o, s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:O}", "handle",
                  (json_int_t)c->key.handle, "friendlyName", json_text(a->friendly_name),
                  "algorithm", key_algorithm_text(&c->key, &c->arena), "symmetricKeyLength",
                  (json_int_t)a->symmetric_key_length, "appUsage",
                  value_text(NAMES_APP_USAGE, a->app_usage), "endorsedAlgorithms",
                  json_list(&a->endorsed_algorithms, json_text), "keyBackup",
                  backup_json(c->key.protection.key_backup), "protection",
                  protection_json(&c->key.protection), "certificates",
                  json_list(&a->certificate_path, certificate_json), "extensions", extensions),
        &c->err);
out:
    json_decref(extensions);
    return rc;
}

static enum sks_status write_pem(struct key_command *c)
{
    const struct bytes_list *path = &c->key.attributes.certificate_path;
    struct buf pem = { 0 };
    enum sks_status rc;

    for (size_t i = 0; i < path->count; i++)
        TRY(put_pem(&pem, "CERTIFICATE", path->item[i]));
    rc = data_write(c->options->output, DATA_TEXT, buf_bytes(&pem), &c->err);
out:
    buf_free(&pem);
    return sks_explain(&c->err, rc);
}

enum exit_code command_show(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct key_command c;
    enum sks_status rc;

    (void)count;
    TRY(key_open(&c, options, operands[0]));
    REQUIRE(!o->pem || (o->extension == NULL && !o->json), &c.err, SKS_ERROR_OPTION,
            "--pem shows the certificates alone");
    REQUIRE(o->output == NULL || o->pem || (o->extension != NULL && !o->json), &c.err,
            SKS_ERROR_OPTION, "--out is for --pem and --extension");
    if (o->pem)
        rc = write_pem(&c);
    else if (o->extension != NULL)
        rc = write_extension(&c);
    else
        rc = o->json ? print_key_json(&c) : print_key(&c);
out:
    return key_finish(&c, rc);
}
