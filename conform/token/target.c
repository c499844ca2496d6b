#include "conform/token/target.h"

#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CERTIFICATE_DAYS = 30,
    CERTIFICATE_REST = 2048, /* bytes of a certificate besides what makes it big, and more */
};

static const char OCTETS[] = "application/octet-stream";
static const char P256[] = "https://webpki.github.io/sks/algorithm#ec.nist.p256";
static const char RSA2048[] = "https://webpki.github.io/sks/algorithm#rsa2048";

uint64_t needs_algorithm(const char *uri)
{
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++)
        if (uri != NULL && strcmp(ALGORITHMS[i].uri, uri) == 0)
            return NEEDS(ALGORITHM_BIT + i);
    return 0;
}

/* ---- what it can do ---- */

static bool supports(const struct target *target, const char *uri)
{
    return target->info.supported_algorithms.count > 0 &&
           algorithm_is_endorsed(&target->info.supported_algorithms, bytes_of(uri));
}

static uint64_t capabilities_of(const struct target *target, bool has_2010)
{
    const struct device_info_out *info = &target->info;
    uint64_t set = NEEDS(info->device_pin_support ? CAN_DEVICE_PIN : LACKS_DEVICE_PIN) |
                   NEEDS(info->biometric_support ? CAN_BIOMETRICS : LACKS_BIOMETRICS);

    if (info->update_url.len == 0)
        set |= NEEDS(LACKS_UPDATES);
    if (has_2010)
        set |= NEEDS(CAN_2010);
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++)
        if (supports(target, ALGORITHMS[i].uri))
            set |= NEEDS(ALGORITHM_BIT + i);
    return set;
}

static void tell_about(const struct target *target, bool has_2010, json_t *about)
{
    const struct device_info_out *info = &target->info;
    const struct {
        const char *name;
        json_t *value;
    } facts[] = {
        { "vendorName", json_text(info->vendor_name) },
        { "vendorDescription", json_text(info->vendor_description) },
        { "apiLevel", json_integer(info->api_level) },
        { "supportedAlgorithms", json_integer((json_int_t)info->supported_algorithms.count) },
        { "cryptoDataSize", json_integer(info->crypto_data_size) },
        { "extensionDataSize", json_integer(info->extension_data_size) },
        { "devicePinSupport", json_boolean(info->device_pin_support) },
        { "biometricSupport", json_boolean(info->biometric_support) },
        { "updates", json_boolean(info->update_url.len > 0) },
        { "profile of 2010", json_boolean(has_2010) },
    };

    for (size_t i = 0; i < NITEMS(facts); i++)
        (void)json_object_set_new(about, facts[i].name, facts[i].value);
}

/* ---- what the run has of its own ---- */

static enum sks_status make_key(const char *uri, EVP_PKEY **key)
{
    return private_key_generate(algorithm_by_uri(bytes_of(uri), ALGORITHM_KEY_GENERATION),
                                bytes_of(""), key);
}

static enum sks_status make_issuer(struct target *target, struct sks_error *err)
{
    static const struct own_certificate CA = {
        .common_name = "SKS conformance CA",
        .days = CERTIFICATE_DAYS,
        .extension = { { NID_basic_constraints, "critical,CA:TRUE" },
                       { NID_key_usage, "critical,keyCertSign,cRLSign" },
                       { NID_subject_key_identifier, "hash" } },
    };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < KMK_COUNT; i++)
        TRY(sks_explain(err, make_key(P256, &target->kmk[i])));
    TRY(sks_explain(err, make_key(P256, &target->ca_key)));
    rc = own_certificate_make(&CA, target->ca_key, NULL, target->ca_key, &target->ca, err);
out:
    return rc;
}

enum sks_status target_need_rsa(struct target *target, struct check *check)
{
    return target->rsa != NULL ? SKS_OK : sks_explain(&check->err, make_key(RSA2048, &target->rsa));
}

enum sks_status target_make_key(struct target *target, struct check *check, const char *uri,
                                EVP_PKEY **key)
{
    enum sks_status rc;

    if (strcmp(uri, RSA2048) != 0)
        return sks_explain(&check->err, make_key(uri, key));
    TRY(target_need_rsa(target, check));
    *key = target->rsa;
    rc = EVP_PKEY_up_ref(*key) == 1 ? SKS_OK : SKS_ERROR_CRYPTO;
out:
    return rc;
}

/* @param comment  text of an extension; NULL: none */
static enum sks_status certify(struct target *target, struct check *check, struct bytes public_key,
                               const char *comment, struct bytes *certificate)
{
    struct own_certificate end_entity = {
        .common_name = "SKS conformance",
        .days = CERTIFICATE_DAYS,
        .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                       { NID_key_usage, "critical,digitalSignature" },
                       { comment == NULL ? 0 : NID_netscape_comment, comment } },
    };
    EVP_PKEY *key = NULL;
    X509 *x509 = NULL;
    enum sks_status rc;

    if (public_key_load(public_key, &key) != SKS_OK) {
        rc = check_fail(check, "publicKey", "a SubjectPublicKeyInfo in strict DER", "another form");
        goto out;
    }
    TRY(own_certificate_make(&end_entity, key, target->ca, target->ca_key, &x509, &check->err));
    *certificate = certificate_der(&check->arena, x509);
    REQUIRE(certificate->ptr != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
out:
    X509_free(x509);
    EVP_PKEY_free(key);
    return rc;
}

