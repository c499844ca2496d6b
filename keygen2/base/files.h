/* Files: read bounded, written whole or not at all, secrets only with tight permissions. */
#ifndef KEYGEN2_BASE_FILES_H
#define KEYGEN2_BASE_FILES_H

#include "keygen2/base/bytes.h"

#include <limits.h>

/** Joins folder and name into path; SKS_ERROR_OPTION if it is too long. */
CHECKED enum sks_status file_path(char *path, size_t size, const char *folder, const char *name);

/** Appends the contents; SKS_ERROR_EXTERNAL if unreadable, SKS_ERROR_STORAGE over max bytes. */
CHECKED enum sks_status file_read(const char *path, size_t max, struct buf *out,
                                  struct sks_error *err);

/** As file_read(), but refuses a file that group or others can read, unless it lies (links
 * followed) below /run/secrets, where containers mount them with a mode of their own. */
CHECKED enum sks_status file_read_secret(const char *path, size_t max, struct buf *out,
                                         struct sks_error *err);

/** Writes durably: a new file beside it, synced, renamed over it, folder synced. */
CHECKED enum sks_status file_write(const char *path, unsigned mode, struct bytes data,
                                   struct sks_error *err);

/* A file that is written in parts, as file_write() writes a whole one. file_abandon() it in any
 * case, unless file_begin() was not called: what was not finished is gone then. */
struct file_writer {
    char path[PATH_MAX], temporary[PATH_MAX];
    int fd; /* -1 before and after */
};

CHECKED enum sks_status file_begin(struct file_writer *w, const char *path, struct sks_error *err);
CHECKED enum sks_status file_put(struct file_writer *w, struct bytes data, struct sks_error *err);
CHECKED enum sks_status file_finish(struct file_writer *w, unsigned mode, struct sks_error *err);
void file_abandon(struct file_writer *w);

/** Makes durable what somebody else wrote. */
CHECKED enum sks_status file_sync(const char *path, struct sks_error *err);

/** Renames within a folder, durably; what bore the new name is gone. */
CHECKED enum sks_status file_rename(const char *from, const char *to, struct sks_error *err);

/** Removes the files of a folder whose paths begin with a text. */
void file_sweep(const char *prefix);

/** Writes all of it to an open file; errno is set when this is false. */
bool file_write_to(int fd, struct bytes data);

/** Makes a folder (and its parents) with the mode if it is not there; durably. */
CHECKED enum sks_status file_make_folder(const char *path, unsigned mode, struct sks_error *err);

/** Whether this user may write a file, if it is there, and make files beside it; if not, err says
 * which of the two it is, and what to do. For after a failure: what it finds may change. */
CHECKED enum sks_status file_need_writable(const char *path, struct sks_error *err);

/** If not, errno says why: ENOENT, or what keeps us from looking. */
bool file_exists(const char *path);

#endif
