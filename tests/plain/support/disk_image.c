/* What a kill or a power cut would leave of the disk. */
#include "tests/plain/support/disk_internal.h"

#include <stdlib.h>

struct disk_image {
    char name[FILES][NAME_MAX_LEN];
    struct content file[FILES];
};

static unsigned draw(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

/* Of the sectors that were not synced some are old, some are new; the file ends somewhere. */
static void tear(struct content *torn, const struct place *place, unsigned seed)
{
    const struct content *now = &place->now;
    size_t low = place->synced.len < now->len ? place->synced.len : now->len;
    size_t high = place->synced.len < now->len ? now->len : place->synced.len;

    torn->exists = now->exists || place->synced.exists;
    torn->len = low + (high > low ? draw(&seed) % (high - low + 1) : 0);
    for (size_t at = 0; at < torn->len; at += SECTOR) {
        size_t len = torn->len - at < SECTOR ? torn->len - at : SECTOR;
        const struct content *from = (draw(&seed) & 1) != 0 ? now : &place->synced;

        memcpy(torn->data + at, from->data + at, len);
    }
}

static void take_place(struct content *taken, const struct place *place, enum disk_loss loss,
                       unsigned seed)
{
    const struct content *from = loss == DISK_KILL ? &place->now : &place->synced;
    size_t size = place->now.len > place->synced.len ? place->now.len : place->synced.len;

    must((taken->data = calloc(1, size + 1)) != NULL, "memory");
    if (loss == DISK_TORN) {
        tear(taken, place, seed);
        return;
    }
    memcpy(taken->data, from->data, from->len);
    taken->len = from->len;
    taken->exists = from->exists;
}

struct disk_image *disk_take(enum disk_loss loss, unsigned seed)
{
    struct disk_image *image = calloc(1, sizeof *image);

    must(image != NULL, "memory");
    (void)pthread_mutex_lock(&disk_guard);
    for (size_t i = 0; i < FILES; i++) {
        memcpy(image->name[i], disk_places[i].name, NAME_MAX_LEN);
        take_place(&image->file[i], &disk_places[i], loss, seed + (unsigned)i);
    }
    (void)pthread_mutex_unlock(&disk_guard);
    return image;
}

struct disk_image *disk_copy(const struct disk_image *image)
{
    struct disk_image *copy = malloc(sizeof *copy);

    must(copy != NULL, "memory");
    *copy = *image;
    for (size_t i = 0; i < FILES; i++) {
        must((copy->file[i].data = malloc(image->file[i].len + 1)) != NULL, "memory");
        memcpy(copy->file[i].data, image->file[i].data, image->file[i].len);
    }
    return copy;
}

void disk_put(const struct disk_image *image)
{
    for (size_t i = 0; i < FILES; i++) {
        memcpy(disk_places[i].name, image->name[i], NAME_MAX_LEN);
        content_set(&disk_places[i].now, &image->file[i]);
        content_set(&disk_places[i].synced, &image->file[i]);
        memset(disk_places[i].given_up, 0, sizeof disk_places[i].given_up);
    }
}

bool disk_same(const struct disk_image *a, const struct disk_image *b)
{
    for (size_t i = 0; i < FILES; i++) {
        const struct content *one = &a->file[i], *other = &b->file[i];

        if (strcmp(a->name[i], b->name[i]) != 0 || one->exists != other->exists ||
            one->len != other->len || memcmp(one->data, other->data, one->len) != 0)
            return false;
    }
    return true;
}

void disk_image_free(struct disk_image *image)
{
    for (size_t i = 0; image != NULL && i < FILES; i++)
        free(image->file[i].data);
    free(image);
}
