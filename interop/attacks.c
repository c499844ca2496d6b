/* A fixed choice of attacks, through the relays: those that are ready, and alterations as the
 * attack matrix makes them. */
#include "interop/parts.h"
#include "keygen2/base/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RULES_MODE = 0644, RUN_SECONDS = 30, NO_BIT = 0 };

static const char PART[] = "attack", PLAIN[] = "p256-user-pin", MANAGED[] = "key-delete";
static const char ISSUER[] = "issuer", TOKEN[] = "token", REQUEST[] = "request",
                  ANSWER[] = "answer";

/* What has to come of an attack. */
enum expectation {
    BY_TOKEN, /* that one refuses, and nothing is left at either end */
    BY_ISSUER,
    BY_MIDDLEWARE, /* whose own checks protect nobody, but it notices */
    LEFT_OPEN,     /* the issuer refuses; in the token the session is open until it is given up */
    UNCOUNTED,     /* the issuer refuses what the token has committed: its certificate is void */
    HARMLESS,      /* the session succeeds */
    LATE,          /* the issuer is in doubt, until the proof is sent again */
};

/* The ready attacks of `sks-proxy attacks`. */
struct ready_row {
    const char *name, *profile;
    bool before; /* wants an earlier session */
    enum expectation expected;
};

static const struct ready_row READY[] = {
    { "middleman", PLAIN, false, BY_ISSUER },
    { "middleman-2010", "session-2010", false, BY_ISSUER },
    { "foreign-attestation", PLAIN, true, BY_ISSUER },
    { "feigned-privacy", PLAIN, false, BY_ISSUER },
    { "foreign-certificate", PLAIN, true, BY_TOKEN },
    { "weak-pin", PLAIN, false, BY_TOKEN },
    { "many-tries", PLAIN, false, BY_TOKEN },
    { "exportable", PLAIN, false, BY_TOKEN },
    { "endorsed-algorithm", PLAIN, false, BY_TOKEN },
    { "foreign-key", PLAIN, false, BY_ISSUER },
    { "kept-key", MANAGED, false, BY_TOKEN },
    { "other-target", MANAGED, false, BY_TOKEN },
    { "old-finalization", PLAIN, true, BY_MIDDLEWARE },
    { "reflection", PLAIN, false, BY_MIDDLEWARE },
    { "forged-close", PLAIN, false, LEFT_OPEN },
    { "twice", PLAIN, false, HARMLESS },
    { "lost-proof", PLAIN, false, LATE },
};

/* Of the matrix: one operation on one field. */
struct alteration_row {
    const char *hop, *message, *direction, *path, *operation;
    unsigned bit; /* of a flip */
    const char *profile;
    enum expectation expected;
};

static const struct alteration_row ALTERATIONS[] = {
    { ISSUER, "ProvisioningInitializationRequest", REQUEST, "/sessionLifeTime", "increment", NO_BIT,
      PLAIN, BY_ISSUER },
    { ISSUER, "ProvisioningInitializationRequest", REQUEST, "/keyManagementKey", "own-key", NO_BIT,
      PLAIN, BY_ISSUER },
    { ISSUER, "ProvisioningInitializationResponse", REQUEST, "/attestation", "flip", 77, PLAIN,
      BY_ISSUER },
    { ISSUER, "KeyCreationRequest", REQUEST, "/pinPolicySpecifiers/0/mac", "flip", 3, PLAIN,
      BY_TOKEN },
    { ISSUER, "KeyCreationResponse", REQUEST, "/generatedKeys/0/attestation", "flip", 9, PLAIN,
      BY_ISSUER },
    { ISSUER, "ProvisioningFinalizationRequest", REQUEST, "/issuedCredentials/0/certificatePath/0",
      "flip", 3500, PLAIN, BY_TOKEN },
    { ISSUER, "ProvisioningFinalizationRequest", REQUEST, "/deleteKeys/0/mac", "flip", 5, MANAGED,
      BY_TOKEN },
    { ISSUER, "ProvisioningFinalizationResponse", REQUEST, "/attestation", "flip", 1, PLAIN,
      UNCOUNTED },
    { TOKEN, "createProvisioningSession", REQUEST, "/sessionLifeTime", "increment", NO_BIT, PLAIN,
      BY_ISSUER },
    { TOKEN, "createProvisioningSession", ANSWER, "/attestation", "flip", 40, PLAIN, BY_ISSUER },
    { TOKEN, "createPinPolicy", REQUEST, "/retryLimit", "maximum", NO_BIT, PLAIN, BY_TOKEN },
    { TOKEN, "createKeyEntry", REQUEST, "/id", "shift", NO_BIT, PLAIN, BY_TOKEN },
    { TOKEN, "createKeyEntry", ANSWER, "/publicKey", "own-key", NO_BIT, PLAIN, BY_ISSUER },
    { TOKEN, "setCertificatePath", REQUEST, "/certificate/0", "flip", 800, PLAIN, BY_TOKEN },
    { TOKEN, "closeProvisioningSession", REQUEST, "/nonce", "flip", 2, PLAIN, BY_TOKEN },
    { TOKEN, "closeProvisioningSession", ANSWER, "/attestation", "flip", 200, PLAIN, UNCOUNTED },
};

