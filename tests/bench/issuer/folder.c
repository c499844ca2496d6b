#include "tests/bench/issuer/folder.h"
#include "tests/bench/issuer/issuer_parts.h"
#include "tests/plain/support/must.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void folder_make(char path[FOLDER_MAX])
{
    const char *parent = getenv("TMPDIR");
    int len = snprintf(path, FOLDER_MAX, "%s/sks-bench.XXXXXX", parent == NULL ? "/tmp" : parent);

    must(len < FOLDER_MAX && mkdtemp(path) != NULL, "temporary folder");
}

static int remove_entry(const char *path, const struct stat *info, int flag, struct FTW *at)
{
    (void)info, (void)flag, (void)at;
    return remove(path);
}

void folder_remove(const char *path)
{
    must(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0, "temporary folder goes");
}

void folder_file(const char *path, const char *name, char file[FILE_MAX])
{
    (void)snprintf(file, FILE_MAX, "%s/%s", path, name);
}

/* Without RSA keys made ahead: they would be charged to sessions that use none. */
void issuer_server_start(struct issuer_server *server, const char *folder, const char *trust,
                         enum issuer_store store)
{
    static const char *const PROGRAM[] = { "sks-issuer", "bench/bench_issuer" };
    const char *const argument[] = { "serve",         "--data",        folder, "--http",
                                     "127.0.0.1:0",   "--trust",       trust,  "--profiles",
                                     PROFILES_FOLDER, "--server-keys", "0",    NULL };
    char ready[FILE_MAX];

    server->child = child_start(PROGRAM[store], argument, ready, sizeof ready - sizeof PROFILE - 8);
    (void)snprintf(server->url, sizeof server->url, "%.100s/kg2/%s", ready, PROFILE);
}
