/* What test programs without a framework assert with. */
#ifndef TESTS_PLAIN_SUPPORT_MUST_H
#define TESTS_PLAIN_SUPPORT_MUST_H

#include <stdbool.h>

/** Ends the program with a text unless the condition holds. */
void must(bool condition, const char *what);

#endif