/* One attack under way. */
struct trial {
    const struct ends *ends;
    const char *file; /* of the relays' rules */
    const char *profile;
    bool before;
    enum expectation expected;
    struct enrolled enrolled;
};

/* ---- the rules ---- */

static enum sks_status lay(const char *file, const json_t *rules, struct sks_error *err)
{
    char *text = json_dumps(rules, JSON_COMPACT);
    enum sks_status rc;

    rc = text == NULL ? SKS_ERROR_STORAGE : file_write(file, RULES_MODE, bytes_of(text), err);
    free(text);
    return sks_explain(err, rc);
}

static enum sks_status ready_rules(const char *name, json_t **rules, struct sks_error *err)
{
    struct words words = { 0 };
    struct run_result result = { 0 };
    json_t *list = NULL, *found;
    enum sks_status rc;

    *rules = NULL;
    words_add(&words, "sks-proxy", "attacks", name, "--json", NULL);
    TRY(run_program(&words, RUN_SECONDS, &result, err));
    list = json_loadb((const char *)result.out.ptr, result.out.len, 0, NULL);
    found = json_object_get(json_array_get(list, 0), "rules");
    REQUIRE(found != NULL, err, SKS_ERROR_EXTERNAL, "sks-proxy attacks does not know it");
    *rules = json_pack("{s:O}", "rules", found);
out:
    json_decref(list);
    run_result_free(&result);
    return rc;
}

static json_t *alteration_rules(const struct alteration_row *row)
{
    json_t *rule = json_pack("{s:s, s:s, s:s, s:s}", "hop", row->hop, "message", row->message,
                             "path", row->path, "operation", row->operation);

    if (row->hop == TOKEN)
        (void)json_object_set_new(rule, "direction", json_string(row->direction));
    if (strcmp(row->operation, "flip") == 0)
        (void)json_object_set_new(rule, "bit", json_integer((json_int_t)row->bit));
    return json_pack("{s:[o]}", "rules", rule);
}

/* ---- what came of it ---- */

static bool is(const char *text, const char *other)
{
    return strcmp(text, other) == 0;
}

static const char *party_of(enum expectation expected)
{
    return expected == BY_TOKEN ? "token" : expected == BY_MIDDLEWARE ? "proxy" : "issuer";
}

static enum sks_status check_refused(const struct trial *t, const struct held *before,
                                     struct sks_error *err)
{
    static struct held after;
    const struct enrolled *e = &t->enrolled;
    enum sks_status rc;

    REQUIRE(is(e->outcome, "refused") && is(e->by, party_of(t->expected)), err, SKS_ERROR_EXTERNAL,
            "not refused by the %s but %s%s%s: %s", party_of(t->expected), e->outcome,
            e->by[0] == '\0' ? "" : " by the ", e->by, e->cause);
    if (t->expected == LEFT_OPEN)
        TRY(ends_abort_open(t->ends, err));
    TRY(ends_look(t->ends, &after, err));
    REQUIRE(t->expected == UNCOUNTED || held_equal(before, &after), err, SKS_ERROR_EXTERNAL,
            "the token holds something else than before");
out:
    return rc;
}

