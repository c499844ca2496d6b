#include "issuer/ticket.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/session.h"

#include <openssl/crypto.h>
#include <string.h>

enum { RANDOM = 18, BODY = RANDOM + 4 + 4, MAC = 16, WHOLE = BODY + MAC };
_Static_assert(TICKET_LENGTH * 6 == WHOLE * 8, "base64url without padding");

static enum sks_status mac_of(const uint8_t key[SEAL_KEY_SIZE], const char *profile,
                              struct bytes body, uint8_t mac[32])
{
    uint8_t own[32];
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(hmac_sha256(bytes_at(key, SEAL_KEY_SIZE), bytes_of("sks-issuer enrolment ticket"), own));
    put_string(&data, profile);
    put_raw(&data, body);
    TRY(data.status);
    TRY(hmac_sha256(bytes_at(own, sizeof own), buf_bytes(&data), mac));
out:
    OPENSSL_cleanse(own, sizeof own);
    buf_free(&data);
    return rc;
}

enum sks_status ticket_make(const uint8_t key[SEAL_KEY_SIZE], const char *profile,
                            const struct ticket *ticket, char text[TICKET_LENGTH + 1])
{
    uint8_t drawn[RANDOM], mac[32];
    struct buf raw = { 0 }, encoded = { 0 };
    enum sks_status rc;

    TRY(random_bytes(drawn, sizeof drawn));
    drawn[0] &= 0x7F; /* the text never begins with '-', so that it can stand on a command line */
    put_raw(&raw, bytes_at(drawn, sizeof drawn));
    put_uint(&raw, (uint32_t)ticket->expires);
    put_uint(&raw, ticket->invitation);
    TRY(raw.status);
    TRY(mac_of(key, profile, buf_bytes(&raw), mac));
    put_raw(&raw, bytes_at(mac, MAC));
    TRY(raw.status);
    base64url_encode(&encoded, buf_bytes(&raw));
    TRY(encoded.status);
    TRY(bytes_to_text(buf_bytes(&encoded), text, TICKET_LENGTH + 1));
out:
    buf_free(&raw);
    buf_free(&encoded);
    return rc;
}

bool ticket_read(const uint8_t key[SEAL_KEY_SIZE], const char *profile, const char *text,
                 struct ticket *ticket)
{
    struct buf raw = { 0 };
    struct bytes in, skipped;
    uint32_t expires = 0;
    uint8_t mac[32];
    bool good = text != NULL && strlen(text) == TICKET_LENGTH &&
                base64url_decode(bytes_of(text), &raw) == SKS_OK && raw.len == WHOLE &&
                mac_of(key, profile, bytes_at(raw.ptr, BODY), mac) == SKS_OK &&
                bytes_equal_secret(bytes_at(mac, MAC), bytes_at(raw.ptr + BODY, MAC));

    in = buf_bytes(&raw);
    good = good && get_raw(&in, RANDOM, &skipped) == SKS_OK && get_uint(&in, &expires) == SKS_OK &&
           get_uint(&in, &ticket->invitation) == SKS_OK;
    ticket->expires = expires;
    buf_free(&raw);
    return good;
}
