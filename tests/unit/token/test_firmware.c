/* The policy as it lies in the store, and what it lets through. */
#include "tests/unit/support/token/store_fixture.h"
#include "token/firmware.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char P256[] = "https://webpki.github.io/sks/algorithm#ec.nist.p256";
static const char ES256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
static const char SESSION_1[] = SKS_SESSION_ALGORITHM;

static struct store_fixture fixture;

static void open_fixture(void)
{
    store_fixture_open(&fixture);
}

static void close_fixture(void)
{
    store_fixture_close(&fixture);
}

TestSuite(firmware, .init = open_fixture, .fini = close_fixture);

/* ---- rows ---- */

static void put_row(struct buf *body)
{
    struct changes changes = { 0 };

    changes_put(
        &changes, fixture.store,
        &(struct store_row){ .kind = STORE_FIRMWARE, .handle = 1, .body = buf_bytes(body) });
    cr_assert(store_apply(fixture.store, &changes, NULL) == SKS_OK);
    changes_free(&changes);
    buf_free(body);
}

static struct buf row_of(uint8_t layout, const char *text)
{
    struct buf body = { 0 };

    put_byte(&body, layout);
    put_blob(&body, bytes_of(text));
    return body;
}

static struct firmware *open_firmware(void)
{
    const struct token_options options = { 0 };
    struct sks_error err = { 0 };
    struct firmware *firmware;

    cr_assert(firmware_open(fixture.store, &options, &firmware, &err) == SKS_OK, "%s", err.text);
    return firmware;
}

static void refuse_row(struct buf body, const char *text)
{
    const struct token_options options = { 0 };
    struct sks_error err = { 0 };
    struct firmware *firmware;

    put_row(&body);
    cr_assert(firmware_open(fixture.store, &options, &firmware, &err) == SKS_ERROR_INTERNAL);
    cr_assert_null(firmware);
    cr_assert_not_null(strstr(err.text, text), "%s", err.text);
}

Test(firmware, a_new_store_has_no_policy)
{
    struct firmware *firmware = open_firmware();

    cr_assert_eq(firmware_policy(firmware), &FIRMWARE_NO_POLICY);
    cr_assert_eq(firmware_update_url(firmware).len, 0);
    firmware_close(firmware);
}

Test(firmware, the_stored_policy_is_in_force)
{
    struct buf body = row_of(1, "{\"version\": 3, \"limits\": {\"minPinLength\": 6}}");
    struct firmware *firmware;

    put_row(&body);
    firmware = open_firmware();
    cr_assert_eq(firmware_policy(firmware)->version, 3);
    cr_assert_eq(firmware_policy(firmware)->limits.min_pin_length, 6);
    firmware_close(firmware);
}

Test(firmware, a_row_that_does_not_decode_is_an_error)
{
    struct buf longer = row_of(1, "{\"version\": 3}"), shorter = row_of(1, "{\"version\": 3}");

    put_byte(&longer, 0);
    shorter.len--;
    refuse_row(longer, "does not decode");
    refuse_row(shorter, "does not decode");
    refuse_row((struct buf){ 0 }, "does not decode");
    refuse_row(row_of(2, "{\"version\": 3}"), "does not decode");
    refuse_row(row_of(1, ""), "does not decode: line 1");
    refuse_row(row_of(1, "{\"version\": 0}"), "does not decode: /version: ");
    refuse_row(row_of(1, "{\"version\": 1, \"algorithms\": [\"urn:gone\"]}"),
               "does not decode: /algorithms/0: unknown algorithm");
}

/* ---- rules ---- */

static struct firmware_policy read_policy(const char *text)
{
    struct firmware_policy policy;
    struct sks_error err = { 0 };

    cr_assert(firmware_policy_read(bytes_of(text), &policy, &err) == SKS_OK, "%s", err.text);
    return policy;
}

Test(firmware, what_a_policy_leaves_out_has_no_limit)
{
    static const char *const text[] = { "{\"version\": 1}", "{\"version\": 1, \"limits\": {}}" };

    for (size_t i = 0; i < NITEMS(text); i++) {
        const struct firmware_policy policy = read_policy(text[i]);
        const struct firmware_limits *a = &policy.limits, *b = &FIRMWARE_NO_POLICY.limits;

        cr_assert_eq(a->max_session_life_time, b->max_session_life_time);
        cr_assert_eq(a->max_pin_retry_limit, b->max_pin_retry_limit);
        cr_assert_eq(a->max_puk_retry_limit, b->max_puk_retry_limit);
        cr_assert_eq(a->min_pin_length, b->min_pin_length);
        for (size_t row = 0; row < ALGORITHMS_COUNT; row++)
            cr_assert(firmware_enables(&policy, &ALGORITHMS[row]));
    }
}

Test(firmware, each_limit_is_its_own)
{
    const struct firmware_limits limits =
        read_policy("{\"version\": 1, \"limits\": {\"maxSessionLifeTime\": 11,"
                    " \"maxPinRetryLimit\": 12, \"maxPukRetryLimit\": 13, \"minPinLength\": 14}}")
            .limits;

    cr_assert_eq(limits.max_session_life_time, 11);
    cr_assert_eq(limits.max_pin_retry_limit, 12);
    cr_assert_eq(limits.max_puk_retry_limit, 13);
    cr_assert_eq(limits.min_pin_length, 14);
}

Test(firmware, a_disabled_algorithm_is_as_an_unknown_one)
{
    char text[200];
    struct firmware_policy policy;

    (void)snprintf(text, sizeof text, "{\"version\": 1, \"algorithms\": [\"%s\"]}", ES256);
    policy = read_policy(text);
    cr_assert_not_null(firmware_algorithm(&policy, bytes_of(ES256), ALGORITHM_SIGNATURE));
    cr_assert_null(firmware_algorithm(&policy, bytes_of(ES256), ALGORITHM_HMAC));
    cr_assert_null(firmware_algorithm(&policy, bytes_of(P256), ALGORITHM_KEY_GENERATION));
    cr_assert_null(firmware_algorithm(&policy, bytes_of("urn:none"), ALGORITHM_SIGNATURE));
    cr_assert_not_null(firmware_algorithm(&policy, bytes_of(SESSION_1), ALGORITHM_PROTOCOL),
                       "without it nobody could provision the token");
}

/* ---- options ---- */

Test(firmware, url_without_key_and_key_without_url)
{
    const struct token_options options[] = { { .update_url = "http://x" }, { .update_key = "x" } };

    for (size_t i = 0; i < NITEMS(options); i++) {
        struct sks_error err = { 0 };
        struct firmware *firmware;

        cr_assert(firmware_open(fixture.store, &options[i], &firmware, &err) == SKS_ERROR_OPTION);
        cr_assert_not_null(strstr(err.text, "both or neither"));
    }
}
