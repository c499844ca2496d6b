#include "keygen2/base/percent.h"

#include <criterion/criterion.h>

static void assert_value(const char *pairs, const char *name, bool form, const char *wanted)
{
    struct buf value = { 0 };
    bool found;

    cr_assert_eq(percent_find(bytes_of(pairs), name, form, &value, &found), SKS_OK, "%s", pairs);
    cr_assert_eq(found, wanted != NULL, "%s", pairs);
    if (wanted != NULL)
        cr_assert(bytes_equal(buf_bytes(&value), bytes_of(wanted)), "%s", pairs);
    buf_free(&value);
}

Test(percent, encodes)
{
    struct buf out = { 0 };

    percent_encode(&out, bytes_of("aZ09-._~ /?=&%\xC3\xA4+"));
    cr_assert(bytes_equal(buf_bytes(&out), bytes_of("aZ09-._~%20%2F%3F%3D%26%25%C3%A4%2B")));
    buf_free(&out);
}

Test(percent, finds)
{
    assert_value("a=1&b=2", "b", true, "2");
    assert_value("b=2", "a", true, NULL);
    assert_value("", "a", true, NULL);
    assert_value("ab=1&a=2", "a", true, "2");
    assert_value("a", "a", true, NULL);
    assert_value("a=", "a", true, "");
    assert_value("a=1&a=2", "a", true, "1");
    assert_value("a=x+y%2Bz%c3%A4", "a", true, "x y+z\xC3\xA4");
    assert_value("a=x+y", "a", false, "x+y");
    assert_value("a=x=y", "a", false, "x=y");
}

Test(percent, refuses)
{
    static const char *const BAD[] = { "a=%", "a=%4", "a=%zz", "a=x%00y", "a=%%41" };
    bool found;

    for (size_t i = 0; i < NITEMS(BAD); i++) {
        struct buf value = { 0 };

        cr_assert_neq(percent_find(bytes_of(BAD[i]), "a", true, &value, &found), SKS_OK, "%s",
                      BAD[i]);
        buf_free(&value);
    }
}
