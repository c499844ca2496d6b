/* What --print-config and --settings-table print. */
#include "keygen2/base/program_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

enum { VALUE_MAX = 32 /* bytes of a number */ };

/* A default that is outside what may be given stands for none. */
static bool has_number(const struct option_row *row, uint32_t number)
{
    return number >= row->min && number <= (row->max == 0 ? UINT32_MAX : row->max);
}

/* Text of the value that a row has in a struct of options, NULL if it has none. */
static const char *text_of(const struct option_row *row, const void *options, char own[VALUE_MAX])
{
    const void *member = (const char *)options + row->offset;
    uint32_t number;

    switch (row->kind) {
    case OPTION_FLAG:
        return *(const bool *)member ? "true" : "false";
    case OPTION_TEXT:
        return *(const char *const *)member;
    case OPTION_TEXTS:
        return NULL; /* a default is no list */
    case OPTION_NUMBER:
        number = *(const uint32_t *)member;
        (void)snprintf(own, VALUE_MAX, "%u", number);
        return has_number(row, number) ? own : NULL;
    }
    return NULL;
}

/* ---- --print-config ---- */

/* What a line of a file can hold; see config_file.h. */
static bool fits_a_line(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return false;
    return bytes_is_utf8(bytes_of(text));
}

static bool wants_quotes(const char *text)
{
    size_t len = strlen(text);

    return len == 0 || strchr("\" \t", text[0]) != NULL || strchr(" \t", text[len - 1]) != NULL;
}

static void print_value(const struct parse *p, size_t number, const char *text, unsigned line)
{
    const struct option_row *row = &p->rows[number];
    const char *quote = wants_quotes(text) ? "\"" : "";
    char place[ORIGIN_MAX] = "default";

    if (p->origin[number] != ORIGIN_DEFAULT)
        program_place(p, number, p->origin[number], line, place);
    if (fits_a_line(place))
        (void)printf("# %s\n", place);
    if (row->secret)
        (void)printf("# %s is a secret and not shown\n", row->name);
    else if (!fits_a_line(text))
        (void)printf("# %s has a value that no line of a file can hold\n", row->name);
    else
        (void)printf("%s = %s%s%s\n", row->name, quote, text, quote);
}

static void print_row(const struct parse *p, size_t number)
{
    const struct option_row *row = &p->rows[number];
    const struct texts *texts = (const void *)((const char *)p->options + row->offset);
    char own[VALUE_MAX];
    const char *text = text_of(row, p->options, own);

    if (text != NULL)
        print_value(p, number, text, p->line[number][0]);
    else if (row->kind != OPTION_TEXTS || texts->count == 0)
        (void)printf("# %s is not set: %s\n", row->name, row->help);
    for (size_t i = 0; row->kind == OPTION_TEXTS && i < texts->count; i++)
        print_value(p, number, texts->item[i], p->line[number][i]);
}

static bool is_variable_of(const struct program *program, struct bytes name)
{
    char variable[VARIABLE_MAX];

    if (program_variable(&PROGRAM_CONFIG, variable) && bytes_equal(name, bytes_of(variable)))
        return true;
    for (const struct command_row *command = program->commands; command->name != NULL; command++)
        for (size_t i = 0; i < program_row_count(command->options); i++)
            if (program_variable(&command->options[i], variable) &&
                bytes_equal(name, bytes_of(variable)))
                return true;
    return false;
}

/* Some are read in other ways, so this is a hint: a container's host sets more of them than we. */
static void print_strangers(const struct parse *p)
{
    char prefix[VARIABLE_MAX];
    const struct option_row none = { .name = "" };
    size_t len;

    (void)program_variable(&none, prefix);
    len = strlen(prefix);
    for (char **at = environ; *at != NULL; at++) {
        struct bytes name = bytes_at(*at, strcspn(*at, "="));

        if (name.len > len && strncmp(*at, prefix, len) == 0 && !is_variable_of(p->program, name))
            (void)printf("# %.*s stands in for no option\n", (int)name.len, *at);
    }
}

