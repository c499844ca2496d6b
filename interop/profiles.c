/* Every profile that is shipped, with what it wants beforehand. */
#include "interop/parts.h"

#include <stdio.h>
#include <string.h>

enum { BLOCKING_TRIES = 20, DIGEST_SIZE = 32 };

static const char PART[] = "profile";
static const char RSA_SHA256[] = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/* What a step of the plan does. */
enum action {
    ENROL,  /* and the session succeeds */
    DEFER,  /* it waits, the operator approves, it goes on */
    UNLOCK, /* a PIN is blocked by wrong tries before, and good again afterwards */
    ROLL,   /* the operator makes another key management key, and the next session has it */
    CARRY,  /* all keys go over to the newest key management key */
    CLEAR,  /* enrols if it can, and is no part of the plan: an earlier run may have left keys */
};

struct step {
    enum action action;
    const char *profile;
};

/* Their lookups say which keys must be there, and which not: docs/interop.md. */
static const struct step STEPS[] = {
    { CLEAR, "key-delete" },
    { ENROL, "p256-user-pin" },
    { ENROL, "key-update" },
    { ENROL, "key-delete" },
    { ENROL, "rsa2048-pin-puk" },
    { ENROL, "key-clone" },
    { UNLOCK, "key-unlock" },
    { ENROL, "symmetric-hmac-otp" },
    { DEFER, "everything" },
    { ENROL, "preset-pin" },
    { ENROL, "multi-key-shared-pin" },
    { ENROL, "unique-pins" },
    { ENROL, "private-key-restore" },
    { ENROL, "extensions-and-logotype" },
    { ENROL, "privacy" },
    { ENROL, "session-2010" },
    { DEFER, "deferred-issuance" },
    { ROLL, "ed25519" },
    { CARRY, "kmk-rollover" },
};

struct plan {
    const struct ends *ends;
    struct table *table;
    uint32_t rsa_key; /* of rsa2048-pin-puk: the one whose PIN is blocked */
};

/* ---- one session ---- */

/* Both ends say that it succeeded: the middleware's word counts for nothing. */
static enum sks_status check_ends(struct plan *p, const struct enrolled *enrolled,
                                  struct sks_error *err)
{
    static struct held held; /* too much for a stack */
    char verdict[32] = "";
    enum sks_status rc;

    REQUIRE(strcmp(enrolled->outcome, "succeeded") == 0, err, SKS_ERROR_EXTERNAL, "%s%s%s: %s",
            enrolled->outcome, enrolled->by[0] == '\0' ? "" : " by the ", enrolled->by,
            enrolled->cause);
    TRY(ends_look(p->ends, &held, err));
    REQUIRE(enrolled->keys == 0 || held_has(&held, enrolled->key), err, SKS_ERROR_EXTERNAL,
            "key %u is not in the token", enrolled->key);
    REQUIRE(held.open == 0, err, SKS_ERROR_EXTERNAL, "a session is still open in the token");
    if (p->ends->operator== NULL)
        goto out;
    TRY(ends_verdict(p->ends, enrolled->session, verdict, err));
    REQUIRE(strcmp(verdict, "succeeded") == 0, err, SKS_ERROR_EXTERNAL, "the issuer says '%s'",
            verdict);
out:
    return rc;
}

static enum sks_status enrol(struct plan *p, const char *profile, struct enrolled *enrolled,
                             struct sks_error *err)
{
    enum sks_status rc;

    TRY(ends_enrol(p->ends, profile, false, enrolled, err));
    rc = check_ends(p, enrolled, err);
out:
    return rc;
}

static enum sks_status defer(struct plan *p, const char *profile, struct enrolled *enrolled,
                             struct sks_error *err)
{
    int64_t ms;
    enum sks_status rc;

