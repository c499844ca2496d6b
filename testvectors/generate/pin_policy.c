#include "testvectors/generate/pin_policy.h"

#include "testvectors/generate/stage.h"

#include <stdio.h>
#include <string.h>

static const char SECTION[] = "SKS V1.07 createPukPolicy, createPinPolicy; docs/wire.md 5";
static const char SECTION_GROUPING[] = "SKS V1.07 5 PIN Grouping; docs/wire.md 7";
static const char SECTION_TRIES[] = "SKS V1.07 5 retryLimit; docs/wire.md 7";

enum { SIGNATURE, AUTHENTICATION, ENCRYPTION, UNIVERSAL };

/* The last call is the one in question. @param session after it, if it is refused */
static void add(struct stage *g, int status, const char *session, const char *flag,
                const char *section, const char *comment)
{
    const struct expect bad = EXPECT_TOKEN(status, session);
    struct expect good = EXPECT_VALID;

    if (session != NULL) { /* where the session goes on, if it is not refused */
        good.session = "open";
        good.counter = (int)g->now->counter;
        good.limit = (int)g->now->limit;
    }
    stage_add(g, status == 0 ? &good : &bad, flag, section, comment);
}

/* ---- arguments of policies ---- */

struct change {
    const char *name;
    uint32_t value;
};

static const struct {
    int status;
    struct change change[3];
} PIN_ARGUMENTS[] = {
    { 0, { { NULL, 0 } } },
    { 9, { { "retryLimit", 0 } } },
    { 0, { { "retryLimit", 1 } } },
    { 0, { { "retryLimit", 10000 } } },
    { 9, { { "retryLimit", 10001 } } },
    { 9, { { "retryLimit", 65535 } } },
    { 0, { { "grouping", 0 } } },
    { 0, { { "grouping", 3 } } },
    { 9, { { "grouping", 4 } } },
    { 9, { { "grouping", 255 } } },
    { 0, { { "patternRestrictions", 0 } } },
    { 0, { { "patternRestrictions", 15 } } },
    { 9, { { "patternRestrictions", 16 } } },
    { 0, { { "patternRestrictions", 16 }, { "format", 1 } } },
    { 0, { { "patternRestrictions", 31 }, { "format", 2 } } },
    { 9, { { "patternRestrictions", 16 }, { "format", 3 } } },
    { 9, { { "patternRestrictions", 31 } } },
    { 9, { { "patternRestrictions", 32 } } },
    { 9, { { "patternRestrictions", 128 }, { "format", 2 } } },
    { 9, { { "minLength", 0 } } },
    { 0, { { "minLength", 1 } } },
    { 0, { { "minLength", 8 } } },
    { 9, { { "minLength", 9 } } },
    { 0, { { "maxLength", 128 } } },
    { 9, { { "maxLength", 129 } } },
    { 9, { { "maxLength", 65535 } } },
    { 9, { { "maxLength", 3 } } },
    { 9, { { "minLength", 129 }, { "maxLength", 129 } } },
    { 0, { { "inputMethod", 2 } } },
    { 9, { { "inputMethod", 3 } } },
    { 9, { { "inputMethod", 255 } } },
    { 0, { { "format", 3 } } },
    { 9, { { "format", 4 } } },
    { 9, { { "format", 255 } } },
    { 9, { { "pukPolicyHandle", 7 } } },
};

static void pin_arguments(struct stage *g)
{
    for (size_t i = 0; i < NITEMS(PIN_ARGUMENTS); i++) {
        struct play *p = stage_again(g);
        char comment[120] = "createPinPolicy:";

        (void)play_pin(p, "PIN.1", NULL, false, 1);
        for (size_t k = 0; k < 3 && PIN_ARGUMENTS[i].change[k].name != NULL; k++) {
            const struct change *c = &PIN_ARGUMENTS[i].change[k];
            size_t len = strlen(comment);

            play_change_number(p, c->name, c->value);
            (void)snprintf(comment + len, sizeof comment - len, " %s %u", c->name, c->value);
        }
        add(g, PIN_ARGUMENTS[i].status, "removed", "PolicyArgument", SECTION,
            comment[16] == '\0' ? "createPinPolicy: usual arguments" : comment);
    }
}

static const struct {
    int status;
    const char *id, *comment;
} IDS[] = { { 0, "!", "id of one character" },
            { 0, "0123456789abcdef0123456789abcde~", "id of 32 characters" },
            { 9, "", "empty id" },
            { 9, "0123456789abcdef0123456789abcdefX", "id of 33 characters" },
            { 9, "with space", "id with a space" },
            { 9, "n\xC3\xA4mlich", "id with a letter beyond ASCII" },
            { 9, "tab\t", "id with a control character" } };

