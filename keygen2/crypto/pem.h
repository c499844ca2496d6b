/* PEM files of the data folder: private keys (mode 0600) and certificates. */
#ifndef KEYGEN2_CRYPTO_PEM_H
#define KEYGEN2_CRYPTO_PEM_H

#include "keygen2/base/arena.h"

#include <openssl/x509.h>

enum { PEM_FILE_MAX = 1024 * 1024 }; /* bytes */

/** Reads a private key; refuses a file that group or others can read. @param key out: owned */
CHECKED enum sks_status pem_read_key(const char *path, EVP_PKEY **key, struct sks_error *err);

/** Writes a private key, PKCS #8, mode 0600. */
CHECKED enum sks_status pem_write_key(const char *path, const EVP_PKEY *key, struct sks_error *err);

/** Writes a certificate, mode 0644. */
CHECKED enum sks_status pem_write_certificate(const char *path, const X509 *certificate,
                                              struct sks_error *err);

/**
 * Reads the certificates of a file, in their order, as DER.
 *
 * @param path  at least one certificate, else SKS_ERROR_EXTERNAL
 * @param list  out: lives in the arena
 */
CHECKED enum sks_status pem_read_certificates(const char *path, struct arena *arena,
                                              struct bytes_list *list, struct sks_error *err);

/** As pem_read_certificates(), of a text in memory with at most `max` of them. */
CHECKED enum sks_status pem_certificates(struct bytes text, size_t max, struct arena *arena,
                                         struct bytes_list *list, struct sks_error *err);

/** Reads one certificate, the first of the file. @param certificate out: owned */
CHECKED enum sks_status pem_read_certificate(const char *path, X509 **certificate,
                                             struct sks_error *err);

/** Appends the PEM form of a DER. @param label "CERTIFICATE", "PRIVATE KEY" */
CHECKED enum sks_status put_pem(struct buf *out, const char *label, struct bytes der);

/**
 * Reads the SubjectPublicKeyInfo of the first public key or certificate of a file.
 *
 * @param spki  out: empty before
 * @return SKS_ERROR_EXTERNAL if the file has neither; the key itself is not looked at
 */
CHECKED enum sks_status pem_read_spki(const char *path, struct buf *spki, struct sks_error *err);

/** DER of a certificate in the arena; ptr is NULL without memory. */
struct bytes certificate_der(struct arena *arena, const X509 *certificate);

#endif