    TRY(ends_enrol(p->ends, profile, false, enrolled, err));
    REQUIRE(strcmp(enrolled->outcome, "pending") == 0, err, SKS_ERROR_EXTERNAL,
            "not put off but %s: %s", enrolled->outcome, enrolled->cause);
    ms = enrolled->ms;
    TRY(ends_ask_of(p->ends, "approve", enrolled->session, NULL, err));
    TRY(ends_enrol(p->ends, profile, true, enrolled, err));
    enrolled->ms += ms;
    rc = check_ends(p, enrolled, err);
out:
    return rc;
}

/* ---- a PIN that is blocked ---- */

static enum sks_status sign(const struct ends *ends, uint32_t key, const char *pin,
                            enum sks_status *answer, struct sks_error *err)
{
    static const uint8_t DIGEST[DIGEST_SIZE] = { 1 };
    const union sks_in in = { .operation = { .key_handle = key,
                                             .algorithm = bytes_of(RSA_SHA256),
                                             .authorization = bytes_of(pin),
                                             .data = bytes_at(DIGEST, sizeof DIGEST) } };
    struct token_link *link = NULL;
    struct sks_error why = { 0 };
    union sks_out out = { 0 };
    struct arena arena = { 0 };
    enum sks_status rc;

    TRY(ends_link(ends, &link, err));
    *answer = token_call(link, SIGN_HASHED_DATA, &in, &out, &arena, &why);
    REQUIRE(token_link_fate(link) == CALL_ANSWERED, err, SKS_ERROR_EXTERNAL, "%s", why.text);
out:
    token_link_close(link);
    arena_free(&arena);
    return rc;
}

static enum sks_status unlock(struct plan *p, const char *profile, struct enrolled *enrolled,
                              struct sks_error *err)
{
    enum sks_status answer, rc;

    for (int i = 0; i < BLOCKING_TRIES; i++)
        TRY(sign(p->ends, p->rsa_key, "000000", &answer, err));
    TRY(sign(p->ends, p->rsa_key, p->ends->pin, &answer, err));
    REQUIRE(answer == SKS_ERROR_AUTHORIZATION, err, SKS_ERROR_EXTERNAL,
            "the PIN is not blocked after %d wrong tries", BLOCKING_TRIES);
    TRY(enrol(p, profile, enrolled, err));
    TRY(sign(p->ends, p->rsa_key, p->ends->pin, &answer, err));
    REQUIRE(answer == SKS_OK, err, SKS_ERROR_EXTERNAL, "the PIN is still blocked");
out:
    return rc;
}

/* ---- generations of the key management key ---- */

/* The generation that the issuer made the keys of a session under; 0: it does not say. */
static enum sks_status generation_of(struct plan *p, const char *session, json_int_t *generation,
                                     struct sks_error *err)
{
    json_t *output = NULL, *row;
    size_t i;
    enum sks_status rc;

    *generation = 0;
    TRY(ends_ask(p->ends, "keys", &output, err));
    json_array_foreach(json_object_get(output, "keys"), i, row)
    {
        const char *made_in = json_string_value(json_object_get(row, "session"));

        if (made_in != NULL && strcmp(made_in, session) == 0)
            *generation = json_integer_value(json_object_get(row, "generation"));
    }
out:
    json_decref(output);
    return rc;
}

static enum sks_status roll(struct plan *p, const char *profile, struct enrolled *enrolled,
                            struct sks_error *err)
{
    json_int_t newest = 0, made;
    json_t *output = NULL;
    enum sks_status rc;

    TRY(ends_ask(p->ends, "roll-over", &output, err));
    newest = json_integer_value(json_object_get(output, "generation"));
    TRY(enrol(p, profile, enrolled, err));
    TRY(generation_of(p, enrolled->session, &made, err));
    REQUIRE(newest > 1 && made == newest, err, SKS_ERROR_EXTERNAL,
            "the key is under generation %d of the key management key, not %d", (int)made,
            (int)newest);
out:
    json_decref(output);
    return rc;
}

