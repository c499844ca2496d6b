#include "matrix/token_end.h"

#include "keygen2/base/files.h"
#include "matrix/snapshot.h"
#include "token/device_ca.h"
#include "token/master_key.h"
#include "token/token.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_MAX = 64 * 1024 * 1024 };

struct local_token {
    struct token_end end;
    struct token *token;
    char database[PATH_MAX], master_key[PATH_MAX], device_ca[PATH_MAX];
    const struct key_maker *maker;
    struct buf kept;
};

/* ---- its state ---- */

static enum sks_status make_device(struct local_token *end, struct sks_error *err)
{
    const struct algorithm *p256 = algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    struct device device = { 0 };
    struct vault *vault = NULL;
    struct store *store = NULL;
    enum sks_status rc;

    TRY(vault_create(end->master_key, err));
    TRY(master_key_open(end->database, end->master_key, &vault, &store, err));
    TRY(device_make_key(p256, &device));
    TRY(device_certify(&device, NULL, end->device_ca, err));
    TRY(device_save(store, &device, err));
out:
    device_free(&device);
    store_close(store);
    vault_close(vault);
    return sks_explain(err, rc);
}

static enum sks_status open_token(struct local_token *end, struct sks_error *err)
{
    const struct token_options options = { .key_maker = end->maker,
                                           .simulations =
                                               SIMULATE_BIOMETRICS | SIMULATE_DEVICE_PIN };

    return token_open(end->database, end->master_key, &options, &end->token, err);
}

static enum sks_status keep(struct token_end *base, struct sks_error *err)
{
    struct local_token *end = (struct local_token *)base;
    enum sks_status rc;

    token_close(end->token);
    end->token = NULL;
    TRY(snapshot_take(&end->kept, end->database, err));
    rc = open_token(end, err);
out:
    return rc;
}

static enum sks_status restore(struct token_end *base, struct sks_error *err)
{
    struct local_token *end = (struct local_token *)base;
    enum sks_status rc;

    token_close(end->token);
    end->token = NULL;
    TRY(snapshot_put(&end->kept, end->database, err));
    rc = open_token(end, err);
out:
    return rc;
}

static enum sks_status make_call(struct token_end *base, const struct sks_dialect *dialect,
                                 struct bytes request, struct buf *answer, enum call_fate *fate,
                                 struct sks_error *err)
{
    (void)err;
    *fate = CALL_UNANSWERED; /* until somebody has read it */
    token_process_as(((struct local_token *)base)->token, dialect, request, answer);
    return SKS_OK;
}

/* ---- its life ---- */

static void end_free(struct token_end *base)
{
    struct local_token *end = (struct local_token *)base;

    token_close(end->token);
    buf_free(&end->kept);
    free(end);
}

static const struct token_end_kind KIND = {
    .resets = true, .keep = keep, .restore = restore, .call = make_call, .free = end_free
};

static enum sks_status set_paths(struct local_token *end, const char *folder)
{
    enum sks_status rc;

    TRY(file_path(end->database, sizeof end->database, folder, TOKEN_DATABASE));
    TRY(file_path(end->master_key, sizeof end->master_key, folder, TOKEN_MASTER_KEY));
    rc = file_path(end->device_ca, sizeof end->device_ca, folder, TOKEN_DEVICE_CA);
out:
    return rc;
}

static enum sks_status copy_file(const char *from, const char *to, struct sks_error *err)
{
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(file_read(from, COPY_MAX, &data, err));
    rc = file_write(to, 0600, buf_bytes(&data), err);
out:
    buf_free(&data);
    return rc;
}

/* One token at a time: those of other threads are copies of the same device. */
static enum sks_status copy_device(struct local_token *end, const char *folder,
                                   struct sks_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct local_token device = { 0 };
    enum sks_status rc;

    (void)pthread_mutex_lock(&lock);
    TRY(set_paths(&device, folder));
    if (!file_exists(device.database)) {
        TRY(file_make_folder(folder, 0700, err));
        TRY(make_device(&device, err));
    }
    TRY(copy_file(device.database, end->database, err));
    TRY(copy_file(device.master_key, end->master_key, err));
    rc = copy_file(device.device_ca, end->device_ca, err);
out:
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

enum sks_status token_end_new(const char *folder, const char *device, const struct key_maker *maker,
                              struct token_end **end, struct sks_error *err)
{
    struct local_token *made = calloc(1, sizeof *made);
    enum sks_status rc;

    *end = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for a token");
    made->end.kind = &KIND;
    made->maker = maker;
    TRY(set_paths(made, folder));
    TRY(device == NULL ? make_device(made, err) : copy_device(made, device, err));
    TRY(open_token(made, err));
    *end = &made->end;
    made = NULL;
out:
    if (made != NULL)
        end_free(&made->end);
    return rc;
}
