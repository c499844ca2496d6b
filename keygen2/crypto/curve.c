#include "keygen2/crypto/curve.h"

#include <pthread.h>
#include <stdlib.h>

/* Of a key with parameters only, one a curve: to copy those is what makes loading a point cheap,
 * and a context that is copied is not looked up by name. To check a point needs only the group. */
static EVP_PKEY_CTX *curve_template[32];
static EC_GROUP *curve_group[NITEMS(curve_template)];
static pthread_mutex_t curve_guard = PTHREAD_MUTEX_INITIALIZER;
static bool curve_end_planned;

static void free_curve_templates(void)
{
    for (size_t i = 0; i < NITEMS(curve_template); i++) {
        EVP_PKEY_CTX_free(curve_template[i]);
        EC_GROUP_free(curve_group[i]);
    }
}

static EVP_PKEY_CTX *make_template(const struct algorithm *curve)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *template = NULL;
    EVP_PKEY *parameters = NULL;

    if (ctx != NULL && EVP_PKEY_paramgen_init(ctx) > 0 &&
        EVP_PKEY_CTX_set_group_name(ctx, curve->openssl) > 0 &&
        EVP_PKEY_paramgen(ctx, &parameters) > 0) /* not if OpenSSL was built without this curve */
        template = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
    EVP_PKEY_free(parameters);
    EVP_PKEY_CTX_free(ctx);
    return template;
}

static EC_GROUP *make_group(const struct algorithm *curve)
{
    int nid = EC_curve_nist2nid(curve->openssl);

    if (nid == NID_undef)
        nid = OBJ_txt2nid(curve->openssl);
    return nid == NID_undef ? NULL : EC_GROUP_new_by_curve_name(nid);
}

static void plan_end(void)
{
    if (!curve_end_planned) /* behind OpenSSL's own end, so that it comes first */
        curve_end_planned = atexit(free_curve_templates) == 0;
}

EVP_PKEY_CTX *curve_template_of(const struct algorithm *curve)
{
    EVP_PKEY_CTX **template = &curve_template[curve - ALGORITHMS], *made;

    _Static_assert(NITEMS(curve_template) >= 32, "one place a row of ALGORITHMS");
    (void)pthread_mutex_lock(&curve_guard);
    if (*template == NULL)
        *template = make_template(curve);
    made = *template;
    plan_end();
    (void)pthread_mutex_unlock(&curve_guard);
    return made;
}

EVP_PKEY_CTX *curve_context(const struct algorithm *curve)
{
    const EVP_PKEY_CTX *template = curve_template_of(curve);

    return template == NULL ? NULL : EVP_PKEY_CTX_dup(template);
}

const EC_GROUP *curve_group_of(const struct algorithm *curve)
{
    EC_GROUP **group = &curve_group[curve - ALGORITHMS], *made;

    (void)pthread_mutex_lock(&curve_guard);
    if (*group == NULL)
        *group = make_group(curve);
    made = *group;
    plan_end();
    (void)pthread_mutex_unlock(&curve_guard);
    return made;
}
