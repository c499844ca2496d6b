#include "issuer/ticket.h"

#include <criterion/criterion.h>
#include <string.h>

static const uint8_t KEY[SEAL_KEY_SIZE] = { 1 }, OTHER_KEY[SEAL_KEY_SIZE] = { 2 };
static const struct ticket SOME = { .expires = 1790000000, .invitation = 77 };

Test(ticket, there_and_back)
{
    char text[TICKET_LENGTH + 1], again[TICKET_LENGTH + 1];
    struct ticket ticket;

    cr_assert_eq(ticket_make(KEY, "demo", &SOME, text), SKS_OK);
    cr_assert_eq(strlen(text), TICKET_LENGTH);
    cr_assert(ticket_read(KEY, "demo", text, &ticket));
    cr_assert_eq(ticket.expires, SOME.expires);
    cr_assert_eq(ticket.invitation, SOME.invitation);
    cr_assert_eq(ticket_make(KEY, "demo", &SOME, again), SKS_OK);
    cr_assert_str_neq(text, again);
}

Test(ticket, of_others)
{
    char text[TICKET_LENGTH + 1];
    struct ticket ticket;

    cr_assert_eq(ticket_make(KEY, "demo", &SOME, text), SKS_OK);
    cr_assert_not(ticket_read(KEY, "other", text, &ticket));
    cr_assert_not(ticket_read(OTHER_KEY, "demo", text, &ticket));
    cr_assert_not(ticket_read(KEY, "demo", NULL, &ticket));
    cr_assert_not(ticket_read(KEY, "demo", "", &ticket));
    cr_assert_not(ticket_read(KEY, "demo", text + 1, &ticket));
}

Test(ticket, every_character_counts)
{
    char text[TICKET_LENGTH + 1];
    struct ticket ticket;

    cr_assert_eq(ticket_make(KEY, "demo", &SOME, text), SKS_OK);
    for (size_t i = 0; i < TICKET_LENGTH; i++) {
        char right = text[i];

        text[i] = right == 'A' ? 'B' : 'A';
        cr_assert_not(ticket_read(KEY, "demo", text, &ticket), "%zu", i);
        text[i] = right;
    }
    cr_assert(ticket_read(KEY, "demo", text, &ticket));
}
