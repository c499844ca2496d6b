#include "issuer/issuance.h"
#include "issuer/certificate_store.h"
#include "issuer/crl.h"
#include "issuer/draw.h"
#include "issuer/enrolment.h"
#include "issuer/external_ca.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"

#include <string.h>

/* The public key that a certificate is for: the generated one, or the one that takes its place.
 * The certificate says so already when it is set, hence the import's key is drawn now. */
static enum sks_status choose_key(struct exchange *x, const struct key_profile *key,
                                  struct credential *credential, struct bytes *spki)
{
    const struct private_key_profile *import = key->import_private_key;
    struct buf pkcs8 = { 0 };
    enum sks_status rc = SKS_OK;

    *spki = credential->public_key;
    if (import == NULL)
        return SKS_OK;
    if (import->pkcs8.len > 0) {
        credential->imported_key = import->pkcs8;
        *spki = import->spki;
        return SKS_OK;
    }
    TRY(draw_key(x->issuer->key_maker, key, x->arena, &pkcs8, spki));
    TRY(keep_bytes(x, buf_bytes(&pkcs8), &credential->imported_key));
out:
    buf_free(&pkcs8);
    return sks_explain(x->err, rc);
}

static const char CERTIFICATE[] = "certificate", EXTERNAL_CA[] = "external CA"; /* checks */

static enum sks_status refuse(struct exchange *x, const struct credential *credential,
                              const char *check, const char *what, const struct sks_error *why)
{
    return check_fail(x, SKS_ERROR_EXTERNAL, check, "%.*s: %s%s", (int)credential->id.len,
                      (const char *)credential->id.ptr, what, why->text);
}

/* ---- our own CA ---- */

/* Where the issuer's URLs begin, as the session's client knows them. */
static struct bytes base_of(const struct session *session)
{
    const char *rest = strstr(session->issuer_uri, "/kg2/");

    return rest == NULL ? bytes_of(session->issuer_uri)
                        : bytes_at(session->issuer_uri, (size_t)(rest - session->issuer_uri));
}

static const char *crl_url(struct exchange *x)
{
    struct bytes base = base_of(x->session);

    return x->issuer->crl_url != NULL
               ? x->issuer->crl_url
               : arena_printf(x->arena, "%.*s/crl", (int)base.len, (const char *)base.ptr);
}

/* What the profile's template lacks: the parts that depend on the enrolment, and the CRL. */
static enum sks_status fill_template(struct exchange *x, const struct key_profile *key,
                                     const struct credential *credential,
                                     struct certificate_template *template)
{
    const struct certificate_profile *from = key->certificate;
    struct enrolment_values values = { 0 };
    struct sks_error why = { 0 };
    struct buf extensions = { 0 };
    const char *url = crl_url(x);
    enum sks_status rc;

    REQUIRE(url != NULL, x->err, SKS_ERROR_STORAGE, "no memory");
    put_crl_distribution_point(&extensions, url);
    if (key->template.subject.len == 0 || profile_has_patterns(&from->subject_alt_name))
        TRY(enrolment_read(&x->issuer->store, x->session, x->arena, &values, x->err));
    if (key->template.subject.len == 0 &&
        certificate_subject(from->subject, &values, x->arena, &template->subject, &why) != SKS_OK) {
        rc = refuse(x, credential, CERTIFICATE, "subject: ", &why);
        goto out;
    }
    if (profile_has_patterns(&from->subject_alt_name) &&
        certificate_alt_names(&from->subject_alt_name, &values, &extensions, &why) != SKS_OK) {
        rc = refuse(x, credential, CERTIFICATE, "subjectAltName: ", &why);
        goto out;
    }
    TRY(sks_explain(x->err, extensions.status));
    TRY(keep_bytes(x, buf_bytes(&extensions), &template->own_extensions));
out:
    buf_free(&extensions);
    return rc;
}

