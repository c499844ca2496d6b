/*
 * Runs a fuzz target once over each file of its corpus, without libFuzzer: for any compiler, and
 * to see again what an input does.
 *   fuzz_NAME FILE-OR-FOLDER...
 */
#include "keygen2/base/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned files;

static void run_file(const char *path)
{
    struct sks_error err = { 0 };
    struct buf input = { 0 };

    if (file_read(path, INPUT_MAX, &input, &err) != SKS_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    (void)LLVMFuzzerTestOneInput(input.ptr, input.len);
    buf_free(&input);
    files++;
}

static void run_folder(const char *folder)
{
    struct dirent **entry = NULL;
    int count = scandir(folder, &entry, NULL, alphasort);
    char path[4096];

    for (int i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.')
            run_file(path);
        free(entry[i]);
    }
    free(entry);
}

int main(int argc, char **argv)
{
    struct stat about;

    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode))
            run_folder(argv[i]);
        else
            run_file(argv[i]);
    }
    if (files == 0) {
        (void)fprintf(stderr, "no input\n");
        return 1;
    }
    (void)printf("OK: %u inputs\n", files);
    return 0;
}
