/* The one result type of the project, and the text that explains a failure. */
#ifndef KEYGEN2_BASE_STATUS_H
#define KEYGEN2_BASE_STATUS_H

/* Codes 1..13 travel on the SKS wire as they are (SKS V1.07, 7.3 "Error Codes"). */
#define SKS_STATUS_LIST(X)                                                                         \
    X(SKS_OK, 0, "success")                                                                        \
    X(SKS_ERROR_AUTHORIZATION, 1, "wrong PIN or PUK, or too many tries")                           \
    X(SKS_ERROR_NOT_ALLOWED, 2, "operation not allowed")                                           \
    X(SKS_ERROR_STORAGE, 3, "no room for the data")                                                \
    X(SKS_ERROR_MAC, 4, "MAC does not match")                                                      \
    X(SKS_ERROR_CRYPTO, 5, "cryptographic operation failed")                                       \
    X(SKS_ERROR_NO_SESSION, 6, "no such open provisioning session")                                \
    X(SKS_ERROR_NO_KEY, 7, "no such key")                                                          \
    X(SKS_ERROR_ALGORITHM, 8, "algorithm unknown or not fitting")                                  \
    X(SKS_ERROR_OPTION, 9, "invalid or unsupported argument")                                      \
    X(SKS_ERROR_INTERNAL, 10, "internal error")                                                    \
    X(SKS_ERROR_EXTERNAL, 11, "external failure")                                                  \
    X(SKS_ERROR_USER_ABORT, 12, "aborted by the user")                                             \
    X(SKS_ERROR_NOT_AVAILABLE, 13, "not available")

enum sks_status {
#define X(name, value, text) name = value,
    SKS_STATUS_LIST(X)
#undef X
};

#define CHECKED __attribute__((warn_unused_result))
#define NITEMS(array) (sizeof(array) / sizeof((array)[0]))

/* The one macro that jumps: needs `enum sks_status rc` and a label `out`. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((rc = (call)) != SKS_OK)                                                               \
            goto out;                                                                              \
    } while (0)

/* Like TRY, for a condition: fails with the status and text given. */
#define REQUIRE(condition, err, status, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            rc = sks_fail((err), (status), __VA_ARGS__);                                           \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

enum { SKS_ERROR_TEXT_MAX = 2000 }; /* bytes of an ErrorString on the wire */

/* What went wrong, in English; names the argument, never its value when that may be secret. */
struct sks_error {
    enum sks_status status;
    char text[512];
};

/** Short English text of a status; "unknown status" for a number that is none. */
const char *sks_status_text(int status);

/** Name of a status as the specification writes it, for example "ERROR_MAC"; "SUCCESS" for 0. */
const char *sks_status_name(int status);

/**
 * Keeps the text of a failure and returns its status.
 *
 * @param err     where the text goes, cut at its size; may be NULL
 * @param status  not SKS_OK
 * @return status
 */
enum sks_status sks_fail(struct sks_error *err, enum sks_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Gives a bare status the standard text unless a text is already there. Returns status. */
enum sks_status sks_explain(struct sks_error *err, enum sks_status status);

#endif
