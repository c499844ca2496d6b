/* What is left on the disk wherever an action is cut off, and what was compared until then. */
#ifndef TESTS_PLAIN_PARTS_PIN_CUTS_H
#define TESTS_PLAIN_PARTS_PIN_CUTS_H

#include "tests/plain/parts/pin_states.h"

/** Keeps what each loss would leave now, unless the same was left when the same was expected. */
void pin_cuts_take(const struct account account[WORLD_COUNTERS]);

/** Visits all that were taken, and forgets them. @param visit gets account and disk borrowed */
void pin_cuts_each(void (*visit)(const struct account account[WORLD_COUNTERS],
                                 struct disk_image *disk));

#endif
