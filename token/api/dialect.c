#include "token/api/dialect.h"

enum { STATUSES = SKS_ERROR_NOT_AVAILABLE + 1 };

/* The table of error codes of the draft. */
enum number_2010 {
    AUTHENTICATION = 1,
    STORAGE,
    MAC,
    CRYPTO,
    NO_SESSION,
    END_SESSION,
    NO_KEY,
    ALGORITHM,
    ALL_OTHERS, /* V1.07's OPTION: the draft ends before it */
};

static const uint8_t NUMBER_2010[STATUSES] = {
    [SKS_ERROR_AUTHORIZATION] = AUTHENTICATION,
    [SKS_ERROR_NOT_ALLOWED] = ALL_OTHERS,
    [SKS_ERROR_STORAGE] = STORAGE,
    [SKS_ERROR_MAC] = MAC,
    [SKS_ERROR_CRYPTO] = CRYPTO,
    [SKS_ERROR_NO_SESSION] = NO_SESSION,
    [SKS_ERROR_NO_KEY] = NO_KEY,
    [SKS_ERROR_ALGORITHM] = ALGORITHM,
};

/* Conditions of the close; not what is no condition: an unknown session, no room, a token that is
 * broken or deactivated. */
static const uint8_t CLOSE_NUMBER_2010[STATUSES] = {
    [SKS_ERROR_AUTHORIZATION] = END_SESSION, [SKS_ERROR_NOT_ALLOWED] = END_SESSION,
    [SKS_ERROR_CRYPTO] = END_SESSION,        [SKS_ERROR_NO_KEY] = END_SESSION,
    [SKS_ERROR_ALGORITHM] = END_SESSION,     [SKS_ERROR_OPTION] = END_SESSION,
};

const struct sks_dialect SKS_DIALECT_107 = { "/sks", CREATE_SESSION_2010, NULL, NULL };
const struct sks_dialect SKS_DIALECT_2010 = { "/sks/2010", CREATE_PROVISIONING_SESSION, NUMBER_2010,
                                              CLOSE_NUMBER_2010 };

enum sks_status dialect_check_method(const struct sks_dialect *dialect, struct bytes request,
                                     struct sks_error *err)
{
    return request.len > 0 && request.ptr[0] == dialect->foreign_method
               ? sks_fail(err, SKS_ERROR_OPTION, "unknown method id %u on %s",
                          dialect->foreign_method, dialect->path)
               : SKS_OK;
}

uint8_t dialect_number(const struct sks_dialect *dialect, const struct sks_method *method,
                       enum sks_status status)
{
    if (dialect->close_number != NULL && method != NULL &&
        method->id == CLOSE_PROVISIONING_SESSION && dialect->close_number[status] != 0)
        return dialect->close_number[status];
    if (dialect->number != NULL && dialect->number[status] != 0)
        return dialect->number[status];
    return (uint8_t)status;
}

enum sks_status dialect_status(const struct sks_dialect *dialect, const struct sks_method *method,
                               uint8_t number)
{
    const struct sks_method *decoded[] = { method, NULL };

    for (size_t i = 0; i < NITEMS(decoded); i++)
        for (int status = STATUSES - 1; status > SKS_OK; status--)
            if (dialect_number(dialect, decoded[i], (enum sks_status)status) == number)
                return (enum sks_status)status;
    return SKS_ERROR_EXTERNAL;
}
