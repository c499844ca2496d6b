/* What a file of rules may say. */
#include "tests/unit/support/proxy/attack_rules.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *rules, *problem;
} WRONG[] = {
    { "", "line 1" },
    { "{\"rules\": []}", "/rules" },
    { "{\"rules\": [{}]}", "/rules/0" },
    { RULE("/a", "flop\""), "/rules/0/operation" },
    { RULE("/a", "flip\""), "flip wants \"bit\"" },
    { RULE("/a", "delete\", \"bit\": 1"), "/rules/0/bit: does not belong to the operation delete" },
    { RULE("/a", "flip\", \"bit\": -1"), "/rules/0/bit" },
    { RULE("/a", "flip\", \"bit\": 1.0"), "/rules/0/bit" },
    { RULE("/a", "replace\""), "replace wants \"value\"" },
    { RULE("/a", "insert\", \"value\": 1"), "insert wants \"name\"" },
    { RULE("/a", "delete\", \"value\": null"), "/rules/0/value: does not belong" },
    { RULE("a", "delete\""), "/rules/0/path: expected a JSON pointer" },
    { WHOLE("delete\""), "/rules/0/path: expected a JSON pointer" },
    { RULE("/a", "drop\""), "/rules/0/path: the operation is one of whole messages" },
    { RULE("/a", "delete\", \"x\": 1"), "/rules/0/x" },
    { RULE("/a", "delete\", \"occurrence\": 0"), "/rules/0/occurrence" },
    { WHOLE("delay\""), "delay wants \"seconds\"" },
    { WHOLE("reflect\", \"direction\": \"answer\""), "only a request" },
    { WHOLE("reorder\", \"value\": 1, \"direction\": \"answer\""), "only a request" },
    { WHOLE("reorder\""), "reorder wants \"value\"" },
    { WHOLE("drop\", \"from\": \"this-session\""), "/rules/0/from: does not belong" },
    { WHOLE("replay\", \"from\": \"nowhere\""), "/rules/0/from" },
    { WHOLE("zero\""), "/rules/0/path: expected a JSON pointer" },
    { RULE("/a", "cross\""), "/rules/0/path: the operation is one of whole messages" },
    { "{\"rules\": [{\"hop\": \"x\", \"message\": \"M\", \"operation\": \"drop\"}]}",
      "/rules/0/hop" },
};

Test(attack_rules, what_is_wrong_with_a_rule_is_said)
{
    struct attack *attack;

    for (size_t i = 0; i < NITEMS(WRONG); i++) {
        cr_expect_eq(load(WRONG[i].rules, &attack), SKS_ERROR_OPTION, "%zu", i);
        cr_expect_null(attack);
        cr_expect_not_null(strstr(err.text, WRONG[i].problem), "%zu: %s", i, err.text);
    }
    cr_expect_eq(attack_load("/nowhere/x", &attack, &err), SKS_ERROR_EXTERNAL);
    cr_expect_eq(load(RULE("/a", "splice\", \"transcript\": \"/nowhere/x\""), &attack),
                 SKS_ERROR_EXTERNAL);
}

Test(attack_rules, those_that_are_ready_can_be_read)
{
    struct attack *attack;

    for (size_t i = 0; i < NAMED_ATTACKS_COUNT; i++) {
        cr_expect_eq(attack_load(NAMED_ATTACKS[i].name, &attack, &err), SKS_OK, "%s: %s",
                     NAMED_ATTACKS[i].name, err.text);
        cr_expect_gt(strlen(NAMED_ATTACKS[i].text), 60);
        attack_free(attack);
    }
}

Test(attack_rules, the_schema_names_every_operation)
{
    json_t *schema = rules_schema();
    char *text = json_dumps(schema, 0);

    for (const struct name *row = OPERATION_NAMES; row->text != NULL; row++)
        cr_expect_not_null(strstr(text, row->text), "%s", row->text);
    free(text);
    json_decref(schema);
}
