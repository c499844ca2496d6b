#include "keygen2/base/percent.h"
#include "keygen2/base/base64.h"

#include <string.h>

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

void percent_encode(struct buf *out, struct bytes text)
{
    static const char DIGITS[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        if (is_unreserved(text.ptr[i])) {
            put_byte(out, text.ptr[i]);
            continue;
        }
        put_byte(out, '%');
        put_byte(out, (uint8_t)DIGITS[text.ptr[i] >> 4]);
        put_byte(out, (uint8_t)DIGITS[text.ptr[i] & 15]);
    }
}

static enum sks_status decode(struct bytes text, bool form, struct buf *out)
{
    struct bytes digits;
    size_t before;
    enum sks_status rc = SKS_OK;

    while (text.len > 0) {
        uint8_t c = text.ptr[0];

        text = bytes_at(text.ptr + 1, text.len - 1);
        if (c == '%') {
            before = out->len;
            TRY(get_raw(&text, 2, &digits));
            TRY(hex_decode(digits, out));
            c = out->len > before ? out->ptr[before] : 0;
        } else {
            put_byte(out, c == '+' && form ? ' ' : c);
        }
        if (c == '\0')
            return SKS_ERROR_OPTION;
    }
    rc = out->status;
out:
    return rc;
}

enum sks_status percent_find(struct bytes pairs, const char *name, bool form, struct buf *out,
                             bool *found)
{
    size_t len = strlen(name);

    *found = false;
    while (pairs.len > 0 && !*found) {
        const uint8_t *end = memchr(pairs.ptr, '&', pairs.len);
        struct bytes pair =
            bytes_at(pairs.ptr, end == NULL ? pairs.len : (size_t)(end - pairs.ptr));

        *found = pair.len > len && pair.ptr[len] == '=' && memcmp(pair.ptr, name, len) == 0;
        if (*found)
            return decode(bytes_at(pair.ptr + len + 1, pair.len - len - 1), form, out);
        pairs = end == NULL ? (struct bytes){ 0 } : bytes_at(end + 1, pairs.len - pair.len - 1);
    }
    return SKS_OK;
}