enum sks_status target_certify(struct target *target, struct check *check, struct bytes public_key,
                               struct bytes *certificate)
{
    return certify(target, check, public_key, NULL, certificate);
}

enum sks_status target_certify_big(struct target *target, struct check *check,
                                   struct bytes public_key, size_t size, struct bytes *certificate)
{
    char *comment;

    if (size + CERTIFICATE_REST > UINT16_MAX)
        return check_skip(check, "a byte array cannot have more than cryptoDataSize");
    comment = arena_alloc(&check->arena, size + 1, 1);
    if (comment == NULL)
        return sks_fail(&check->err, SKS_ERROR_STORAGE, "no memory");
    memset(comment, 'c', size);
    comment[size] = '\0';
    return certify(target, check, public_key, comment, certificate);
}

bool target_has_issued(struct target *target, struct bytes certificate)
{
    X509 *x509 = NULL;
    bool issued = false;

    if (certificate_parse(certificate, &x509) == SKS_OK)
        issued = X509_verify(x509, target->ca_key) == 1;
    X509_free(x509);
    return issued;
}

static void made_add(struct made *made, uint32_t handle)
{
    uint32_t *more;

    if (made->count == made->room) {
        more = realloc(made->handle, (made->room + 32) * sizeof *more);
        if (more == NULL)
            return;
        made->handle = more;
        made->room += 32;
    }
    made->handle[made->count++] = handle;
}

void target_made_session(struct target *target, uint32_t handle)
{
    made_add(&target->sessions, handle);
}

/* A session that is to be refused and is not has to go too. */
static void keep_made(struct target *target, enum method_id method, const union sks_out *out)
{
    if (method == CREATE_PROVISIONING_SESSION)
        target_made_session(target, out->create_session.provisioning_handle);
    if (method == CREATE_SESSION_2010)
        target_made_session(target, out->create_session_2010.provisioning_id);
    if (method == CREATE_KEY_ENTRY)
        made_add(&target->keys, out->create_key_entry.key_handle);
}

/* Of a call without an answer nobody knows whether it has made something. */
static void keep_unanswered(struct target *target, enum method_id method, const union sks_in *in)
{
    struct bytes id = method == CREATE_PROVISIONING_SESSION
                          ? in->create_session.terms.server_session_id
                      : method == CREATE_SESSION_2010 ? in->create_session_2010.server_session_id
                                                      : bytes_of("");

    target->lost = true;
    if (id.len > 0)
        target->unanswered = arena_copy(&target->arena, id);
}

/* ---- open and close ---- */

static enum sks_status open_ways(const struct suite_config *config, struct target *target,
                                 struct sks_error *err)
{
    struct token_link_config link = { .timeout = config->options->timeout, .stop = config->stop };
    bool is_unix = strncmp(config->url, "unix:", 5) == 0;
    size_t len;
    enum sks_status rc;

    TRY(token_link_open(config->url, &link, &target->link, err));
    (void)snprintf(target->url, sizeof target->url, "%s",
                   is_unix ? "http://localhost" : config->url);
    len = strlen(target->url);
    if (target->url[len - 1] == '/')
        target->url[len - 1] = '\0';
    target->http_config =
        (struct http_client_config){ .bare = true,
                                     .timeout = config->options->timeout,
                                     .stop = config->stop,
                                     .unix_socket = is_unix ? config->url + 5 : NULL };
    rc = http_client_new(&target->http_config, &target->http, err);
out:
    return rc;
}

static enum sks_status read_device(struct target *target, struct sks_error *err)
{
    union sks_out out;
    EVP_PKEY *key = NULL;
    struct buf spki = { 0 };
    enum sks_status rc;

    TRY(token_call(target->link, GET_DEVICE_INFO, NULL, &out, &target->arena, err));
    target->info = out.device_info;
    REQUIRE(target->info.certificate_path.count > 0, err, SKS_ERROR_EXTERNAL,
            "getDeviceInfo: no device certificate");
    rc = put_certificate_key(&spki, target->info.certificate_path.item[0]);
    if (rc == SKS_OK)
        rc = public_key_load(buf_bytes(&spki), &key);
    REQUIRE(rc == SKS_OK, err, SKS_ERROR_EXTERNAL,
            "getDeviceInfo: the device certificate has no key that is known here");
    target->device_key = key;
out:
    buf_free(&spki);
    return rc;
}

static bool answers_2010(struct target *target)
{
    struct arena arena = { 0 };
    union sks_out out;
    bool answers;

    token_link_set_dialect(target->link, &SKS_DIALECT_2010);
    answers = token_call(target->link, GET_DEVICE_INFO, NULL, &out, &arena, NULL) == SKS_OK;
    token_link_set_dialect(target->link, &SKS_DIALECT_107);
    arena_free(&arena);
    return answers;
}

