#include "issuer/serve.h"
#include "issuer/admission.h"
#include "issuer/data_folder.h"
#include "issuer/manage.h"
#include "issuer/metrics.h"
#include "issuer/purge.h"
#include "issuer/request_log.h"
#include "issuer/routes.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/base/memory.h"
#include "keygen2/crypto/pem.h"

#include <limits.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    REQUEST_SECONDS = 30,
    REQUEST_THREADS = 8, /* most of their time they wait for a commit, which they share */
    URL_MAX = 900,       /* with "/kg2/" and a profile an issuerUri has at most 1000 bytes */
};

/* All that lives while the server does. */
struct serving {
    struct issuer issuer;
    struct http_config config;
    struct http_server *server;
    struct purger purger;
    char trust_folder[PATH_MAX], profiles_folder[PATH_MAX], public_url[URL_MAX], host[URL_MAX];
    const char *data, *http_url, *https_url, *manage_url;
    struct management *management;
    pthread_t reloader;
    bool reloads;
    int claim; /* on the data folder, or -1 */
    atomic_bool stopping;
};

/* ---- options ---- */

bool url_host(const char *url, char *host, size_t size)
{
    const char *start = strstr(url, "://");
    size_t scheme = start == NULL ? 0 : (size_t)(start - url), len;

    if (!(scheme == 4 && strncmp(url, "http", 4) == 0) &&
        !(scheme == 5 && strncmp(url, "https", 5) == 0))
        return false;
    start += strlen("://");
    if (*start == '[') {
        start++;
        len = strcspn(start, "]");
    } else {
        len = strcspn(start, ":/?#");
    }
    return len > 0 && bytes_to_text(bytes_at(start, len), host, size) == SKS_OK;
}

static enum sks_status set_public_url(struct serving *s, const char *url, struct sks_error *err)
{
    char host[URL_MAX];
    const char *path;
    size_t len;
    enum sks_status rc = SKS_OK;

    if (url == NULL)
        return SKS_OK;
    REQUIRE(url_host(url, host, sizeof host) && strpbrk(url, "?# ") == NULL &&
                strlen(url) < sizeof s->public_url,
            err, SKS_ERROR_OPTION, "--public-url: '%s' is not an http or https URL", url);
    (void)snprintf(s->public_url, sizeof s->public_url, "%s", url);
    path = url + strcspn(url, ":") + strlen("://");
    path += strcspn(path, "/");
    REQUIRE(path[strspn(path, "/")] == '\0', err, SKS_ERROR_OPTION,
            "--public-url: '%s' has a path, but the cookie is for /kg2 at the root", url);
    for (len = strlen(s->public_url); len > 0 && s->public_url[len - 1] == '/'; len--)
        s->public_url[len - 1] = '\0';
    s->issuer.public_url = s->public_url;
out:
    return rc;
}

static enum sks_status set_log_format(const char *format, struct sks_error *err)
{
    bool json = format != NULL && strcmp(format, "json") == 0;
    enum sks_status rc = SKS_OK;

    REQUIRE(format == NULL || json || strcmp(format, "text") == 0, err, SKS_ERROR_OPTION,
            "--log-format: '%s' is neither json nor text", format);
    log_set_json(json);
out:
    return rc;
}

static enum sks_status load_profiles(struct serving *s, const struct serve_options *options,
                                     struct sks_error *err)
{
    char *path = s->profiles_folder;
    enum sks_status rc;

    if (options->profiles != NULL)
        return profiles_load(options->profiles, &s->issuer.profiles, err);
    TRY(sks_explain(err, file_path(path, PATH_MAX, options->data, "profiles")));
    REQUIRE(file_exists(path) || profiles_shipped(path), err, SKS_ERROR_OPTION,
            "no folder of profiles: --profiles names one");
    TRY(profiles_load(path, &s->issuer.profiles, err));
out:
    return rc;
}

static enum sks_status load_trust(struct serving *s, struct serve_options *options,
                                  struct sks_error *err)
{
    enum sks_status rc;

    if (options->trust.count == 0) {
        TRY(sks_explain(
            err, file_path(s->trust_folder, sizeof s->trust_folder, options->data, "trust")));
        options->trust.item[options->trust.count++] = s->trust_folder;
    }
    TRY(trust_open(&s->issuer.trust, &options->trust, err));
    if (trust_count(&s->issuer.trust) == 0)
        log_error("no device is trusted: %s has no certificate; only profiles with privacy work",
                  options->trust.item[0]);
    else
        log_info("%zu trusted certificates", trust_count(&s->issuer.trust));
out:
    return rc;
}

