#include "keygen2/base/memory.h"

#include <malloc.h>
#include <unistd.h>

/*
 * glibc gives what is free at the end of an arena back to the system and asks for it anew a moment
 * later, a page fault for each page. What it keeps now is bounded: KEPT for each processor.
 */
void memory_for_server(void)
{
#ifdef M_ARENA_MAX
    enum { KEPT = 16 << 20, STEP = 1 << 20, MAPPED = 1 << 20 };
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    (void)mallopt(M_ARENA_MAX, processors < 1 ? 1 : (int)processors);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
    (void)mallopt(M_TOP_PAD, STEP);
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED);
#endif
}
