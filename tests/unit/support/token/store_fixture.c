#include "tests/unit/support/token/store_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void open_store(struct store_fixture *f)
{
    struct sks_error err = { 0 };

    cr_assert(vault_open(f->key_file, &f->vault, &err) == SKS_OK, "%s", err.text);
    cr_assert(store_open(f->database, f->vault, &f->store, &err) == SKS_OK, "%s", err.text);
}

void store_fixture_open(struct store_fixture *f)
{
    struct sks_error err = { 0 };

    *f = (struct store_fixture){ .folder = "/tmp/sks-unit.XXXXXX" };
    cr_assert_not_null(mkdtemp(f->folder));
    (void)snprintf(f->key_file, sizeof f->key_file, "%s/master.key", f->folder);
    (void)snprintf(f->database, sizeof f->database, "%s/token.db", f->folder);
    cr_assert(vault_create(f->key_file, &err) == SKS_OK, "%s", err.text);
    open_store(f);
}

static void close_store(struct store_fixture *f)
{
    store_close(f->store);
    vault_close(f->vault);
}

void store_fixture_reopen(struct store_fixture *f)
{
    close_store(f);
    open_store(f);
}

void store_fixture_close(struct store_fixture *f)
{
    static const char *const suffix[] = { "", "-wal", "-shm", "-journal" };
    char path[128];

    close_store(f);
    for (size_t i = 0; i < NITEMS(suffix); i++) {
        (void)snprintf(path, sizeof path, "%s%s", f->database, suffix[i]);
        (void)unlink(path);
    }
    (void)unlink(f->key_file);
    cr_assert_eq(rmdir(f->folder), 0);
}