static enum sks_status load_seen_certificate(struct serving *s, const char *path,
                                             struct sks_error *err)
{
    struct bytes_list list;
    enum sks_status rc = SKS_OK;

    if (path == NULL)
        return SKS_OK;
    TRY(pem_read_certificates(path, &s->issuer.arena, &list, err));
    s->issuer.tls.seen = list.item[0];
out:
    return rc;
}

/* A device signs which certificate its client saw: this one had better be it. */
static void warn_of_tls_name(const struct issuer *issuer, const char *host)
{
    const struct bytes seen = tls_seen(&issuer->tls, (struct bytes){ 0 });
    const uint8_t *p = seen.ptr;
    X509 *certificate = NULL;

    if (issuer->public_url == NULL || strncmp(issuer->public_url, "https:", 6) != 0)
        return;
    certificate = d2i_X509(NULL, &p, (long)seen.len);
    if (certificate == NULL || (X509_check_host(certificate, host, 0, 0, NULL) != 1 &&
                                X509_check_ip_asc(certificate, host, 0) != 1))
        log_error("the TLS certificate does not name %s: if clients see another one there,"
                  " --seen-certificate must give it",
                  host);
    X509_free(certificate);
}

static enum sks_status set_certificates(struct issuer *issuer, const struct serve_options *options,
                                        struct sks_error *err)
{
    char host[URL_MAX];
    enum sks_status rc = SKS_OK;

    REQUIRE(options->crl_url == NULL ||
                (strlen(options->crl_url) < URL_MAX && strpbrk(options->crl_url, " \"<>") == NULL &&
                 url_host(options->crl_url, host, sizeof host)),
            err, SKS_ERROR_OPTION, "--crl-url: '%s' is not an http or https URL", options->crl_url);
    (void)pthread_mutex_init(&issuer->crl.lock, NULL);
    issuer->crl.life = options->crl_life == 0 ? CRL_LIFE_DEFAULT : options->crl_life;
    issuer->crl_url = options->crl_url;
    issuer->external_ca = (struct external_ca){
        .command = options->external_ca,
        .seconds = options->external_ca_seconds,
    };
out:
    return rc;
}

static enum sks_status load_all(struct serving *s, struct serve_options *options,
                                struct sks_error *err)
{
    char *host = s->host, boot[BOOT_NAME_MAX];
    enum sks_status rc;

    TRY(set_log_format(options->log_format, err));
    TRY(set_public_url(s, options->public_url, err));
    TRY(set_certificates(&s->issuer, options, err));
    if (s->issuer.public_url != NULL)
        (void)url_host(s->issuer.public_url, host, sizeof s->host);
    TRY(data_folder_claim(options->data, &s->claim, err));
    TRY(data_folder_adopt_ca(options->data, options->ca_key, options->ca_cert, err));
    TRY(data_folder_make(options->data,
                         options->tls_name != NULL ? options->tls_name
                         : host[0] == '\0'         ? NULL
                                                   : host,
                         err));
    TRY(data_folder_load(options->data, &s->issuer, err));
    s->data = options->data;
    TRY(load_profiles(s, options, err));
    TRY(server_keys_new(&s->issuer.profiles, options->server_keys, &s->issuer.server_keys, err));
    TRY(load_trust(s, options, err));
    TRY(load_seen_certificate(s, options->seen_certificate, err));
    warn_of_tls_name(&s->issuer, host);
    TRY(data_folder_open(options->data, &s->issuer.store, err));
    clock_boot_name(boot);
    TRY(session_store_begin_boot(&s->issuer.store, boot, clock_now(), err));
    TRY(session_store_expire(&s->issuer.store, clock_now(), err));
    s->issuer.caps = client_caps_new(&options->limits);
    REQUIRE(s->issuer.caps != NULL, err, SKS_ERROR_STORAGE, "no memory to count clients in");
    TRY(admission_load(&s->issuer, err));
out:
    return rc;
}

/* ---- SIGHUP ---- */

static void hangup_set(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGHUP);
}

/* A thread of its own waits for the signal, so that no handler interrupts anything. */
static void *reload_on_hangup(void *from)
{
    struct serving *s = from;
    struct sks_error err = { 0 };
    sigset_t set;
    size_t count;
    int number;

    hangup_set(&set);
    while (sigwait(&set, &number) == 0 && !atomic_load(&s->stopping)) {
        if (trust_reload(&s->issuer.trust, &count, &err) == SKS_OK)
            log_info("trust read again: %zu certificates", count);
        else
            log_error("trust not changed: %s", err.text);
        if (key_management_load(&s->issuer.key_management, s->data, &err) == SKS_OK)
            log_info("key management keys read again: generation %u is the newest",
                     key_management_newest(&s->issuer.key_management));
        else
            log_error("key management keys not changed: %s", err.text);
        if (tls_renew(&s->issuer.tls, s->data, &err) == SKS_OK)
            log_info("TLS certificate read again: new connections see it");
        else
            log_error("TLS certificate not changed: %s", err.text);
        warn_of_tls_name(&s->issuer, s->host);
    }
    return NULL;
}

