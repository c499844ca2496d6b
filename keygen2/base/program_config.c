/* Options from a configuration file, and from the environment. */
#include "keygen2/base/config_file.h"
#include "keygen2/base/files.h"
#include "keygen2/base/program_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct option_row PROGRAM_CONFIG = {
    .name = "config",
    .value = "FILE",
    .help = "lines of NAME = VALUE, for options that are not given",
    .kind = OPTION_TEXT,
};
const struct option_row PROGRAM_PRINT = {
    .name = "print-config",
    .help = "print the settings in effect, as such a file, and end",
    .kind = OPTION_FLAG,
};

/* ---- the environment ---- */

bool program_variable(const struct option_row *row, char name[VARIABLE_MAX])
{
    if (row->environment != NULL) {
        (void)snprintf(name, VARIABLE_MAX, "%s", row->environment);
        return name[0] != '\0';
    }
    (void)snprintf(name, VARIABLE_MAX, "%s_%s", program_called, row->name);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)(*c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    return true;
}

static const char *value_of(const struct option_row *row)
{
    char name[VARIABLE_MAX];
    const char *text = program_variable(row, name) ? getenv(name) : NULL;

    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* One a line, where an option may be given several times. */
static int set_texts(struct parse *p, size_t number, const char *text)
{
    int code = GO_ON;

    for (size_t len; *text != '\0' && code == GO_ON; text += len + (text[len] == '\n')) {
        const char *item;

        len = strcspn(text, "\n");
        item = arena_text(&p->arena, bytes_at(text, len));
        if (item == NULL)
            return (int)program_fail(EXIT_IO, "no memory");
        if (len > 0)
            code = program_set(p, number, item, ORIGIN_ENVIRONMENT, 0);
    }
    return code;
}

int program_environment(struct parse *p)
{
    int code = GO_ON;

    for (size_t i = 0; i < p->count && code == GO_ON; i++) {
        const char *text = p->origin[i] != ORIGIN_DEFAULT ? NULL : value_of(&p->rows[i]);

        if (text == NULL)
            continue;
        code = p->rows[i].kind == OPTION_TEXTS ? set_texts(p, i, text)
                                               : program_set(p, i, text, ORIGIN_ENVIRONMENT, 0);
    }
    return code;
}

/* ---- the file ---- */

/* Number of the row with that name, or -1. */
static int find_row(const struct option_row *rows, struct bytes name)
{
    for (size_t i = 0; rows != NULL && rows[i].name != NULL; i++)
        if (bytes_equal(bytes_of(rows[i].name), name))
            return (int)i;
    return -1;
}

/* One file serves all commands of a program: what another one knows is no mistake. */
static bool is_known(const struct program *program, struct bytes name)
{
    for (const struct command_row *row = program->commands; row->name != NULL; row++)
        if (find_row(row->options, name) >= 0)
            return true;
    return false;
}

static int complain(const struct parse *p, const struct config_line *line, const char *why)
{
    return program_usage(p->command, "%s: line %u: '%.*s' %s", p->config, line->number,
                         (int)line->name.len, (const char *)line->name.ptr, why);
}

static int set_line(struct parse *p, size_t number, const struct config_line *line)
{
    const char *value = arena_text(&p->arena, line->value);

    if (value == NULL)
        return (int)program_fail(EXIT_IO, "no memory");
    if (p->origin[number] != ORIGIN_DEFAULT && p->rows[number].kind != OPTION_TEXTS)
        return complain(p, line, "stands twice in it");
    return program_set(p, number, value, ORIGIN_FILE, line->number);
}

static int set_from_text(struct parse *p, struct bytes text)
{
    struct config_line line = { 0 };
    bool found = true;
    struct sks_error err = { 0 };
    int code = GO_ON;

    while (code == GO_ON) {
        int number;

        if (config_next(&text, &line, &found, &err) != SKS_OK)
            return program_usage(p->command, "%s: %s", p->config, err.text);
        if (!found)
            break;
        number = find_row(p->rows, line.name);
        if (number < 0 && !is_known(p->program, line.name))
            code = complain(p, &line, "is an option of no command");
        else if (number >= 0 && p->origin[number] != ORIGIN_FLAG)
            code = set_line(p, (size_t)number, &line);
    }
    return code;
}

void program_find_config(struct parse *p)
{
    if (p->config == NULL)
        p->config = value_of(&PROGRAM_CONFIG);
}

int program_config(struct parse *p)
{
    struct buf text = { 0 };
    struct sks_error err = { 0 };
    int code;

    if (p->config == NULL)
        return GO_ON;
    code = file_read(p->config, CONFIG_FILE_MAX, &text, &err) == SKS_OK
               ? set_from_text(p, buf_bytes(&text))
               : (int)program_fail(EXIT_IO, "--config: %s", err.text);
    buf_free(&text);
    return code;
}
