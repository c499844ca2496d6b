#include "proxy/attack.h"

#include "keygen2/base/base64.h"
#include "keygen2/base/files.h"
#include "keygen2/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1024 * 1024 };

enum operation { OPERATION_FLIP, OPERATION_REPLACE, OPERATION_DELETE };

struct rule {
    uint8_t hop; /* enum hop */
    struct bytes message;
    struct bytes path; /* JSON pointer, RFC 6901 */
    uint8_t operation; /* enum operation */
    bool has_bit;
    uint32_t bit;
    struct bytes value; /* text of the JSON value; empty if there is none */
};

struct rule_file {
    struct json_array rules;
};

struct attack {
    struct arena arena;
    struct rule_file file;
};

/* ---- the rule file ---- */

/* Calls to the token are not altered yet: a rule that asks for it is refused. */
static const struct name HOPS[] = { { "issuer", HOP_ISSUER }, { NULL, 0 } };
static const struct name OPERATION_NAMES[] = {
    { "flip", OPERATION_FLIP },
    { "replace", OPERATION_REPLACE },
    { "delete", OPERATION_DELETE },
    { NULL, 0 },
};

static enum sks_status decode_bit(struct json_reader *r, const struct json_place *at,
                                  const json_t *value, void *member)
{
    struct rule *rule = member;
    json_int_t bit = json_integer_value(value);

    if (!json_is_integer(value) || bit < 0 || bit > UINT32_MAX)
        return json_refuse(r, at, "expected the number of a bit");
    rule->has_bit = true;
    rule->bit = (uint32_t)bit;
    return SKS_OK;
}

static const struct json_codec BIT = { decode_bit, NULL };

#define AT(member) .offset = offsetof(struct rule, member)

static const struct json_field RULE_FIELDS[] = {
    { "hop", JSON_NAME, JSON_MANDATORY, AT(hop), .with = HOPS },
    { "message", JSON_TEXT, JSON_MANDATORY, AT(message), .min = 1 },
    { "path", JSON_TEXT, JSON_MANDATORY, AT(path), .min = 1 },
    { "operation", JSON_NAME, JSON_MANDATORY, AT(operation), .with = OPERATION_NAMES },
    { "bit", JSON_CUSTOM, JSON_OPTIONAL, .with = &BIT },
    { "value", JSON_CUSTOM, JSON_OPTIONAL, AT(value), .with = &JSON_ANY_VALUE },
};

#undef AT

static enum sks_status check_rule(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct rule *rule = out;

    if (rule->path.ptr[0] != '/')
        return json_refuse(r, &(struct json_place){ at, "path", 0 }, "expected a JSON pointer");
    if (rule->has_bit != (rule->operation == OPERATION_FLIP))
        return json_refuse(r, at, "\"bit\" belongs to the operation flip, and to no other");
    if ((rule->value.ptr != NULL) != (rule->operation == OPERATION_REPLACE))
        return json_refuse(r, at, "\"value\" belongs to the operation replace, and to no other");
    return SKS_OK;
}

static const struct json_type RULE = JSON_TYPE("rule", struct rule, RULE_FIELDS, check_rule);

static const struct json_field FILE_FIELDS[] = {
    { "rules", JSON_RECORDS, JSON_MANDATORY, .offset = offsetof(struct rule_file, rules), .min = 1,
      .with = &RULE },
};
static const struct json_type RULE_FILE =
    JSON_TYPE("rule file", struct rule_file, FILE_FIELDS, NULL);

enum sks_status attack_load(const char *file, struct attack **attack, struct sks_error *err)
{
    struct attack *made = calloc(1, sizeof *made);
    struct sks_error why = { 0 };
    struct buf text = { 0 };
    json_t *root = NULL;
    enum sks_status rc;

    *attack = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for the attack");
    TRY(file_read(file, FILE_MAX_BYTES, &text, err));
    rc = json_parse(buf_bytes(&text), &root, &why);
    if (rc == SKS_OK)
        rc = json_decode(&RULE_FILE, root, &made->file, &made->arena, &why);
    REQUIRE(rc == SKS_OK, err, rc, "%s: %s", file, why.text);
    *attack = made;
    made = NULL;
out:
    json_decref(root);
    buf_free(&text);
    attack_free(made);
    return rc;
}

void attack_free(struct attack *attack)
{
    if (attack == NULL)
        return;
    arena_free(&attack->arena);
    free(attack);
}

/* ---- finding the place ---- */

/* A value and where it hangs. */
struct place {
    json_t *parent, *value;
    char name[300]; /* of a property */
    size_t index;   /* of an element */
};

/* RFC 6901, 3: "~1" is '/', "~0" is '~'. */
static bool next_token(struct bytes *path, char *token, size_t size)
{
    size_t used = 0;

    if (path->len == 0 || path->ptr[0] != '/')
        return false;
    path->ptr++, path->len--;
    while (path->len > 0 && path->ptr[0] != '/') {
        char c = (char)path->ptr[0];

        if (c == '~' && path->len > 1 && (path->ptr[1] == '0' || path->ptr[1] == '1')) {
            c = path->ptr[1] == '0' ? '~' : '/';
            path->ptr++, path->len--;
        }
        path->ptr++, path->len--;
        if (used + 1 >= size)
            return false;
        token[used++] = c;
    }
    token[used] = '\0';
    return true;
}

