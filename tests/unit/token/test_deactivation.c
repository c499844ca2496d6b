/* Deactivation of a token in this process: what a full disk and a wiped vault refuse. */
#include "tests/unit/support/token/store_fixture.h"
#include "token/call.h"

#include <criterion/criterion.h>

static struct store_fixture fixture;
static struct token *token;

static const char P256[] = "https://webpki.github.io/sks/algorithm#ec.nist.p256";

static void save_device(void)
{
    struct bytes certificate = bytes_of("certificate");
    struct device device = { .certificate_path = { &certificate, 1 } };

    cr_assert(device_make_key(algorithm_by_uri(bytes_of(P256), ALGORITHM_KEY_GENERATION),
                              &device) == SKS_OK);
    cr_assert(device_save(fixture.store, &device, NULL) == SKS_OK);
    device_free(&device);
}

static void open_token(void)
{
    const struct token_options options = { .allow_deactivate = true };
    struct sks_error err = { 0 };

    cr_assert(token_open(fixture.database, fixture.key_file, &options, &token, &err) == SKS_OK,
              "%s", err.text);
}

/* The fixture's own store is closed meanwhile: a token's database is nobody else's. */
static void open_fixture(void)
{
    store_fixture_open(&fixture);
    save_device();
    store_close(fixture.store);
    fixture.store = NULL;
    open_token();
}

static void close_fixture(void)
{
    token_close(token);
    store_fixture_close(&fixture);
}

TestSuite(deactivation, .init = open_fixture, .fini = close_fixture, .timeout = 60);

static enum sks_status enumerate(void)
{
    static const uint8_t request[] = { ENUMERATE_KEYS, 0, 0, 0, 0 };
    struct buf response = { 0 };
    enum sks_status status;

    token_process(token, bytes_at(request, sizeof request), &response);
    cr_assert_gt(response.len, 0);
    status = (enum sks_status)response.ptr[0];
    buf_free(&response);
    return status;
}

static enum sks_status put_filler(uint32_t handle)
{
    const uint8_t body = 0; /* as large as the record, and where it would stand */
    struct changes changes = { 0 };
    enum sks_status rc;

    changes_put(
        &changes, token->store,
        &(struct store_row){ .kind = STORE_DEVICE, .handle = handle, .body = bytes_at(&body, 1) });
    rc = store_apply(token->store, &changes, NULL);
    changes_free(&changes);
    return rc;
}

Test(deactivation, on_a_full_disk_nothing_changes)
{
    struct sks_error err = { 0 };
    enum sks_status rc = SKS_OK;

    cr_assert(store_limit(token->store, 4096, NULL) == SKS_OK); /* what is there */
    for (uint32_t handle = 127; rc == SKS_OK && handle > 2; handle--)
        rc = put_filler(handle);
    cr_assert_eq(rc, SKS_ERROR_STORAGE, "the disk is full");
    cr_assert_eq(token_deactivate(token, &err), SKS_ERROR_STORAGE);
    cr_assert(err.text[0] != '\0');
    cr_assert(!token_is_deactivated(token));
    cr_assert_eq(enumerate(), SKS_OK);
}

Test(deactivation, without_its_key_the_vault_does_nothing)
{
    const struct bytes data = bytes_of("data");
    struct buf out = { 0 };
    uint8_t mac[32];

    vault_wipe(fixture.vault);
    cr_assert_eq(vault_seal(fixture.vault, data, data, &out), SKS_ERROR_NOT_AVAILABLE);
    cr_assert_eq(vault_unseal(fixture.vault, data, data, &out), SKS_ERROR_NOT_AVAILABLE);
    cr_assert_eq(vault_mac(fixture.vault, data, mac), SKS_ERROR_NOT_AVAILABLE);
    cr_assert_eq(out.len, 0);
    cr_assert_eq(vault_reload(fixture.vault, fixture.key_file, NULL), SKS_OK);
    cr_assert_eq(vault_seal(fixture.vault, data, data, &out), SKS_OK);
    buf_free(&out);
}

Test(deactivation, lasts_until_it_is_lifted)
{
    bool was;

    cr_assert(token_deactivate(token, NULL) == SKS_OK);
    for (int i = 0; i < 2; i++) {
        cr_assert(token_is_deactivated(token));
        cr_assert_null(token->device.key);
        cr_assert_null(token->authorization);
        cr_assert_eq(enumerate(), SKS_ERROR_NOT_AVAILABLE);
        token_close(token);
        open_token();
    }
    cr_assert(token_lift_deactivation(token, &was, NULL) == SKS_OK && was);
    cr_assert(token_lift_deactivation(token, &was, NULL) == SKS_OK && !was);
    cr_assert_eq(enumerate(), SKS_ERROR_NOT_AVAILABLE, "only the next start is another one");
    token_close(token);
    open_token();
    cr_assert_eq(enumerate(), SKS_OK);
}

/* What a start from the environment does: lifted, but nothing to wake up with. */
Test(deactivation, lifted_by_mistake_is_recorded_again)
{
    bool was;

    cr_assert(token_deactivate(token, NULL) == SKS_OK);
    cr_assert(token_lift_deactivation(token, &was, NULL) == SKS_OK && was);
    cr_assert(token_deactivate(token, NULL) == SKS_OK);
    token_close(token);
    open_token();
    cr_assert(token_is_deactivated(token));
}
