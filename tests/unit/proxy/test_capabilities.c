/* What a client tells of itself: images, and the kind of a token. */
#include "proxy/capabilities.h"
#include "proxy/token_choice.h"

#include <criterion/criterion.h>

Test(capabilities, images_of_the_users)
{
    struct logotype_sizes sizes = logotype_defaults();

    cr_expect_eq(logotype_parse("icon=image/svg+xml:16x99999", &sizes, NULL), SKS_OK);
    cr_expect(bytes_equal(sizes.of[2].mime_type, bytes_of("image/svg+xml")));
    cr_expect_eq(sizes.of[2].width, 16);
    cr_expect_eq(sizes.of[2].height, 99999);
    cr_expect_eq(sizes.of[1].width, logotype_defaults().of[1].width);
}

Test(capabilities, texts_that_are_no_image)
{
    static const char *const BAD[] = { "",
                                       "icon",
                                       "icon=",
                                       "icon=:1x1",
                                       "icon=a:1",
                                       "icon=a:1x",
                                       "icon=a:x1",
                                       "icon=a:0x1",
                                       "icon=a:1x0",
                                       "icon=a:1x1x",
                                       "icon=a: 1x1",
                                       "icon=a:-1x1",
                                       "other=a:1x1",
                                       "=a:1x1",
                                       "icon=a:100000x1" };

    for (size_t i = 0; i < NITEMS(BAD); i++) {
        struct logotype_sizes sizes = logotype_defaults();
        struct sks_error err = { 0 };

        cr_expect_eq(logotype_parse(BAD[i], &sizes, &err), SKS_ERROR_OPTION, "%s", BAD[i]);
        cr_expect_neq(err.text[0], '\0');
        cr_expect_eq(sizes.of[2].width, logotype_defaults().of[2].width);
    }
}

/* SKS V1.07, getDeviceInfo, deviceType. */
Test(capabilities, kinds_of_tokens)
{
    static const struct {
        uint8_t device_type;
        const char *container;
    } CASES[] = { { 0x00, "software" }, { 0x01, "software" }, { 0x05, "embedded" },
                  { 0x0D, "embedded" }, { 0x04, "external" }, { 0x06, "sdcard" },
                  { 0x07, "uicc" },     { 0x0F, "uicc" },     { 0x08, "external" } };

    for (size_t i = 0; i < NITEMS(CASES); i++)
        cr_expect_str_eq(token_container(CASES[i].device_type), CASES[i].container);
}