/* How many different key management keys the sessions of the token have. */
static enum sks_status count_managers(const struct ends *ends, size_t *managers,
                                      struct sks_error *err)
{
    union sks_in in = { 0 };
    union sks_out out;
    struct bytes first = { 0 };
    struct token_link *link = NULL;
    struct arena arena = { 0 };
    enum sks_status rc;

    *managers = 0;
    TRY(ends_link(ends, &link, err));
    for (;;) {
        out = (union sks_out){ 0 };
        TRY(token_call(link, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, &arena, err));
        if (out.enumerate_sessions.provisioning_handle == 0)
            break;
        in.enumerate_sessions.provisioning_handle = out.enumerate_sessions.provisioning_handle;
        if (out.enumerate_sessions.key_management_key.len == 0 ||
            bytes_equal(out.enumerate_sessions.key_management_key, first))
            continue; /* privacy, 2010: there is none */
        if (first.len == 0)
            first = out.enumerate_sessions.key_management_key;
        ++*managers;
    }
out:
    token_link_close(link);
    arena_free(&arena);
    return rc;
}

static enum sks_status carry(struct plan *p, const char *profile, struct enrolled *enrolled,
                             struct sks_error *err)
{
    size_t before, after;
    enum sks_status rc;

    TRY(count_managers(p->ends, &before, err));
    REQUIRE(before > 1, err, SKS_ERROR_EXTERNAL, "there is nothing to carry over");
    TRY(enrol(p, profile, enrolled, err));
    TRY(count_managers(p->ends, &after, err));
    REQUIRE(after == 1, err, SKS_ERROR_EXTERNAL,
            "%zu sessions in the token are still under an older key management key", after - 1);
out:
    return rc;
}

/* ---- the plan ---- */

static enum sks_status clear(struct plan *p, const char *profile, struct enrolled *enrolled,
                             struct sks_error *err)
{
    return ends_enrol(p->ends, profile, false, enrolled, err);
}

static enum sks_status (*const ACTIONS[])(struct plan *p, const char *profile,
                                          struct enrolled *enrolled, struct sks_error *err) = {
    [ENROL] = enrol, [DEFER] = defer, [UNLOCK] = unlock,
    [ROLL] = roll,   [CARRY] = carry, [CLEAR] = clear,
};

static const char *const NOTES[] = {
    [ENROL] = "",
    [DEFER] = ", put off, approved by the operator, resumed",
    [UNLOCK] = ", a blocked PIN is good again",
    [ROLL] = ", after a roll-over at the issuer",
    [CARRY] = ", no key is left under an older key management key",
    [CLEAR] = "",
};

static void run_step(struct plan *p, const struct step *step)
{
    struct enrolled enrolled = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc = ACTIONS[step->action](p, step->profile, &enrolled, &err);

    if (strcmp(step->profile, "rsa2048-pin-puk") == 0)
        p->rsa_key = enrolled.key;
    if (step->action == CLEAR)
        return;
    if (rc == SKS_OK)
        table_tell(p->table, PART, step->profile, true, enrolled.ms, "succeeded %s, %zu key%s%s",
                   p->ends->operator== NULL ? "for the token" : "at both ends", enrolled.keys,
                   enrolled.keys == 1 ? "" : "s", NOTES[step->action]);
    else
        table_tell(p->table, PART, step->profile, false, enrolled.ms, "%s", err.text);
}

void part_profiles(const struct ends *ends, struct table *table)
{
    struct plan plan = { .ends = ends, .table = table };

    for (size_t i = 0; i < NITEMS(STEPS); i++)
        run_step(&plan, &STEPS[i]);
}

void part_enrol(const struct ends *ends, char **profiles, size_t count, struct table *table)
{
    struct plan plan = { .ends = ends, .table = table };

    for (size_t i = 0; i < count; i++)
        run_step(&plan, &(struct step){ ENROL, profiles[i] });
}
