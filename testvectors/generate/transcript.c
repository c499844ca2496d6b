/* Whole sessions, call by call; and the same sessions with something about them altered. */
#include "testvectors/generate/closing.h"
#include "testvectors/generate/story.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SECTION[] = "SKS V1.07 6, 8; docs/wire.md 3-8";

enum { BASES = 60, OPERATIONS_SIZE = 200 };

/* ---- alterations ---- */

struct derived {
    struct suite *s;
    struct play *p;
    const char *base;    /* comment */
    const char *profile; /* reading */
};

static const char *operation(struct derived *d, const char *name, size_t step, const char *rest)
{
    char *text = arena_printf(&d->s->arena, "{\"op\":\"%s\",\"step\":%zu%s}", name, step, rest);

    need(text != NULL, "memory");
    return text;
}

static void add(struct derived *d, const struct expect *e, const char *flag, const char *operation,
                const char *comment)
{
    json_t *list = json_array();

    if (operation != NULL) {
        json_t *one = json_loads(operation, 0, NULL);

        need(one != NULL && json_array_append_new(list, one) == 0, operation);
    }
    suite_test(d->s, e, flag, SECTION, d->profile, with(json_object(), "operations", list),
               "%s: %s", d->base, comment);
}

static struct expect token_at(size_t step, int status, const char *session)
{
    struct expect e = EXPECT_TOKEN(status, session);

    e.step = (int)step;
    return e;
}

static struct expect issuer_at(size_t step, const char *check)
{
    struct expect e = EXPECT_ISSUER(check);

    e.step = (int)step;
    return e;
}

static const char *flip(struct derived *d, size_t step, bool answer, size_t offset, unsigned bit)
{
    char rest[OPERATIONS_SIZE];

    (void)snprintf(rest, sizeof rest, ",\"part\":\"%s\",\"offset\":%zu,\"bit\":%u",
                   answer ? "answer" : "request", offset, bit);
    return operation(d, "flip", step, rest);
}

/* Arguments that are under the MAC, where the change of one bit passes all checks before it; one of
 * the value's bytes, from its end. */
static const struct {
    const char *method, *field;
    size_t from_end;
    unsigned bit;
} PROTECTED[] = {
    { "createPukPolicy", "id", 1, 0 },
    { "createPukPolicy", "retryLimit", 1, 0 },
    { "createPukPolicy", "mac", 1, 7 },
    { "createPinPolicy", "id", 1, 0 },
    { "createPinPolicy", "userModifiable", 1, 0 },
    { "createPinPolicy", "userDefined", 1, 0 },
    { "createPinPolicy", "retryLimit", 1, 2 },
    { "createPinPolicy", "grouping", 1, 1 },
    { "createPinPolicy", "patternRestrictions", 1, 0 },
    { "createPinPolicy", "maxLength", 1, 0 },
    { "createPinPolicy", "minLength", 1, 0 },
    { "createPinPolicy", "inputMethod", 1, 0 },
    { "createPinPolicy", "mac", 16, 3 },
    { "createKeyEntry", "id", 1, 0 },
    { "createKeyEntry", "appUsage", 1, 0 },
    { "createKeyEntry", "appUsage", 1, 1 },
    { "createKeyEntry", "friendlyName", 1, 0 },
    { "createKeyEntry", "mac", 32, 0 },
    { "setCertificatePath", "certificate", 1, 0 },
    { "setCertificatePath", "mac", 5, 5 },
    { "importSymmetricKey", "encryptedKey", 20, 1 },
    { "importSymmetricKey", "mac", 1, 0 },
    { "importPrivateKey", "encryptedKey", 40, 1 },
    { "addExtension", "type", 1, 0 },
    { "addExtension", "mac", 1, 0 },
    { "postDeleteKey", "authorization", 1, 0 },
    { "postUnlockKey", "authorization", 9, 2 },
    { "postUpdateKey", "authorization", 3, 1 },
    { "postCloneKeyProtection", "authorization", 5, 0 },
    { "postUpdateKey", "mac", 1, 0 },
    { "postDeleteKey", "mac", 1, 0 },
    { "closeProvisioningSession", "nonce", 1, 0 },
    { "closeProvisioningSession", "mac", 1, 0 },
};

static void altered_arguments(struct derived *d, size_t turn, size_t wanted)
{
    char comment[120];

    for (size_t n = 0; n < NITEMS(PROTECTED) && wanted > 0; n++) {
        const size_t i = (turn * 7 + n) % NITEMS(PROTECTED);

        for (size_t step = 0; step < d->p->count; step++) {
            struct exchange *x = &d->p->exchange[step];
            struct expect e = token_at(step, SKS_ERROR_MAC, "removed");
            struct bytes value;

            if (strcmp(x->method, PROTECTED[i].method) != 0)
                continue;
            value = field_of(&x->request, PROTECTED[i].field)->value;
            (void)snprintf(comment, sizeof comment, "a bit of %s of %s", PROTECTED[i].field,
                           x->method);
            add(d, &e, "AlteredArgument",
                flip(d, step, false,
                     body_offset(&x->request, PROTECTED[i].field) + value.len -
                         PROTECTED[i].from_end,
                     PROTECTED[i].bit),
                comment);
            wanted--;
            break;
        }
    }
}

