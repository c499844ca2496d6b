#include "conform/issuer/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const NAMES[] = {
#define X(name, text) text,
    SITE_FEATURES(X)
#undef X
};

const char *site_feature_name(unsigned bit)
{
    return bit < NITEMS(NAMES) ? NAMES[bit] : NULL;
}

const struct site_profile *site_find(const struct site *site, uint64_t features)
{
    const struct site_profile *best = NULL;

    for (size_t i = 0; i < site->profiles; i++) {
        const struct site_profile *profile = &site->profile[i];

        if ((profile->features & features) == features &&
            (!profile->closed || (features & NEEDS(HAS_CODE)) != 0) &&
            (best == NULL || profile->cost < best->cost))
            best = profile;
    }
    return best;
}

const struct finding *site_refusal(const struct site *site)
{
    for (size_t i = 0; i < site->profiles; i++)
        if (site->profile[i].unexcused)
            return &site->profile[i].fault;
    return NULL;
}

const struct finding *site_fault(const void *end, uint64_t missing)
{
    const struct site *site = end;

    for (size_t i = 0; i < site->profiles && (site->capabilities & NEEDS(HAS_END)) == 0; i++)
        if (site->profile[i].fault.field[0] != '\0')
            return &site->profile[i].fault;
    return (missing & NEEDS(HAS_TRUST)) == 0 ? NULL : site_refusal(site);
}

const char *site_lack(const void *end, uint64_t missing)
{
    const struct site *site = end;

    return (missing & NEEDS(HAS_TRUST)) == 0 ? NULL : site->lack;
}

/* ---- its profiles ---- */

/* Where the path begins; NULL: nowhere. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");

    return host == NULL ? NULL : strchr(host + 3, '/');
}

static bool is_root(const char *url)
{
    const char *path = path_of(url);

    return path == NULL || strcmp(path, "/") == 0;
}

static enum sks_status add_profile(struct site *site, const char *url, struct sks_error *err)
{
    const char *path = path_of(url);
    struct site_profile *profile, *more;
    enum sks_status rc = SKS_OK;

    REQUIRE(path != NULL && strlen(url) <= SKS_URI_MAX && strpbrk(url, "?#") == NULL, err,
            SKS_ERROR_OPTION, "'%s' is no URL of a KeyGen2 profile: http(s)://HOST/PATH", url);
    REQUIRE(site->profiles < PROFILES_MAX, err, SKS_ERROR_OPTION, "more than %d profiles",
            PROFILES_MAX);
    more = realloc(site->profile, (site->profiles + 1) * sizeof *more);
    REQUIRE(more != NULL, err, SKS_ERROR_STORAGE, "no memory for profiles");
    site->profile = more;
    profile = &more[site->profiles++];
    *profile = (struct site_profile){
        .issuer_uri = arena_text(&site->arena, bytes_of(url)),
        .root = arena_text(&site->arena, bytes_at(url, (size_t)(path - url))),
        .name = strrchr(url, '/') + 1,
    };
    profile->name = arena_text(&site->arena, bytes_of(profile->name));
    if (strncmp(path, "/kg2/", 5) == 0)
        profile->page =
            arena_printf(&site->arena, "%.*s/enroll/%s", (int)(path - url), url, path + 5);
    REQUIRE(profile->issuer_uri != NULL && profile->root != NULL && profile->name != NULL, err,
            SKS_ERROR_STORAGE, "no memory for profiles");
out:
    return rc;
}

static enum sks_status add_listed(struct site *site, const json_t *list, const char *url,
                                  struct sks_error *err)
{
    const json_t *profiles = json_object_get(list, "profiles"), *item;
    enum sks_status rc = SKS_OK;
    size_t i;

    json_array_foreach(profiles, i, item)
    {
        const char *issuer_uri = json_string_value(json_object_get(item, "keygen2"));

        REQUIRE(issuer_uri != NULL, err, SKS_ERROR_EXTERNAL, "%s: /profiles/%zu has no keygen2",
                url, i);
        TRY(add_profile(site, issuer_uri, err));
    }
    REQUIRE(site->profiles > 0, err, SKS_ERROR_EXTERNAL,
            "%s lists no profiles: give the URLs of some, https://HOST/kg2/PROFILE", url);
out:
    return rc;
}

/* An issuer of ours tells its profiles at its root. */
static enum sks_status list_profiles(struct site *site, const char *root, struct sks_error *err)
{
    struct http_exchange exchange = { 0 };
    const char *url = arena_printf(&site->arena, "%s%s", root, path_of(root) == NULL ? "/" : "");
    json_t *list = NULL;
    enum sks_status rc;

    REQUIRE(url != NULL, err, SKS_ERROR_STORAGE, "no memory for a URL");
    TRY(http_client_exchange(site->http, "GET", url, NULL, "application/json", bytes_of(""),
                             &exchange, err));
    if (exchange.status == 200 && json_parse(buf_bytes(&exchange.body), &list, NULL) != SKS_OK)
        list = NULL;
    rc = add_listed(site, list, url, err);
out:
    json_decref(list);
    http_exchange_free(&exchange);
    return rc;
}

static enum sks_status find_profiles(struct site *site, struct sks_error *err)
{
    const struct suite_config *config = site->config;
    enum sks_status rc;

    TRY(is_root(config->url) ? list_profiles(site, config->url, err)
                             : add_profile(site, config->url, err));
    for (size_t i = 0; i < config->options->more.count; i++)
        TRY(add_profile(site, config->options->more.item[i], err));
out:
    return rc;
}

