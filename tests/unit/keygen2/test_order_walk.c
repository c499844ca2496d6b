/* The orders of messages.json, which has every property, in the order of the text. */
#include "keygen2/message/order_walk.h"
#include "tests/unit/support/keygen2/messages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct seen {
    char text[2000]; /* "METHOD ID[ encrypted]\n" for each */
    size_t orders, stop_at;
    bool macs_have_data;
};

static enum sks_status see(void *context, const struct order *order, struct buf *data)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);

    (void)snprintf(seen->text + used, sizeof seen->text - used, "%s %.*s%s\n", order->method,
                   (int)order->id.len, order->id.len == 0 ? "" : (const char *)order->id.ptr,
                   order->encrypted.len == 0 ? "" : " encrypted");
    seen->macs_have_data = seen->macs_have_data && data->status == SKS_OK && data->len > 0 &&
                           order->mac.len == SKS_MAC_SIZE;
    return ++seen->orders == seen->stop_at ? SKS_ERROR_OPTION : SKS_OK;
}

static struct bytes some_key(void *context, size_t number)
{
    (void)context;
    return number == 0 ? bytes_of("first") : bytes_of("second");
}

static void load(const char *name, union message *message, struct arena *arena)
{
    json_t *messages = load_messages("messages");
    struct sks_error err = { 0 };

    cr_assert(decode_message(name, json_object_get(messages, name), message, arena, &err) == SKS_OK,
              "%s", err.text);
    json_decref(messages);
}

Test(order_walk, key_creation)
{
    struct seen seen = { .macs_have_data = true };
    const struct order_walk walk = { .context = &seen, .take = see };
    struct arena arena = { 0 };
    union message message;

    load("KeyCreationRequest", &message, &arena);
    cr_assert(walk_key_creation(&walk, &message.creation_request) == SKS_OK);
    cr_expect_str_eq(seen.text, "createPUKPolicy PUK.1 encrypted\n"
                                "createPINPolicy PIN.1\n"
                                "createKeyEntry Key.1 encrypted\n"
                                "createKeyEntry Key.2 encrypted\n"
                                "createPINPolicy PIN.2\n"
                                "createKeyEntry Key.3\n"
                                "createKeyEntry Key.4\n"
                                "createKeyEntry Key.5\n"
                                "createKeyEntry Key.6\n");
    cr_expect(seen.macs_have_data);
    arena_free(&arena);
}

static const struct session_terms TERMS = { .issuer_uri = { (const uint8_t *)"http://a/b", 10 } };

Test(order_walk, finalization)
{
    struct seen seen = { .macs_have_data = true };
    const struct order_walk walk = {
        .context = &seen, .take = see, .terms = &TERMS, .public_key = some_key
    };
    struct arena arena = { 0 };
    union message message;

    load("ProvisioningFinalizationRequest", &message, &arena);
    cr_assert(walk_finalization(&walk, &message.finalization_request) == SKS_OK);
    cr_expect_str_eq(seen.text, "setCertificatePath Key.1\n"
                                "importSymmetricKey Key.1 encrypted\n"
                                "addExtension Key.1\n"
                                "addExtension Key.1\n"
                                "addExtension Key.1 encrypted\n"
                                "addExtension Key.1\n"
                                "addExtension Key.1\n"
                                "postUpdateKey Key.1\n"
                                "setCertificatePath Key.2\n"
                                "importPrivateKey Key.2 encrypted\n"
                                "postCloneKeyProtection Key.2\n"
                                "postUnlockKey \n"
                                "postUnlockKey \n"
                                "postDeleteKey \n"
                                "closeProvisioningSession \n");
    cr_expect(seen.macs_have_data);
    arena_free(&arena);
}

/* Whoever is shown the orders ends the walk at any of them. */
Test(order_walk, stops)
{
    struct arena arena = { 0 };
    union message creation, finalization;

    load("KeyCreationRequest", &creation, &arena);
    load("ProvisioningFinalizationRequest", &finalization, &arena);
    for (size_t at = 1; at <= 9; at++) {
        struct seen seen = { .stop_at = at };

        cr_expect(walk_key_creation(&(struct order_walk){ .context = &seen, .take = see },
                                    &creation.creation_request) == SKS_ERROR_OPTION);
        cr_expect(seen.orders == at);
    }
    for (size_t at = 1; at <= 15; at++) {
        struct seen seen = { .stop_at = at };

        cr_expect(walk_finalization(
                      &(struct order_walk){
                          .context = &seen, .take = see, .terms = &TERMS, .public_key = some_key },
                      &finalization.finalization_request) == SKS_ERROR_OPTION);
        cr_expect(seen.orders == at);
    }
    arena_free(&arena);
}
