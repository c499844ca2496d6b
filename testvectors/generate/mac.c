/* HMAC-SHA256(SK || name || counter, data). */
#include "testvectors/generate/method_data.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <string.h>

static const char SECTION[] = "SKS V1.07 6 MAC Operations; docs/wire.md 4, 5";

static const uint16_t COUNTERS[] = { 0, 1, 255, 256, 65535 };

struct scene {
    struct suite *s;
    struct bytes sk;
    const struct method_data *d;
};

static void add(const struct scene *c, bool valid, uint16_t counter, const char *flag,
                const char *profile, struct bytes mac, const char *comment)
{
    struct expect e = EXPECT_VALID, token = EXPECT_TOKEN(SKS_ERROR_MAC, "removed"),
                  issuer = EXPECT_ISSUER(c->d->check);
    json_t *input = with(json_object(), "counter", json_integer(counter));

    (void)with(input, "mac", hex(mac));
    if (!valid)
        e = c->d->answer ? issuer : token;
    else if (counter < 65535)
        e.counter = counter + 1;
    suite_test(c->s, &e, flag, SECTION, profile, input, "%s, %s, counter %u%s%s", c->d->mac_name,
               c->d->comment, counter, comment[0] == '\0' ? "" : ": ", comment);
}

static struct bytes right(const struct scene *c, uint16_t counter)
{
    return method_mac(c->s, c->sk, c->d->mac_name, counter, fields_data(c->s, &c->d->fields));
}

static void good(const struct scene *c, size_t number)
{
    const char *profile = strstr(c->d->mac_name, "Policy") != NULL ? "reference" : NULL;

    for (size_t i = 0; i < NITEMS(COUNTERS); i++)
        if (number % 2 == 0 || i == number / 2 % NITEMS(COUNTERS))
            add(c, true, COUNTERS[i], "Normal", profile, right(c, COUNTERS[i]), "");
}

static void bad_counters(const struct scene *c, size_t number)
{
    const struct bytes data = fields_data(c->s, &c->d->fields);
    uint16_t counter = COUNTERS[number % NITEMS(COUNTERS)];
    const uint8_t little[2] = { (uint8_t)counter, (uint8_t)(counter >> 8) };
    const struct bytes name = bytes_of(c->d->mac_name);

    add(c, false, counter, "WrongCounter", NULL, right(c, (uint16_t)(counter + 1)),
        "made with the next counter");
    add(c, false, counter, "WrongCounter", NULL, right(c, (uint16_t)(counter - 1)),
        "made with the counter before");
    if (counter != 0) /* HMAC fills its key up with zeros */
        add(c, false, counter, "WrongCounter", NULL, hmac(c->s, JOIN(c->s, c->sk, name), data),
            "made without a counter");
    if (little[0] != little[1])
        add(c, false, counter, "WrongCounter", NULL,
            hmac(c->s, JOIN(c->s, c->sk, name, bytes_at(little, 2)), data),
            "made with the bytes of the counter in reverse");
}

static void bad_names(const struct scene *c, const char *other)
{
    const struct bytes data = fields_data(c->s, &c->d->fields);
    const bool is_policy = strstr(c->d->mac_name, "Policy") != NULL;

    need(strcmp(other, c->d->mac_name) != 0, "another name");
    add(c, false, 4, "WrongName", NULL, method_mac(c->s, c->sk, other, 4, data),
        "made with the name of another method");
    if (is_policy)
        add(c, false, 4, "PolicyName", "reference", method_mac(c->s, c->sk, c->d->method, 4, data),
            "made with the name in the spelling of the text");
    else
        add(c, false, 4, "WrongName", NULL,
            hmac(c->s,
                 JOIN(c->s, c->sk, bytes_at("\0", 1),
                      bytes_at((const uint8_t[]){ (uint8_t)strlen(c->d->mac_name) }, 1),
                      bytes_of(c->d->mac_name), bytes_at("\0\x04", 2)),
                 data),
            "made with a length in front of the name");
}

