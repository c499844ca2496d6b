#include "keygen2/base/option_check.h"
#include "keygen2/base/files.h"
#include "keygen2/base/http_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CERTIFICATES_MAX = 4 * 1024 * 1024 };

enum sks_status check_address(const char *text, struct sks_error *err)
{
    return socket_address_is(text)
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_OPTION,
                          "is no address to listen on: HOST:PORT with a host that is known here, "
                          "or unix:PATH");
}

/* A URL is ASCII: what else there is to say stands in it as %XX. */
static bool is_url_text(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"<>", *text) != NULL)
            return false;
    return true;
}

enum sks_status check_url(const char *text, struct sks_error *err)
{
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;

    return scheme > 0 && strcspn(text + scheme, ":/?#@") > 0 && is_url_text(text)
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_OPTION, "is not an http or https URL");
}

static enum sks_status look(const char *text, bool file, bool folder, struct sks_error *err)
{
    struct stat about;
    enum sks_status rc = SKS_OK;

    REQUIRE(stat(text, &about) == 0, err, SKS_ERROR_OPTION, "cannot be used: %s", strerror(errno));
    REQUIRE(folder || !S_ISDIR(about.st_mode), err, SKS_ERROR_OPTION, "is a folder, not a file");
    REQUIRE(file || S_ISDIR(about.st_mode), err, SKS_ERROR_OPTION, "is no folder");
    REQUIRE(access(text, S_ISDIR(about.st_mode) ? R_OK | X_OK : R_OK) == 0, err, SKS_ERROR_OPTION,
            "cannot be read: %s", strerror(errno));
out:
    return rc;
}

enum sks_status check_folder(const char *text, struct sks_error *err)
{
    return look(text, false, true, err);
}

enum sks_status check_file(const char *text, struct sks_error *err)
{
    return look(text, true, false, err);
}

enum sks_status check_exists(const char *text, struct sks_error *err)
{
    return look(text, true, true, err);
}

enum sks_status check_certificates(const char *text, struct sks_error *err)
{
    static const char MARK[] = "-----BEGIN CERTIFICATE-----";
    struct buf file = { 0 };
    enum sks_status rc;

    TRY(look(text, true, false, err));
    REQUIRE(file_read(text, CERTIFICATES_MAX, &file, err) == SKS_OK &&
                memmem(file.ptr, file.len, MARK, sizeof MARK - 1) != NULL,
            err, SKS_ERROR_OPTION, "holds no certificate in PEM");
out:
    buf_free(&file);
    return rc;
}
