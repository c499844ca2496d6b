/* The conditions of a lookup: what a certificate and its key must fulfil. */
#include "keygen2/message/search_filter.h"

#include <string.h>

enum {
    SERIAL_NUMBER_MAX = 100, /* digits: twice what a certificate may have */
    OID_MAX = 128,           /* characters */
};

/* ---- kinds of their own ---- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Length of the decimal number without leading zeros at the start of a text; 0: there is none. */
static size_t number_length(struct bytes text)
{
    size_t len = 0;

    while (len < text.len && is_digit(text.ptr[len]))
        len++;
    return len > 1 && text.ptr[0] == '0' ? 0 : len;
}

static struct bytes skip(struct bytes text, size_t len)
{
    return bytes_at(text.ptr + len, text.len - len);
}

/* KeyGen2, 5 "Data Types": bigint, each number with one text. */
static bool is_bigint(struct bytes text)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    struct bytes digits = negative ? skip(text, 1) : text;

    if (digits.len > SERIAL_NUMBER_MAX || (negative && digits.len == 1 && digits.ptr[0] == '0'))
        return false;
    return digits.len > 0 && number_length(digits) == digits.len;
}

static enum sks_status decode_bigint(struct json_reader *r, const struct json_place *at,
                                     const json_t *value, void *member)
{
    struct bytes *text = member;
    enum sks_status rc;

    TRY(json_decode_text(r, at, value, text));
    if (!is_bigint(*text))
        rc = json_refuse(r, at, "not a decimal number of at most %d digits", SERIAL_NUMBER_MAX);
out:
    return rc;
}

static void encode_bigint(struct buf *out, const void *member)
{
    const struct bytes *text = member;

    if (text->len > 0)
        json_put_text(out, *text);
}

static void encode_optional_time(struct buf *out, const void *member)
{
    const struct keygen2_time *time = member;

    if (time->text.len > 0)
        KEYGEN2_SERVER_TIME.encode(out, member);
}

static enum sks_status decode_optional_time(struct json_reader *r, const struct json_place *at,
                                            const json_t *value, void *member)
{
    return KEYGEN2_SERVER_TIME.decode(r, at, value, member);
}

static enum sks_status decode_optional_name(struct json_reader *r, const struct json_place *at,
                                            const struct name *table, const json_t *value,
                                            struct optional_name *name)
{
    name->is_there = true;
    return json_decode_name(r, at, table, value, &name->value);
}

static void encode_optional_name(struct buf *out, const struct name *table,
                                 const struct optional_name *name)
{
    if (name->is_there)
        json_put_name(out, table, name->value);
}

static enum sks_status decode_grouping(struct json_reader *r, const struct json_place *at,
                                       const json_t *value, void *member)
{
    return decode_optional_name(r, at, NAMES_GROUPING, value, member);
}

static void encode_grouping(struct buf *out, const void *member)
{
    encode_optional_name(out, NAMES_GROUPING, member);
}

static enum sks_status decode_app_usage(struct json_reader *r, const struct json_place *at,
                                        const json_t *value, void *member)
{
    return decode_optional_name(r, at, NAMES_APP_USAGE, value, member);
}

static void encode_app_usage(struct buf *out, const void *member)
{
    encode_optional_name(out, NAMES_APP_USAGE, member);
}

static const struct json_codec BIGINT = { decode_bigint, encode_bigint };
static const struct json_codec TIME = { decode_optional_time, encode_optional_time };
static const struct json_codec GROUPING = { decode_grouping, encode_grouping };
static const struct json_codec APP_USAGE = { decode_app_usage, encode_app_usage };

/* ---- searchFilter ---- */

static const char POLICY_RULES[] = "policyRules";
static const char KEY_USAGE_RULES[] = "keyUsageRules";
static const char EXTENDED_KEY_USAGE_RULES[] = "extendedKeyUsageRules";

#define AT(member) .offset = offsetof(struct search_filter, member)
#define REG_EX .min = 1, .max = KEYGEN2_REG_EX_MAX
#define RULES .min = 1, .max = KEYGEN2_RULES_MAX

