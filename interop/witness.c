/* The witness: shares the token's network, and says what it can reach from there. */
#include "interop/clerks.h"
#include "interop/desk.h"
#include "interop/reach.h"

#include <stdio.h>

static json_t *testify(void *ctx, const json_t *question)
{
    const char *address = json_string_value(json_object_get(question, "address"));
    const char *name = json_string_value(json_object_get(question, "name"));
    json_int_t port = json_integer_value(json_object_get(question, "port"));
    char why[REACH_TEXT_MAX] = "", routes[REACH_TEXT_MAX], known[ADDRESS_MAX] = "";
    bool reached;

    (void)ctx;
    if (address == NULL || name == NULL || port < 1 || port > 65535)
        return json_pack("{s:s}", "error", "the witness wants a name, an address and a port");
    reached = reach_connect(address, (unsigned)port, why);
    reach_routes(routes);
    if (reach_resolve(name, known, NULL) != SKS_OK)
        known[0] = '\0';
    return json_pack("{s:b, s:s, s:s, s:s}", "reached", (int)reached, "why", why, "routes", routes,
                     "known", known);
}

enum exit_code witness_run(const char *desk, const volatile sig_atomic_t *stop)
{
    struct sks_error err = { 0 };
    enum sks_status rc;

    REQUIRE(printf("ready %s\n", desk) > 0 && fflush(stdout) == 0, &err, SKS_ERROR_EXTERNAL,
            "cannot write to standard output");
    rc = desk_serve(desk, testify, NULL, stop, &err);
out:
    return program_finish(rc, &err);
}
