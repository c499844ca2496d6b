#include "tests/plain/parts/pin_cuts.h"

#include <string.h>

enum { CUTS_MAX = 128 };

static struct cut {
    struct account account[WORLD_COUNTERS];
    struct disk_image *disk[DISK_LOSSES]; /* NULL: one that is there already */
} cuts[CUTS_MAX];

static unsigned count;
static struct disk_image *last[DISK_LOSSES]; /* borrowed: the last ones with the same accounts */

static bool is_known(const struct disk_image *image, const struct cut *cut)
{
    for (unsigned loss = 0; loss < DISK_LOSSES; loss++)
        if ((cut->disk[loss] != NULL && disk_same(image, cut->disk[loss])) ||
            (last[loss] != NULL && disk_same(image, last[loss])))
            return true;
    return false;
}

void pin_cuts_take(const struct account account[WORLD_COUNTERS])
{
    struct cut *cut = &cuts[count];

    must(count < CUTS_MAX, "more cuts than expected");
    *cut = (struct cut){ 0 };
    memcpy(cut->account, account, sizeof cut->account);
    if (count == 0 || memcmp(cut->account, cuts[count - 1].account, sizeof cut->account) != 0)
        memset(last, 0, sizeof last);
    for (unsigned loss = 0; loss < DISK_LOSSES; loss++) {
        struct disk_image *image = disk_take((enum disk_loss)loss, count);

        if (is_known(image, cut))
            disk_image_free(image);
        else
            cut->disk[loss] = last[loss] = image;
    }
    count++;
}

void pin_cuts_each(void (*visit)(const struct account account[WORLD_COUNTERS],
                                 struct disk_image *disk))
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned loss = 0; loss < DISK_LOSSES; loss++) {
            if (cuts[i].disk[loss] != NULL)
                visit(cuts[i].account, cuts[i].disk[loss]);
            disk_image_free(cuts[i].disk[loss]);
        }
    count = 0;
}
