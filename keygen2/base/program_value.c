/* The values of options: what each kind takes, and what is said of one that is wrong. */
#include "keygen2/base/program_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void program_place(const struct parse *p, size_t number, enum origin origin, unsigned line,
                   char place[ORIGIN_MAX])
{
    const char *name = p->rows[number].name;
    char variable[VARIABLE_MAX] = "";

    if (origin == ORIGIN_FILE)
        (void)snprintf(place, ORIGIN_MAX, "%s: line %u: %s", p->config, line, name);
    else if (origin == ORIGIN_ENVIRONMENT && program_variable(&p->rows[number], variable))
        (void)snprintf(place, ORIGIN_MAX, "%s", variable);
    else
        (void)snprintf(place, ORIGIN_MAX, "--%s", name);
}

/* A value on its way into the struct of options. */
struct value {
    struct parse *p;
    size_t number;
    const struct option_row *row;
    const char *text;
    char place[ORIGIN_MAX];
};

static int wrong(const struct value *v, const char *why)
{
    if (v->row->secret)
        return program_usage(v->p->command, "%s: the value %s", v->place, why);
    return program_usage(v->p->command, "%s: '%s' %s", v->place, v->text, why);
}

static int set_flag(const struct value *v, bool *flag)
{
    static const struct {
        const char *text;
        bool value;
    } WORDS[] = { { "true", true }, { "1", true }, { "false", false }, { "0", false } };

    if (v->text == NULL) {
        *flag = true;
        return GO_ON;
    }
    for (size_t i = 0; i < NITEMS(WORDS); i++)
        if (strcmp(v->text, WORDS[i].text) == 0) {
            *flag = WORDS[i].value;
            return GO_ON;
        }
    return wrong(v, "is neither true nor false");
}

static int set_number(const struct value *v, uint32_t *number)
{
    const struct option_row *row = v->row;
    uint32_t max = row->max == 0 ? UINT32_MAX : row->max;
    unsigned long long value;
    char *end, why[64];

    errno = 0;
    value = strtoull(v->text, &end, 10);
    (void)snprintf(why, sizeof why, "is not a number from %u to %u", row->min, max);
    if (v->text[0] < '0' || v->text[0] > '9' || *end != '\0' || errno != 0 || value < row->min ||
        value > max)
        return wrong(v, why);
    *number = (uint32_t)value;
    return GO_ON;
}

/* "a|b|c" has it. */
static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);

    for (const char *at = choices; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, text, len) == 0 && (at[len] == '|' || at[len] == '\0') && len > 0)
            return true;
    }
    return false;
}

/* "a|b|c" in a sentence: "is neither a, b nor c". */
static void say_choices(const char *choices, char *text, size_t size)
{
    const char *before = "is neither ";
    size_t used = 0;

    while (*choices != '\0' && used < size) {
        size_t len = strcspn(choices, "|");

        used += (size_t)snprintf(text + used, size - used, "%s%.*s", before, (int)len, choices);
        choices += len + (choices[len] == '|');
        before = strchr(choices, '|') == NULL ? " nor " : ", ";
    }
}

static int check_text(const struct value *v)
{
    struct sks_error err = { 0 };
    char why[200];

    if (v->row->choices != NULL && !is_choice(v->row->choices, v->text)) {
        say_choices(v->row->choices, why, sizeof why);
        return wrong(v, why);
    }
    if (v->row->check != NULL && v->row->check(v->text, &err) != SKS_OK)
        return wrong(v, err.text);
    return GO_ON;
}

static int add_text(const struct value *v, struct texts *texts)
{
    if (texts->count == TEXTS_MAX)
        return program_usage(v->p->command, "%s: given more than %d times", v->place, TEXTS_MAX);
    texts->item[texts->count++] = v->text;
    return check_text(v);
}

int program_set(struct parse *p, size_t number, const char *text, enum origin origin, unsigned line)
{
    const struct option_row *row = &p->rows[number];
    void *member = (char *)p->options + row->offset;
    struct value v = { .p = p, .number = number, .row = row, .text = text };
    size_t item = row->kind == OPTION_TEXTS ? ((struct texts *)member)->count : 0;

    program_place(p, number, origin, line, v.place);
    if (p->origin[number] != ORIGIN_DEFAULT &&
        (row->kind == OPTION_TEXT || row->kind == OPTION_NUMBER))
        return program_usage(p->command, "%s: given twice", v.place);
    p->origin[number] = origin;
    if (item < TEXTS_MAX)
        p->line[number][item] = line;
    switch (row->kind) {
    case OPTION_FLAG:
        return set_flag(&v, member);
    case OPTION_TEXT:
        *(const char **)member = text;
        return check_text(&v);
    case OPTION_TEXTS:
        return add_text(&v, member);
    case OPTION_NUMBER:
        return set_number(&v, member);
    }
    return GO_ON;
}
