#include "tests/plain/parts/sync_world.h"
#include "token/store.h"

#include <sqlite3.h>
#include <unistd.h>

enum { SYNC_US = 2000 };

struct syncs syncs;
struct world world;

/* ---- the linker sends these functions here ---- */

int __real_database_file_sync(sqlite3_file *file);
int __wrap_database_file_sync(sqlite3_file *file);

int __wrap_database_file_sync(sqlite3_file *file)
{
    atomic_fetch_add(&syncs.waiting, 1);
    do
        (void)usleep(syncs.defect == READS_DO_NOT_WAIT ? 10 * SYNC_US : SYNC_US);
    while (atomic_load(&syncs.held));
    atomic_fetch_sub(&syncs.waiting, 1);
    if (atomic_load(&syncs.refuse_at) > 0 && atomic_fetch_sub(&syncs.refuse_at, 1) == 1)
        atomic_store(&syncs.refused, true);
    if (atomic_load(&syncs.refused))
        return SQLITE_IOERR_FSYNC;
    return syncs.defect == SYNCS_NOT_DONE ? SQLITE_OK : __real_database_file_sync(file);
}

enum sks_status __real_store_await_syncs(struct store *store, struct sks_error *err);
enum sks_status __wrap_store_await_syncs(struct store *store, struct sks_error *err);

enum sks_status __wrap_store_await_syncs(struct store *store, struct sks_error *err)
{
    return syncs.defect == READS_DO_NOT_WAIT ? SKS_OK : __real_store_await_syncs(store, err);
}

/* ---- the token ---- */

const struct enrolment_plan *world_plan(void)
{
    static const struct enrolment_plan one = {
        .algorithm = "https://webpki.github.io/sks/algorithm#ec.nist.p256",
        .keys = 1,
        .pin = WORLD_PIN,
    };

    return &one;
}

uint32_t world_begin(void)
{
    struct disk_image *disk;
    uint32_t key;

    disk_clear();
    make_store(world.folder);
    world.token = open_store(world.folder);
    enrol(world.token, WORLD_PIN, &key);
    token_close(world.token);
    disk = disk_take(DISK_KILL, 0);
    disk_put(disk);
    disk_image_free(disk);
    world.token = open_store(world.folder);
    must(try_sign(world.token, key, WORLD_PIN) == SKS_OK, "sign");
    return key;
}

void world_end(void)
{
    token_close(world.token);
    remove_store(world.folder);
}
