/* Nothing but the relay joins the token and the issuer. */
#include "interop/desk.h"
#include "interop/parts.h"
#include "interop/reach.h"

#include <stdio.h>
#include <string.h>

enum { TESTIMONY_SECONDS = 30 };

static const char PART[] = "apart";

/* What the witness says of an address. */
struct testimony {
    bool reached;
    char why[REACH_TEXT_MAX], routes[REACH_TEXT_MAX], known[ADDRESS_MAX];
};

static enum sks_status ask(const struct apart *apart, const char *address, uint32_t port,
                           struct testimony *t, struct sks_error *err)
{
    json_t *question = json_pack("{s:s, s:s, s:I}", "name", apart->issuer_host, "address", address,
                                 "port", (json_int_t)port);
    json_t *answer = NULL;
    const char *why = NULL, *routes = NULL, *known = NULL;
    int reached = 0;
    enum sks_status rc;

    TRY(desk_ask(apart->witness, question, TESTIMONY_SECONDS, &answer, err));
    REQUIRE(json_unpack(answer, "{s:b, s:s, s:s, s:s}", "reached", &reached, "why", &why, "routes",
                        &routes, "known", &known) == 0,
            err, SKS_ERROR_EXTERNAL, "the witness says something else");
    t->reached = reached != 0;
    (void)snprintf(t->why, sizeof t->why, "%s", why);
    (void)snprintf(t->routes, sizeof t->routes, "%s", routes);
    (void)snprintf(t->known, sizeof t->known, "%s", known);
out:
    json_decref(answer);
    return rc;
}

/* The address is right, the witness can reach something, and it cannot reach that. */
static enum sks_status show(const struct apart *apart, const char *issuer, struct table *table,
                            struct sks_error *err)
{
    char why[REACH_TEXT_MAX], what[128];
    struct testimony t;
    bool reached = reach_connect(issuer, apart->issuer_port, why);
    enum sks_status rc;

    (void)snprintf(what, sizeof what, "driver to issuer, %s:%u", issuer, apart->issuer_port);
    table_tell(table, PART, what, reached, -1, "%s", why);
    TRY(ask(apart, apart->token_host, apart->token_port, &t, err));
    (void)snprintf(what, sizeof what, "witness to token, %s:%u", apart->token_host,
                   apart->token_port);
    table_tell(table, PART, what, t.reached, -1, "%s: it stands on the token's network", t.why);
    TRY(ask(apart, issuer, apart->issuer_port, &t, err));
    (void)snprintf(what, sizeof what, "witness to issuer, %s:%u", issuer, apart->issuer_port);
    table_tell(table, PART, what, !t.reached, -1, "%s; the token's routes: %s%s", t.why,
               t.routes[0] == '\0' ? "none" : t.routes,
               strstr(t.routes, "default") != NULL ? " (default leads nowhere)" : "");
    if (strcmp(issuer, apart->issuer_host) == 0)
        goto out; /* it has no name here */
    (void)snprintf(what, sizeof what, "witness looks for the name '%s'", apart->issuer_host);
    table_tell(table, PART, what, t.known[0] == '\0', -1, "%s",
               t.known[0] == '\0' ? "there is no such name" : t.known);
out:
    return rc;
}

void part_apart(const struct ends *ends, const struct apart *apart, struct table *table)
{
    char address[ADDRESS_MAX];
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)ends;
    if (apart->together) {
        table_tell(table, PART, "token to issuer", true, -1,
                   "not shown: all are processes of one host");
        return;
    }
    TRY(reach_resolve(apart->issuer_host, address, &err));
    TRY(show(apart, address, table, &err));
out:
    if (rc != SKS_OK)
        table_tell(table, PART, "token to issuer", false, -1, "%s", err.text);
}
