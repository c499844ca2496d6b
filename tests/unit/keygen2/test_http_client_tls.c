/* The HTTP client over TLS. */
#include "tests/unit/support/keygen2/http_peer.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *x509 = X509_new();
    X509_NAME *name = X509_get_subject_name(x509);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

    cr_assert_eq(X509_set_version(x509, 2), 1);
    cr_assert_eq(ASN1_INTEGER_set(X509_get_serialNumber(x509), 1), 1);
    cr_assert_not_null(X509_gmtime_adj(X509_getm_notBefore(x509), -60));
    cr_assert_not_null(X509_gmtime_adj(X509_getm_notAfter(x509), 600));
    cr_assert_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test",
                                            -1, -1, 0),
                 1);
    cr_assert_eq(X509_set_issuer_name(x509, name), 1);
    cr_assert_eq(X509_set_pubkey(x509, key), 1);
    cr_assert_eq(X509_add_ext(x509, san, -1), 1);
    cr_assert_gt(X509_sign(x509, key, EVP_sha256()), 0);
    X509_EXTENSION_free(san);
    return x509;
}

static void start_tls(X509 **x509, char ca_file[32], long versions_max)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *pem;
    int fd;

    *x509 = make_certificate(key);
    server.tls = SSL_CTX_new(TLS_server_method());
    cr_assert_eq(SSL_CTX_use_certificate(server.tls, *x509), 1);
    cr_assert_eq(SSL_CTX_use_PrivateKey(server.tls, key), 1);
    cr_assert_eq(SSL_CTX_set_max_proto_version(server.tls, versions_max), 1);
    SSL_CTX_set_security_level(server.tls, 0);
    EVP_PKEY_free(key);
    strcpy(ca_file, "/tmp/sks-ca-XXXXXX");
    fd = mkstemp(ca_file);
    pem = fdopen(fd, "w");
    cr_assert_not_null(pem);
    cr_assert_eq(PEM_write_X509(pem, *x509), 1);
    cr_assert_eq(fclose(pem), 0);
}

Test(http_client_tls, the_leaf_is_told_on_each_exchange)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    X509 *x509;
    uint8_t *der = NULL;
    char ca_file[32];
    int len;

    start_tls(&x509, ca_file, 0);
    len = i2d_X509(x509, &der);
    start("aaca", OK_ANSWER);
    client = new_client((struct http_client_config){ .ca_file = ca_file });
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(post(client, bytes_of("x"), &exchange), SKS_OK, "%s", err.text);
        cr_assert(bytes_equal(buf_bytes(&exchange.leaf), bytes_at(der, (size_t)len)), "%d", i);
    }
    cr_assert_eq(server.connections, 2, "three on the kept connection, one on a new one");
    OPENSSL_free(der);
    http_exchange_free(&exchange);
    http_client_free(client);
    (void)unlink(ca_file);
    stop();
}

Test(http_client_tls, a_certificate_is_checked_unless_told)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    X509 *x509;
    char ca_file[32];

    start_tls(&x509, ca_file, 0);
    start("a", OK_ANSWER);
    client = new_client((struct http_client_config){ 0 });
    cr_assert_eq(get(client, &exchange), SKS_ERROR_EXTERNAL);
    cr_assert_not_null(strstr(err.text, "certificate"), "%s", err.text);
    cr_assert(!exchange.sent);
    http_client_free(client);
    client = new_client((struct http_client_config){ .insecure = true });
    cr_assert_eq(get(client, &exchange), SKS_OK, "%s", err.text);
    cr_assert_gt(exchange.leaf.len, 0);
    http_exchange_free(&exchange);
    http_client_free(client);
    (void)unlink(ca_file);
    stop();
}

Test(http_client_tls, old_tls_is_not_spoken)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    X509 *x509;
    char ca_file[32];

    start_tls(&x509, ca_file, TLS1_1_VERSION);
    start("a", OK_ANSWER);
    client = new_client((struct http_client_config){ .ca_file = ca_file });
    cr_assert_eq(get(client, &exchange), SKS_ERROR_EXTERNAL);
    cr_assert(!exchange.sent);
    http_client_free(client);
    (void)unlink(ca_file);
    stop();
}
