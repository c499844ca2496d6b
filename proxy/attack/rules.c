#include "proxy/attack/rules.h"

#include "keygen2/base/json_schema.h"

static const struct name DIRECTION_NAMES[] = {
    { "request", RULE_REQUEST },
    { "answer", RULE_ANSWER },
    { NULL, 0 },
};

static const struct name SOURCE_NAMES[] = {
    { "this-session", RULE_THIS_SESSION },
    { "another-session", RULE_ANOTHER_SESSION },
    { NULL, 0 },
};

const struct name OPERATION_NAMES[] = {
    { "flip", OPERATION_FLIP },
    { "replace", OPERATION_REPLACE },
    { "truncate", OPERATION_TRUNCATE },
    { "extend", OPERATION_EXTEND },
    { "empty", OPERATION_EMPTY },
    { "delete", OPERATION_DELETE },
    { "duplicate", OPERATION_DUPLICATE },
    { "swap", OPERATION_SWAP },
    { "shift", OPERATION_SHIFT },
    { "insert", OPERATION_INSERT },
    { "type", OPERATION_TYPE },
    { "zero", OPERATION_ZERO },
    { "increment", OPERATION_INCREMENT },
    { "decrement", OPERATION_DECREMENT },
    { "maximum", OPERATION_MAXIMUM },
    { "invert", OPERATION_INVERT },
    { "splice", OPERATION_SPLICE },
    { "own-key", OPERATION_OWN_KEY },
    { "re-encrypt", OPERATION_RE_ENCRYPT },
    { "drop", OPERATION_DROP },
    { "delay", OPERATION_DELAY },
    { "repeat", OPERATION_REPEAT },
    { "reflect", OPERATION_REFLECT },
    { "replay", OPERATION_REPLAY },
    { "cross", OPERATION_CROSS },
    { "reorder", OPERATION_REORDER },
    { "forge", OPERATION_FORGE },
    { NULL, 0 },
};

/* What a rule may say besides, and what it must, by its operation. */
enum {
    BIT = 1,
    VALUE = 2,
    NAME = 4,
    BYTES = 8,
    SECONDS = 16,
    OF = 32,
    TRANSCRIPT = 64,
    STATUS = 128,
    FROM = 256
};

static const struct {
    unsigned must, may;
} PARAMETERS[OPERATION_FORGE + 1] = {
    [OPERATION_FLIP] = { BIT, 0 },
    [OPERATION_REPLACE] = { VALUE, 0 },
    [OPERATION_TRUNCATE] = { 0, BYTES },
    [OPERATION_EXTEND] = { 0, BYTES },
    [OPERATION_INSERT] = { NAME | VALUE, 0 },
    [OPERATION_SPLICE] = { 0, TRANSCRIPT },
    [OPERATION_DELAY] = { SECONDS, 0 },
    [OPERATION_REPLAY] = { 0, OF | TRANSCRIPT | FROM },
    [OPERATION_CROSS] = { 0, SECONDS },
    [OPERATION_REORDER] = { VALUE, STATUS },
    [OPERATION_FORGE] = { VALUE, STATUS },
};

static const struct {
    unsigned bit;
    const char *name;
} PARAMETER_NAMES[] = {
    { BIT, "bit" },
    { VALUE, "value" },
    { NAME, "name" },
    { BYTES, "bytes" },
    { OF, "of" },
    { SECONDS, "seconds" },
    { TRANSCRIPT, "transcript" },
    { STATUS, "status" },
    { FROM, "from" },
};

bool operation_is_of_value(uint8_t operation)
{
    return operation <= OPERATION_RE_ENCRYPT;
}

bool operation_is_of_octets(uint8_t operation)
{
    return operation == OPERATION_FLIP || operation == OPERATION_TRUNCATE ||
           operation == OPERATION_EXTEND || operation == OPERATION_EMPTY;
}

static enum sks_status decode_bit(struct json_reader *r, const struct json_place *at,
                                  const json_t *value, void *member)
{
    json_int_t bit = json_integer_value(value);

    if (!json_is_integer(value) || bit < 0 || bit > UINT32_MAX)
        return json_refuse(r, at, "expected the number of a bit");
    return JSON_ANY_VALUE.decode(r, at, value, member);
}

static const struct json_codec BIT_NUMBER = { decode_bit, NULL };

#define AT(member) .offset = offsetof(struct rule, member)

