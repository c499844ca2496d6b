/* Extensions of a key: what they may be, and that they come out as they went in. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include <stdio.h>
#include <string.h>

#define EXTENSION_SECTION "SKS addExtension; wire 5"

static enum sks_status add(struct scene *scene, const char *type, enum sks_extension sub_type,
                           struct bytes data, enum sks_status wanted)
{
    struct call call;
    enum sks_status rc;

    TRY(call_extension(&scene->s, &call, &scene->key, type, sub_type, data));
    rc = call_do(&scene->s, &call, wanted);
out:
    return rc;
}

static enum sks_status expect_extension(struct scene *scene, const char *type,
                                        enum sks_extension sub_type, const char *qualifier,
                                        struct bytes data)
{
    union sks_in in = { .get_extension = { scene->key.handle, bytes_of(type) } };
    struct check *check = scene->s.check;
    union sks_out out;
    enum sks_status rc;

    TRY(target_call(scene->s.target, check, GET_EXTENSION, &in, &out, SKS_OK));
    TRY(expect_number(check, "getExtension: subType", (uint64_t)sub_type, out.extension.sub_type));
    TRY(expect_text(check, "getExtension: qualifier", qualifier, out.extension.qualifier));
    rc = expect_bytes(check, "getExtension: extensionData", data, out.extension.extension_data);
out:
    return rc;
}

struct kind {
    const char *name;
    enum sks_extension sub_type;
    size_t size; /* 0: what getDeviceInfo says is the most */
};

static const struct kind KINDS[] = {
    { "plain", EXTENSION_PLAIN, 400 },
    { "plain-of-1", EXTENSION_PLAIN, 1 },
    { "encrypted", EXTENSION_ENCRYPTED, 400 },
    { "encrypted-one-block", EXTENSION_ENCRYPTED, 16 },
    { "logotype", EXTENSION_LOGOTYPE, 1000 },
    { "plain-greatest", EXTENSION_PLAIN, 0 },
    { "logotype-greatest", EXTENSION_LOGOTYPE, 0 },
};