static bool find_place(json_t *root, struct bytes path, struct place *place)
{
    *place = (struct place){ .value = root };
    while (path.len > 0) {
        char *end;

        place->parent = place->value;
        if (!next_token(&path, place->name, sizeof place->name))
            return false;
        place->index = (size_t)strtoul(place->name, &end, 10);
        if (json_is_object(place->parent))
            place->value = json_object_get(place->parent, place->name);
        else if (*end == '\0' && end != place->name)
            place->value = json_array_get(place->parent, place->index);
        else
            place->value = NULL;
        if (place->value == NULL)
            return false;
    }
    return place->parent != NULL;
}

/* Puts a new value there; takes the reference. */
static bool set_place(const struct place *place, json_t *value)
{
    return value != NULL && (json_is_object(place->parent)
                                 ? json_object_set_new(place->parent, place->name, value) == 0
                                 : json_array_set_new(place->parent, place->index, value) == 0);
}

/* ---- operations ---- */

static bool flip(const struct rule *rule, const struct place *place)
{
    struct bytes text = bytes_at(json_string_value(place->value), json_string_length(place->value));
    struct buf raw = { 0 };
    bool encoded, done = false;

    if (!json_is_string(place->value))
        return false;
    encoded = base64url_decode(text, &raw) == SKS_OK;
    if (!encoded) {
        buf_reset(&raw);
        put_raw(&raw, text);
    }
    if (rule->bit / 8 < raw.len) {
        raw.ptr[rule->bit / 8] ^= (uint8_t)(1U << rule->bit % 8);
        done =
            set_place(place, encoded ? json_binary(buf_bytes(&raw)) : json_text(buf_bytes(&raw)));
    }
    buf_free(&raw);
    return done;
}

static bool replace(const struct rule *rule, const struct place *place)
{
    return set_place(
        place, json_loadb((const char *)rule->value.ptr, rule->value.len, JSON_DECODE_ANY, NULL));
}

static bool remove_value(const struct rule *rule, const struct place *place)
{
    (void)rule;
    return json_is_object(place->parent) ? json_object_del(place->parent, place->name) == 0
                                         : json_array_remove(place->parent, place->index) == 0;
}

static const struct {
    bool (*apply)(const struct rule *rule, const struct place *place);
    const char *unfit;
} OPERATIONS[] = {
    [OPERATION_FLIP] = { flip, "the value there has no such bit, or is no text without it" },
    [OPERATION_REPLACE] = { replace, "the value cannot be put there" },
    [OPERATION_DELETE] = { remove_value, "the value cannot be taken away" },
};

static enum sks_status apply_rule(const struct rule *rule, json_t *root, struct sks_error *err)
{
    struct place place;
    enum sks_status rc = SKS_OK;

    REQUIRE(find_place(root, rule->path, &place), err, SKS_ERROR_OPTION, "attack: %.*s has no %.*s",
            (int)rule->message.len, (const char *)rule->message.ptr, (int)rule->path.len,
            (const char *)rule->path.ptr);
    REQUIRE(OPERATIONS[rule->operation].apply(rule, &place), err, SKS_ERROR_OPTION,
            "attack: %.*s %.*s: %s", (int)rule->message.len, (const char *)rule->message.ptr,
            (int)rule->path.len, (const char *)rule->path.ptr, OPERATIONS[rule->operation].unfit);
out:
    return rc;
}

static void add_note(const struct rule *rule, char note[ATTACK_NOTE_MAX])
{
    size_t len = strlen(note);
    char bit[24] = "";

    if (rule->has_bit)
        (void)snprintf(bit, sizeof bit, " bit %u", rule->bit);
    (void)snprintf(note + len, ATTACK_NOTE_MAX - len, "%s%s %.*s%s", len == 0 ? "" : ", ",
                   name_of_value(OPERATION_NAMES, rule->operation), (int)rule->path.len,
                   (const char *)rule->path.ptr, bit);
}

enum sks_status attack_apply(const struct attack *attack, enum hop hop, const char *message,
                             struct buf *text, char note[ATTACK_NOTE_MAX], struct sks_error *err)
{
    const struct rule *rule = attack == NULL ? NULL : attack->file.rules.item;
    size_t count = attack == NULL ? 0 : attack->file.rules.count;
    json_t *root = NULL;
    enum sks_status rc = SKS_OK;

    note[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (rule[i].hop != hop || !bytes_equal(rule[i].message, bytes_of(message)))
            continue;
        if (root == NULL)
            TRY(json_parse(buf_bytes(text), &root, err));
        TRY(apply_rule(&rule[i], root, err));
        add_note(&rule[i], note);
    }
    if (root != NULL) {
        buf_reset(text);
        TRY(sks_explain(err, json_write(root, text)));
    }
out:
    json_decref(root);
    return rc;
}
