/* A check as an end calls it: it says yes where it is missing. */
#ifndef TESTS_MATRIX_CHECK_H
#define TESTS_MATRIX_CHECK_H

#include "tests/matrix/holes.h"

/*
 * The function that the linker puts in the place of another: with its name, parameters and what it
 * is called with. `yes` says whether it does not look.
 */
#define CHECK(name, parameters, arguments, yes)                                                    \
    enum sks_status __real_##name parameters;                                                      \
    enum sks_status __wrap_##name parameters;                                                      \
    enum sks_status __wrap_##name parameters                                                       \
    {                                                                                              \
        return (yes) ? SKS_OK : __real_##name arguments;                                           \
    }

#endif
