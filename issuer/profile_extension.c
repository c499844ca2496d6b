/* What a profile attaches to a key: extensions, property bags, logotypes. */
#include "issuer/profile_internal.h"
#include "keygen2/base/files.h"

#include <limits.h>
#include <string.h>

enum {
    FILE_NAME_MAX = 200, /* characters */
    PROPERTIES_MAX = 255,
};

/* ---- extensions and logotypes ---- */

#define AT(member) .offset = offsetof(struct extension_profile, member)

#define EXTENSION_FIELDS                                                                           \
    { "type", JSON_URI, JSON_MANDATORY, AT(type) },                                                \
        { "extensionData", JSON_BINARY, JSON_OPTIONAL,                                             \
          AT(data),        .min = 1,    .max = SKS_EXTENSION_DATA_MAX },                           \
    {                                                                                              \
        "file", JSON_TEXT, JSON_OPTIONAL, AT(file), .min = 1, .max = FILE_NAME_MAX                 \
    }

static const struct json_field EXTENSION[] = { EXTENSION_FIELDS };
static const struct json_field LOGOTYPE[] = {
    EXTENSION_FIELDS,
    { "mimeType", JSON_TEXT, JSON_MANDATORY, AT(mime_type), .min = 1, .max = SKS_QUALIFIER_MAX },
};

#undef AT

/* A name alone: what lies beside the profile is the operator's to give away, nothing else. */
static bool is_file_name(struct bytes name)
{
    return memchr(name.ptr, '/', name.len) == NULL && memchr(name.ptr, 0, name.len) == NULL &&
           name.ptr[0] != '.';
}

static enum sks_status check_extension(struct json_reader *r, const struct json_place *at,
                                       void *out)
{
    const struct extension_profile *extension = out;

    if ((extension->data.len > 0) == (extension->file.len > 0))
        return json_refuse(r, at, "must have one of extensionData, file");
    if (extension->file.len > 0 && !is_file_name(extension->file))
        return json_refuse(r, &(struct json_place){ at, "file", 0 },
                           "not the name of a file beside the profile");
    if (extension->mime_type.len > SKS_QUALIFIER_MAX)
        return json_refuse(r, &(struct json_place){ at, "mimeType", 0 }, "more than %d bytes",
                           SKS_QUALIFIER_MAX);
    return SKS_OK;
}

const struct json_type PROFILE_EXTENSION =
    JSON_TYPE("extension", struct extension_profile, EXTENSION, check_extension);
const struct json_type PROFILE_LOGOTYPE =
    JSON_TYPE("logotype", struct extension_profile, LOGOTYPE, check_extension);

static enum sks_status read_one(struct json_reader *r, const struct json_place *at,
                                const char *folder, struct extension_profile *extension)
{
    const char *name = arena_text(r->arena, extension->file);
    struct sks_error why = { .text = "no profile that is no file can name one" };
    char path[PATH_MAX];
    struct buf data = { 0 };
    enum sks_status rc = SKS_ERROR_OPTION;

    if (folder != NULL && name != NULL && file_path(path, sizeof path, folder, name) == SKS_OK)
        rc = file_read(path, SKS_EXTENSION_DATA_MAX, &data, &why);
    if (rc == SKS_OK && data.len > 0)
        extension->data = arena_copy(r->arena, buf_bytes(&data));
    buf_free(&data);
    if (rc != SKS_OK)
        return json_refuse(r, at, "%s", why.text);
    return extension->data.len > 0 ? SKS_OK : json_refuse(r, at, "the file is empty");
}

enum sks_status profile_read_files(struct json_reader *r, const struct json_place *at,
                                   const char *name, const char *folder,
                                   struct json_array *extensions)
{
    const struct json_place list = { at, name, 0 };
    struct extension_profile *extension = extensions->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < extensions->count; i++) {
        const struct json_place item = { &list, NULL, i };

        if (extension[i].file.len > 0)
            TRY(read_one(r, &(struct json_place){ &item, "file", 0 }, folder, &extension[i]));
    }
out:
    return rc;
}

/* ---- property bags ---- */

#define AT(member) .offset = offsetof(struct property, member)

static const struct json_field PROPERTY[] = {
    { "name", JSON_TEXT, JSON_MANDATORY, AT(name), .min = 1, .max = SKS_PROPERTY_NAME_MAX },
    { "value", JSON_TEXT, JSON_MANDATORY, AT(value), .max = UINT16_MAX },
    { "writable", JSON_FLAG, JSON_OPTIONAL, AT(writable) },
};

#undef AT

static enum sks_status check_property(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct property *property = out;

    if (property->name.len > SKS_PROPERTY_NAME_MAX)
        return json_refuse(r, &(struct json_place){ at, "name", 0 }, "more than %d bytes",
                           SKS_PROPERTY_NAME_MAX);
    if (property->value.len > UINT16_MAX)
        return json_refuse(r, &(struct json_place){ at, "value", 0 }, "more than %d bytes",
                           UINT16_MAX);
    return SKS_OK;
}

static const struct json_type PROPERTY_TYPE =
    JSON_TYPE("property", struct property, PROPERTY, check_property);

#define AT(member) .offset = offsetof(struct property_bag_profile, member)

static const struct json_field BAG[] = {
    { "type", JSON_URI, JSON_MANDATORY, AT(type) },
    { "properties", JSON_RECORDS, JSON_MANDATORY, AT(properties), .min = 1, .max = PROPERTIES_MAX,
      .with = &PROPERTY_TYPE },
};

#undef AT

/* SKS V1.07, addExtension: no property twice. */
static enum sks_status check_bag(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct property_bag_profile *bag = out;
    const struct property *property = bag->properties.item;
    const struct json_place list = { at, "properties", 0 };
    json_t *seen = json_object();
    size_t total = 0;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < bag->properties.count; i++) {
        const struct json_place item = { &list, NULL, i };

        TRY(json_unique(r, &(struct json_place){ &item, "name", 0 }, seen, property[i].name));
        total += property[i].name.len + property[i].value.len + 5;
    }
    if (total > SKS_EXTENSION_DATA_MAX)
        rc = json_refuse(r, at, "more than %d bytes", SKS_EXTENSION_DATA_MAX);
out:
    json_decref(seen);
    return rc;
}

const struct json_type PROFILE_PROPERTY_BAG =
    JSON_TYPE("propertyBag", struct property_bag_profile, BAG, check_bag);

/* ---- their size ---- */

static size_t in_base64(size_t len)
{
    return (len * 4 + 2) / 3;
}

static size_t extensions_size(const struct json_array *extensions)
{
    const struct extension_profile *extension = extensions->item;
    size_t size = 0;

    for (size_t i = 0; i < extensions->count; i++)
        size += extension[i].type.len + in_base64(extension[i].data.len);
    return size;
}

static size_t bag_size(const struct property_bag_profile *bag)
{
    const struct property *property = bag->properties.item;
    size_t size = bag->type.len;

    for (size_t i = 0; i < bag->properties.count; i++)
        size += property[i].name.len + property[i].value.len;
    return size;
}

size_t profile_attached_size(const struct key_profile *key)
{
    const struct property_bag_profile *bag = key->property_bags.item;
    size_t size = extensions_size(&key->extensions) + extensions_size(&key->encrypted_extensions) +
                  extensions_size(&key->logotypes);

    for (size_t i = 0; i < key->property_bags.count; i++)
        size += bag_size(&bag[i]);
    return size;
}
