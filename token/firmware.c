/*
 * updateFirmware. Chunks are believed by their own signatures, one update is under way at a time,
 * and its parts are kept in memory only: whatever ends it early leaves the policy that was there.
 */
#include "token/firmware.h"
#include "keygen2/crypto/fetched.h"
#include "keygen2/crypto/pem.h"
#include "token/call.h"
#include "token/firmware_chunk.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { FIRMWARE_HANDLE = 1, LAYOUT = 1 };

/* Policies are small, and each had to be signed: those that were replaced stay until the end, so
 * that who looks one up needs neither lock nor count. */
struct installed {
    struct firmware_policy policy;
    struct installed *older;
};

struct update {
    uint32_t version;
    uint16_t next, count; /* index of the next chunk; count 0: none is under way */
    uint8_t digest[FIRMWARE_DIGEST_SIZE];
    struct buf policy; /* as far as it has come */
};

struct firmware {
    struct store *store;
    char *url;     /* NULL: updates are off */
    EVP_PKEY *key; /* of who may sign them */
    _Atomic(const struct firmware_policy *) policy;
    pthread_mutex_t lock; /* guards what is below */
    struct update update;
    struct installed *installed; /* newest first */
};

struct bytes firmware_update_url(const struct firmware *firmware)
{
    return bytes_of(firmware->url);
}

const struct firmware_policy *firmware_policy(const struct firmware *firmware)
{
    return atomic_load(&firmware->policy);
}

/* ---- the policy ---- */

static enum sks_status read_policy(struct bytes text, struct installed **made,
                                   struct sks_error *err)
{
    struct sks_error why = { 0 };
    enum sks_status rc;

    *made = calloc(1, sizeof **made);
    REQUIRE(*made != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    rc = firmware_policy_read(text, &(*made)->policy, &why);
    REQUIRE(rc == SKS_OK, err, rc, "policy: %s", why.text);
out:
    return rc;
}

static void publish(struct firmware *f, struct installed *made)
{
    made->older = f->installed;
    f->installed = made;
    atomic_store(&f->policy, &made->policy);
}

static enum sks_status save_policy(struct store *store, struct bytes text, struct sks_error *err)
{
    struct buf body = { 0 };
    struct changes changes = { 0 };
    enum sks_status rc;

    put_byte(&body, LAYOUT);
    put_blob(&body, text);
    TRY(body.status);
    changes_put(&changes, store,
                &(struct store_row){
                    .kind = STORE_FIRMWARE, .handle = FIRMWARE_HANDLE, .body = buf_bytes(&body) });
    TRY(store_apply(store, &changes, err));
out:
    changes_free(&changes);
    buf_free(&body);
    return sks_explain(err, rc);
}

enum sks_status firmware_policy_from_row(const struct store_row *row,
                                         struct firmware_policy *policy, struct sks_error *err)
{
    struct sks_error why = { 0 };
    struct bytes in = row->body, text;
    uint8_t layout = 0;
    enum sks_status rc;

    REQUIRE(get_byte(&in, &layout) == SKS_OK && layout == LAYOUT &&
                get_blob(&in, &text) == SKS_OK && get_end(&in) == SKS_OK,
            err, SKS_ERROR_INTERNAL, "the stored policy does not decode");
    REQUIRE(firmware_policy_read(text, policy, &why) == SKS_OK, err, SKS_ERROR_INTERNAL,
            "the stored policy does not decode: %s", why.text);
    rc = SKS_OK;
out:
    return rc;
}

static enum sks_status load_policy(struct firmware *f, struct sks_error *err)
{
    struct installed *made = NULL;
    struct arena arena = { 0 };
    struct store_row row;
    enum sks_status rc;

    TRY(store_get(f->store, STORE_FIRMWARE, FIRMWARE_HANDLE, &arena, &row, err));
    if (row.handle == 0)
        goto out;
    made = calloc(1, sizeof *made);
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(firmware_policy_from_row(&row, &made->policy, err));
    publish(f, made);
    made = NULL;
out:
    free(made);
    arena_free(&arena);
    return rc;
}

/* ---- open and close ---- */

static enum sks_status take_options(struct firmware *f, const struct token_options *options,
                                    struct sks_error *err)
{
    const char *url = options->update_url, *path = options->update_key;
    struct buf spki = { 0 };
    enum sks_status rc;

    REQUIRE((url == NULL) == (path == NULL), err, SKS_ERROR_OPTION,
            "--update-url and --update-key: give both or neither");
    if (url == NULL)
        return SKS_OK;
    REQUIRE(firmware_url_is_valid(bytes_of(url)), err, SKS_ERROR_OPTION,
            "--update-url %s: not an http or https URL of at most %d bytes", url, SKS_URI_MAX);
    TRY(pem_read_spki(path, &spki, err));
    TRY(sks_explain(err, public_key_load(buf_bytes(&spki), &f->key)));
    REQUIRE(EVP_PKEY_get_base_id(f->key) == EVP_PKEY_ED25519, err, SKS_ERROR_EXTERNAL,
            "%s: not an Ed25519 key", path);
    f->url = strdup(url);
    REQUIRE(f->url != NULL, err, SKS_ERROR_STORAGE, "out of memory");
out:
    buf_free(&spki);
    return rc;
}

enum sks_status firmware_open(struct store *store, const struct token_options *options,
                              struct firmware **firmware, struct sks_error *err)
{
    struct firmware *f = calloc(1, sizeof *f);
    enum sks_status rc;