static void ids(struct stage *g)
{
    for (size_t i = 0; i < NITEMS(IDS); i++) {
        struct play *p = stage_again(g);

        (void)play_pin(p, "PIN.1", NULL, false, 1);
        play_change(p, "id", bytes_of(IDS[i].id));
        add(g, IDS[i].status, "removed", "PolicyArgument", SECTION, IDS[i].comment);
        p = stage_again(g);
        (void)play_puk(p, "PUK.1", "1234");
        play_change(p, "id", bytes_of(IDS[i].id));
        add(g, IDS[i].status, "removed", "PolicyArgument", SECTION, IDS[i].comment);
    }
    (void)play_puk(stage_again(g), "Id.1", "1234");
    (void)play_pin(g->now, "Id.1", NULL, false, 1);
    add(g, 9, "removed", "PolicyArgument", SECTION, "id of a PUK policy used again");
}

static void puk_arguments(struct stage *g)
{
    static const struct {
        int status;
        const char *puk;
        struct change change;
    } CASES[] = { { 0, "1234", { NULL, 0 } },
                  { 0, "1234", { "retryLimit", 0 } },
                  { 0, "1234", { "retryLimit", 10000 } },
                  { 9, "1234", { "retryLimit", 10001 } },
                  { 0, "12AB", { "format", 1 } },
                  { 9, "12AB", { "format", 0 } },
                  { 9, "12ab", { "format", 1 } },
                  { 9, "1234", { "format", 4 } },
                  { 9, "", { NULL, 0 } } };
    char comment[120];

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct play *p = stage_again(g);

        (void)play_puk(p, "PUK.1", CASES[i].puk);
        if (CASES[i].change.name != NULL)
            play_change_number(p, CASES[i].change.name, CASES[i].change.value);
        (void)snprintf(comment, sizeof comment, "createPukPolicy: PUK \"%s\" %s %u", CASES[i].puk,
                       CASES[i].change.name == NULL ? "" : CASES[i].change.name,
                       CASES[i].change.value);
        add(g, CASES[i].status, "removed", "PolicyArgument", SECTION, comment);
    }
    for (size_t len = 0; len <= 48; len += 16) {
        (void)play_puk(stage_again(g), "PUK.1", "1234");
        play_change(g->now, "encryptedPuk", draw(g->s, len, "no PUK"));
        add(g, 5, "removed", "PolicyArgument", SECTION, "encryptedPuk does not decrypt");
    }
}

/* ---- groups ---- */

/* Whether two keys of these usages have one PIN; with none it does not matter. */
static bool share(unsigned grouping, unsigned a, unsigned b)
{
    return grouping == 1 || (grouping == 2 && (a == SIGNATURE) == (b == SIGNATURE)) ||
           (grouping == 3 && a == b);
}

static void groups(struct stage *g)
{
    static const char *const NAMES[] = { "none", "shared", "signature+standard", "unique" };
    static const unsigned USAGES[][2] = { { SIGNATURE, SIGNATURE },
                                          { SIGNATURE, AUTHENTICATION },
                                          { AUTHENTICATION, ENCRYPTION },
                                          { UNIVERSAL, SIGNATURE },
                                          { ENCRYPTION, ENCRYPTION } };
    char comment[120];

    for (unsigned grouping = 0; grouping < 4; grouping++)
        for (size_t i = 0; i < 2 * NITEMS(USAGES); i++) {
            const unsigned *usage = USAGES[i / 2];
            const bool same = i % 2 == 0;
            const bool good = grouping == 0 || same == share(grouping, usage[0], usage[1]);
            struct play *p = stage_again(g);
            struct play_policy pin = play_pin(p, "PIN.1", NULL, false, grouping);

            (void)play_key(p, "Key.1", &pin, P256, NULL);
            play_change_number(p, "appUsage", usage[0]);
            play_attest_again(p);
            (void)play_key(p, "Key.2", &pin, P256, NULL);
            play_change_number(p, "appUsage", usage[1]);
            if (!same)
                play_change(p, "pinValue", bytes_of("2468"));
            play_attest_again(p);
            (void)snprintf(comment, sizeof comment, "grouping %s, usages %u and %u, %s PINs",
                           NAMES[grouping], usage[0], usage[1], same ? "equal" : "different");
            add(g, good ? 0 : 9, "removed", "Grouping", SECTION_GROUPING, comment);
        }
}

