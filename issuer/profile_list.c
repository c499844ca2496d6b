/* The profiles of a folder, and finding one. */
#include "issuer/profile.h"
#include "keygen2/base/files.h"
#include "keygen2/base/json_locate.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char SUFFIX[] = ".json";
#ifndef SKS_PROFILES_DIR
#define SKS_PROFILES_DIR "issuer/profiles" /* in the source tree */
#endif

static const char SCHEMA_FILE[] = "profile.schema.json"; /* lies beside the shipped profiles */

/* A name stands in URLs, in the log and on pages, always as it is. */
static bool is_name(const char *name, size_t len)
{
    return len > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789-_.") >= len;
}

/* Hidden files are none of ours, nor is the schema; any other *.json is meant to be a profile. */
static int is_profile(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name), suffix = sizeof SUFFIX - 1;

    return len > suffix && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + len - suffix, SUFFIX) == 0 &&
           strcmp(entry->d_name, SCHEMA_FILE) != 0;
}

/* "line 7: " in front of what begins with a JSON pointer; the rest says its line already. */
static enum sks_status explain(struct sks_error *err, const char *path, struct bytes text,
                               const struct sks_error *why)
{
    const char *end = strstr(why->text, ": ");
    size_t line = 0;

    if (why->text[0] == '/' && end != NULL)
        line = json_locate(text, bytes_at(why->text, (size_t)(end - why->text)));
    if (line > 0)
        return sks_fail(err, SKS_ERROR_OPTION, "%s: line %zu: %s", path, line, why->text);
    return sks_fail(err, SKS_ERROR_OPTION, "%s: %s", path, why->text);
}

static const char *folder_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? "." : arena_text(arena, bytes_at(path, (size_t)(slash - path) + 1));
}

enum sks_status profile_load(const char *path, struct arena *arena, struct profile *profile,
                             struct sks_error *err)
{
    const char *slash = strrchr(path, '/'), *file = slash == NULL ? path : slash + 1;
    size_t len = strlen(file), suffix = sizeof SUFFIX - 1;
    const char *folder = folder_of(path, arena), *name;
    struct sks_error why = { 0 };
    struct buf text = { 0 };
    enum sks_status rc;

    REQUIRE(len > suffix && strcmp(file + len - suffix, SUFFIX) == 0 && is_name(file, len - suffix),
            err, SKS_ERROR_OPTION,
            "%s: a profile is NAME.json, its name of letters, digits, '-', '_' and '.'", path);
    name = arena_text(arena, bytes_at(file, len - suffix));
    REQUIRE(name != NULL && folder != NULL, err, SKS_ERROR_STORAGE, "%s: no memory", path);
    TRY(file_read(path, PROFILE_FILE_MAX, &text, err));
    rc = profile_decode(name, folder, buf_bytes(&text), arena, profile, &why);
    if (rc != SKS_OK)
        rc = explain(err, path, buf_bytes(&text), &why);
out:
    buf_free(&text);
    return rc;
}

static enum sks_status load_one(const char *folder, const char *file, struct arena *arena,
                                struct profile *profile, struct sks_error *err)
{
    char path[PATH_MAX];

    if (file_path(path, sizeof path, folder, file) != SKS_OK)
        return sks_fail(err, SKS_ERROR_OPTION, "%s/%s: the name is too long", folder, file);
    return profile_load(path, arena, profile, err);
}

enum sks_status profiles_load(const char *folder, struct profile_list *list, struct sks_error *err)
{
    struct dirent **entry = NULL;
    int count = scandir(folder, &entry, is_profile, alphasort);
    enum sks_status rc;

    *list = (struct profile_list){ 0 };
    REQUIRE(count >= 0, err, SKS_ERROR_OPTION, "%s: %s", folder, strerror(errno));
    REQUIRE(count > 0, err, SKS_ERROR_OPTION, "%s: no profile (NAME.json) in this folder", folder);
    list->item = arena_alloc(&list->arena, (size_t)count, sizeof *list->item);
    REQUIRE(list->item != NULL, err, SKS_ERROR_STORAGE, "no memory for the profiles");
    for (int i = 0; i < count; i++) {
        TRY(load_one(folder, entry[i]->d_name, &list->arena, &list->item[i], err));
        list->count++;
    }
out:
    for (int i = 0; i < count; i++)
        free(entry[i]);
    free(entry);
    if (rc != SKS_OK)
        profiles_free(list);
    return rc;
}

void profiles_free(struct profile_list *list)
{
    arena_free(&list->arena);
    *list = (struct profile_list){ 0 };
}

const struct profile *profile_find(const struct profile_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->item[i].name, name) == 0)
            return &list->item[i];
    return NULL;
}

static const struct key_profile *find_key(const struct json_array *keys, struct bytes id)
{
    const struct key_profile *key = keys->item;

    for (size_t i = 0; i < keys->count; i++)
        if (bytes_equal(key[i].key.id, id))
            return &key[i];
    return NULL;
}

static const struct key_profile *find_in_pins(const struct json_array *pins, struct bytes id)
{
    const struct pin_profile *pin = pins->item;
    const struct key_profile *key = NULL;

    for (size_t i = 0; key == NULL && i < pins->count; i++)
        key = find_key(&pin[i].keys, id);
    return key;
}

const struct key_profile *profile_key(const struct profile *profile, struct bytes id)
{
    const struct puk_profile *puk = profile->puks.item;
    const struct key_profile *key = find_in_pins(&profile->pins, id);

    if (key == NULL)
        key = find_key(&profile->keys, id);
    for (size_t i = 0; key == NULL && i < profile->puks.count; i++)
        key = find_in_pins(&puk[i].pins, id);
    return key;
}

bool profiles_shipped(char path[PATH_MAX])
{
    static const char *const BESIDE[] = { "../issuer/profiles", "../../issuer/profiles" };
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    self[len < 0 ? 0 : len] = '\0';
    slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = '\0';
    for (size_t i = 0; slash != NULL && i < NITEMS(BESIDE); i++)
        if (file_path(path, PATH_MAX, self, BESIDE[i]) == SKS_OK && file_exists(path))
            return true;
    (void)snprintf(path, PATH_MAX, "%s", SKS_PROFILES_DIR);
    return file_exists(path);
}
