/* Right responses, which are of another session, or are not what this one has asked for. */
#include "testvectors/generate/message_rows.h"
#include "testvectors/generate/message_text.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <string.h>

static const char SECTION[] = "KeyGen2 6 Protocol Objects; docs/http.md 5 and 6";
static const char SERVER_TIME[] = "2026-11-01T12:00:00Z"; /* as in MESSAGE_BASES */
static const char INITIALIZATION[] = "ProvisioningInitializationResponse";

struct scene {
    struct suite *s;
    const char *type;
    json_t *tree;
    struct bytes server_id, client_id;
    bool privacy;
};

static void add_text(const struct scene *c, const char *check, const char *flag, struct bytes text,
                     const char *comment)
{
    const struct expect good = EXPECT_VALID, bad = EXPECT_ISSUER(check);
    json_t *input = with(json_object(), "type", json_string(c->type));

    (void)with(input, "message", json_stringn((const char *)text.ptr, text.len));
    suite_test(c->s, check == NULL ? &good : &bad, flag, SECTION, NULL, input, "%s: %s", c->type,
               comment);
}

static void add(const struct scene *c, const char *check, const char *flag, const struct edit *edit,
                const char *comment)
{
    add_text(c, check, flag, message_text(c->s, c->tree, edit), comment);
}

/* ---- ids ---- */

static struct bytes with_last(const struct scene *c, struct bytes id, char last)
{
    return JOIN(c->s, bytes_at(id.ptr, id.len - 1), bytes_at(&last, 1));
}

/* With a letter as the other case has it: ids are no text that is compared without it. */
static struct bytes other_case(const struct scene *c, struct bytes id)
{
    for (size_t i = 0; i < id.len; i++)
        if ((id.ptr[i] | 0x20) >= 'a' && (id.ptr[i] | 0x20) <= 'z')
            return flipped(c->s, id, i, 5);
    need(false, "a letter");
    return id;
}

/* Each way to have another value in the place of an id. @param other  the session's second id */
static void other_ids(const struct scene *c, const char *name, struct bytes id, struct bytes other)
{
    struct suite *s = c->s;
    const bool taken = strcmp(c->type, INITIALIZATION) == 0 && strcmp(name, "clientSessionId") == 0;
    const char last = (char)id.ptr[id.len - 1];
    const struct {
        const char *comment;
        struct bytes value;
    } ROWS[] = {
        { "that of another session", draw_id(s, id.len, "another session") },
        { "another last character", with_last(c, id, last == 'x' ? 'y' : 'x') },
        { "a letter of the other case", other_case(c, id) },
        { "without its last character", bytes_at(id.ptr, id.len - 1) },
        { "its first character alone", bytes_at(id.ptr, 1) },
        { "the other id", other },
    };
    char pointer[40], text[40], comment[100];

    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    for (size_t i = 0; i < NITEMS(ROWS); i++) {
        (void)snprintf(text, sizeof text, "\"%.*s\"", (int)ROWS[i].value.len, ROWS[i].value.ptr);
        (void)snprintf(comment, sizeof comment, "%s, %s", name, ROWS[i].comment);
        if (taken && i % 2 == 1) /* one that begins with it may have any; some of them will do */
            continue;
        add(c, taken ? NULL : "session ids", taken ? "FirstId" : "OtherSession",
            &(struct edit){ EDIT_REPLACE, pointer, text }, comment);
    }
}

static void both_ids(const struct scene *c)
{
    json_t *swapped = json_deep_copy(c->tree);
    const struct scene other = { c->s, c->type, swapped, c->server_id, c->client_id, c->privacy };

    other_ids(c, "serverSessionId", c->server_id, c->client_id);
    if (json_object_get(c->tree, "clientSessionId") == NULL) {
        json_decref(swapped);
        return;
    }
    other_ids(c, "clientSessionId", c->client_id, c->server_id);
    need(swapped != NULL &&
             json_object_set(swapped, "serverSessionId",
                             json_object_get(c->tree, "clientSessionId")) == 0 &&
             json_object_set(swapped, "clientSessionId",
                             json_object_get(c->tree, "serverSessionId")) == 0,
         "memory");
    add(&other, "session ids", "OtherSession", &(struct edit){ .kind = EDIT_NONE },
        "the ids changed over");
    json_decref(swapped);
}

