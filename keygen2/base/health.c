#include "keygen2/base/health.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/http_socket.h"
#include "keygen2/base/json.h"
#include "keygen2/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void health_begin(struct health *health, const char *program, uint32_t seconds)
{
    *health = (struct health){ .program = program, .began = clock_monotonic_ms() };
    health->deadline = health->began + (int64_t)seconds * 1000;
    (void)signal(SIGPIPE, SIG_IGN);
}

enum sks_status health_left(const struct health *health, unsigned *seconds, struct sks_error *err)
{
    int64_t left = health->deadline - clock_monotonic_ms();
    enum sks_status rc = SKS_OK;

    *seconds = left < 1000 ? 1 : (unsigned)(left / 1000);
    REQUIRE(left > 0, err, SKS_ERROR_EXTERNAL, "the time is over: not all was answered within %d s",
            (int)((health->deadline - health->began) / 1000));
out:
    return rc;
}

enum sks_status health_url(struct health *health, const char *scheme, const char *listen,
                           bool *local, struct sks_error *err)
{
    static const struct {
        const char *all, *one;
    } LOOPBACK[] = { { "0.0.0.0:", "127.0.0.1:" }, { "[::]:", "[::1]:" } };
    const char *port = strrchr(listen, ':'), *host = "";
    enum sks_status rc = SKS_OK;

    if (strncmp(listen, "unix:", 5) == 0) {
        *local = true;
        (void)snprintf(health->address, sizeof health->address, "%s", listen);
        return SKS_OK;
    }
    REQUIRE(port != NULL && atol(port + 1) > 0, err, SKS_ERROR_OPTION,
            "'%s' has no port to ask at: name the address", listen);
    for (size_t i = 0; i < NITEMS(LOOPBACK); i++)
        if (strncmp(listen, LOOPBACK[i].all, strlen(LOOPBACK[i].all)) == 0) {
            host = LOOPBACK[i].one;
            listen += strlen(LOOPBACK[i].all);
        }
    (void)snprintf(health->address, sizeof health->address, "%s://%s%s", scheme, host, listen);
    *local = host[0] != '\0' || socket_is_local(listen);
out:
    return rc;
}

static enum exit_code print_json(const struct health *health, bool well, const char *text,
                                 int64_t took)
{
    json_t *object = json_pack("{s:s, s:b, s:s, s:s, s:I}", "program", health->program, "healthy",
                               (int)well, "address", health->address, well ? "found" : "trouble",
                               text, "milliseconds", (json_int_t)took);

    return program_print_json(object, JSON_COMPACT);
}

enum exit_code health_end(struct health *health, enum sks_status rc, const struct sks_error *err,
                          bool json)
{
    int64_t took = clock_monotonic_ms() - health->began;
    bool well = rc == SKS_OK;
    char text[HEALTH_TEXT_MAX * 2];

    if (rc == SKS_ERROR_OPTION)
        return program_fail(EXIT_USAGE, "%s", err->text);
    (void)snprintf(text, sizeof text, "%s", well ? health->found : err->text);
    log_clean(text);
    log_clean(health->address);
    if (json && print_json(health, well, text, took) != EXIT_DONE)
        return EXIT_IO;
    if (!json)
        (void)printf("%s: %s at %s: %s (%lld ms)\n", well ? "healthy" : "unhealthy",
                     health->program, health->address, text, (long long)took);
    return well ? EXIT_DONE : EXIT_IO;
}