static const struct json_field FILTER[] = {
    { "fingerPrint", JSON_BINARY, JSON_OPTIONAL, AT(finger_print), .min = 32, .max = 32 },
    { "issuerRegEx", JSON_TEXT, JSON_OPTIONAL, AT(issuer_reg_ex), REG_EX },
    { "serialNumber", JSON_CUSTOM, JSON_OPTIONAL, AT(serial_number), .with = &BIGINT },
    { "subjectRegEx", JSON_TEXT, JSON_OPTIONAL, AT(subject_reg_ex), REG_EX },
    { "emailRegEx", JSON_TEXT, JSON_OPTIONAL, AT(email_reg_ex), REG_EX },
    { POLICY_RULES, JSON_TEXTS, JSON_OPTIONAL, AT(policy_rules), RULES },
    { KEY_USAGE_RULES, JSON_TEXTS, JSON_OPTIONAL, AT(key_usage_rules), RULES },
    { EXTENDED_KEY_USAGE_RULES, JSON_TEXTS, JSON_OPTIONAL, AT(extended_key_usage_rules), RULES },
    { "issuedBefore", JSON_CUSTOM, JSON_OPTIONAL, AT(issued_before), .with = &TIME },
    { "issuedAfter", JSON_CUSTOM, JSON_OPTIONAL, AT(issued_after), .with = &TIME },
    { "grouping", JSON_CUSTOM, JSON_OPTIONAL, AT(grouping), .with = &GROUPING },
    { "appUsage", JSON_CUSTOM, JSON_OPTIONAL, AT(app_usage), .with = &APP_USAGE },
};

#undef AT

static bool is_oid(struct bytes text)
{
    size_t len = number_length(text);

    if (text.len > OID_MAX)
        return false;
    while (len > 0 && len < text.len && text.ptr[len] == '.') {
        text = skip(text, len + 1);
        len = number_length(text);
    }
    return len > 0 && len == text.len;
}

static bool is_key_usage(struct bytes text)
{
    static const char *const known[] = {
        "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
        "keyCertSign",      "cRLSign",        "encipherOnly",    "decipherOnly",
    };

    for (size_t i = 0; i < NITEMS(known); i++)
        if (bytes_equal(bytes_of(known[i]), text))
            return true;
    return false;
}

/* Each a name, behind "-" if it is forbidden; none can be both. */
static enum sks_status check_rules(struct json_reader *r, const struct json_place *at,
                                   const struct bytes_list *rules, bool (*is_name)(struct bytes),
                                   const char *error)
{
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < rules->count; i++) {
        const struct json_place item = { at, NULL, i };
        struct bytes name = rules->item[i];

        if (name.ptr[0] == '-')
            name = skip(name, 1);
        if (!is_name(name)) {
            rc = json_refuse(r, &item, "%s", error);
            goto out;
        }
        TRY(json_unique(r, &item, seen, name));
    }
out:
    json_decref(seen);
    return rc;
}

static enum sks_status check_filter(struct json_reader *r, const struct json_place *at, void *out)
{
    static const char no_oid[] = "not an OID, nor one behind \"-\"";
    static const struct search_filter nothing;
    const struct search_filter *filter = out;
    enum sks_status rc;

    if (memcmp(filter, &nothing, sizeof nothing) == 0) /* decoding has zeroed it first */
        return json_refuse(r, at, "must have a condition");
    TRY(check_rules(r, &(struct json_place){ at, POLICY_RULES, 0 }, &filter->policy_rules, is_oid,
                    no_oid));
    TRY(check_rules(r, &(struct json_place){ at, KEY_USAGE_RULES, 0 }, &filter->key_usage_rules,
                    is_key_usage, "not a key usage, nor one behind \"-\""));
    TRY(check_rules(r, &(struct json_place){ at, EXTENDED_KEY_USAGE_RULES, 0 },
                    &filter->extended_key_usage_rules, is_oid, no_oid));
out:
    return rc;
}

const struct json_type SEARCH_FILTER =
    JSON_TYPE("searchFilter", struct search_filter, FILTER, check_filter);