/* ---- ProvisioningInitializationResponse ---- */

static void server_times(const struct scene *c)
{
    static const struct {
        const char *text, *comment;
    } ROWS[] = {
        { "\"2026-11-01T12:00:01Z\"", "serverTime a second later" },
        { "\"2026-11-01T11:59:59Z\"", "serverTime a second earlier" },
        { "\"2026-11-02T12:00:00Z\"", "serverTime a day later" },
        { "\"2027-11-01T12:00:00Z\"", "serverTime a year later" },
        { "\"2026-01-11T12:00:00Z\"", "serverTime with day and month changed over" },
        { "\"1970-01-01T00:00:00Z\"", "serverTime 0" },
    };

    for (size_t i = 0; i < NITEMS(ROWS); i++)
        add(c, "server time", "OtherTime",
            &(struct edit){ EDIT_REPLACE, "/serverTime", ROWS[i].text }, ROWS[i].comment);
}

/* The device shows itself if and only if privacy was not asked for. */
static void modes(const struct scene *c)
{
    const struct edit without = { EDIT_REMOVE, "/deviceId", NULL }, none = { .kind = EDIT_NONE };

    add(c, c->privacy ? NULL : "device id", c->privacy ? "Normal" : "Mode", &without,
        c->privacy ? "without deviceId, as privacy asks" : "without deviceId");
    if (c->privacy)
        add(c, "device id", "Mode", &none, "with deviceId, although privacy was asked for");
}

/* ---- the file ---- */

static void one_response(struct scene *c, const struct message_base *m)
{
    c->type = m->type;
    c->tree = message_base_tree(c->s, m);
    if (strcmp(c->type, INITIALIZATION) == 0)
        modes(c);
    if (!c->privacy) {
        add(c, NULL, "Normal", &(struct edit){ .kind = EDIT_NONE }, "as it must be");
        both_ids(c);
    }
    if (!c->privacy && strcmp(c->type, INITIALIZATION) == 0)
        server_times(c);
    json_decref(c->tree);
}

static bool is_response(const struct message_base *m)
{
    return strstr(m->type, "Response") != NULL;
}

static void notes(struct suite *s)
{
    suite_note(s, "Normal", "BASIC", "A response of this session.", "Nothing works without it.",
               SECTION);
    suite_note(s, "OtherSession", "SESSION_BINDING",
               "A session id is not that of the session, which the cookie names.",
               "What was said in one session counts in another.", SECTION);
    suite_note(s, "FirstId", "SESSION_BINDING",
               "ProvisioningInitializationResponse is what brings clientSessionId: it may be any.",
               "Tokens would be refused.", SECTION);
    suite_note(s, "OtherTime", "FRESHNESS", "serverTime is not what the issuer has sent.",
               "An answer to an earlier request passes for a fresh one.", SECTION);
    suite_note(s, "Mode", "PRIVACY", "deviceId is there if and only if privacy was not asked for.",
               "Software without any device passes for one that wants privacy.", SECTION);
}

void generate_response(struct suite *s)
{
    struct scene c = { .s = s,
                       .server_id = draw_id(s, 32, "serverSessionId"),
                       .client_id = draw_id(s, 32, "clientSessionId") };

    notes(s);
    for (int i = 0; i < 2; i++) {
        c.privacy = i == 1;
        suite_group(s, "response", "",
                    json_pack("{s:s#, s:s#, s:s, s:b}", "serverSessionId", c.server_id.ptr,
                              (int)c.server_id.len, "clientSessionId", c.client_id.ptr,
                              (int)c.client_id.len, "serverTime", SERVER_TIME, "privacyEnabled",
                              (int)c.privacy));
        for (size_t k = 0; k < MESSAGE_BASES_COUNT; k++)
            if (is_response(&MESSAGE_BASES[k]) &&
                (!c.privacy || strcmp(MESSAGE_BASES[k].type, INITIALIZATION) == 0))
                one_response(&c, &MESSAGE_BASES[k]);
    }
}