    *firmware = NULL;
    if (f == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "out of memory");
    f->store = store;
    atomic_init(&f->policy, &FIRMWARE_NO_POLICY);
    (void)pthread_mutex_init(&f->lock, NULL);
    TRY(take_options(f, options, err));
    TRY(load_policy(f, err));
    *firmware = f;
    f = NULL;
out:
    firmware_close(f);
    return sks_explain(err, rc);
}

static void drop_update(struct update *update)
{
    buf_free(&update->policy);
    *update = (struct update){ 0 };
}

void firmware_close(struct firmware *firmware)
{
    if (firmware == NULL)
        return;
    drop_update(&firmware->update);
    while (firmware->installed != NULL) {
        struct installed *older = firmware->installed->older;

        free(firmware->installed);
        firmware->installed = older;
    }
    (void)pthread_mutex_destroy(&firmware->lock);
    EVP_PKEY_free(firmware->key);
    free(firmware->url);
    free(firmware);
}

/* ---- updateFirmware ---- */

/* Chunk 0 begins anew, whatever was under way: whoever was interrupted starts over with it. */
static enum sks_status collect(struct update *update, const struct firmware_chunk *chunk,
                               struct sks_error *err)
{
    enum sks_status rc;

    if (chunk->index == 0) {
        drop_update(update);
        update->version = chunk->version;
        update->count = chunk->count;
        memcpy(update->digest, chunk->digest.ptr, sizeof update->digest);
    }
    REQUIRE(update->count > 0, err, SKS_ERROR_OPTION,
            "chunk %u: no update is under way; begin with chunk 0", chunk->index);
    REQUIRE(chunk->index == update->next && chunk->count == update->count &&
                chunk->version == update->version &&
                bytes_equal(chunk->digest, bytes_at(update->digest, sizeof update->digest)),
            err, SKS_ERROR_OPTION,
            "chunk %u of policy %u: not chunk %u of the update under way, which is dropped; begin "
            "with chunk 0",
            chunk->index, chunk->version, update->next);
    REQUIRE(chunk->data.len <= FIRMWARE_POLICY_MAX - update->policy.len, err, SKS_ERROR_OPTION,
            "the policy is over %d bytes", FIRMWARE_POLICY_MAX);
    put_raw(&update->policy, chunk->data);
    update->next++;
    rc = sks_explain(err, update->policy.status);
out:
    return rc;
}

/* It takes effect when it is on disk, not before. */
static enum sks_status install(struct firmware *f, struct sks_error *err)
{
    const struct update *update = &f->update;
    struct bytes text = buf_bytes(&update->policy);
    uint8_t digest[FIRMWARE_DIGEST_SIZE];
    struct installed *made = NULL;
    enum sks_status rc;

    REQUIRE(sha256(text, digest) == SKS_OK, err, SKS_ERROR_INTERNAL, "SHA-256 fails");
    REQUIRE(memcmp(digest, update->digest, sizeof digest) == 0, err, SKS_ERROR_OPTION,
            "the policy has not the SHA-256 that its chunks say");
    TRY(read_policy(text, &made, err));
    REQUIRE(made->policy.version == update->version, err, SKS_ERROR_OPTION,
            "policy: /version: its chunks say %u", update->version);
    TRY(save_policy(f->store, text, err));
    publish(f, made);
    made = NULL;
out:
    free(made);
    return rc;
}

/* The version is looked at in every chunk, the last one included, under the lock that installs. */
static enum sks_status take_chunk(struct firmware *f, const struct firmware_chunk *chunk,
                                  struct sks_error *err)
{
    uint32_t version = firmware_policy(f)->version;
    bool last = chunk->index == chunk->count - 1;
    enum sks_status rc;

    if (chunk->version <= version) /* of no use to anybody: the update under way stays */
        return sks_fail(err, SKS_ERROR_OPTION,
                        "policy %u is not above the installed one, which is %u", chunk->version,
                        version);
    rc = collect(&f->update, chunk, err);
    if (rc == SKS_OK && last)
        rc = install(f, err);
    if (rc != SKS_OK || last)
        drop_update(&f->update);
    return rc;
}

enum sks_status update_firmware(struct call *call)
{
    struct firmware *f = call->token->firmware;
    struct firmware_chunk chunk;
    enum sks_status rc;

    CALL_REQUIRE(call, f->url != NULL, SKS_ERROR_NOT_ALLOWED,
                 "updates are off: --update-url and --update-key turn them on");
    TRY(firmware_chunk_decode(call->in.update_firmware.chunk, &chunk, &call->err));
    rc = firmware_chunk_verify(call->in.update_firmware.chunk, f->key);
    CALL_REQUIRE(call, rc == SKS_OK, rc == SKS_ERROR_MAC ? SKS_ERROR_CRYPTO : rc,
                 "chunk: not signed by the update key of this token");
    (void)pthread_mutex_lock(&f->lock);
    rc = take_chunk(f, &chunk, &call->err);
    (void)pthread_mutex_unlock(&f->lock);
    call->out.update_firmware.next_url = chunk.next_url;
out:
    return rc;
}