/* ---- open ---- */

/* Not the profile's own. */
static const uint64_t OF_OPTIONS = NEEDS(HAS_NEW_CODE) | NEEDS(HAS_OPERATOR);

static json_t *features_json(const struct site_profile *profile, const char *why)
{
    struct buf text = { 0 };
    json_t *json;

    for (unsigned bit = 0; bit < SITE_FEATURE_COUNT; bit++)
        if ((profile->features & NEEDS(bit) & ~OF_OPTIONS) != 0) {
            put_text(&text, text.len == 0 ? "" : ", ");
            put_text(&text, NAMES[bit]);
        }
    if (why[0] != '\0') {
        put_text(&text, text.len == 0 ? "" : "; then ");
        put_text(&text, why);
    }
    json = json_text(buf_bytes(&text));
    buf_free(&text);
    return json;
}

/* Those that look for keys come last, when the device has some. */
static void probe_all(struct site *site, json_t *about)
{
    char why[FINDING_MAX];

    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < site->profiles && *site->config->stop == 0; i++) {
            struct site_profile *profile = &site->profile[i];

            if (profile->known)
                continue;
            site_probe(site, profile, round > 0, why, sizeof why);
            if (!profile->known)
                continue;
            site->capabilities |= profile->features;
            (void)json_object_set_new(about, profile->issuer_uri, features_json(profile, why));
        }
}

/* What has to be done. @param reason  why the device is refused */
static char *lack_of(struct site *site, const char *reason)
{
    const char *file = site->devices.ca_file;

    if (file[0] == '\0')
        return arena_printf(&site->arena,
                            "no issuer can trust the device of one run: give --device "
                            "FOLDER, and FOLDER/device-ca.pem to the issuer's "
                            "operator, then run this again");
    if (site->devices.is_new)
        return arena_printf(&site->arena,
                            "the device is new: give %s to the issuer's operator (sks-issuer: "
                            "--trust), then run this again",
                            file);
    return arena_printf(&site->arena,
                        "the issuer says that it does not take the device (%s), so what needs that "
                        "was not tried: give %s to its operator (sks-issuer: --trust), then run "
                        "this again; if it was given, say --trusted",
                        reason, file);
}

static const char *trust_of(struct site *site)
{
    const char *reason = NULL;

    if ((site->capabilities & NEEDS(HAS_TRUST)) != 0)
        return "";
    if (site_refusal(site) != NULL)
        return site->config->options->trusted
                   ? ": refused, though it is trusted"
                   : ": refused, for no reason that has to do with trust";
    for (size_t i = 0; i < site->profiles && reason == NULL; i++)
        reason = site->profile[i].untrusted;
    if (reason == NULL)
        return ": whether it is trusted did not show";
    site->lack = lack_of(site, reason);
    return ": not trusted, the issuer's operator has to add it";
}

static void tell_device(struct site *site, json_t *about)
{
    const char *file = site->devices.ca_file, *trust = trust_of(site);

    if (file[0] == '\0')
        (void)json_object_set_new(
            about, "device",
            json_string("of this run alone; with --device FOLDER one that can be trusted"));
    else
        (void)json_object_set_new(about, "device CA", json_sprintf("%s%s", file, trust));
}

enum sks_status site_open(const struct suite_config *config, void **end, uint64_t *capabilities,
                          json_t *about, struct sks_error *err)
{
    struct site *site = calloc(1, sizeof *site);
    const struct http_client_config http = { .bare = true,
                                             .keep_head = true,
                                             .ca_file = config->options->ca,
                                             .timeout = config->options->timeout,
                                             .stop = config->stop };
    enum sks_status rc;

    *end = site;
    REQUIRE(site != NULL, err, SKS_ERROR_STORAGE, "no memory");
    site->config = config;
    TRY(http_client_new(&http, &site->http, err));
    TRY(device_set_open(&site->devices, config->options->device, err));
    REQUIRE(
        !config->options->trusted || !site->devices.is_new, err, SKS_ERROR_OPTION,
        "--trusted: nobody can trust a device that is made in this run (--device names one that "
        "is there)");
    TRY(find_profiles(site, err));
    probe_all(site, about);
    REQUIRE(!site->lost, err, SKS_ERROR_EXTERNAL, "%s: no answer", config->url);
    tell_device(site, about);
    *capabilities = site->capabilities;
out:
    return rc;
}

/* Each case ends the sessions that it began. */
enum sks_status site_tidy(void *end, struct sks_error *err)
{
    const struct site *site = end;

    return site->lost
               ? sks_fail(err, SKS_ERROR_EXTERNAL, "%s: no answer any more", site->config->url)
               : SKS_OK;
}

/* Sessions end, but what was issued was issued. */
void site_leave(void *end, json_t *leftovers)
{
    (void)end;
    (void)json_array_append_new(
        leftovers, json_string("certificates that its cases were issued: of subjects that the "
                               "profiles say, for the keys of a device that is none"));
}

void site_close(void *end)
{
    struct site *site = end;

    if (site == NULL)
        return;
    http_client_free(site->http);
    device_set_close(&site->devices);
    for (size_t i = 0; i < site->kept_count; i++)
        EVP_PKEY_free(site->kept[i].key);
    free(site->profile);
    arena_free(&site->arena);
    free(site);
}
