/* Sees the comparisons of PINs and PUKs: the linker sends bytes_equal_secret() here (--wrap). */
#ifndef TESTS_PLAIN_PARTS_COMPARISONS_H
#define TESTS_PLAIN_PARTS_COMPARISONS_H

/**
 * What this thread tries from now on. Each comparison with it, up to a right one, is told to the
 * watcher of the disk, as DISK_OTHER with comparison_detail().
 *
 * @param counter  a number of the test's own, from 0
 * @param value    borrowed; NULL: nothing
 */
void comparisons_of(unsigned counter, const char *value);

/* The detail of an event, and what it says. */
static inline int comparison_detail(unsigned counter, int right)
{
    return (int)(2 * counter) + right;
}
static inline unsigned comparison_counter(int detail)
{
    return (unsigned)detail / 2;
}
static inline int comparison_is_right(int detail)
{
    return detail % 2;
}

#endif
