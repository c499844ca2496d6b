#include "tests/plain/support/own_store.h"
#include "token/check.h"
#include "token/device_ca.h"
#include "token/master_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char P256[] = "https://webpki.github.io/sks/algorithm#ec.nist.p256";

static const char *path_in(const char *folder, const char *name)
{
    static _Thread_local char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void save_device(const char *folder, const char *key_file)
{
    struct device device = { 0 };
    struct vault *vault;
    struct store *store;

    must(vault_open(key_file, &vault, NULL) == SKS_OK, "vault");
    must(store_open(path_in(folder, TOKEN_DATABASE), vault, &store, NULL) == SKS_OK, "store");
    must(device_make_key(algorithm_by_uri(bytes_of(P256), ALGORITHM_KEY_GENERATION), &device) ==
             SKS_OK,
         "device key");
    must(device_certify(&device, NULL, path_in(folder, TOKEN_DEVICE_CA), NULL) == SKS_OK,
         "device certificate");
    must(device_save(store, &device, NULL) == SKS_OK, "device");
    device_free(&device);
    store_close(store);
    vault_close(vault);
}

void make_store_with(const char *key_file, char folder[STORE_FOLDER_MAX])
{
    (void)snprintf(folder, STORE_FOLDER_MAX, "/tmp/sks-plain.XXXXXX");
    must(mkdtemp(folder) != NULL, "temporary folder");
    save_device(folder, key_file);
}

void make_store(char folder[STORE_FOLDER_MAX])
{
    must(setenv(MASTER_KEY_VARIABLE,
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 1) == 0,
         "master key");
    make_store_with("unused", folder);
}

struct token *open_store_with(const char *key_file, const char *folder,
                              const struct token_options *options)
{
    struct sks_error err = { 0 };
    struct token *token;

    must(token_open(path_in(folder, TOKEN_DATABASE), key_file == NULL ? "unused" : key_file,
                    options, &token, &err) == SKS_OK,
         err.text);
    return token;
}

struct token *open_store(const char *folder)
{
    return open_store_with(NULL, folder, &(struct token_options){ 0 });
}

static void tell_finding(void *ctx, const char *kind, uint32_t handle, const char *text)
{
    (void)ctx;
    (void)fprintf(stderr, "%s %u: %s\n", kind, handle, text);
}

void check_store(const char *key_file, const char *folder)
{
    struct check check = { .found = tell_finding };
    struct sks_error err = { 0 };
    struct vault *vault;
    struct store *store;

    must(master_key_open(path_in(folder, TOKEN_DATABASE), key_file == NULL ? "unused" : key_file,
                         &vault, &store, &err) == SKS_OK,
         err.text);
    must(store_check(store, &check, &err) == SKS_OK, err.text);
    must(check.rows > 0 && check.findings == 0, "the store is sound");
    store_close(store);
    vault_close(vault);
}

void remove_store(const char *folder)
{
    static const char *const file[] = { TOKEN_DATABASE,        TOKEN_DATABASE "-wal",
                                        TOKEN_DATABASE "-shm", TOKEN_DATABASE "-journal",
                                        TOKEN_DEVICE_CA,       TOKEN_LOCK,
                                        TOKEN_CONTROL_SOCKET };

    for (size_t i = 0; i < NITEMS(file); i++)
        (void)unlink(path_in(folder, file[i]));
    (void)rmdir(folder);
}

struct token *new_token_with(const char *key_file, const struct token_options *options)
{
    char folder[STORE_FOLDER_MAX];
    struct token *token;

    if (key_file == NULL)
        make_store(folder);
    else
        make_store_with(key_file, folder);
    token = open_store_with(key_file, folder, options);
    remove_store(folder); /* it lives on as long as it is open */
    return token;
}

struct token *new_token(void)
{
    return new_token_with(NULL, &(struct token_options){ 0 });
}