/* What went in comes out, in clear. */
static enum sks_status kept(struct check *check, void *end, const void *from)
{
    const struct kind *row = from;
    struct target *target = end;
    struct scene scene = { 0 };
    struct bytes data =
        check_draw_bytes(check, row->size == 0 ? target->info.extension_data_size : row->size);
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(add(&scene, EXTENSION_TYPE, row->sub_type, data, SKS_OK));
    TRY(session_close(&scene.s));
    rc = expect_extension(&scene, EXTENSION_TYPE, row->sub_type,
                          row->sub_type == EXTENSION_LOGOTYPE ? "image/png" : "", data);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status too_big(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(add(&scene, EXTENSION_TYPE, EXTENSION_PLAIN,
            check_draw_bytes(check, target->info.extension_data_size + 1), SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status twice(struct check *check, void *end, const void *row)
{
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(add(&scene, EXTENSION_TYPE, EXTENSION_PLAIN, bytes_of("1"), SKS_OK));
    TRY(add(&scene, EXTENSION_TYPE "/2", EXTENSION_PLAIN, bytes_of("2"), SKS_OK));
    TRY(add(&scene, EXTENSION_TYPE, EXTENSION_LOGOTYPE, bytes_of("3"), SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* A list has 255 elements at most, and getKeyAttributes lists the types. */
static enum sks_status too_many(struct check *check, void *end, const void *row)
{
    static const struct change MANY[] = { { "sessionKeyLimit", 1000, NULL, 0 }, { 0 } };
    struct scene_options options = { .session = MANY };
    struct scene scene = { 0 };
    char type[64];
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, &options));
    for (unsigned i = 0; i < 256; i++) {
        (void)snprintf(type, sizeof type, EXTENSION_TYPE "/%u", i);
        TRY(add(&scene, type, EXTENSION_PLAIN, bytes_of("1"), i < 255 ? SKS_OK : SKS_ERROR_OPTION));
    }
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

struct bag {
    const char *name, *title;
    const char *octets;
    size_t len;
    bool good;
    enum case_level level;
};

#define BAG(octets) octets, sizeof(octets) - 1

static const struct bag BAGS[] = {
    { "two", "two properties", BAG("\0\1a\0\0\1x\0\1b\1\0\1y"), true, LEVEL_MUST },
    { "empty-value", "a property without a value", BAG("\0\1a\1\0\0"), true, LEVEL_MUST },
    { "one-name-twice", "two properties of one name", BAG("\0\1a\0\0\1x\0\1a\1\0\1y"), true,
      LEVEL_MAY },
    { "writable-2", "a boolean of 2", BAG("\0\1a\2\0\1x"), false, LEVEL_MUST },
    { "no-name", "a property without a name", BAG("\0\0\1\0\1x"), false, LEVEL_MUST },
    { "octet-behind", "an octet behind the last property", BAG("\0\1a\1\0\1x\0"), false,
      LEVEL_MUST },
    { "value-cut", "a value that is shorter than it says", BAG("\0\1a\1\0\2x"), false, LEVEL_MUST },
    { "value-missing", "a name and no more", BAG("\0\1a"), false, LEVEL_MUST },
    { "name-no-utf8", "a name that is not UTF-8", BAG("\0\1\xff\1\0\1x"), false, LEVEL_SHOULD },
    { "value-no-utf8", "a value that is not UTF-8", BAG("\0\1a\1\0\1\xff"), false, LEVEL_SHOULD },
};

static enum sks_status property_bag(struct check *check, void *end, const void *from)
{
    const struct bag *row = from;
    struct bytes data = bytes_at(row->octets, row->len);
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(add(&scene, EXTENSION_TYPE, EXTENSION_PROPERTY_BAG, data,
            row->good ? SKS_OK : SKS_ERROR_OPTION));
    if (row->good) {
        TRY(session_close(&scene.s));
        rc = expect_extension(&scene, EXTENSION_TYPE, EXTENSION_PROPERTY_BAG, "", data);
    } else {
        rc = session_is_gone(&scene.s);
    }
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status set_property(struct scene *scene, const char *type, const char *name,
                                    const char *value, enum sks_status wanted)
{
    union sks_in in = { .set_property = { scene->key.handle, bytes_of(type), bytes_of(name),
                                          bytes_of(value) } };

    return target_call(scene->s.target, scene->s.check, SET_PROPERTY, &in, NULL, wanted);
}

static enum sks_status properties(struct check *check, void *end, const void *row)
{
    static const char BEFORE[] = "\0\1a\0\0\1x\0\1b\1\0\1y\0\1c\1\0\1z";
    static const char AFTER[] = "\0\1a\0\0\1x\0\1b\1\0\6longer\0\1c\1\0\0";
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(add(&scene, EXTENSION_TYPE, EXTENSION_PROPERTY_BAG, bytes_at(BEFORE, sizeof BEFORE - 1),
            SKS_OK));
    TRY(add(&scene, EXTENSION_TYPE "/2", EXTENSION_PLAIN, bytes_of("plain"), SKS_OK));
    TRY(session_close(&scene.s));
    TRY(set_property(&scene, EXTENSION_TYPE, "b", "longer", SKS_OK));
    TRY(set_property(&scene, EXTENSION_TYPE, "c", "", SKS_OK));
    TRY(set_property(&scene, EXTENSION_TYPE, "a", "new", SKS_ERROR_NOT_ALLOWED));
    TRY(set_property(&scene, EXTENSION_TYPE "/2", "a", "new", SKS_ERROR_OPTION));
    rc = expect_extension(&scene, EXTENSION_TYPE, EXTENSION_PROPERTY_BAG, "",
                          bytes_at(AFTER, sizeof AFTER - 1));
out:
    scene_free(&scene);
    return rc;
}

enum { STEP = 40000 /* octets of a property */ };

/* As many properties as there is room for, and an empty one that then grows beyond it. */
static enum sks_status outgrown(struct check *check, void *end, const void *row)
{
    const struct target *target = end;
    struct bytes name = bytes_of("full"), grows = bytes_of("grows");
    struct scene scene = { 0 };
    struct buf bag = { 0 };
    char value[STEP + 1];
    enum sks_status rc;

    (void)row;
    memset(value, 'v', STEP);
    value[STEP] = '\0';
    put_array(&bag, grows);
    put_bool(&bag, true);
    put_array(&bag, bytes_of(""));
    while (bag.len + STEP + name.len + 5 <= target->info.extension_data_size) {
        put_array(&bag, name);
        put_bool(&bag, false);
        put_array(&bag, bytes_of(value));
    }
    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(add(&scene, EXTENSION_TYPE, EXTENSION_PROPERTY_BAG, buf_bytes(&bag), SKS_OK));
    TRY(session_close(&scene.s));
    TRY(set_property(&scene, EXTENSION_TYPE, "grows", value, SKS_ERROR_STORAGE));
    rc = expect_extension(&scene, EXTENSION_TYPE, EXTENSION_PROPERTY_BAG, "", buf_bytes(&bag));
out:
    buf_free(&bag);
    scene_free(&scene);
    return rc;
}

/* ---- the list ---- */

static const struct conform_case CASES[] = {
    CASE(LEVEL_SHOULD, "setProperty.outgrown", "a property bag does not outgrow extensionDataSize",
         "wire 3, 5", 0, outgrown, NULL),
    CASE(LEVEL_MUST, "addExtension.too-big", "more than extensionDataSize of getDeviceInfo",
         EXTENSION_SECTION, 0, too_big, NULL),
    CASE(LEVEL_MUST, "addExtension.twice", "two extensions of one type", EXTENSION_SECTION, 0,
         twice, NULL),
    CASE(LEVEL_MUST, "setProperty.sets", "what is writable changes, and nothing else",
         "SKS setProperty; wire 5", 0, properties, NULL),
    { .id = "addExtension.256",
      .title = "a key has up to 255 extensions",
      .section = "SKS getKeyAttributes; wire 5",
      .level = LEVEL_SHOULD,
      .slow = true,
      .run = too_many },
};

void cases_of_extensions(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(KINDS); i++)
        cases_add_row(cases, cases_text(cases, "addExtension.%s", KINDS[i].name),
                      "what goes in comes out, in clear", EXTENSION_SECTION, 0, kept, &KINDS[i]);
    for (size_t i = 0; i < NITEMS(BAGS); i++) {
        struct conform_case item = {
            .id = cases_text(cases, "addExtension.bag-of-%s", BAGS[i].name),
            .title = cases_text(cases, "%s: %s", BAGS[i].title,
                                BAGS[i].good ? "accepted, and kept as it came" : "refused"),
            .section = EXTENSION_SECTION,
            .level = BAGS[i].level,
            .run = property_bag,
            .row = &BAGS[i],
        };

        cases_add(cases, &item);
    }
    cases_add_all(cases, CASES, NITEMS(CASES));
}