static void altered_answers(struct derived *d, size_t turn)
{
    static const struct {
        const char *method, *field, *check;
    } ANSWERS[] = { { "createProvisioningSession", "clientSessionId", "session attestation" },
                    { "createProvisioningSession", "attestation", "session attestation" },
                    { "createKeyEntry", "attestation", "key attestation" },
                    { "closeProvisioningSession", "attestation", "closing proof" },
                    { "createProvisioningSession", "attested_session_key",
                      "session attestation" } };
    char comment[120];

    for (size_t n = 0; n < NITEMS(ANSWERS); n++) {
        const size_t i = (turn + n) % NITEMS(ANSWERS);

        for (size_t step = 0; step < d->p->count; step++) {
            const struct exchange *x = &d->p->exchange[step];
            struct expect e = issuer_at(step, ANSWERS[i].check);
            bool has = false;

            for (size_t k = 0; k < x->answer.count; k++)
                has = has || strcmp(x->answer.item[k].name, ANSWERS[i].field) == 0;
            if (!has || strcmp(x->method, ANSWERS[i].method) != 0)
                continue;
            (void)snprintf(comment, sizeof comment, "a bit of %s in the answer of %s",
                           ANSWERS[i].field, x->method);
            add(d, &e, "AlteredAnswer",
                flip(d, step, true, body_offset(&x->answer, ANSWERS[i].field) + 3, 0), comment);
            return;
        }
    }
}

static size_t find_step(const struct play *p, const char *method)
{
    size_t step = 0;

    while (step < p->count && strcmp(p->exchange[step].method, method) != 0)
        step++;
    return step;
}

/* Calls left out, made twice, or in another order: the counter, or what is missing, shows it. */
static void altered_order(struct derived *d, size_t turn)
{
    const size_t pin = find_step(d->p, "createPinPolicy"), key = find_step(d->p, "createKeyEntry"),
                 path = find_step(d->p, "setCertificatePath"),
                 extension = find_step(d->p, "addExtension"),
                 close = find_step(d->p, "closeProvisioningSession"), count = d->p->count;
    struct expect e;
    char rest[OPERATIONS_SIZE];

    switch (turn % 6) {
    case 0:
        e = token_at(key, pin < count ? SKS_ERROR_OPTION : SKS_ERROR_NO_KEY, "removed");
        if (pin < count) {
            e.step = (int)key - 1;
            add(d, &e, "LeftOut", operation(d, "remove", pin, ""), "no createPinPolicy");
        } else {
            e.session = "open";
            add(d, &e, "LeftOut", operation(d, "remove", key, ""), "no createKeyEntry");
        }
        break;
    case 1:
        e = token_at(close, SKS_ERROR_MAC, "removed");
        if (extension < count) {
            e.step = (int)extension;
            add(d, &e, "LeftOut", operation(d, "remove", extension, ""), "no first addExtension");
        } else {
            e = token_at(pin < count ? pin + 1 : key + 1, SKS_ERROR_MAC, "removed");
            add(d, &e, "MadeTwice", operation(d, "repeat", pin < count ? pin : key, ""),
                "the first policy or key made twice");
        }
        break;
    case 2:
        e = token_at(path + 1, SKS_ERROR_MAC, "removed");
        add(d, &e, "MadeTwice", operation(d, "repeat", path, ""), "setCertificatePath twice");
        break;
    case 3:
        e = token_at(close + 1, SKS_ERROR_NO_SESSION, "closed");
        add(d, &e, "MadeTwice", operation(d, "repeat", close, ""), "closed twice");
        break;
    case 4:
        e = token_at(path, SKS_ERROR_MAC, "removed");
        (void)snprintf(rest, sizeof rest, ",\"with\":%zu", close);
        add(d, &e, "OtherOrder", operation(d, "swap", path, rest),
            "closed where the certificate path should come");
        break;
    default:
        e = token_at(1, SKS_ERROR_OPTION, "removed"); /* no such policy yet */
        if (count > 2 && d->p->exchange[1].mac_name != NULL && pin < count && pin == 1)
            add(d, &e, "OtherOrder", operation(d, "swap", 1, ",\"with\":2"),
                "the second call first");
        else
            altered_arguments(d, turn, 1);
    }
}

