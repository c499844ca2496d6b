/* Preloaded into the programs under test: their clocks are ahead by the seconds that the file
 * $SKS_TEST_CLOCK has, a number of 8 octets. What measures a wait (CLOCK_MONOTONIC) is left alone.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct test_clock {
    int64_t ahead;      /* seconds */
    int64_t real, boot; /* nanoseconds at which the clocks stand still; 0: they run */
};

static const volatile struct test_clock *clock_of_test;

__attribute__((constructor)) static void open_clock(void)
{
    const char *path = getenv("SKS_TEST_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *map =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *clock_of_test, PROT_READ, MAP_SHARED, fd, 0);

    clock_of_test = map == MAP_FAILED ? NULL : map;
    if (fd >= 0)
        (void)close(fd);
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    int rc = (int)syscall(SYS_clock_gettime, id, now);
    int64_t still;

    if (rc != 0 || clock_of_test == NULL || (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME))
        return rc;
    still = id == CLOCK_REALTIME ? clock_of_test->real : clock_of_test->boot;
    if (still != 0)
        *now = (struct timespec){ .tv_sec = still / 1000000000, .tv_nsec = still % 1000000000 };
    now->tv_sec += clock_of_test->ahead;
    return 0;
}

time_t time(time_t *seconds)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (seconds != NULL)
        *seconds = now.tv_sec;
    return now.tv_sec;
}
