/* What a token says of itself, and the way to it: HTTP, ids of methods, texts of errors. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include "keygen2/crypto/certificate.h"

#include <stdio.h>
#include <string.h>

#define DEVICE_SECTION "SKS getDeviceInfo"
#define HTTP_SECTION "wire 1"

/* ---- getDeviceInfo ---- */

static enum sks_status sizes(struct check *check, void *end, const void *row)
{
    const struct device_info_out *info = &((struct target *)end)->info;
    enum sks_status rc;

    (void)row;
    TRY(expect_true(check, info->crypto_data_size >= 16384, "cryptoDataSize", "16384 or more",
                    "less"));
    TRY(expect_true(check, info->extension_data_size >= 65536, "extensionDataSize", "65536 or more",
                    "less"));
    TRY(expect_true(check, info->api_level >= 100, "apiLevel", "100 or more", "less"));
    rc = expect_number(check, "deviceType, bits 4 to 7", 0, info->device_type >> 4);
out:
    return rc;
}

static enum sks_status texts(struct check *check, void *end, const void *row)
{
    const struct device_info_out *info = &((struct target *)end)->info;
    enum sks_status rc;

    (void)row;
    TRY(expect_true(check, info->vendor_name.len > 0, "vendorName", "a text", "none"));
    rc =
        expect_true(check, info->vendor_description.len > 0, "vendorDescription", "a text", "none");
out:
    return rc;
}

static enum sks_status api_level(struct check *check, void *end, const void *row)
{
    (void)row;
    return expect_number(check, "apiLevel", 106, ((struct target *)end)->info.api_level);
}

static enum sks_status device_path(struct check *check, void *end, const void *row)
{
    const struct bytes_list *path = &((struct target *)end)->info.certificate_path;
    enum sks_status rc = certificate_path_check(path, true, &check->err);

    (void)row;
    return expect_true(check, rc == SKS_OK, "getDeviceInfo: certificate",
                       "an ordered path, each signed by the next", check->err.text);
}

static enum sks_status same_again(struct check *check, void *end, const void *row)
{
    const struct device_info_out *info = &((struct target *)end)->info;
    union sks_out out;
    enum sks_status rc;

    (void)row;
    TRY(target_call(end, check, GET_DEVICE_INFO, NULL, &out, SKS_OK));
    rc = expect_bytes(check, "certificate", info->certificate_path.item[0],
                      out.device_info.certificate_path.count == 0
                          ? bytes_of("")
                          : out.device_info.certificate_path.item[0]);
out:
    return rc;
}

static enum sks_status supported(struct check *check, void *end, const void *uri)
{
    const struct device_info_out *info = &((struct target *)end)->info;

    return expect_true(check,
                       info->supported_algorithms.count > 0 &&
                           algorithm_is_endorsed(&info->supported_algorithms, bytes_of(uri)),
                       "supportedAlgorithm", uri, "not among them");
}

static enum sks_status no_updates(struct check *check, void *end, const void *row)
{
    union sks_in in = { .update_firmware = { bytes_of("chunk") } };

    (void)row;
    return target_call(end, check, UPDATE_FIRMWARE, &in, NULL, SKS_ERROR_NOT_ALLOWED);
}

/* ---- ids of methods ---- */

static enum sks_status unknown_methods(struct check *check, void *end, const void *row)
{
    enum sks_status rc = SKS_OK;

    (void)row;
    for (unsigned id = 0; id <= UINT8_MAX; id++) {
        uint8_t octet = (uint8_t)id;
        char call[24];

        if (sks_method(octet) != NULL)
            continue;
        (void)snprintf(call, sizeof call, "method %u", id);
        TRY(target_octets(end, check, "/sks", call, bytes_at(&octet, 1), SKS_ERROR_OPTION, NULL));
    }
out:
    return rc;
}

static enum sks_status nothing(struct check *check, void *end, const void *row)
{
    (void)row;
    return target_octets(end, check, "/sks", "a request of no octets", bytes_of(""),
                         SKS_ERROR_OPTION, NULL);
}

/* ---- texts of errors ---- */