static const struct json_field RULE_FIELDS[] = {
    { "hop", JSON_NAME, JSON_MANDATORY, AT(hop), .with = HOP_NAMES },
    { "message", JSON_TEXT, JSON_MANDATORY, AT(message), .min = 1 },
    { "direction", JSON_NAME, JSON_OPTIONAL, AT(direction), .with = DIRECTION_NAMES,
      .fallback = RULE_BOTH },
    { "occurrence", JSON_LONG, JSON_OPTIONAL, AT(occurrence), .min = 1, .max = UINT32_MAX,
      .fallback = 0 },
    { "times", JSON_LONG, JSON_OPTIONAL, AT(times), .min = 1, .max = UINT32_MAX, .fallback = 0 },
    { "path", JSON_TEXT, JSON_OPTIONAL, AT(path) },
    { "operation", JSON_NAME, JSON_MANDATORY, AT(operation), .with = OPERATION_NAMES },
    { "bit", JSON_CUSTOM, JSON_OPTIONAL, AT(bit), .with = &BIT_NUMBER },
    { "value", JSON_CUSTOM, JSON_OPTIONAL, AT(value), .with = &JSON_ANY_VALUE },
    { "name", JSON_TEXT, JSON_OPTIONAL, AT(name), .min = 1, .max = 100 },
    { "bytes", JSON_LONG, JSON_OPTIONAL, AT(bytes), .min = 1, .max = 65536 },
    { "seconds", JSON_LONG, JSON_OPTIONAL, AT(seconds), .min = 1, .max = 100000 },
    { "of", JSON_TEXT, JSON_OPTIONAL, AT(of), .min = 1 },
    { "from", JSON_NAME, JSON_OPTIONAL, AT(from), .with = SOURCE_NAMES,
      .fallback = RULE_ANY_SESSION },
    { "transcript", JSON_TEXT, JSON_OPTIONAL, AT(transcript), .min = 1 },
    { "status", JSON_LONG, JSON_OPTIONAL, AT(status), .min = 100, .max = 599 },
};

#undef AT

static unsigned given(const struct rule *rule)
{
    return (rule->bit.len > 0 ? BIT : 0U) | (rule->value.len > 0 ? VALUE : 0U) |
           (rule->name.len > 0 ? NAME : 0U) | (rule->bytes > 0 ? BYTES : 0U) |
           (rule->seconds > 0 ? SECONDS : 0U) | (rule->of.len > 0 ? OF : 0U) |
           (rule->transcript.len > 0 ? TRANSCRIPT : 0U) | (rule->status > 0 ? STATUS : 0U) |
           (rule->from != RULE_ANY_SESSION ? FROM : 0U);
}

static enum sks_status check_parameters(struct json_reader *r, const struct json_place *at,
                                        const struct rule *rule)
{
    unsigned must = PARAMETERS[rule->operation].must, has = given(rule);
    unsigned may = must | PARAMETERS[rule->operation].may;
    const char *operation = name_of_value(OPERATION_NAMES, rule->operation);

    for (size_t i = 0; i < NITEMS(PARAMETER_NAMES); i++) {
        const char *name = PARAMETER_NAMES[i].name;
        unsigned bit = PARAMETER_NAMES[i].bit;

        if ((has & bit) != 0 && (may & bit) == 0)
            return json_refuse(r, &(struct json_place){ at, name, 0 },
                               "does not belong to the operation %s", operation);
        if ((must & bit) != 0 && (has & bit) == 0)
            return json_refuse(r, at, "the operation %s wants \"%s\"", operation, name);
    }
    return SKS_OK;
}

static enum sks_status check_rule(struct json_reader *r, const struct json_place *at, void *out)
{
    struct rule *rule = out;
    const struct json_place path = { at, "path", 0 };
    bool of_value = operation_is_of_value(rule->operation);
    enum sks_status rc;

    TRY(check_parameters(r, at, rule));
    if (of_value && (rule->path.len == 0 ? rule->operation != OPERATION_INSERT &&
                                               !operation_is_of_octets(rule->operation)
                                         : rule->path.ptr[0] != '/'))
        return json_refuse(r, &path, "expected a JSON pointer to the value");
    if (!of_value && rule->path.len > 0)
        return json_refuse(r, &path, "the operation is one of whole messages");
    if ((rule->operation == OPERATION_REPEAT || rule->operation == OPERATION_REFLECT ||
         rule->operation == OPERATION_REORDER) &&
        rule->direction == RULE_ANSWER)
        return json_refuse(r, at, "only a request can be repeated, reflected or held back");
    /* Both sides of a call have its name; a rule that says nothing is about the request. */
    if (rule->direction == RULE_BOTH && rule->hop == HOP_TOKEN)
        rule->direction = RULE_REQUEST;
    if (rule->occurrence == 0)
        rule->occurrence = 1;
    else if (rule->times == 0)
        rule->times = 1;
    rc = SKS_OK;
out:
    return rc;
}

static const struct json_type RULE = JSON_TYPE("rule", struct rule, RULE_FIELDS, check_rule);

static const struct json_field FILE_FIELDS[] = {
    { "description", JSON_TEXT, JSON_OPTIONAL, .offset = offsetof(struct rule_file, description) },
    { "rules", JSON_RECORDS, JSON_MANDATORY, .offset = offsetof(struct rule_file, rules), .min = 1,
      .with = &RULE },
};
static const struct json_type RULE_FILE =
    JSON_TYPE("rule file", struct rule_file, FILE_FIELDS, NULL);

enum sks_status rules_read(struct bytes text, struct rule_file *rules, struct arena *arena,
                           struct sks_error *err)
{
    json_t *root = NULL;
    enum sks_status rc;

    TRY(json_parse(text, &root, err));
    rc = json_decode(&RULE_FILE, root, rules, arena, err);
out:
    json_decref(root);
    return rc;
}

json_t *rules_schema(void)
{
    return json_schema(&RULE_FILE, "rules of sks-proxy --attack");
}
