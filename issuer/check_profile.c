#include "issuer/check_profile.h"
#include "issuer/profile.h"
#include "keygen2/base/files.h"
#include "keygen2/base/json.h"
#include "keygen2/base/json_schema.h"

#include <stdio.h>
#include <stdlib.h>

static enum exit_code check_one(const char *path, json_t *results)
{
    struct arena arena = { 0 };
    struct profile profile = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc = profile_load(path, &arena, &profile, &err);

    if (results != NULL)
        (void)json_array_append_new(results,
                                    json_pack("{s:o, s:b, s:o}", "file", json_shown(path), "valid",
                                              rc == SKS_OK, "error", json_shown(err.text)));
    else if (rc == SKS_OK)
        (void)printf("%s: good, %u key%s, %u operations of %u\n", path, profile.key_count,
                     profile.key_count == 1 ? "" : "s", profile.operations,
                     profile.session_key_limit);
    else
        (void)fprintf(stderr, "%s\n", err.text);
    arena_free(&arena);
    if (rc == SKS_OK)
        return EXIT_DONE;
    return rc == SKS_ERROR_OPTION ? EXIT_REFUSED : EXIT_IO;
}

enum exit_code check_profiles(char **files, size_t count, bool json)
{
    json_t *results = json ? json_array() : NULL;
    enum exit_code worst = EXIT_DONE;

    for (size_t i = 0; i < count; i++) {
        enum exit_code code = check_one(files[i], results);

        worst = code > worst ? code : worst;
    }
    if (json &&
        program_print_json(json_pack("{s:o}", "profiles", results), JSON_COMPACT) != EXIT_DONE)
        return EXIT_IO;
    return worst;
}

enum exit_code print_profile_schema(void)
{
    return program_print_json(json_schema(&PROFILE_TYPE, "profile of sks-issuer"), JSON_INDENT(1));
}