/* Bodies that do not decode, and handles of others: nothing is torn down. */
static void malformed(struct derived *d, size_t turn)
{
    const size_t step = 1 + turn % (find_step(d->p, "closeProvisioningSession"));
    struct exchange *x = &d->p->exchange[step];
    const size_t len = fields_data(d->s, &x->request).len;
    const struct exchange *before = &d->p->exchange[step - 1];
    struct expect e = token_at(step, SKS_ERROR_OPTION, "open");
    char rest[OPERATIONS_SIZE];

    e.counter = (int)before->counter;
    e.limit = (int)before->limit;
    switch (turn % 3) {
    case 0:
        (void)snprintf(rest, sizeof rest, ",\"part\":\"request\",\"length\":%zu", len - 1);
        add(d, &e, "Malformed", operation(d, "cut", step, rest), "last byte of a request missing");
        break;
    case 1:
        add(d, &e, "Malformed",
            operation(d, "append", step, ",\"part\":\"request\",\"bytes\":\"00\""),
            "a byte behind a request");
        break;
    default:
        e.status = strcmp(x->request.item[1].name, "keyHandle") == 0 ? SKS_ERROR_NO_KEY
                                                                     : SKS_ERROR_NO_SESSION;
        add(d, &e, "OtherHandle", flip(d, step, false, 1, 6), "a handle that is none");
    }
}

/* The MAC names of policies are the reference's, some curves are not among its own. */
static const char *profile_of(const struct play *p, int number)
{
    const struct story t = story_of(number);
    const bool other_curve = (!t.profile_2010 && t.curve >= SECP256K1) || t.key >= SECP256K1;

    if (find_step(p, "createPinPolicy") < p->count)
        return other_curve ? "rig" : "reference";
    return other_curve ? "text" : NULL;
}

/* sessionLifeTime, which is counted from the creation on. */
static void waits(struct derived *d, size_t turn)
{
    const size_t step = 1 + turn % find_step(d->p, "closeProvisioningSession");
    const struct exchange *x = &d->p->exchange[step];
    const struct expect good = {
        .valid = true, .status = -1, .session = "closed", .counter = -1, .limit = -1, .step = -1
    };
    struct expect e = token_at(
        step,
        strcmp(x->request.item[1].name, "keyHandle") == 0 ? SKS_ERROR_NO_KEY : SKS_ERROR_NO_SESSION,
        "removed");
    const char *profile = d->profile;

    d->profile = profile != NULL && strcmp(profile, "text") != 0 ? "rig" : "text";
    if (turn % 2 == 0)
        add(d, &e, "LifeTime", operation(d, "wait", step, ",\"seconds\":3600"),
            "the life time passes");
    d->profile = profile;
    if (turn % 6 == 1)
        add(d, &good, "LifeTime", operation(d, "wait", step, ",\"seconds\":3500"),
            "most of the life time passes");
}

static void notes(struct suite *s)
{
    suite_note(s, "LifeTime", "LIFE_TIME",
               "Time passes between two calls, by the clock of the token. A session that is over "
               "is gone.",
               "Sessions that were given up could be gone on with.", SECTION);
    suite_note(s, "Whole", "BASIC", "A whole transcript as it must be.",
               "Nothing works without it.", SECTION);
    suite_note(s, "AlteredArgument", "MISSING_AUTHENTICATION",
               "A middleman changes an argument that is under a MAC, or the MAC.",
               "Keys would be protected otherwise than the issuer wants.", SECTION);
    suite_note(
        s, "AlteredAnswer", "MISSING_AUTHENTICATION", "A middleman changes what the token answers.",
        "The issuer would take another device or key, or a session that never closed.", SECTION);
    suite_note(s, "LeftOut", "MISSING_AUTHENTICATION", "A middleman leaves a call out.",
               "Keys would lack what the issuer wants.", SECTION);
    suite_note(s, "MadeTwice", "MISSING_AUTHENTICATION", "A middleman makes a call twice.",
               "Things would be done twice.", SECTION);
    suite_note(s, "OtherOrder", "MISSING_AUTHENTICATION",
               "A middleman makes the calls in another order.",
               "Keys would get what was meant for others.", SECTION);
    suite_note(s, "Malformed", "LENGTH_CHECK",
               "A request that does not decode. It touches nothing: the session goes on.",
               "Reads behind the end; or whoever reaches the token ends sessions.", SECTION);
    suite_note(s, "OtherHandle", "RANGE_CHECK",
               "A handle of nothing. It touches nothing: the session goes on.",
               "Whoever reaches the token ends sessions.", SECTION);
}

void generate_transcript(struct suite *s)
{
    struct play *p = malloc(sizeof *p);
    const struct expect good = {
        .valid = true, .status = -1, .session = "closed", .counter = -1, .limit = -1, .step = -1
    };
    char comment[STORY_COMMENT];

    need(p != NULL, "memory");
    notes(s);
    for (int i = 0; i < BASES; i++) {
        const char *requires = play_story(p, s, i, comment);
        struct derived d = { s, p, comment, profile_of(p, i) };

        suite_group(s, "session", requires, play_fixtures(p));
        add(&d, &good, "Whole", NULL, "as it must be");
        altered_arguments(&d, (size_t)i, 2);
        altered_answers(&d, (size_t)i);
        altered_order(&d, (size_t)i);
        malformed(&d, (size_t)i);
        waits(&d, (size_t)i);
    }
    free(p);
    generate_closing(s);
}
