#include "token/lru.h"

#include <criterion/criterion.h>

enum { MAX = 3 };

static struct lru lru;
static struct lru_entry entry[8];

static void init(void)
{
    lru_init(&lru, MAX);
}

static void fini(void)
{
    struct lru_entry *any;

    while ((any = lru_any(&lru)) != NULL)
        (void)lru_forget(&lru, any->id);
    lru_destroy(&lru);
}

TestSuite(lru, .init = init, .fini = fini);

static struct lru_id id(unsigned number)
{
    return (struct lru_id){ 1, number };
}

static void keep(unsigned number)
{
    cr_assert(lru_keep(&lru, id(number), &entry[number]) == &entry[number]);
    cr_assert_not(lru_release(&lru, &entry[number]));
}

Test(lru, finds_by_kind_and_handle)
{
    const struct lru_id other_kind = { 2, 1 };

    keep(1);
    cr_assert(lru_take(&lru, id(1)) == &entry[1]);
    cr_assert_null(lru_take(&lru, id(2)));
    cr_assert_null(lru_take(&lru, other_kind));
    cr_assert_not(lru_release(&lru, &entry[1]));
}

Test(lru, the_first_of_two_that_keep_an_id_wins)
{
    keep(1);
    cr_assert(lru_keep(&lru, id(1), &entry[2]) == &entry[1]);
    cr_assert_not(lru_release(&lru, &entry[1]));
}

Test(lru, the_one_used_longest_ago_is_the_surplus)
{
    for (unsigned i = 0; i < MAX; i++)
        keep(i);
    cr_assert_null(lru_surplus(&lru));
    cr_assert(lru_take(&lru, id(0)) == &entry[0]);
    cr_assert_not(lru_release(&lru, &entry[0]));
    keep(MAX);
    cr_assert(lru_surplus(&lru) == &entry[1]);
    cr_assert(lru_evict(&lru, &entry[1]) == &entry[1]);
    cr_assert_null(lru_take(&lru, id(1)));
    cr_assert_null(lru_surplus(&lru));
}

Test(lru, what_is_used_does_not_go)
{
    for (unsigned i = 0; i <= MAX; i++)
        keep(i);
    cr_assert(lru_take(&lru, id(0)) == &entry[0]);
    cr_assert(lru_take(&lru, id(1)) == &entry[1]);
    cr_assert(lru_surplus(&lru) == &entry[2]);
    cr_assert(lru_take(&lru, id(2)) == &entry[2]);
    cr_assert_null(lru_evict(&lru, &entry[2]), "somebody came for it meanwhile");
    cr_assert_not(lru_release(&lru, &entry[2]), "and it is still kept");
}

Test(lru, what_was_read_before_something_was_forgotten_is_not_kept)
{
    uint64_t before = lru_forgets(&lru);

    keep(1);
    cr_assert_null(lru_forget(&lru, id(2)), "nobody has it yet");
    cr_assert_null(lru_keep_fresh(&lru, id(2), &entry[2], before));
    cr_assert_null(lru_take(&lru, id(2)));
    cr_assert(lru_keep_fresh(&lru, id(2), &entry[2], lru_forgets(&lru)) == &entry[2]);
    cr_assert_not(lru_release(&lru, &entry[2]));
    cr_assert(lru_take(&lru, id(2)) == &entry[2]);
    cr_assert_not(lru_release(&lru, &entry[2]));
}

Test(lru, the_last_user_frees_what_was_forgotten)
{
    keep(1);
    cr_assert(lru_take(&lru, id(1)) == &entry[1]);
    cr_assert(lru_take(&lru, id(1)) == &entry[1]);
    cr_assert_null(lru_forget(&lru, id(1)), "it is in use");
    cr_assert_null(lru_take(&lru, id(1)));
    cr_assert_not(lru_release(&lru, &entry[1]));
    cr_assert(lru_release(&lru, &entry[1]));
    keep(2);
    cr_assert(lru_forget(&lru, id(2)) == &entry[2]);
}
