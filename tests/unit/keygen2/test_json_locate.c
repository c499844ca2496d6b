#include "keygen2/base/json_locate.h"

#include <criterion/criterion.h>

static const char TEXT[] = "\n{ \"a\": [1,\n  {\"b\": \"x\\\"]}\", \"c~/d\":\n   true}],\n"
                           " \"e\": {}, \"f\": [[1],\n [2]]\n}";

Test(json_locate, lines)
{
    static const struct {
        const char *pointer;
        size_t line;
    } CASES[] = {
        { "", 2 },
        { "/a", 2 },
        { "/a/0", 2 },
        { "/a/1", 3 },
        { "/a/1/b", 3 },
        { "/a/1/c~0~1d", 3 },
        { "/e", 5 },
        { "/f", 5 },
        { "/f/1", 6 },
        { "/f/1/0", 6 },
        { "/a/1/missing", 3 }, /* the nearest that is there */
        { "/missing", 2 },
        { "/e/missing/deeper", 5 },
        { "/a/9", 2 },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++)
        cr_assert_eq(json_locate(bytes_of(TEXT), bytes_of(CASES[i].pointer)), CASES[i].line, "%s",
                     CASES[i].pointer);
    cr_assert_eq(json_locate(bytes_of("[]"), bytes_of("/0")), 0);
    cr_assert_eq(json_locate(bytes_of(""), bytes_of("/0")), 0);
}
