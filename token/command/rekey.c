/* sks-token rekey: another master key for a store that nobody serves. */
#include "keygen2/base/terminal.h"
#include "token/command/folder.h"
#include "token/command/rows.h"
#include "token/master_key.h"

#include <stdio.h>

const struct option_row OPTIONS_REKEY[] = {
    STORE,
    MASTER_KEY,
    TEXT_ROW("new-master-key", "FILE",
             "the new one; drawn and written there if it is not there (default: one is drawn)",
             new_key_file),
    YES,
    END,
};

/* Old ciphertext may still lie in free pages: who has the old key could read it. */
static void compact(struct store *store, const char *path)
{
    struct sks_error err = { 0 };

    if (store_compact(store, &err) != SKS_OK)
        (void)fprintf(stderr,
                      "%s: what was sealed with the old master key may still lie in free parts of "
                      "the file: %s\n",
                      path, err.text);
}

static enum sks_status change_key(const struct token_command_options *o, struct folder *folder,
                                  bool *replaced, struct sks_error *err)
{
    struct vault *vault = NULL;
    struct store *store = NULL;
    enum sks_status rc;

    TRY(folder_need_store(folder, o->store, err));
    TRY(folder_lock_alone(folder, err));
    TRY(master_key_open(folder->database, folder->master_key, &vault, &store, err));
    *replaced = master_key_is_replaceable(vault, folder->master_key);
    TRY(master_key_change(store, &vault, folder->master_key, o->new_key_file, err));
    compact(store, folder->database);
out:
    store_close(store);
    vault_close(vault);
    return rc;
}

enum exit_code command_rekey(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct folder folder = { .lock = -1 };
    struct sks_error err = { 0 };
    bool replaced = false;
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(folder_paths(&folder, o->store, o->key_file, &err));
    TRY(terminal_consent(o->yes,
                         "Backups made so far open with the present master key only: keep a copy "
                         "of it as long as you need them.\nChange the master key?",
                         &err));
    TRY(change_key(o, &folder, &replaced, &err));
    if (replaced)
        (void)printf("master key changed: the new one is in %s\n", folder.master_key);
    else
        (void)printf("master key changed: the new one is in %s; the token starts again once it "
                     "stands where the old one comes from\n",
                     o->new_key_file);
out:
    folder_unlock(&folder);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
