#include "proxy/capabilities.h"

#include "keygen2/base/files.h"

#include <stdio.h>
#include <string.h>

#define LOGOTYPE_URI "https://webpki.github.io/keygen2/logotype#"
#define FEATURE_URI "https://webpki.github.io/keygen2/feature#"
#define ATTRIBUTE_URI "https://webpki.github.io/keygen2/clientattr#"

/* ---- logotypes ---- */

static const char *const KINDS[LOGOTYPES] = { "list", "card", "icon", "application" };

struct logotype_sizes logotype_defaults(void)
{
    const struct bytes png = bytes_of("image/png");

    return (struct logotype_sizes){
        { { png, 94, 74 }, { png, 320, 200 }, { png, 48, 48 }, { png, 128, 128 } }
    };
}

enum sks_status logotype_parse(const char *text, struct logotype_sizes *sizes,
                               struct sks_error *err)
{
    const char *mime = strchr(text, '='), *colon = mime == NULL ? NULL : strrchr(mime, ':');
    struct image_attributes image = { 0 };
    unsigned width, height;
    int end = 0;

    if (colon == NULL || colon == mime + 1 ||
        strspn(colon + 1, "0123456789x") != strlen(colon + 1) ||
        sscanf(colon + 1, "%5ux%5u%n", &width, &height, &end) != 2 || colon[1 + end] != '\0' ||
        width == 0 || height == 0)
        goto out;
    image =
        (struct image_attributes){ bytes_at(mime + 1, (size_t)(colon - mime - 1)), width, height };
    for (size_t i = 0; i < LOGOTYPES; i++) {
        if (bytes_equal(bytes_at(text, (size_t)(mime - text)), bytes_of(KINDS[i]))) {
            sizes->of[i] = image;
            return SKS_OK;
        }
    }
out:
    return sks_fail(err, SKS_ERROR_OPTION,
                    "is no image: list, card, icon or application=MIME-TYPE:WIDTHxHEIGHT");
}

enum sks_status logotype_check(const char *text, struct sks_error *err)
{
    struct logotype_sizes sizes;

    return logotype_parse(text, &sizes, err);
}

/* ---- the machine ---- */

/* The value of NAME=VALUE or NAME="VALUE" in the text of /etc/os-release. */
static struct bytes release_value(struct bytes text, const char *name, struct arena *arena)
{
    size_t len = strlen(name);

    while (text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t line = end == NULL ? text.len : (size_t)(end - text.ptr);

        if (line > len && memcmp(text.ptr, name, len) == 0 && text.ptr[len] == '=') {
            struct bytes value = { text.ptr + len + 1, line - len - 1 };

            if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
                value = bytes_at(value.ptr + 1, value.len - 2);
            return value.len > 0 && bytes_is_utf8(value) ? arena_copy(arena, value)
                                                         : (struct bytes){ 0 };
        }
        line += end != NULL;
        text = bytes_at(text.ptr + line, text.len - line);
    }
    return (struct bytes){ 0 };
}

/* Empty if it is unknown, or not to be told. */
static struct bytes attribute(struct bytes uri, struct arena *arena)
{
    static const char *const NAMES[][2] = {
        { ATTRIBUTE_URI "os-vendor", "NAME" },
        { ATTRIBUTE_URI "os-version", "VERSION_ID" },
    };
    struct bytes value = { 0 };
    struct buf text = { 0 };

    for (size_t i = 0; i < NITEMS(NAMES); i++)
        if (bytes_equal(bytes_of(NAMES[i][0]), uri) &&
            file_read("/etc/os-release", 65536, &text, NULL) == SKS_OK)
            value = release_value(buf_bytes(&text), NAMES[i][1], arena);
    buf_free(&text);
    return value;
}

/* ---- answers ---- */

static bool is_supported(const struct device_info_out *device, struct bytes uri)
{
    const struct {
        const char *uri;
        bool supported;
    } features[] = {
        { FEATURE_URI "device-pin-support", device->device_pin_support },
        { FEATURE_URI "biometric-support", device->biometric_support },
    };

    for (size_t i = 0; i < NITEMS(features); i++)
        if (bytes_equal(bytes_of(features[i].uri), uri))
            return features[i].supported;
    for (size_t i = 0; i < device->supported_algorithms.count; i++)
        if (bytes_equal(device->supported_algorithms.item[i], uri))
            return true;
    return false;
}

static const struct image_attributes *image(const struct logotype_sizes *sizes, struct bytes uri)
{
    size_t len = strlen(LOGOTYPE_URI);

    for (size_t i = 0; i < LOGOTYPES; i++)
        if (uri.len == len + strlen(KINDS[i]) && memcmp(uri.ptr, LOGOTYPE_URI, len) == 0 &&
            memcmp(uri.ptr + len, KINDS[i], uri.len - len) == 0)
            return &sizes->of[i];
    return NULL;
}

static bool is_listed(const struct bytes_list *list, size_t count, struct bytes text)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(list->item[i], text))
            return true;
    return false;
}

enum sks_status capabilities_answer(const struct bytes_list *query,
                                    const struct device_info_out *device,
                                    const struct logotype_sizes *sizes, bool privacy,
                                    struct arena *arena, struct json_array *answers,
                                    struct sks_error *err)
{
    struct client_capability *answer = arena_alloc(arena, query->count + 1, sizeof *answer);
    struct image_attributes *images = arena_alloc(arena, LOGOTYPES, sizeof *images);
    struct bytes *values = arena_alloc(arena, query->count + 1, sizeof *values);

    if (answer == NULL || images == NULL || values == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for capabilities");
    answers->item = answer;
    for (size_t i = 0; i < query->count; i++) {
        struct bytes uri = query->item[i];
        const struct image_attributes *like = image(sizes, uri);
        struct client_capability *one = &answer[answers->count];

        if (is_listed(query, i, uri))
            continue;
        answers->count++;
        one->type = uri;
        values[i] = privacy ? (struct bytes){ 0 } : attribute(uri, arena);
        if (like != NULL) {
            *images = *like;
            one->image_attributes = images++;
        } else if (values[i].len > 0) {
            one->values = (struct bytes_list){ &values[i], 1 };
        } else {
            one->supported = is_supported(device, uri);
        }
    }
    return SKS_OK;
}
