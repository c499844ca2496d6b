/*
 * Rule files, and what their rules do to messages: a rule file, then messages, in turn a request
 * and its answer, with NULs between them. The first byte of a message says whether it is a call.
 */
#include "proxy/attack/attack.h"
#include "tests/plain/support/must.h"

#include <openssl/err.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes next_part(struct bytes *rest)
{
    const uint8_t *end = memchr(rest->ptr, 0, rest->len);
    struct bytes part = { rest->ptr, end == NULL ? rest->len : (size_t)(end - rest->ptr) };

    *rest = end == NULL ? (struct bytes){ 0 } : bytes_at(end + 1, rest->len - part.len - 1);
    return part;
}

/* A call has NULs in it: it is the last. */
static bool next_message(struct bytes *rest, const char **type, struct bytes *body)
{
    bool octets = rest->len > 0 && rest->ptr[0] == 'o';

    if (rest->len == 0)
        return false;
    *type = octets ? "application/octet-stream" : "application/json";
    rest->ptr++, rest->len--;
    *body = octets ? *rest : next_part(rest);
    if (octets)
        *rest = (struct bytes){ 0 };
    return true;
}

static void cross_all(struct attack *attack, struct bytes rest)
{
    struct crossing crossing = { .connection = 1 };
    struct message asked = { 0 };
    struct attack_outcome outcome;
    struct bytes message;

    while (next_message(&rest, &crossing.content_type, &message)) {
        struct sks_error err = { 0 };
        struct buf body = { 0 };
        enum sks_status rc;

        put_raw(&body, message);
        crossing.asked = crossing.answer ? &asked : NULL;
        rc = attack_apply(attack, &crossing, &body, &outcome, &err);
        must((rc == SKS_OK) == (err.text[0] == '\0'), "a rule that does not fit says why");
        must(rc != SKS_OK || outcome.fate != ATTACK_NOTHING ||
                 bytes_equal(buf_bytes(&body), message),
             "without a rule nothing is altered");
        buf_free(&body);
        buf_free(&outcome.behind);
        message_read(crossing.content_type, message, crossing.asked, &asked);
        message_free(&asked);
        crossing.answer = !crossing.answer;
        crossing.connection++;
    }
}

/* Rules name files, and wait for another session; no input shall open one, or wait. */
static bool goes_too_far(struct bytes rules)
{
    static const char NAME[] = "transcript", WAITS[] = "\"cross\"";

    return memmem(rules.ptr, rules.len, NAME, sizeof NAME - 1) != NULL ||
           memmem(rules.ptr, rules.len, WAITS, sizeof WAITS - 1) != NULL ||
           memchr(rules.ptr, '\\', rules.len) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_at(data, size), rules = next_part(&rest);
    struct sks_error err = { 0 };
    struct attack *attack;
    enum sks_status rc;

    if (goes_too_far(rules))
        return 0;
    rc = attack_of_rules(rules, &attack, &err);
    must((rc == SKS_OK) == (attack != NULL) && (rc == SKS_OK) == (err.text[0] == '\0'),
         "a refusal says why");
    if (attack != NULL)
        cross_all(attack, rest);
    attack_free(attack);
    ERR_clear_error();
    return 0;
}