static enum sks_status error_string(struct check *check, void *end, const void *row)
{
    static const uint8_t CALL[] = { GET_KEY_ATTRIBUTES, 0, 0, 0, 0 };
    struct bytes answer, text;
    uint8_t status;
    enum sks_status rc;

    (void)row;
    TRY(target_octets(end, check, "/sks", "getKeyAttributes", bytes_at(CALL, sizeof CALL),
                      SKS_ERROR_NO_KEY, &answer));
    rc = get_byte(&answer, &status);
    if (rc == SKS_OK)
        rc = get_string(&answer, &text);
    TRY(expect_true(check, rc == SKS_OK && answer.len == 0, "ErrorString",
                    "one text behind the status, and nothing else", "other octets"));
    rc = expect_true(check, text.len > 0 && text.len <= SKS_ERROR_TEXT_MAX, "ErrorString",
                     "1 to 2000 octets", "another length");
out:
    return rc;
}

/* No text repeats what was secret. */
static enum sks_status error_keeps_secret(struct check *check, void *end, const void *row)
{
    static const char GUESS[] = "60318457";
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, NULL));
    TRY(use_sign(&scene, GUESS, SKS_ERROR_AUTHORIZATION));
    TRY(expect_true(check, strstr(check->err.text, GUESS) == NULL, "ErrorString",
                    "no word of the PIN", "the PIN that was tried"));
    TRY(use_new_pin(&scene, CHANGE_PIN, CONFORM_PIN, "6031845789", SKS_ERROR_OPTION));
    rc = expect_true(check, strstr(check->err.text, GUESS) == NULL, "ErrorString",
                     "no word of the PIN", "the PIN that was refused");
out:
    scene_free(&scene);
    return rc;
}

/* ---- HTTP ---- */

struct request {
    const char *name, *title, *method, *path, *content_type;
    enum { ONE_OCTET, AT_LIMIT, BEYOND_LIMIT } body;
    unsigned status;
};

static const char OCTETS[] = "application/octet-stream";

static const struct request REQUESTS[] = {
    { "usual", "POST of application/octet-stream", "POST", "/sks", OCTETS, ONE_OCTET, 200 },
    { "type-with-parameter", "parameters behind the content type are ignored", "POST", "/sks",
      "application/octet-stream; charset=x", ONE_OCTET, 200 },
    { "get", "another method than POST", "GET", "/sks", NULL, ONE_OCTET, 405 },
    { "other-path", "another path", "POST", "/sks/none", OCTETS, ONE_OCTET, 404 },
    { "root", "another path", "POST", "/", OCTETS, ONE_OCTET, 404 },
    { "text", "another content type", "POST", "/sks", "text/plain", ONE_OCTET, 415 },
    { "json", "another content type", "POST", "/sks", "application/json", ONE_OCTET, 415 },
    { "greatest", "a body of extensionDataSize and 64 KiB is looked at", "POST", "/sks", OCTETS,
      AT_LIMIT, 200 },
    { "too-big", "a body of more than extensionDataSize and 64 KiB", "POST", "/sks", OCTETS,
      BEYOND_LIMIT, 413 },
};

static enum sks_status http(struct check *check, void *end, const void *from)
{
    const struct request *row = from;
    struct target *target = end;
    size_t limit = (size_t)target->info.extension_data_size + TARGET_ROOM;
    struct bytes body = check_draw_bytes(check, row->body == ONE_OCTET  ? 1
                                                : row->body == AT_LIMIT ? limit
                                                                        : limit + 1);
    struct http_exchange exchange = { 0 };
    enum sks_status rc;

    if (strcmp(row->method, "GET") == 0)
        body = bytes_of("");
    else if (row->status == 200)
        ((uint8_t *)(uintptr_t)body.ptr)[0] = 0; /* the id of no method */
    TRY(target_http(target, check, row->method, row->path, row->content_type, body, &exchange));
    TRY(expect_number(check, "HTTP status", row->status, exchange.status));
    if (row->status == 200)
        rc = expect_text(check, "Content-Type", OCTETS, bytes_of(exchange.content_type));
out:
    http_exchange_free(&exchange);
    return rc;
}

/* ---- the list ---- */

static const char *const SPECIAL[] = { SKS_SESSION_ALGORITHM, SKS_KEY_ENTRY_ALGORITHM,
                                       SKS_ALGORITHM_NONE };

