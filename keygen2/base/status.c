#include "keygen2/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    enum sks_status status;
    const char *name;
    const char *text;
} STATUS[] = {
#define X(name, value, text) { name, #name, text },
    SKS_STATUS_LIST(X)
#undef X
};

const char *sks_status_text(int status)
{
    return status >= 0 && (size_t)status < NITEMS(STATUS) ? STATUS[status].text : "unknown status";
}

const char *sks_status_name(int status)
{
    if (status == SKS_OK)
        return "SUCCESS";
    if (status < 0 || (size_t)status >= NITEMS(STATUS))
        return "UNKNOWN";
    return STATUS[status].name + strlen("SKS_");
}

enum sks_status sks_fail(struct sks_error *err, enum sks_status status, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return status;
    err->status = status;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

enum sks_status sks_explain(struct sks_error *err, enum sks_status status)
{
    if (err != NULL && status != SKS_OK && (err->text[0] == '\0' || err->status != status))
        (void)sks_fail(err, status, "%s", sks_status_text((int)status));
    return status;
}
