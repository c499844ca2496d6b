"""Prints what came of the files, as a table or as JSON."""

import json

HEADER = ("file, group", "cases", "agreed", "disagreed")


def table(outcomes, out):
    rows = [row for outcome in outcomes for row in rows_of(outcome)]
    width = max([len(row[0]) for row in rows] + [len(HEADER[0])])
    line = "%%-%ds  %%6s  %%6s  %%9s" % width
    for row in [HEADER] + rows:
        print((line % tuple(row)).rstrip(), file=out)
    for outcome in outcomes:
        for name, comment, reason in outcome.disagreements:
            print("%s (%s): %s" % (name, comment, reason), file=out)
    totals = [sum(numbers) for numbers in zip(*(outcome.totals() for outcome in outcomes))]
    print("%d cases in %d files, %d agreed, %d disagreed"
          % (sum(totals), len(outcomes), *totals), file=out)


def rows_of(outcome):
    if outcome.error is None:
        yield (outcome.path, sum(outcome.totals()), *outcome.totals())
    for name, (agreed, disagreed) in outcome.groups.items():
        yield ("  " + name, agreed + disagreed, agreed, disagreed)


def as_json(outcomes, out):
    json.dump({"files": [json_of(outcome) for outcome in outcomes],
               "agreed": sum(outcome.totals()[0] for outcome in outcomes),
               "disagreed": sum(outcome.totals()[1] for outcome in outcomes)}, out, indent=1)
    print(file=out)


def json_of(outcome):
    json_object = {"file": outcome.path, "kind": outcome.kind}
    if outcome.error is not None:
        json_object["error"] = outcome.error
    agreed, disagreed = outcome.totals()
    return {**json_object, "agreed": agreed, "disagreed": disagreed,
            "groups": [{"group": name, "agreed": numbers[0], "disagreed": numbers[1]}
                       for name, numbers in outcome.groups.items()],
            "disagreements": [{"id": name, "comment": comment, "reason": reason}
                              for name, comment, reason in outcome.disagreements]}
