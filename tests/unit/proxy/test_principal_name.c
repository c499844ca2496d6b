/* Names as Java writes them: tests/kat/principal-names.json holds what OpenJDK 17 answered. */
#include "proxy/principal_name.h"
#include "tests/unit/support/kat.h"

#include <criterion/criterion.h>

static void same_as_java(struct kat *kat)
{
    struct buf text = { 0 };

    cr_expect_eq(put_principal_name(&text, kat_hex(kat, kat->entry, "name")), SKS_OK, "%s",
                 kat_comment(kat));
    kat_same(kat, "text", buf_bytes(&text), kat_hex(kat, kat->entry, "text"));
    buf_free(&text);
}

Test(principal_name, is_written_as_java_writes_it)
{
    kat_each_of("tests/kat/principal-names.json", "principalName", 23, same_as_java);
}

static void refused(struct bytes der, const char *what)
{
    struct buf text = { 0 };

    cr_expect_eq(put_principal_name(&text, der), SKS_ERROR_CRYPTO, "%s", what);
    buf_free(&text);
}

/* Every beginning of a name, and every name with one byte changed, ends well or is refused. */
static void broken(struct kat *kat)
{
    struct bytes name = kat_hex(kat, kat->entry, "name");
    uint8_t *changed = arena_alloc(&kat->arena, 1, name.len);

    for (size_t i = 0; i < name.len; i++) {
        refused(bytes_at(name.ptr, i), kat_comment(kat));
        for (uint8_t bit = 1; bit != 0; bit = (uint8_t)(bit << 1)) {
            struct buf text = { 0 };
            enum sks_status rc;

            for (size_t k = 0; k < name.len; k++)
                changed[k] = name.ptr[k];
            changed[i] ^= bit;
            rc = put_principal_name(&text, bytes_at(changed, name.len));
            cr_expect(rc == SKS_OK || rc == SKS_ERROR_CRYPTO, "%s", kat_comment(kat));
            cr_expect(bytes_is_utf8(buf_bytes(&text)), "%s: byte %zu", kat_comment(kat), i);
            buf_free(&text);
        }
    }
}

Test(principal_name, refuses_what_is_no_name)
{
    static const uint8_t INDEFINITE[] = { 0x30, 0x80, 0, 0 };

    kat_each_of("tests/kat/principal-names.json", "principalName", 23, broken);
    refused(bytes_at(INDEFINITE, sizeof INDEFINITE), "indefinite length");
    refused(bytes_of("1"), "another tag");
}
