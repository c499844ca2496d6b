/*
 * Configuration files, which an operator may get wrong: each line is taken or refused with its
 * number, and what is taken is a name and a value that lie in the file.
 */
#include "keygen2/base/config_file.h"
#include "tests/plain/support/must.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct bytes part, const uint8_t *data, size_t size)
{
    return part.ptr >= data && part.ptr + part.len <= data + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_at(data, size);
    struct config_line line = { 0 };
    struct sks_error err = { 0 };
    unsigned before = 0, lines = 1;
    char prefix[32];
    bool found = true;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    while (found && (rc = config_next(&text, &line, &found, &err)) == SKS_OK && found) {
        must(line.number > before && line.number <= lines, "lines come in their order");
        must(line.name.len > 0 && is_inside(line.name, data, size), "a name is of the file");
        must(is_inside(line.value, data, size), "so is a value");
        must(memchr(line.value.ptr, '\0', line.value.len) == NULL, "a value is a text");
        before = line.number;
    }
    (void)snprintf(prefix, sizeof prefix, "line %u: ", line.number);
    must((rc == SKS_OK) == (err.text[0] == '\0'), "a refusal says why");
    must(rc == SKS_OK || strncmp(err.text, prefix, strlen(prefix)) == 0, "and in which line");
    return 0;
}
