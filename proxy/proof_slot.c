#include "proxy/proof_slot.h"

#include "keygen2/base/files.h"
#include "keygen2/crypto/fetched.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands in a slot: the digest of all that follows up to the record's end, its length, the
 * record, zeros. A write that a power cut has torn does not fit its digest. */
enum { DIGEST = 32, HEAD = DIGEST + 4, RECORD_MAX = PROOF_SLOT_SIZE - HEAD };

enum sks_status proof_slot_path(char path[PATH_MAX], const char *folder, unsigned number)
{
    char name[20];

    (void)snprintf(name, sizeof name, "proof-%02u.slot", number);
    return file_path(path, PATH_MAX, folder, name);
}

struct bytes proof_slot_record(struct bytes contents)
{
    struct bytes rest = contents, digest;
    uint8_t found[DIGEST];
    uint32_t len;

    if (contents.len != PROOF_SLOT_SIZE || get_raw(&rest, DIGEST, &digest) != SKS_OK ||
        get_uint(&rest, &len) != SKS_OK || len == 0 || len > rest.len ||
        sha256(bytes_at(contents.ptr + DIGEST, HEAD - DIGEST + len), found) != SKS_OK ||
        !bytes_equal(digest, bytes_at(found, DIGEST)))
        return (struct bytes){ 0 };
    return bytes_at(rest.ptr, len);
}

static const uint8_t NOTHING[PROOF_SLOT_SIZE];

static bool write_slot(int slot, const uint8_t contents[PROOF_SLOT_SIZE])
{
    return pwrite(slot, contents, PROOF_SLOT_SIZE, 0) == PROOF_SLOT_SIZE;
}

void proof_slot_leave(int slot)
{
    if (slot > 0)
        (void)close(slot); /* and with it the lock */
}

void proof_slot_clear(int slot)
{
    if (slot > 0)
        (void)write_slot(slot, NOTHING);
    proof_slot_leave(slot);
}

/* ---- taking ---- */

static int open_slot(const char *path, int flags)
{
    int slot = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);

    if (slot > 0 && flock(slot, LOCK_EX | LOCK_NB) == 0)
        return slot;
    if (slot >= 0)
        (void)close(slot);
    return 0;
}

static bool read_slot(int slot, struct buf *contents)
{
    ssize_t got;

    if (!buf_reserve(contents, PROOF_SLOT_SIZE))
        return false;
    got = pread(slot, contents->ptr + contents->len, PROOF_SLOT_SIZE, 0);
    contents->len += got > 0 ? (size_t)got : 0;
    return got >= 0;
}

/* Ours alone, and nothing in it. */
static bool is_free(int slot, const char *path)
{
    struct buf contents = { 0 };
    struct stat about;
    bool nothing = fstat(slot, &about) == 0 && S_ISREG(about.st_mode) &&
                   about.st_uid == geteuid() && about.st_nlink == 1 && (about.st_mode & 077) == 0 &&
                   about.st_size <= PROOF_SLOT_SIZE && read_slot(slot, &contents) &&
                   proof_slot_record(buf_bytes(&contents)).len == 0;

    /* It has its size from the first record on; before that its name may not be on disk yet. */
    if (nothing && contents.len < PROOF_SLOT_SIZE)
        nothing = file_sync(path, NULL) == SKS_OK;
    buf_free(&contents);
    return nothing;
}

static bool write_record(int slot, struct bytes record)
{
    struct buf contents = { 0 };
    bool done;

    put_raw(&contents, bytes_at(NOTHING, DIGEST));
    put_uint(&contents, (uint32_t)record.len);
    put_raw(&contents, record);
    put_raw(&contents, bytes_at(NOTHING, RECORD_MAX - record.len));
    done = contents.status == SKS_OK &&
           sha256(bytes_at(contents.ptr + DIGEST, HEAD - DIGEST + record.len), contents.ptr) ==
               SKS_OK &&
           write_slot(slot, contents.ptr) && fdatasync(slot) == 0;
    buf_free(&contents);
    return done;
}

int proof_slot_keep(const char *folder, struct bytes record)
{
    static _Thread_local unsigned last; /* that it had: likely to be free */
    char path[PATH_MAX];

    for (unsigned i = 0; i < PROOF_SLOTS && record.len <= RECORD_MAX; i++) {
        unsigned number = (last + i) % PROOF_SLOTS;
        int slot = proof_slot_path(path, folder, number) == SKS_OK ? open_slot(path, O_CREAT) : 0;

        if (slot > 0 && is_free(slot, path)) {
            last = number;
            if (write_record(slot, record))
                return slot;
            proof_slot_clear(slot);
            return 0;
        }
        proof_slot_leave(slot);
    }
    return 0;
}

int proof_slot_take(const char *folder, unsigned number, struct buf *contents)
{
    char path[PATH_MAX];
    int slot = proof_slot_path(path, folder, number) == SKS_OK ? open_slot(path, 0) : 0;

    if (slot > 0)
        (void)read_slot(slot, contents);
    return slot;
}
