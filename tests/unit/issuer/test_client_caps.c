#include "issuer/client_caps.h"
#include "keygen2/base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

static struct http_address v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct http_address){ .octet = { [10] = 0xFF, 0xFF, a, b, c, d } };
}

/* 2001:db8:0:NETWORK::HOST */
static struct http_address v6(uint8_t network, uint8_t host)
{
    return (struct http_address){ .octet = { 0x20, 1, 0x0D, 0xB8, [7] = network, [15] = host } };
}

static struct bytes cookie(unsigned number)
{
    static uint8_t hash[4][32];
    static unsigned turn;
    uint8_t *own = hash[turn++ % 4];

    memset(own, 0, 32);
    memcpy(own, &number, sizeof number);
    return bytes_at(own, 32);
}

Test(client_caps, texts_of_addresses)
{
    struct http_address a = v4(192, 0, 2, 1), b = v6(7, 1);
    char text[CAPS_ADDRESS_TEXT];

    http_address_text(&a, text);
    cr_assert_str_eq(text, "192.0.2.1");
    http_address_text(&b, text);
    cr_assert_str_eq(text, "2001:db8:0:7::1");
}

Test(client_caps, requests_of_a_network)
{
    const struct client_limits limits = { .address_requests = 5 };
    struct client_caps *caps = client_caps_new(&limits);
    struct http_address one = v6(1, 1), other = v6(2, 1), neighbour = v6(1, 9);
    struct http_address old = v4(192, 0, 2, 1), beside = v4(192, 0, 2, 2);

    for (int i = 0; i < 10; i++) {
        cr_assert(client_caps_request(caps, &one));
        cr_assert(client_caps_request(caps, &old));
    }
    cr_assert_not(client_caps_request(caps, &one));
    cr_assert_not(client_caps_request(caps, &neighbour), "one network");
    cr_assert(client_caps_request(caps, &other));
    cr_assert_not(client_caps_request(caps, &old));
    cr_assert(client_caps_request(caps, &beside), "IPv4 addresses stand alone");
    client_caps_free(caps);
}

Test(client_caps, guesses)
{
    struct client_caps *caps = client_caps_new(&(struct client_limits){ 0 });
    struct http_address from = v4(192, 0, 2, 1), local = v4(127, 0, 0, 1);

    for (int i = 0; i < 100; i++) {
        cr_assert(client_caps_guess(caps, &from));
        client_caps_right(caps, &from);
        cr_assert(client_caps_guess(caps, &local), "no limit unless asked for");
    }
    for (int i = 0; i < 5; i++)
        cr_assert(client_caps_guess(caps, &from));
    cr_assert_not(client_caps_guess(caps, &from));
    client_caps_free(caps);
}

/* More addresses than are remembered: nothing grows, nobody is refused for it. */
Test(client_caps, many_addresses)
{
    struct client_caps *caps = client_caps_new(&(struct client_limits){ 0 });

    for (unsigned i = 0; i < 200000; i++) {
        struct http_address from = v4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);

        cr_assert(client_caps_request(caps, &from));
    }
    client_caps_free(caps);
}

Test(client_caps, sessions)
{
    const struct client_limits limits = { .sessions = 4, .address_sessions = 2 };
    struct client_caps *caps = client_caps_new(&limits);
    struct http_address one = v4(192, 0, 2, 1), two = v4(192, 0, 2, 2), three = v6(3, 3);
    int64_t later = clock_now() + 100;

    cr_assert_eq(client_caps_open(caps, &one, cookie(1), later), CAPS_GRANTED);
    cr_assert_eq(client_caps_open(caps, &one, cookie(1), later), CAPS_GRANTED, "it is counted");
    cr_assert_eq(client_caps_open(caps, &one, cookie(2), later), CAPS_GRANTED);
    cr_assert_eq(client_caps_open(caps, &one, cookie(3), later), CAPS_ADDRESS_FULL);
    cr_assert_eq(client_caps_open(caps, &two, cookie(4), later), CAPS_GRANTED);
    cr_assert_eq(client_caps_open(caps, NULL, cookie(5), later), CAPS_GRANTED);
    cr_assert_eq(client_caps_open(caps, &three, cookie(6), later), CAPS_FULL);
    cr_assert_eq(client_caps_open(caps, NULL, cookie(7), later), CAPS_GRANTED, "it exists");
    client_caps_close(caps, cookie(99));
    client_caps_close(caps, cookie(7));
    client_caps_close(caps, cookie(1));
    cr_assert_eq(client_caps_open(caps, &one, cookie(3), later), CAPS_GRANTED);
    cr_assert_eq(client_caps_open(caps, &one, cookie(8), later), CAPS_FULL);
    client_caps_free(caps);
}

/* They leave in the order of their ends, however they came and whoever left before. */
Test(client_caps, time_frees)
{
    enum { COUNT = 500 };
    const struct client_limits limits = { .sessions = COUNT };
    struct client_caps *caps = client_caps_new(&limits);
    struct http_address from = v4(127, 0, 0, 1);
    int64_t now = clock_now();

    for (unsigned i = 0; i < COUNT; i++)
        cr_assert_eq(client_caps_open(caps, &from, cookie(i),
                                      i * 7919 % COUNT < 100 ? now - 1 : now + 100 + i % 17),
                     CAPS_GRANTED);
    for (unsigned i = 0; i < COUNT; i += 5)
        client_caps_close(caps, cookie(i));
    for (unsigned i = 0; i < COUNT; i++) /* first those of time that is over are gone */
        if (client_caps_open(caps, &from, cookie(COUNT + i), now + 100) == CAPS_FULL) {
            cr_assert_eq(i, 100 + 80, "%u", i);
            client_caps_free(caps);
            return;
        }
    cr_assert_fail("no end");
}

Test(client_caps, none)
{
    struct http_address from = v4(192, 0, 2, 1);

    cr_assert(client_caps_request(NULL, &from));
    cr_assert(client_caps_guess(NULL, &from));
    client_caps_right(NULL, &from);
    cr_assert_eq(client_caps_open(NULL, &from, cookie(1), 0), CAPS_GRANTED);
    client_caps_close(NULL, cookie(1));
    client_caps_free(NULL);
}
