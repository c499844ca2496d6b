/*
 * Whole sessions with a token in this process. An input is a program: each step is a byte, and the
 * bytes that the step reads. The calls of the issuer have right MACs over right values, but for the
 * fields that the step says to alter, before the MAC is made or behind it.
 *
 * Each run begins with the same token: a closed session with keys under PINs, a symmetric and an
 * RSA key, and an open session with policies and keys. tests/fuzz/support/world.h says what must
 * hold.
 */
#include "tests/fuzz/support/issuer.h"
#include "tests/fuzz/support/made_keys.h"
#include "tests/fuzz/support/user.h"
#include "tests/plain/support/enrol.h"

enum { STEPS_MAX = 6 }; /* of an input: more would be slow */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 5 bits: the step, those above issuer.c's are the user's; 2: fields before; 1: a field behind.
 * The first step only may make a session, as that takes long. */
static void run_step(struct world *w, struct input *input, bool first)
{
    uint8_t step = input_byte(input);
    const struct twist twist = { .before = step >> 5 & 3, .after = (step & 128) != 0 };

    if ((step & 31) == 0 && !first)
        return;
    if ((step & 31) < ISSUER_STEPS)
        issuer_step(w, input, step & 31, twist);
    else
        user_step(w, input);
}

static void run_program(struct world *w, struct bytes program, unsigned steps)
{
    struct input input = { program };

    for (unsigned i = 0; i < steps && input.left.len > 0; i++)
        run_step(w, &input, i == 0);
}

/* ---- what each run begins with: programs too; issuer.c has the numbers of the steps ---- */

static const uint8_t CLOSED[] = {
    0,  0,                /* session with the P-256 key as key management key */
    1,  0, 0,             /* PUK policy, 3 tries */
    2,  0, 1, 4,          /* PIN policy under it, grouping shared */
    7,  0, 1, 0, 9, 0, 0, /* key under the PIN; export by PIN, delete by PUK */
    8,  0, 0,             /* its certificate */
    11, 0, 0, 2,          /* its property bag */
    7,  0, 1, 2, 0, 0, 0, /* a second key of the same PIN */
    8,  0, 1,             /* certificate */
    7,  0, 0, 0, 0, 0, 0, /* a key without PIN */
    8,  0, 2,             /* certificate */
    9,  2, 0,             /* symmetric key of 16 bytes */
    7,  0, 0, 0, 0, 0, 0, /* another */
    8,  5, 3,             /* certificate of the RSA key */
    10, 2, 3,             /* the RSA key */
    3,  0,                /* close */
};

static const uint8_t CLOSED_PRIVATELY[] = {
    0, 1,                /* session in privacy mode with the P-256 key */
    7, 0, 0, 0, 0, 0, 0, /* key */
    8, 0, 0,             /* certificate */
    3, 0,                /* close */
};

static const uint8_t OPEN[] = {
    0, 8,                /* session with the RSA key as key management key */
    1, 0, 0,             /* PUK policy */
    2, 0, 1, 0,          /* PIN policy */
    7, 0, 1, 0, 0, 0, 0, /* key under the PIN */
    8, 0, 0,             /* its certificate */
    7, 0, 0, 0, 0, 0, 0, /* key without */
    8, 0, 1,             /* its certificate */
};

static const uint8_t OPEN_PRIVATELY[] = { 0, 1 };

static void begin(struct world *w)
{
    run_program(w, bytes_at(CLOSED, sizeof CLOSED), sizeof CLOSED);
    run_program(w, bytes_at(CLOSED_PRIVATELY, sizeof CLOSED_PRIVATELY), sizeof CLOSED_PRIVATELY);
    must(w->sessions == 2 && !w->session[0].open && !w->session[1].open && w->keys == 5,
         "the closed sessions");
    run_program(w, bytes_at(OPEN, sizeof OPEN), sizeof OPEN);
    run_program(w, bytes_at(OPEN_PRIVATELY, sizeof OPEN_PRIVATELY), sizeof OPEN_PRIVATELY);
    must(w->sessions == 4 && w->session[2].open && w->session[3].open && w->keys == 7 &&
             w->policies == 2,
         "the open sessions");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    static bool begun;

    if (!begun) {
        make_keys();
        world_open(&world);
        begin(&world);
        world_save(&world);
        begun = true;
    }
    world_restore(&world);
    run_program(&world, bytes_at(data, size), STEPS_MAX);
    world_check(&world);
    return 0;
}