static void bad_values(const struct scene *c, size_t number)
{
    const struct bytes mac = right(c, 3), data = fields_data(c->s, &c->d->fields);

    switch (number % 4) {
    case 0:
        add(c, false, 3, "Altered", NULL, flipped(c->s, mac, number % 32, 7),
            "one bit of it flipped");
        break;
    case 1:
        add(c, false, 3, "WrongLength", NULL, bytes_at(mac.ptr, 31), "its last byte missing");
        break;
    case 2:
        add(c, false, 3, "WrongLength", NULL, JOIN(c->s, mac, bytes_at("", 1)), "a byte behind it");
        break;
    default:
        add(c, false, 3, "WrongLength", NULL, (struct bytes){ 0 }, "of no length");
    }
    add(c, false, 3, "WrongKey", NULL,
        method_mac(c->s, flipped(c->s, c->sk, 31, 0), c->d->mac_name, 3, data),
        "made with another session key");
}

static void bad_fields(const struct scene *c, size_t number)
{
    struct mistake mistake[7];
    size_t count = mistakes(c->s, &c->d->fields, number, number % 2 == 0 ? 7 : 3, mistake);

    for (size_t i = 0; i < count; i++)
        add(c, false, 2, mistake[i].flag, NULL,
            method_mac(c->s, c->sk, c->d->mac_name, 2, mistake[i].data), mistake[i].comment);
}

static void notes(struct suite *s)
{
    mistakes_explain(s, SECTION);
    suite_note(s, "Normal", "BASIC", "A MAC as it must be.", "Nothing works without it.", SECTION);
    suite_note(s, "WrongCounter", "MISSING_AUTHENTICATION",
               "The MAC was made with another counter than the next one.",
               "Calls could be left out, repeated, or taken in another order.", SECTION);
    suite_note(s, "WrongName", "MISSING_AUTHENTICATION",
               "The MAC was made for another method, or with its name in another form.",
               "The arguments of one method could be given to another.", SECTION);
    suite_note(s, "PolicyName", "WRONG_NAME",
               "The MAC names of the policies have capitals, createPINPolicy and "
               "createPUKPolicy, in every token; the text has createPinPolicy and "
               "createPukPolicy.",
               "No policy could be created.", "testvectors/divergences.md");
    suite_note(s, "Altered", "MISSING_AUTHENTICATION", "A bit of the MAC is another one.",
               "Any argument could be changed.", SECTION);
    suite_note(s, "WrongLength", "MISSING_AUTHENTICATION",
               "The MAC is not 32 bytes long. It is a wrong MAC, not a malformed call.",
               "A short one can be guessed.", SECTION);
    suite_note(s, "WrongKey", "WRONG_KEY", "The MAC was made with another session key.",
               "Any argument could be changed.", SECTION);
}

static void begin_group(const struct scene *c)
{
    json_t *fixtures = with(json_object(), "sessionKey", hex(c->sk));

    (void)with(fixtures, "name", json_string(c->d->mac_name));
    (void)with(fixtures, "method", json_string(c->d->method));
    (void)with(fixtures, "fields", fields_json(&c->d->fields));
    (void)with(fixtures, "data", hex(fields_data(c->s, &c->d->fields)));
    suite_group(c->s, "methodMac", "", fixtures);
}

void generate_mac(struct suite *s)
{
    struct method_data *all = arena_alloc(&s->arena, METHOD_DATA_MAX, sizeof *all);
    struct scene c = { s, draw(s, 32, "session key"), NULL };
    size_t count;

    need(all != NULL, "memory");
    count = method_data(s, all);
    notes(s);
    for (size_t i = 0; i < count; i++) {
        const char *other = all[(i + 5) % count].mac_name;

        c.d = &all[i];
        begin_group(&c);
        good(&c, i);
        bad_counters(&c, i);
        bad_names(&c, other);
        bad_values(&c, i);
        bad_fields(&c, i);
    }
}