enum sks_status target_open(const struct suite_config *config, void **end, uint64_t *capabilities,
                            json_t *about, struct sks_error *err)
{
    struct target *target = calloc(1, sizeof *target);
    bool has_2010;
    enum sks_status rc;

    *end = target;
    REQUIRE(target != NULL, err, SKS_ERROR_STORAGE, "no memory");
    target->seed = config->options->seed;
    TRY(open_ways(config, target, err));
    TRY(read_device(target, err));
    has_2010 = answers_2010(target);
    target->capabilities = capabilities_of(target, has_2010);
    *capabilities = target->capabilities;
    tell_about(target, has_2010, about);
    rc = make_issuer(target, err);
out:
    return rc;
}

void target_close(void *end)
{
    struct target *target = end;

    if (target == NULL)
        return;
    token_link_close(target->link);
    http_client_free(target->http);
    EVP_PKEY_free(target->device_key);
    for (size_t i = 0; i < KMK_COUNT; i++)
        EVP_PKEY_free(target->kmk[i]);
    EVP_PKEY_free(target->ca_key);
    EVP_PKEY_free(target->rsa);
    X509_free(target->ca);
    free(target->sessions.handle);
    free(target->keys.handle);
    arena_free(&target->arena);
    free(target);
}

/* ---- calls ---- */

const char *target_method_name(enum method_id method)
{
    return sks_method((uint8_t)method)->name;
}

enum sks_status target_call(struct target *target, struct check *check, enum method_id method,
                            const union sks_in *in, union sks_out *out, enum sks_status wanted)
{
    union sks_out unwanted;
    enum sks_status came;
    bool answered;

    out = out == NULL ? &unwanted : out;
    check->err = (struct sks_error){ 0 };
    came = token_call(target->link, method, in, out, &check->arena, &check->err);
    answered = token_link_fate(target->link) == CALL_ANSWERED;
    if (!answered)
        keep_unanswered(target, method, in);
    else if (came == SKS_OK)
        keep_made(target, method, out);
    if (check->item->open_number && answered && wanted != SKS_OK && came != SKS_OK)
        return SKS_OK;
    return expect_status(check, target_method_name(method), wanted, came);
}

static bool is_too_big(const struct target *target, struct bytes body)
{
    return body.len > (size_t)target->info.extension_data_size + TARGET_ROOM;
}

/* Who refuses a body by its length may close before it was sent, which can tear down the connection
 * before the answer was read: then it is asked once more, in front of the body. */
static enum sks_status ask_first(const struct target *target, const char *method, const char *url,
                                 const char *content_type, struct bytes body,
                                 struct http_exchange *exchange, struct sks_error *err)
{
    struct http_client_config config = target->http_config;
    struct http_client *http = NULL;
    enum sks_status rc;

    config.ask_first = true;
    TRY(http_client_new(&config, &http, err));
    rc = http_client_exchange(http, method, url, content_type, NULL, body, exchange, err);
out:
    http_client_free(http);
    return rc;
}

enum sks_status target_http(struct target *target, struct check *check, const char *method,
                            const char *path, const char *content_type, struct bytes body,
                            struct http_exchange *exchange)
{
    char url[sizeof target->url + 64];
    enum sks_status rc;

    (void)snprintf(url, sizeof url, "%s%s", target->url, path);
    rc = http_client_exchange(target->http, method, url, content_type, NULL, body, exchange,
                              &check->err);
    if (rc == SKS_ERROR_EXTERNAL && exchange->sent && is_too_big(target, body))
        rc = ask_first(target, method, url, content_type, body, exchange, &check->err);
    target->lost = target->lost || rc != SKS_OK;
    return rc == SKS_OK ? rc : check_fail(check, "HTTP", "an answer", "%s", check->err.text);
}

static enum sks_status status_of(struct check *check, struct bytes body, enum sks_status *came)
{
    uint8_t status;

    if (get_byte(&body, &status) != SKS_OK || status > SKS_ERROR_NOT_AVAILABLE)
        return check_fail(check, "status", "a byte from 0 to 13", "none or another");
    *came = (enum sks_status)status;
    if (status != SKS_OK && get_string(&body, &body) == SKS_OK)
        (void)sks_fail(&check->err, *came, "%.*s", (int)body.len, (const char *)body.ptr);
    return SKS_OK;
}

enum sks_status target_octets(struct target *target, struct check *check, const char *path,
                              const char *call, struct bytes request, enum sks_status wanted,
                              struct bytes *answer)
{
    struct http_exchange exchange = { 0 };
    enum sks_status rc, came = SKS_OK;

    check->err = (struct sks_error){ 0 };
    TRY(target_http(target, check, "POST", path, OCTETS, request, &exchange));
    TRY(expect_number(check, "HTTP status", 200, exchange.status));
    TRY(status_of(check, buf_bytes(&exchange.body), &came));
    TRY(expect_status(check, call, wanted, came));
    if (answer != NULL)
        *answer = arena_copy(&check->arena, buf_bytes(&exchange.body));
out:
    http_exchange_free(&exchange);
    return rc;
}
