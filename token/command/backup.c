/* sks-token backup: the store as it is at one moment, in one sealed file. */
#include "keygen2/crypto/backup.h"
#include "token/command/rows.h"
#include "token/command/whole_store.h"

#include <stdio.h>

const struct option_row OPTIONS_BACKUP[] = {
    STORE,
    MASTER_KEY,
    { "out", 0, "FILE", "the backup; one that is there is replaced", OPTION_TEXT, AT(output),
      .required = true },
    END,
};

static enum sks_status write_backup(struct whole_store *whole, const char *path, uint64_t *size,
                                    struct sks_error *err)
{
    const struct backup_seal seal = vault_backup_seal(whole->vault);
    struct backup_writer writer = { .file.fd = -1 };
    const char *database;
    enum sks_status rc;

    TRY(whole_store_settle(whole, &database, err));
    TRY(backup_begin(&writer, &seal, path, err));
    TRY(backup_add(&writer, TOKEN_DATABASE, database, err));
    if (file_exists(whole->folder.device_ca))
        TRY(backup_add(&writer, TOKEN_DEVICE_CA, whole->folder.device_ca, err));
    TRY(backup_finish(&writer, err));
    *size = writer.size;
out:
    backup_end(&writer);
    return rc;
}

enum exit_code command_backup(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct whole_store whole = { .folder.lock = -1 };
    struct sks_error err = { 0 };
    uint64_t size = 0;
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(whole_store_open(o->store, o->key_file, &whole, &err));
    TRY(write_backup(&whole, o->output, &size, &err));
    (void)printf("backup written: %s, %llu bytes; it opens only with the master key, which is not "
                 "in it\n",
                 o->output, (unsigned long long)size);
out:
    whole_store_close(&whole);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