static void start_reloader(struct serving *s)
{
    s->reloads = pthread_create(&s->reloader, NULL, reload_on_hangup, s) == 0;
    if (!s->reloads)
        log_error("SIGHUP will not be heard: no thread for it");
}

static void stop_reloader(struct serving *s)
{
    if (!s->reloads)
        return;
    atomic_store(&s->stopping, true);
    (void)pthread_kill(s->reloader, SIGHUP);
    (void)pthread_join(s->reloader, NULL);
}

/* ---- listening ---- */

static enum sks_status listen_on(struct serving *s, const struct serve_options *options,
                                 struct sks_error *err)
{
    bool both = options->http == NULL && options->https == NULL;
    const char *http = both ? HTTP_DEFAULT : options->http;
    const char *https = both ? HTTPS_DEFAULT : options->https;
    enum sks_status rc;

    s->issuer.metrics = s->issuer.store.metrics = metrics_new(ISSUER_ROUTES, ISSUER_ROUTES_COUNT);
    REQUIRE(s->issuer.metrics != NULL, err, SKS_ERROR_STORAGE, "no memory for metrics");
    s->config = (struct http_config){
        .routes = ISSUER_ROUTES,
        .route_count = ISSUER_ROUTES_COUNT,
        .ctx = &s->issuer,
        .admit = admission_request,
        .body_max = KEYGEN2_MESSAGE_MAX,
        .request_time = REQUEST_SECONDS,
        .threads = REQUEST_THREADS,
        .observe = request_seen,
    };
    TRY(http_server_new(&s->config, &s->server, err));
    if (http != NULL)
        TRY(http_server_listen(s->server, http, NULL, NULL, &s->http_url, err));
    if (https != NULL)
        TRY(http_server_listen(s->server, https, (const char *)s->issuer.tls.certificate_pem.ptr,
                               (const char *)s->issuer.tls.key_pem.ptr, &s->https_url, err));
    if (options->manage != NULL)
        TRY(management_start(options->manage, options->manage_any, &s->issuer, s->data,
                             &s->management, &s->manage_url, err));
out:
    return rc;
}

static bool print_ready(const struct serving *s)
{
    (void)printf("ready%s%s%s%s%s%s\n", s->http_url == NULL ? "" : " ",
                 s->http_url == NULL ? "" : s->http_url, s->https_url == NULL ? "" : " ",
                 s->https_url == NULL ? "" : s->https_url, s->manage_url == NULL ? "" : " manage ",
                 s->manage_url == NULL ? "" : s->manage_url);
    return fflush(stdout) == 0;
}

static enum sks_status run(struct serving *s, struct serve_options *options, struct sks_error *err)
{
    int number;
    enum sks_status rc;

    TRY(load_all(s, options, err));
    TRY(listen_on(s, options, err));
    start_reloader(s);
    purger_start(&s->purger, &s->issuer.store, options->purge_after);
    REQUIRE(print_ready(s), err, SKS_ERROR_EXTERNAL, "cannot write to standard output");
    number = http_wait_for_signal();
    atomic_store(&s->issuer.stopping, true);
    server_keys_stop(s->issuer.server_keys); /* who waits for one is to come again */
    log_info("stopping by signal %d, within %u seconds; a second one ends at once", number,
             (unsigned)options->stop_seconds);
    http_unblock_signals();
    http_server_drain(s->server, options->stop_seconds);
out:
    return rc;
}

enum exit_code serve(struct serve_options *options)
{
    static struct serving s = { .claim = -1 }; /* too much for a stack */
    struct sks_error err = { 0 };
    sigset_t hangup;
    enum sks_status rc;

    memory_for_server();
    http_block_signals();
    hangup_set(&hangup);
    (void)pthread_sigmask(SIG_BLOCK, &hangup, NULL);
    rc = run(&s, options, &err);
    stop_reloader(&s);
    purger_stop(&s.purger);
    http_server_free(s.server);
    management_stop(s.management);
    server_keys_free(s.issuer.server_keys);
    trust_close(&s.issuer.trust);
    profiles_free(&s.issuer.profiles);
    client_caps_free(s.issuer.caps);
    data_folder_close(&s.issuer);
    metrics_free(s.issuer.metrics);
    data_folder_unlock(s.claim);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
