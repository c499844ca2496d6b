#include "issuer/tls.h"
#include "keygen2/base/arena.h"
#include "keygen2/base/files.h"
#include "keygen2/base/http_tls.h"
#include "keygen2/crypto/pem.h"

#include <stdlib.h>

/* A leaf that was shown once may be part of sessions under way, so it stays; nobody changes it. */
struct tls_leaf {
    struct tls_leaf *before;
    struct arena arena;
    struct bytes der;
};

static void leaf_free(struct tls_leaf *leaf)
{
    if (leaf == NULL)
        return;
    arena_free(&leaf->arena);
    free(leaf);
}

static enum sks_status read_pair(const char *folder, struct buf *certificate, struct buf *key,
                                 struct tls_leaf **leaf, struct sks_error *err)
{
    char path[PATH_MAX];
    struct bytes_list list;
    enum sks_status rc;

    *leaf = calloc(1, sizeof **leaf);
    REQUIRE(*leaf != NULL, err, SKS_ERROR_STORAGE, "no memory for a certificate");
    TRY(sks_explain(err, file_path(path, sizeof path, folder, "tls.key")));
    TRY(file_read_secret(path, PEM_FILE_MAX, key, err));
    put_byte(key, 0);
    TRY(sks_explain(err, file_path(path, sizeof path, folder, "tls.pem")));
    TRY(file_read(path, PEM_FILE_MAX, certificate, err));
    put_byte(certificate, 0);
    TRY(sks_explain(err, key->status));
    TRY(sks_explain(err, certificate->status));
    TRY(pem_read_certificates(path, &(*leaf)->arena, &list, err));
    (*leaf)->der = list.item[0]; /* the leaf comes first */
out:
    return rc;
}

static void publish(struct tls_certificates *tls, struct tls_leaf *leaf)
{
    leaf->before = tls->newest;
    tls->newest = leaf;
}

enum sks_status tls_load(struct tls_certificates *tls, const char *folder, struct sks_error *err)
{
    struct tls_leaf *leaf;
    enum sks_status rc = read_pair(folder, &tls->certificate_pem, &tls->key_pem, &leaf, err);

    if (rc == SKS_OK)
        publish(tls, leaf);
    else
        leaf_free(leaf);
    return rc;
}

enum sks_status tls_renew(struct tls_certificates *tls, const char *folder, struct sks_error *err)
{
    struct buf certificate = { 0 }, key = { 0 };
    struct tls_leaf *leaf;
    enum sks_status rc;

    TRY(read_pair(folder, &certificate, &key, &leaf, err));
    TRY(http_tls_use((const char *)certificate.ptr, (const char *)key.ptr, err));
    if (!bytes_equal(leaf->der, tls->newest->der)) {
        publish(tls, leaf);
        leaf = NULL;
    }
out:
    leaf_free(leaf);
    buf_free(&certificate);
    buf_free(&key);
    return rc;
}

struct bytes tls_seen(const struct tls_certificates *tls, struct bytes shown)
{
    return tls->seen.len > 0 ? tls->seen : shown.len > 0 ? shown : tls->newest->der;
}

void tls_free(struct tls_certificates *tls)
{
    struct tls_leaf *leaf = tls->newest;

    while (leaf != NULL) {
        struct tls_leaf *before = leaf->before;

        leaf_free(leaf);
        leaf = before;
    }
    tls->newest = NULL;
    buf_free(&tls->certificate_pem);
    buf_free(&tls->key_pem);
}
