/*
 * Date and time: YYYY-MM-DDThh:mm:ss, then Z or +hh:mm (KeyGen2, 5 "Data Types").
 *
 * The fraction that the text allows is refused, as the public reference does. Its decoder also
 * wants a server time in UTC with Z, and a client time with a numeric offset: so we write them.
 */
#include "keygen2/message/keygen2.h"

#include <time.h>

enum { OFFSET_SIZE = 6, MINUTE = 60, HOUR = 3600 };

/* The next `count` digits as a number of min..max, and the character behind them. */
static bool take(struct bytes *in, int count, char behind, int min, int max, int *number)
{
    *number = 0;
    for (int i = 0; i < count; i++) {
        if (in->len == 0 || in->ptr[0] < '0' || in->ptr[0] > '9')
            return false;
        *number = *number * 10 + in->ptr[0] - '0';
        *in = bytes_at(in->ptr + 1, in->len - 1);
    }
    if (*number < min || *number > max)
        return false;
    if (behind == '\0')
        return true;
    if (in->len == 0 || in->ptr[0] != behind)
        return false;
    *in = bytes_at(in->ptr + 1, in->len - 1);
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool parse_date(struct bytes *in, int64_t *seconds)
{
    struct tm tm = { 0 };
    int year;

    if (!take(in, 4, '-', 1970, 9999, &year) || !take(in, 2, '-', 1, 12, &tm.tm_mon) ||
        !take(in, 2, 'T', 1, days_of_month(year, tm.tm_mon), &tm.tm_mday) ||
        !take(in, 2, ':', 0, 23, &tm.tm_hour) || !take(in, 2, ':', 0, 59, &tm.tm_min) ||
        !take(in, 2, '\0', 0, 59, &tm.tm_sec))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon--;
    *seconds = timegm(&tm);
    return true;
}

/* What local time is ahead of UTC. */
static bool parse_offset(struct bytes in, int *seconds)
{
    int hours, minutes, sign;

    if (in.len != OFFSET_SIZE || (in.ptr[0] != '+' && in.ptr[0] != '-'))
        return false;
    sign = in.ptr[0] == '+' ? 1 : -1;
    in = bytes_at(in.ptr + 1, in.len - 1);
    if (!take(&in, 2, ':', 0, 23, &hours) || !take(&in, 2, '\0', 0, 59, &minutes))
        return false;
    *seconds = sign * (hours * HOUR + minutes * MINUTE);
    return true;
}

static enum sks_status decode_time(struct json_reader *r, const struct json_place *at,
                                   const json_t *value, struct keygen2_time *time, bool client)
{
    struct bytes rest;
    int offset = 0;
    bool good;
    enum sks_status rc;

    TRY(json_decode_text(r, at, value, &time->text));
    rest = time->text;
    good = parse_date(&rest, &time->seconds);
    if (good && !bytes_equal(rest, bytes_of("Z")))
        good = client && parse_offset(rest, &offset);
    time->seconds -= offset;
    if (!good || time->seconds < 0)
        return json_refuse(r, at,
                           client ? "not a time of the form YYYY-MM-DDThh:mm:ss+hh:mm"
                                  : "not a time of the form YYYY-MM-DDThh:mm:ssZ");
    /* More would be cut to the same 32 bits in the attestation, and pass for another time. */
    if (client && time->seconds > UINT32_MAX)
        return json_refuse(r, at, "a time that SKS cannot count to");
out:
    return rc;
}

static enum sks_status decode_server_time(struct json_reader *r, const struct json_place *at,
                                          const json_t *value, void *member)
{
    return decode_time(r, at, value, member, false);
}

static enum sks_status decode_client_time(struct json_reader *r, const struct json_place *at,
                                          const json_t *value, void *member)
{
    return decode_time(r, at, value, member, true);
}

void keygen2_time_format(int64_t seconds, bool client, char text[32])
{
    const time_t when = seconds;
    struct tm tm;

    if (gmtime_r(&when, &tm) == NULL ||
        strftime(text, 32, client ? "%Y-%m-%dT%H:%M:%S+00:00" : "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        text[0] = '\0';
}

static void encode_time(struct buf *out, const struct keygen2_time *time, bool client)
{
    char text[32];

    if (time->text.len > 0) {
        json_put_text(out, time->text);
        return;
    }
    keygen2_time_format(time->seconds, client, text);
    json_put_text(out, bytes_of(text));
}

static void encode_server_time(struct buf *out, const void *member)
{
    encode_time(out, member, false);
}

static void encode_client_time(struct buf *out, const void *member)
{
    encode_time(out, member, true);
}

const struct json_codec KEYGEN2_SERVER_TIME = { decode_server_time, encode_server_time };
const struct json_codec KEYGEN2_CLIENT_TIME = { decode_client_time, encode_client_time };
