#include "keygen2/base/http_tls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 16 };

struct identity {
    struct identity *before;
    gnutls_pcert_st certificate[CHAIN_MAX]; /* the leaf first */
    unsigned count;
    gnutls_privkey_t key;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct identity *newest;

static void identity_free(struct identity *identity)
{
    if (identity == NULL)
        return;
    for (unsigned i = 0; i < identity->count; i++)
        gnutls_pcert_deinit(&identity->certificate[i]);
    if (identity->key != NULL)
        gnutls_privkey_deinit(identity->key);
    free(identity);
}

static gnutls_datum_t datum_of(const char *pem)
{
    return (gnutls_datum_t){ (unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem) };
}

/* GnuTLS compares the two here, and nowhere else. */
static int check_pair(const gnutls_datum_t *certificate, const gnutls_datum_t *key)
{
    gnutls_certificate_credentials_t both = NULL;
    int result = gnutls_certificate_allocate_credentials(&both);

    if (result < 0)
        return result;
    result = gnutls_certificate_set_x509_key_mem(both, certificate, key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(both);
    return result;
}

static int load(struct identity *identity, const gnutls_datum_t *certificate,
                const gnutls_datum_t *key)
{
    unsigned count = CHAIN_MAX;
    int result;

    if ((result = check_pair(certificate, key)) < 0 ||
        (result = gnutls_privkey_init(&identity->key)) < 0 ||
        (result = gnutls_privkey_import_x509_raw(identity->key, key, GNUTLS_X509_FMT_PEM, NULL,
                                                 0)) < 0 ||
        (result = gnutls_pcert_list_import_x509_raw(identity->certificate, &count, certificate,
                                                    GNUTLS_X509_FMT_PEM, 0)) < 0)
        return result;
    identity->count = count;
    return 0;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    const gnutls_datum_t *x = &a->certificate[0].cert, *y;

    if (b == NULL)
        return false;
    y = &b->certificate[0].cert;
    return a->count == b->count && x->size == y->size && memcmp(x->data, y->data, x->size) == 0;
}

enum sks_status http_tls_use(const char *cert_pem, const char *key_pem, struct sks_error *err)
{
    const gnutls_datum_t certificate = datum_of(cert_pem), key = datum_of(key_pem);
    struct identity *made = calloc(1, sizeof *made);
    int result = made == NULL ? GNUTLS_E_MEMORY_ERROR : load(made, &certificate, &key);
    enum sks_status rc = SKS_OK;

    REQUIRE(result >= 0, err, SKS_ERROR_EXTERNAL,
            "TLS certificate and key: %s (is the key the certificate's?)", gnutls_strerror(result));
    (void)pthread_mutex_lock(&lock);
    if (!is_same(made, newest)) {
        made->before = newest;
        newest = made;
        made = NULL;
    }
    (void)pthread_mutex_unlock(&lock);
out:
    identity_free(made);
    return rc;
}

void http_tls_free(void)
{
    (void)pthread_mutex_lock(&lock);
    while (newest != NULL) {
        struct identity *before = newest->before;

        identity_free(newest);
        newest = before;
    }
    (void)pthread_mutex_unlock(&lock);
}

int http_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_auth_info_st *info,
                      gnutls_pcert_st **certificates, unsigned *count, gnutls_ocsp_data_st **ocsp,
                      unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags)
{
    struct identity *identity;

    (void)session, (void)info, (void)flags;
    (void)pthread_mutex_lock(&lock);
    identity = newest;
    (void)pthread_mutex_unlock(&lock);
    if (identity == NULL)
        return -1;
    *certificates = identity->certificate;
    *count = identity->count;
    *key = identity->key;
    *ocsp = NULL;
    *ocsp_count = 0;
    return 0;
}