static enum sks_status check_late(const struct trial *t, struct sks_error *err)
{
    char verdict[32];
    int code;
    enum sks_status rc;

    REQUIRE(is(t->enrolled.outcome, "in doubt"), err, SKS_ERROR_EXTERNAL, "not in doubt but %s: %s",
            t->enrolled.outcome, t->enrolled.cause);
    TRY(ends_verdict(t->ends, t->enrolled.session, verdict, err));
    REQUIRE(!is(verdict, "succeeded"), err, SKS_ERROR_EXTERNAL, "a success without a proof");
    REQUIRE(unlink(t->file) == 0, err, SKS_ERROR_EXTERNAL, "%s stays", t->file);
    TRY(ends_resume(t->ends, &code, err));
    TRY(ends_verdict(t->ends, t->enrolled.session, verdict, err));
    REQUIRE(code == EXIT_DONE && is(verdict, "succeeded"), err, SKS_ERROR_EXTERNAL,
            "the late proof was not taken: %s", verdict);
out:
    return rc;
}

static enum sks_status check(const struct trial *t, const struct held *before,
                             struct sks_error *err)
{
    const bool succeeds = t->expected == HARMLESS;
    char verdict[32] = "none";
    enum sks_status rc;

    if (t->expected == LATE)
        return check_late(t, err);
    if (succeeds)
        REQUIRE(is(t->enrolled.outcome, "succeeded"), err, SKS_ERROR_EXTERNAL, "%s: %s",
                t->enrolled.outcome, t->enrolled.cause);
    else
        TRY(check_refused(t, before, err));
    if (t->enrolled.session[0] == '\0') /* it did not come to one */
        goto out;
    TRY(ends_verdict(t->ends, t->enrolled.session, verdict, err));
    REQUIRE(is(verdict, "succeeded") == succeeds, err, SKS_ERROR_EXTERNAL, "the issuer says '%s'",
            verdict);
out:
    return rc;
}

/* ---- one attack ---- */

static enum sks_status try_one(struct trial *t, const json_t *rules, struct sks_error *err)
{
    static struct held before; /* too much for a stack */
    enum sks_status rc;

    TRY(lay(t->file, rules, err));
    if (t->before) {
        TRY(ends_enrol(t->ends, t->profile, false, &t->enrolled, err));
        REQUIRE(is(t->enrolled.outcome, "succeeded"), err, SKS_ERROR_EXTERNAL,
                "the session before it: %s", t->enrolled.cause);
    }
    TRY(ends_look(t->ends, &before, err));
    TRY(ends_enrol(t->ends, t->profile, false, &t->enrolled, err));
    TRY(check(t, &before, err));
out:
    (void)unlink(t->file);
    return rc;
}

static void tell(const struct trial *t, const char *what, enum sks_status rc,
                 const struct sks_error *err, struct table *table)
{
    static const char *const FATE[] = {
        [BY_TOKEN] = "refused by the token",
        [BY_ISSUER] = "refused by the issuer",
        [BY_MIDDLEWARE] = "refused by the middleware",
        [LEFT_OPEN] = "refused by the issuer, left open by the token",
        [UNCOUNTED] = "refused by the issuer, which counts no key",
        [HARMLESS] = "harmless, the session succeeds",
        [LATE] = "in doubt, then settled by the proof sent again",
    };
    const char *cause = t->enrolled.cause;

    if (rc == SKS_OK)
        table_tell(table, PART, what, true, t->enrolled.ms, "%s%s%.120s", FATE[t->expected],
                   cause[0] == '\0' || t->expected == LATE ? "" : ": ",
                   t->expected == LATE ? "" : cause);
    else
        table_tell(table, PART, what, false, t->enrolled.ms, "%s", err->text);
}

/* Two keys, so that there is one beside the one that is aimed at. */
static void prepare(const struct ends *ends, struct table *table)
{
    struct enrolled enrolled;
    struct sks_error err = { 0 };

    for (int i = 0; i < 2; i++)
        if (ends_enrol(ends, PLAIN, false, &enrolled, &err) != SKS_OK || enrolled.code != EXIT_DONE)
            table_tell(table, PART, "without any", false, enrolled.ms, "%s%s", err.text,
                       enrolled.cause);
}

