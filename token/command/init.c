/* sks-token init and certify. */
#include "keygen2/base/files.h"
#include "token/command/commands.h"
#include "token/command/folder.h"
#include "token/device_ca.h"
#include "token/master_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The store of a token that need not have a device key; it stays locked until closed. */
struct opened {
    struct folder folder;
    struct vault *vault;
    struct store *store;
    struct device device;
};

static void close_store(struct opened *t)
{
    device_free(&t->device);
    store_close(t->store);
    vault_close(t->vault);
    folder_unlock(&t->folder);
}

static const struct algorithm *device_algorithm(const char *name)
{
    if (strcmp(name, "p256") == 0)
        return algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    if (strcmp(name, "rsa2048") == 0)
        return algorithm_by_uri(bytes_of("https://webpki.github.io/sks/algorithm#rsa2048"),
                                ALGORITHM_KEY_GENERATION);
    return NULL;
}

/* The store and its master key, which are made if they are missing. */
static enum sks_status open_store(const struct token_command_options *o, struct opened *t,
                                  bool *has_device, struct sks_error *err)
{
    enum sks_status rc;

    REQUIRE(device_algorithm(o->device_key) != NULL, err, SKS_ERROR_OPTION,
            "--device-key is neither p256 nor rsa2048");
    REQUIRE(!o->csr || o->device_ca == NULL, err, SKS_ERROR_OPTION,
            "--csr and --device-ca exclude each other");
    TRY(file_make_folder(o->store, 0700, err));
    TRY(folder_lock(&t->folder, err));
    if (getenv(MASTER_KEY_VARIABLE) == NULL && !file_exists(t->folder.master_key))
        TRY(vault_create(t->folder.master_key, err));
    TRY(master_key_open(t->folder.database, t->folder.master_key, &t->vault, &t->store, err));
    rc = device_load(t->store, &t->device, err);
    *has_device = rc == SKS_OK;
    if (rc == SKS_ERROR_NOT_AVAILABLE) {
        *err = (struct sks_error){ 0 };
        rc = SKS_OK;
    }
out:
    return rc;
}

static enum sks_status make_device(const struct token_command_options *o, struct opened *t,
                                   struct sks_error *err)
{
    enum sks_status rc;

    TRY(device_make_key(device_algorithm(o->device_key), &t->device));
    TRY(o->csr ? device_write_request(&t->device, t->folder.request, err)
               : device_certify(&t->device, o->device_ca, t->folder.device_ca, err));
    TRY(device_save(t->store, &t->device, err));
out:
    return sks_explain(err, rc);
}

enum sks_status init_if_missing(const struct token_command_options *o, struct sks_error *err)
{
    struct opened t = { .folder.lock = -1 };
    bool has_device;
    enum sks_status rc;

    TRY(folder_paths(&t.folder, o->store, o->key_file, err));
    TRY(open_store(o, &t, &has_device, err));
    if (!has_device)
        TRY(make_device(o, &t, err));
out:
    close_store(&t);
    return rc;
}

enum exit_code command_init(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct opened t = { .folder.lock = -1 };
    struct sks_error err = { 0 };
    bool has_device;
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(folder_paths(&t.folder, o->store, o->key_file, &err));
    TRY(open_store(o, &t, &has_device, &err));
    REQUIRE(!has_device || o->if_missing, &err, SKS_ERROR_NOT_ALLOWED, "%s: is initialised already",
            o->store);
    if (!has_device)
        TRY(make_device(o, &t, &err));
    if (has_device)
        (void)printf("%s is initialised already\n", o->store);
    else if (o->csr)
        (void)printf("device key made; have %s certified, then run\n"
                     "sks-token certify --store %s --certificate PATH.pem\n",
                     t.folder.request, o->store);
    else
        (void)printf("device key made and certified; issuers must trust %s\n", t.folder.device_ca);
out:
    close_store(&t);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}

enum exit_code command_certify(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct opened t = { .folder.lock = -1 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(folder_paths(&t.folder, o->store, o->key_file, &err));
    TRY(folder_lock(&t.folder, &err));
    TRY(master_key_open(t.folder.database, t.folder.master_key, &t.vault, &t.store, &err));
    TRY(device_load(t.store, &t.device, &err));
    TRY(device_take_certificate(&t.device, o->certificate, t.folder.device_ca, &err));
    TRY(device_save(t.store, &t.device, &err));
    (void)printf("device certificate installed\n");
out:
    close_store(&t);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
