#include "tests/unit/support/keygen2/messages.h"

#include <criterion/criterion.h>
#include <string.h>

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

const struct json_type *type_of(const char *name)
{
    for (size_t i = 0; i < KEYGEN2_MESSAGES_COUNT; i++)
        if (strcmp(KEYGEN2_MESSAGES[i]->name, name) == 0)
            return KEYGEN2_MESSAGES[i];
    cr_assert_fail("no message %s", name);
    return NULL;
}

json_t *load_messages(const char *part)
{
    json_error_t error;
    json_t *data = json_load_file(TEST_DATA "/messages.json", 0, &error);
    json_t *found = json_incref(json_object_get(data, part));

    cr_assert_not_null(found, "%s", error.text);
    json_decref(data);
    return found;
}

enum sks_status decode_message(const char *name, const json_t *root, union message *out,
                               struct arena *arena, struct sks_error *err)
{
    char *text = json_dumps(root, JSON_INDENT(1));
    enum sks_status rc = keygen2_decode(type_of(name), bytes_of(text), out, arena, err);

    memset(text, 'X', strlen(text));
    free(text);
    return rc;
}

static json_t *edited_value(const char *text)
{
    size_t len;
    char *some;
    json_t *value;

    if (text[0] != '@' && text[0] != '#')
        return json_loads(text, JSON_DECODE_ANY, NULL);
    len = strtoul(text + 1, NULL, 10);
    some = calloc(len + 1, 1);
    if (text[0] == '#')
        memset(some, 'a', len);
    value = text[0] == '@' ? json_binary(bytes_at(some, len)) : json_stringn(some, len);
    free(some);
    return value;
}

void edit_json(json_t *at, const char *pointer, const char *value)
{
    char copy[200], *token = copy, *next;

    (void)snprintf(copy, sizeof copy, "%s", pointer + 1);
    for (; (next = strchr(token, '/')) != NULL; token = next + 1) {
        *next = '\0';
        at = json_is_array(at) ? json_array_get(at, strtoul(token, NULL, 10))
                               : json_object_get(at, token);
    }
    cr_assert_not_null(at, "%s", pointer);
    if (value == NULL)
        cr_assert(json_object_del(at, token) == 0, "%s", pointer);
    else if (json_is_array(at))
        cr_assert(json_array_set_new(at, strtoul(token, NULL, 10), edited_value(value)) == 0);
    else
        cr_assert(json_object_set_new(at, token, edited_value(value)) == 0, "%s", pointer);
}

void expect_edited(json_t *messages, const struct edit *edit)
{
    json_t *root = json_deep_copy(json_object_get(messages, edit->name));
    union message message;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    edit_json(root, edit->pointer, edit->value);
    rc = decode_message(edit->name, root, &message, &arena, &err);
    cr_expect(rc == (edit->error == NULL ? SKS_OK : SKS_ERROR_OPTION), "%s %s: status %d",
              edit->name, edit->pointer, (int)rc);
    cr_expect_str_eq(err.text, edit->error == NULL ? "" : edit->error, "%s %s %s: %s", edit->name,
                     edit->pointer, edit->value == NULL ? "removed" : edit->value, err.text);
    json_decref(root);
    arena_free(&arena);
}

void expect_all_edited(const struct edit *edit, size_t count)
{
    json_t *messages = load_messages("messages");

    for (size_t i = 0; i < count; i++)
        expect_edited(messages, &edit[i]);
    json_decref(messages);
}
