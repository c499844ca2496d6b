/* Temporary folders, and issuers that live in them. */
#ifndef TESTS_BENCH_ISSUER_FOLDER_H
#define TESTS_BENCH_ISSUER_FOLDER_H

#include "tests/bench/child.h"

enum { FOLDER_MAX = 64, FILE_MAX = 128 };

/** Makes a folder under $TMPDIR (default /tmp). @param path out: FOLDER_MAX characters */
void folder_make(char path[FOLDER_MAX]);
void folder_remove(const char *path);

/** Path of a file in it. */
void folder_file(const char *path, const char *name, char file[FILE_MAX]);

/* A sks-issuer that serves http. */
struct issuer_server {
    struct child *child;
    char url[FILE_MAX]; /* of the profile: the issuerUri */
};

enum issuer_store {
    STORE_AS_IT_IS,  /* sks-issuer itself */
    STORE_IN_MEMORY, /* its code with the store of memory_store.h, run by memory_server() */
};

/**
 * Starts one.
 *
 * @param folder  its data; made if it is empty
 * @param trust   PEM file, or folder, of the device CA
 */
void issuer_server_start(struct issuer_server *server, const char *folder, const char *trust,
                         enum issuer_store store);

#endif