int program_print_config(const struct parse *p)
{
    (void)printf("# %s %s: settings in effect, a file for --config\n", program_called,
                 p->command->name);
    for (size_t i = 0; i < p->count; i++)
        print_row(p, i);
    print_strangers(p);
    return EXIT_DONE;
}

/* ---- --settings-table ---- */

/* All that the table has of a row, for its command. */
struct cell {
    const struct option_row *row;
    char preset[64];
};

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
    const struct option_row *x = a->row, *y = b->row;

    return same_text(x->name, y->name) && same_text(x->value, y->value) &&
           same_text(x->help, y->help) && same_text(x->choices, y->choices) &&
           same_text(x->environment, y->environment) && x->kind == y->kind && x->min == y->min &&
           x->max == y->max && x->required == y->required && strcmp(a->preset, b->preset) == 0;
}

static void fill_cell(const struct command_row *command, const struct option_row *row,
                      void *options, size_t size, struct cell *cell)
{
    char own[VALUE_MAX];
    const char *text;

    memset(options, 0, size);
    if (command->defaults != NULL)
        command->defaults(options);
    text = row->kind == OPTION_FLAG ? NULL : text_of(row, options, own);
    cell->row = row;
    (void)snprintf(cell->preset, sizeof cell->preset, "%s", text == NULL ? "" : text);
}

/* Cells end at a '|'. */
static void put_cell_text(const char *text)
{
    for (; *text != '\0'; text++)
        (void)printf(*text == '|' ? "\\|" : *text == '<' ? "&lt;" : "%c", *text);
}

static void print_form(const struct option_row *row)
{
    if (row->kind == OPTION_FLAG)
        (void)printf("true, false");
    else if (row->kind == OPTION_NUMBER)
        (void)printf("%u to %u", row->min, row->max == 0 ? UINT32_MAX : row->max);
    else
        put_cell_text(row->choices != NULL ? row->choices : row->value);
    if (row->kind == OPTION_TEXTS)
        (void)printf(", repeated");
}

/* Every command whose row says the same. False: an earlier one has it, nothing was printed. */
static bool print_commands(const struct program *program, const struct command_row *first,
                           const struct cell *cell, void *options, bool ask)
{
    const char *comma = "";

    for (const struct command_row *command = program->commands; command->name != NULL; command++)
        for (size_t i = 0; i < program_row_count(command->options); i++) {
            struct cell other;

            fill_cell(command, &command->options[i], options, program->options_size, &other);
            if (!same_cell(cell, &other))
                continue;
            if (ask)
                return command == first;
            (void)printf("%s%s", comma, command->name);
            comma = ", ";
        }
    return true;
}

static void print_cell(const struct program *program, const struct command_row *command,
                       const struct cell *cell, void *options)
{
    char variable[VARIABLE_MAX];
    bool has_variable = program_variable(cell->row, variable);

    (void)printf("| `%s` | ", cell->row->name);
    print_form(cell->row);
    (void)printf(" | %s%s%s | ", has_variable ? "`" : "", has_variable ? variable : "none",
                 has_variable ? "`" : "");
    put_cell_text(cell->row->required ? "required" : cell->preset);
    (void)printf(" | ");
    put_cell_text(cell->row->help);
    (void)printf(" | ");
    (void)print_commands(program, command, cell, options, false);
    (void)printf(" |\n");
}

int program_print_table(const struct program *program)
{
    void *options = calloc(1, program->options_size + 1);
    struct cell cell;

    if (options == NULL)
        return (int)program_fail(EXIT_IO, "no memory");
    (void)printf("\n## %s\n\n| option | value | variable | default | what it is | commands |\n"
                 "|---|---|---|---|---|---|\n",
                 program->name);
    for (const struct command_row *command = program->commands; command->name != NULL; command++)
        for (size_t i = 0; i < program_row_count(command->options); i++) {
            fill_cell(command, &command->options[i], options, program->options_size, &cell);
            if (print_commands(program, command, &cell, options, true))
                print_cell(program, command, &cell, options);
        }
    free(options);
    return EXIT_DONE;
}