static enum sks_status issue_own(struct exchange *x, const struct key_profile *key,
                                 struct credential *credential, struct bytes spki, int64_t now)
{
    struct certificate_template template = key->template;
    uint8_t serial[CA_SERIAL_SIZE];
    struct buf der = { 0 };
    enum sks_status rc;

    TRY(fill_template(x, key, credential, &template));
    TRY(ca_issue(&x->issuer->ca, &template, spki, now, serial, &der));
    TRY(keep_bytes(x, buf_bytes(&der), &credential->certificate));
    TRY(keep_bytes(x, bytes_at(serial, sizeof serial), &credential->serial));
    credential->expires = ca_expires(&x->issuer->ca, &template, now);
out:
    buf_free(&der);
    return rc;
}

/* ---- an external one ---- */

/* Certificates are known by their serial numbers, whoever drew them. */
static enum sks_status check_serial(struct exchange *x, const struct credential *credential)
{
    const struct session_state *state = &x->session->state;
    const struct sks_error why = { .text = "its serial number is in use already" };
    bool known = false;
    enum sks_status rc;

    TRY(certificate_serial_is_known(&x->issuer->store, credential->serial, &known, x->err));
    for (size_t i = 0; i < state->credentials; i++)
        known |= &state->credential[i] != credential &&
                 bytes_equal(state->credential[i].serial, credential->serial);
    if (known)
        rc = refuse(x, credential, EXTERNAL_CA, "", &why);
out:
    return rc;
}

static enum sks_status issue_external(struct exchange *x, const struct key_profile *key,
                                      struct credential *credential, struct bytes spki, int64_t now,
                                      const char *command)
{
    struct enrolment_values values = { 0 };
    struct external_wish wish = { x->session, x->profile, key, &values, spki, now };
    const struct sks_error no_anchor = { .text = "its path has no CA to be the trust anchor" };
    struct sks_error why = { 0 };
    enum sks_status rc;

    TRY(enrolment_read(&x->issuer->store, x->session, x->arena, &values, x->err));
    rc = external_ca_issue(&x->issuer->external_ca, command, &wish, x->arena,
                           &credential->issued_path, &why);
    if (rc == SKS_OK)
        rc = external_ca_facts(credential->issued_path.item[0], x->arena, &credential->serial,
                               &credential->expires, &why);
    if (rc != SKS_OK)
        return refuse(x, credential, EXTERNAL_CA, "", &why);
    if (key->trust_anchor && credential->issued_path.count < 2)
        return refuse(x, credential, EXTERNAL_CA, "", &no_anchor);
    credential->certificate = credential->issued_path.item[0];
    credential->external = true;
    TRY(check_serial(x, credential));
out:
    return rc;
}

/* ---- both ---- */

enum sks_status issue_certificate(struct exchange *x, struct credential *credential)
{
    const struct key_profile *key = profile_key(x->profile, credential->id);
    const char *command = external_ca_command(&x->issuer->external_ca, x->profile, x->arena);
    struct buf hex = { 0 };
    struct bytes spki;
    enum sks_status rc;

    if (key == NULL) /* the profile was changed while the session ran */
        return check_fail(x, SKS_ERROR_NOT_AVAILABLE, CERTIFICATE, "the profile no longer has %.*s",
                          (int)credential->id.len, (const char *)credential->id.ptr);
    TRY(choose_key(x, key, credential, &spki));
    TRY(command == NULL ? issue_own(x, key, credential, spki, clock_now())
                        : issue_external(x, key, credential, spki, clock_now(), command));
    credential->unlockable = key->has_pin;
    hex_encode(&hex, credential->serial);
    check_pass(x, CERTIFICATE, "%.*s, serial number %.*s%s", (int)credential->id.len,
               (const char *)credential->id.ptr, (int)hex.len, (const char *)hex.ptr,
               credential->external ? ", by an external CA" : "");
out:
    buf_free(&hex);
    return sks_explain(x->err, rc);
}