static const char *const MANDATORY[] = {
    XMLENC_URI("aes128-cbc"),         XMLENC_URI("aes192-cbc"),
    XMLENC_URI("aes256-cbc"),         ALGORITHM_URI("aes.cbc"),
    ALGORITHM_URI("aes.ecb.nopad"),   HMAC_SHA1_URI,
    XMLDSIG_MORE_URI("hmac-sha256"),  XMLDSIG_MORE_URI("hmac-sha384"),
    XMLDSIG_MORE_URI("hmac-sha512"),  ALGORITHM_URI("rsa.es.pkcs1_5"),
    ALGORITHM_URI("rsa.oaep.sha1"),   ALGORITHM_URI("rsa.oaep.sha256"),
    ALGORITHM_URI("ecdh.raw"),        XMLDSIG_MORE_URI("rsa-sha256"),
    XMLDSIG_MORE_URI("rsa-sha384"),   XMLDSIG_MORE_URI("rsa-sha512"),
    XMLDSIG_MORE_URI("ecdsa-sha256"), XMLDSIG_MORE_URI("ecdsa-sha384"),
    XMLDSIG_MORE_URI("ecdsa-sha512"), ALGORITHM_URI("rsa.pkcs1.none"),
    ALGORITHM_URI("ecdsa.none"),      ALGORITHM_URI("rsa2048"),
    ALGORITHM_URI("ec.nist.p256"),
};

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "getDeviceInfo.sizes", "sizes and numbers are in range", DEVICE_SECTION, 0,
         sizes, NULL),
    CASE(LEVEL_SHOULD, "getDeviceInfo.texts", "a vendor and a description", DEVICE_SECTION, 0,
         texts, NULL),
    CASE(LEVEL_MAY, "getDeviceInfo.api-level", "the level of the reference implementation",
         "wire 5", 0, api_level, NULL),
    CASE(LEVEL_MUST, "getDeviceInfo.path", "the device's certificate path holds", DEVICE_SECTION, 0,
         device_path, NULL),
    CASE(LEVEL_MUST, "getDeviceInfo.same-again", "the device certificate stays",
         "SKS Device ID; wire 4", 0, same_again, NULL),
    CASE(LEVEL_MUST, "updateFirmware.none", "a token without updates takes no chunk",
         "SKS updateFirmware", NEEDS(LACKS_UPDATES), no_updates, NULL),
    CASE(LEVEL_MUST, "wire.unknown-methods", "every id that is no method's is refused", "wire 2", 0,
         unknown_methods, NULL),
    CASE(LEVEL_MUST, "wire.nothing", "a request of no octets is refused", "wire 2", 0, nothing,
         NULL),
    CASE(LEVEL_MUST, "wire.error-string", "a failure says why", "SKS Return Values; wire 1", 0,
         error_string, NULL),
    CASE(LEVEL_SHOULD, "wire.error-keeps-secret", "the text of a failure repeats no PIN", "wire 1",
         0, error_keeps_secret, NULL),
};

static void add_algorithm(struct cases *cases, const char *uri, const char *section)
{
    cases_add_row(cases, cases_text(cases, "algorithm.%s", strchr(uri, '#') + 1),
                  "an algorithm that every token has", section, 0, supported, uri);
}

void cases_of_devices(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
    for (size_t i = 0; i < NITEMS(SPECIAL); i++)
        add_algorithm(cases, SPECIAL[i], "SKS Special Algorithms");
    for (size_t i = 0; i < NITEMS(MANDATORY); i++)
        add_algorithm(cases, MANDATORY[i], "SKS Mandatory Algorithms");
    for (size_t i = 0; i < NITEMS(REQUESTS); i++) {
        struct conform_case item = { .id = cases_text(cases, "http.%s", REQUESTS[i].name),
                                     .title = REQUESTS[i].title,
                                     .section = HTTP_SECTION,
                                     .level = REQUESTS[i].status == 200 ? LEVEL_MUST : LEVEL_SHOULD,
                                     .run = http,
                                     .row = &REQUESTS[i] };

        cases_add(cases, &item);
    }
}
