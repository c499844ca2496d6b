#include "proxy/trust_anchor.h"

#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/pem.h"
#include "proxy/certificate_facts.h"

#include <stdio.h>

static enum sks_status describe(struct enrolment *e, struct bytes der,
                                struct outcome_anchor *anchor, struct sks_error *err)
{
    struct buf subject = { 0 };
    X509 *x509 = NULL;
    uint8_t digest[32];
    enum sks_status rc;

    TRY(sks_explain(err, certificate_parse(der, &x509)));
    TRY(sks_explain(err, certificate_fingerprint(der, digest)));
    TRY(sks_explain(err, put_certificate_principal(&subject, x509, false)));
    anchor->subject = arena_text(&e->arena, buf_bytes(&subject));
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(anchor->fingerprint + 2 * i, sizeof anchor->fingerprint - 2 * i, "%02x",
                       digest[i]);
    REQUIRE(anchor->subject != NULL, err, SKS_ERROR_STORAGE, "no memory for a trust anchor");
    log_clean(anchor->subject);
out:
    X509_free(x509);
    buf_free(&subject);
    return rc;
}

/* The name is a digest of the certificate, so what is there already is the same or a forgery. */
static enum sks_status write_anchor(struct enrolment *e, const char *folder, struct bytes der,
                                    struct outcome_anchor *anchor, struct sks_error *err)
{
    struct buf pem = { 0 }, there = { 0 };
    char name[80], path[PATH_MAX];
    enum sks_status rc;

    (void)snprintf(name, sizeof name, "%s.pem", anchor->fingerprint);
    TRY(sks_explain(err, file_path(path, sizeof path, folder, name)));
    TRY(sks_explain(err, put_pem(&pem, "CERTIFICATE", der)));
    TRY(file_make_folder(folder, 0755, err));
    if (file_exists(path)) {
        TRY(file_read(path, PEM_FILE_MAX, &there, err));
        REQUIRE(bytes_equal(buf_bytes(&there), buf_bytes(&pem)), err, SKS_ERROR_EXTERNAL,
                "%s holds something else: the trust anchor is not written", path);
    } else {
        TRY(file_write(path, 0644, buf_bytes(&pem), err));
    }
    anchor->file = arena_text(&e->arena, bytes_of(path));
    REQUIRE(anchor->file != NULL, err, SKS_ERROR_STORAGE, "no memory for a path");
out:
    buf_free(&pem);
    buf_free(&there);
    return rc;
}

enum sks_status trust_anchors_offer(struct enrolment *e, const char *folder,
                                    struct outcome *outcome, struct sks_error *err)
{
    struct outcome_anchor *anchor =
        arena_alloc(&e->arena, e->trust_anchors.count + 1, sizeof *anchor);
    struct buf asked = { 0 };
    enum sks_status rc = SKS_OK;

    REQUIRE(anchor != NULL, err, SKS_ERROR_STORAGE, "no memory for trust anchors");
    for (size_t i = 0; i < e->trust_anchors.count; i++) {
        const char *where = folder;

        TRY(describe(e, e->trust_anchors.item[i], &anchor[i], err));
        outcome->anchors = anchor;
        outcome->anchor_count = i + 1;
        user_trust_anchor(e->user, anchor[i].subject, anchor[i].fingerprint);
        if (where == NULL && user_folder(e->user, &asked))
            where = (const char *)asked.ptr;
        if (where != NULL)
            TRY(write_anchor(e, where, e->trust_anchors.item[i], &anchor[i], err));
    }
out:
    buf_free(&asked);
    return rc;
}