void part_attacks(const struct ends *ends, const char *file, struct table *table)
{
    char what[80];

    prepare(ends, table);
    for (size_t i = 0; i < NITEMS(READY); i++) {
        const struct ready_row *row = &READY[i];
        struct trial t = { ends, file, row->profile, row->before, row->expected, { 0 } };
        struct sks_error err = { 0 };
        json_t *rules = NULL;
        enum sks_status rc = ready_rules(row->name, &rules, &err);

        if (rc == SKS_OK)
            rc = try_one(&t, rules, &err);
        tell(&t, row->name, rc, &err, table);
        json_decref(rules);
    }
    for (size_t i = 0; i < NITEMS(ALTERATIONS); i++) {
        const struct alteration_row *row = &ALTERATIONS[i];
        struct trial t = { ends, file, row->profile, false, row->expected, { 0 } };
        struct sks_error err = { 0 };
        json_t *rules = alteration_rules(row);
        enum sks_status rc = try_one(&t, rules, &err);

        (void)snprintf(what, sizeof what, "%s%s %s %s", row->message,
                       row->direction == ANSWER ? " (answer)" : "", row->path, row->operation);
        tell(&t, what, rc, &err, table);
        json_decref(rules);
    }
}

/* ---- one that somebody names ---- */

static const char *profile_for(const char *name)
{
    for (size_t i = 0; i < NITEMS(READY); i++)
        if (is(READY[i].name, name))
            return READY[i].profile;
    return PLAIN;
}

/* A name, or the rules themselves. */
static enum sks_status named_rules(const char *name, json_t **rules, struct sks_error *err)
{
    json_error_t where;
    enum sks_status rc = SKS_OK;

    if (name[0] != '{')
        return ready_rules(name, rules, err);
    *rules = json_loads(name, 0, &where);
    REQUIRE(*rules != NULL, err, SKS_ERROR_OPTION, "the rules are no JSON: %s", where.text);
out:
    return rc;
}

/* Without the attack this succeeds, so that a refusal under it is because of it; and two keys, so
 * that there is one beside the one that is aimed at. */
static enum sks_status succeed_without(const struct ends *ends, const char *profile,
                                       struct sks_error *err)
{
    const char *const clean[] = { PLAIN, profile, PLAIN, PLAIN };
    struct enrolled e;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(clean); i++) {
        TRY(ends_enrol(ends, clean[i], false, &e, err));
        REQUIRE(is(e.outcome, "succeeded"), err, SKS_ERROR_EXTERNAL, "%s, without any attack: %s",
                clean[i], e.cause);
    }
out:
    return rc;
}

/* The token or the issuer: what the middleware notices protects nobody. */
static bool is_detected(const struct enrolled *e)
{
    return is(e->outcome, "refused") && (is(e->by, TOKEN) || is(e->by, ISSUER));
}

static enum sks_status attack_once(const struct ends *ends, const char *name, const char *file,
                                   struct enrolled *e, struct sks_error *err)
{
    const char *profile = profile_for(name);
    json_t *rules = NULL;
    enum sks_status rc;

    TRY(named_rules(name, &rules, err));
    TRY(succeed_without(ends, profile, err));
    TRY(lay(file, rules, err));
    TRY(ends_enrol(ends, profile, false, e, err));
    if (is(e->outcome, "succeeded") && profile == PLAIN) /* some want an earlier session */
        TRY(ends_enrol(ends, profile, false, e, err));
    REQUIRE(is_detected(e), err, SKS_ERROR_EXTERNAL, "no end detected it: %s%s%s%s%s", e->outcome,
            e->by[0] == '\0' ? "" : " by the ", e->by, e->cause[0] == '\0' ? "" : ": ", e->cause);
out:
    (void)unlink(file);
    json_decref(rules);
    return rc;
}

void part_attacked(const struct ends *ends, const char *name, const char *file, struct table *table)
{
    struct enrolled e = { 0 };
    struct sks_error err = { 0 };

    if (attack_once(ends, name, file, &e, &err) == SKS_OK)
        table_tell(table, PART, name, true, e.ms, "detected by the %s: %s", e.by, e.cause);
    else
        table_tell(table, PART, name, false, e.ms, "%s", err.text);
}