/* ---- tries ---- */

static const struct {
    int status;
    const char *tries; /* r: right PIN, w: wrong PIN, u: unlockKey, x: unlockKey with a wrong PUK,
                        * s: setPin, c: changePin; a capital: refused */
    const char *comment;
} TRIES[] = {
    { 0, "r", "the right PIN" },
    { 1, "W", "a wrong PIN" },
    { 0, "WWr", "the right PIN after two wrong ones" },
    { 1, "WWWR", "the right PIN after as many wrong ones as there may be" },
    { 1, "WWWW", "a wrong PIN when it is blocked" },
    { 0, "WWrWWr", "a right PIN clears the counter" },
    { 1, "WWrWWWR", "and it counts again from there" },
    { 0, "WWWRur", "unlocked by the PUK" },
    { 1, "WWWX", "a wrong PUK" },
    { 1, "WWWXR", "a wrong PUK unlocks nothing" },
    { 0, "WWWXXXXur", "the right PUK after four wrong ones of five" },
    { 1, "WWWXXXXXU", "the right PUK after as many wrong ones as there may be" },
    { 0, "XXXXuXXXXu", "a right PUK clears its counter" },
    { 0, "WWWRsn", "setPin with the PUK, then the new PIN" },
    { 1, "WWWRsR", "setPin with the PUK, then the old PIN" },
    { 0, "cn", "changePin, then the new PIN" },
    { 1, "cR", "changePin, then the old PIN" },
    { 1, "WWWC", "changePin when the PIN is blocked" },
    { 0, "WWcWWn", "changePin clears the counter" },
};

static void one_try(struct play *p, const struct play_key *k, char what)
{
    const bool refused = what < 'a';

    switch (refused ? what - 'A' + 'a' : what) {
    case 'r':
        play_sign(p, k, "1357");
        break;
    case 'n':
        play_sign(p, k, "8642");
        break;
    case 'w':
        play_sign(p, k, "7531");
        break;
    case 'u':
        play_manage(p, 82, k, "12345678", NULL);
        break;
    case 'x':
        play_manage(p, 82, k, "87654321", NULL);
        break;
    case 's':
        play_manage(p, 84, k, "12345678", "8642");
        break;
    default:
        play_manage(p, 83, k, "1357", "8642");
    }
    if (refused)
        play_refused(p, SKS_ERROR_AUTHORIZATION);
}

static void tries(struct stage *g, const struct play_key *k)
{
    for (size_t i = 0; i < NITEMS(TRIES); i++) {
        struct play *p = stage_again(g);

        for (const char *what = TRIES[i].tries; *what != '\0'; what++)
            one_try(p, k, *what);
        add(g, TRIES[i].status, NULL, "Tries", SECTION_TRIES, TRIES[i].comment);
    }
}

/* ---- all ---- */

static void closed_session(struct play *p, struct play_key *k)
{
    struct play_policy puk, pin;

    puk = play_puk(p, "PUK.1", "12345678");
    pin = play_pin(p, "PIN.1", &puk, false, 1);
    *k = play_key(p, "Key.1", &pin, P256, NULL);
    play_certify(p, k, &k->key, 1);
    play_close(p);
}

void generate_pin_policy(struct suite *s)
{
    struct stage g;
    struct play_key k;

    stage_new(&g, s, "reference");
    suite_note(s, "PolicyArgument", "RANGE_CHECK",
               "Arguments of createPukPolicy and createPinPolicy at the edge of what they may be, "
               "and beyond. The MAC is right.",
               "Policies that nobody can keep, or that protect nothing.", SECTION);
    suite_note(s, "Grouping", "POLICY_NOT_KEPT",
               "Two keys under one PIN policy: with equal PINs or different ones.",
               "One PIN would guard what the issuer wants apart, or the reverse.",
               SECTION_GROUPING);
    suite_note(s, "Tries", "POLICY_NOT_KEPT",
               "Wrong PINs and PUKs are counted, right ones clear it.",
               "Guessing without end, or users that are locked out.", SECTION_TRIES);
    play_open(g.base, s, "policy", P256);
    play_begin(g.base, P256, false, NULL, 100);
    stage_set(&g, "policy");
    pin_arguments(&g);
    ids(&g);
    puk_arguments(&g);
    groups(&g);
    play_open(g.base, s, "tries", P256);
    play_begin(g.base, P256, false, NULL, 100);
    closed_session(g.base, &k);
    stage_set(&g, "policy");
    tries(&g, &k);
    stage_free(&g);
}
