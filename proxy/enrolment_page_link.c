#include "proxy/enrolment_page_link.h"
#include "keygen2/base/percent.h"

#include <stdlib.h>
#include <string.h>

static const char START[] = "webpkiproxy://keygen2?", BEGIN[] = "?init=true";
static const double VERSION = 1.0; /* of the client protocol that we speak */

bool page_link_is(const char *text)
{
    return strncmp(text, "webpkiproxy:", strlen("webpkiproxy:")) == 0;
}

/* NULL if the link has no such parameter. */
static enum sks_status take(struct bytes pairs, const char *name, struct arena *arena,
                            const char **text, struct sks_error *err)
{
    struct buf value = { 0 };
    bool found;
    enum sks_status rc;

    *text = NULL;
    rc = percent_find(pairs, name, false, &value, &found);
    REQUIRE(rc == SKS_OK, err, rc, "the link's \"%s\" cannot be read", name);
    if (!found)
        goto out;
    *text = arena_text(arena, buf_bytes(&value));
    REQUIRE(*text != NULL, err, SKS_ERROR_STORAGE, "no memory for the link");
out:
    buf_free(&value);
    return rc;
}

/* "1.00-9.99": from which version of the client to which. */
static bool fits_us(const char *versions)
{
    char *end = NULL;
    double from, to;

    if (versions == NULL)
        return true;
    from = strtod(versions, &end);
    if (end == versions || *end != '-')
        return false;
    versions = end + 1;
    to = strtod(versions, &end);
    return end != versions && *end == '\0' && from <= VERSION && VERSION <= to;
}

enum sks_status page_link_read(const char *text, struct arena *arena, struct page_link *link,
                               struct sks_error *err)
{
    const char *init, *versions;
    struct bytes pairs;
    size_t len;
    enum sks_status rc = SKS_OK;

    *link = (struct page_link){ 0 };
    REQUIRE(strncmp(text, START, strlen(START)) == 0, err, SKS_ERROR_OPTION,
            "this is no link of a KeyGen2 enrolment: those begin with %s", START);
    pairs = bytes_of(text + strlen(START));
    TRY(take(pairs, "url", arena, &link->url, err));
    TRY(take(pairs, "init", arena, &init, err));
    TRY(take(pairs, "cookie", arena, &link->cookie, err));
    TRY(take(pairs, "ver", arena, &versions, err));
    REQUIRE(link->url != NULL && init != NULL, err, SKS_ERROR_OPTION, "the link has no \"%s\"",
            link->url == NULL ? "url" : "init");
    len = strlen(link->url);
    REQUIRE(strncmp(init, link->url, len) == 0 && strcmp(init + len, BEGIN) == 0, err,
            SKS_ERROR_OPTION, "the link begins elsewhere than at %s%s", link->url, BEGIN);
    REQUIRE(fits_us(versions), err, SKS_ERROR_OPTION,
            "the link is for clients of version %s, this one is 1.00", versions);
out:
    return rc;
}
