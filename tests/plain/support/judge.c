#include "tests/plain/support/judge.h"
#include "keygen2/crypto/signature.h"
#include "tests/plain/support/user.h"
#include "token/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THOROUGH_EVERY = 16 }; /* judgements */

/* What the container looks like: sets of these say what it may look like. */
enum look { AS_BEFORE = 1, AS_AFTER = 2, ABORTED = 4 };

struct matter {
    const struct story *story;
    const struct step *step;
    const struct trouble *trouble;
    int status;           /* of the answer; -1: there was none */
    unsigned extra_tries; /* that a crash may cost */
};

static void fail(const struct matter *m, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
static void fail(const struct matter *m, const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr,
                  "FAILED: step %zu, %s, %s %u%s, answer %d: ", (size_t)(m->step - m->story->step),
                  m->step->method->name, m->trouble->kind, m->trouble->number,
                  m->trouble->lasting ? " and all after it" : "", m->status);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "\n");
    abort();
}

static int text_len(const struct buf *text)
{
    return (int)text->len;
}

/* ---- the container ---- */

static int tries_of(const struct dump *dump, uint32_t key, bool puk)
{
    for (size_t i = 0; i < dump->keys; i++)
        if (dump->tries[i].key == key)
            return puk ? dump->tries[i].puk : dump->tries[i].pin;
    return -1;
}

/* Wrong tries are written for themselves: each counter is the one of before or the one of after. */
static void check_tries(const struct matter *m, const struct dump *dump, bool puk)
{
    for (size_t i = 0; i < dump->keys; i++) {
        uint32_t key = dump->tries[i].key;
        int before = tries_of(&m->step->start, key, puk), after = tries_of(&m->step->end, key, puk);
        int now = tries_of(dump, key, puk);
        int low = before < 0 || (after >= 0 && after < before) ? after : before;
        int high = before > after ? before : after;

        if (m->status == (int)m->step->status && m->extra_tries == 0
                ? now != after
                : now < low || now > high + (int)m->extra_tries)
            fail(m, "key %u has %d wrong tries of its %s, before %d, after %d", key, now,
                 puk ? "PUK" : "PIN", before, after);
    }
}

static bool looks_like(const struct dump *dump, const struct dump *as)
{
    return (dump->view.len == 0 || bytes_equal(buf_bytes(&dump->view), buf_bytes(&as->view))) &&
           (dump->rows.len == 0 || bytes_equal(buf_bytes(&dump->rows), buf_bytes(&as->rows)));
}

static enum look check_look(const struct matter *m, const char *when, const struct dump *dump,
                            unsigned allowed)
{
    const struct step *step = m->step;

    check_tries(m, dump, false);
    check_tries(m, dump, true);
    if ((allowed & AS_AFTER) != 0 && looks_like(dump, &step->end))
        return AS_AFTER;
    if ((allowed & AS_BEFORE) != 0 && looks_like(dump, &step->start))
        return AS_BEFORE;
    if ((allowed & ABORTED) != 0 && step->tears_down && looks_like(dump, &step->aborted))
        return ABORTED;
    fail(m, "the container %s is none of %u\n%.*s%.*s-- before\n%.*s%.*s-- after\n%.*s%.*s", when,
         allowed, text_len(&dump->view), (const char *)dump->view.ptr, text_len(&dump->rows),
         (const char *)dump->rows.ptr, text_len(&step->start.view),
         (const char *)step->start.view.ptr, text_len(&step->start.rows),
         (const char *)step->start.rows.ptr, text_len(&step->end.view),
         (const char *)step->end.view.ptr, text_len(&step->end.rows),
         (const char *)step->end.rows.ptr);
}

/* ---- the answer ---- */

static int status_of(const struct buf *answer)
{
    return answer->status != SKS_OK || answer->len == 0 ? -1 : answer->ptr[0];
}

/* What is drawn at random, or signed with a random number, differs each time. */
static bool is_random(const struct step *step)
{
    uint8_t id = step->method->id;

    return id == CREATE_PROVISIONING_SESSION || id == CREATE_KEY_ENTRY ||
           (id == SIGN_HASHED_DATA && step->status == SKS_OK);
}

/* A signature as long as the recorded one, and where its bytes differ, an ECDSA signature. */
static void check_signature(const struct matter *m, struct token *token, const union sks_out *out)
{
    struct bytes signature = out->result.result;
    struct arena arena = { 0 };
    struct buf der = { 0 };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx;
    struct key key;
    union sks_in in;
    const struct sks_method *method;
    bool found;

    if (bytes_equal(signature, bytes_at(m->step->answer.ptr + 3, m->step->answer.len - 3)))
        return;
    must(sks_decode_request(buf_bytes(&m->step->request), &method, &in, &arena, NULL) == SKS_OK &&
             key_load(token->store, in.handle, &arena, &key, &found, NULL) == SKS_OK && found &&
             public_key_load(key.public_key, &pkey) == SKS_OK,
         "key");
    must(put_ecdsa_der(&der, signature) == SKS_OK, "signature");
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (EVP_PKEY_verify_init(ctx) <= 0 ||
        EVP_PKEY_verify(ctx, der.ptr, der.len, in.operation.data.ptr, in.operation.data.len) != 1)
        fail(m, "the signature is wrong");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    buf_free(&der);
    arena_free(&arena);
}

static void check_answer(const struct matter *m, struct token *token, const struct buf *answer)
{
    union sks_out out;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    enum sks_status decoded;

    if (m->status < 0)
        return;
    decoded = sks_decode_response(buf_bytes(answer), m->step->method, &out, &arena, &err);
    if ((int)decoded != m->status)
        fail(m, "the answer does not decode: %s", err.text);
    if (decoded == SKS_OK && m->step->method->id == SIGN_HASHED_DATA)
        check_signature(m, token, &out);
    if (decoded == m->step->status && !is_random(m->step) &&
        !bytes_equal(buf_bytes(answer), buf_bytes(&m->step->answer)))
        fail(m, "another answer");
    arena_free(&arena);
    if (decoded != m->step->status && decoded != SKS_ERROR_STORAGE &&
        !(m->trouble->in_crypto && decoded == SKS_ERROR_CRYPTO))
        fail(m, "not a proper status: %s", err.text);
}

/* ---- afterwards ---- */

static enum sks_status use_key(struct token *token, const struct key *key, const char *pin)
{
    const struct bytes digest = bytes_at(key->public_key.ptr, 32);
    struct public_key parts;

    must(public_key_parse(key->public_key, &parts) == SKS_OK, "public key");
    if (key->symmetric_key.len > 0)
        return try_operation(token, PERFORM_HMAC, key->handle,
                             "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", pin, digest);
    if (parts.kind == KEY_KIND_RSA)
        return try_operation(token, SIGN_HASHED_DATA, key->handle,
                             "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", pin, digest);
    return try_sign(token, key->handle, pin);
}

/* Every key signs, with its PIN as it is stored, unless that is blocked. */
static void use_keys(const struct matter *m, struct token *token)
{
    for (uint32_t handle = next_key(token, 0); handle != 0; handle = next_key(token, handle)) {
        struct key_protection_out protection;
        struct arena arena = { 0 };
        struct secret pin = { 0 };
        struct key key;
        bool found = false;
        enum sks_status rc;

        must(try_protection(token, handle, &protection) == SKS_OK, "getKeyProtectionInfo");
        must(key_load(token->store, handle, &arena, &key, &found, NULL) == SKS_OK && found, "key");
        if (key.pin.handle != 0)
            must(secret_load(token->store, STORE_PIN, key.pin, &arena, &pin, &found, NULL) ==
                         SKS_OK &&
                     found,
                 "PIN");
        rc = use_key(token, &key, arena_text(&arena, pin.value));
        if (rc != ((protection.protection_status & PROTECTION_STATUS_PIN_BLOCKED) != 0
                       ? SKS_ERROR_AUTHORIZATION
                       : SKS_OK))
            fail(m, "key %u answers %d afterwards", handle, (int)rc);
        arena_free(&arena);
    }
}

/* Opens the token anew, looks at it, and makes the call again. */
static void check_anew(const struct matter *m, const char *when, unsigned allowed)
{
    static unsigned judgements;
    bool thorough = judgements++ % THOROUGH_EVERY == 0;
    struct token *token = story_open(m->story, 0);
    struct buf answer = { 0 };
    struct dump dump;
    enum look look;
    int status;

    if (thorough)
        dump_token(token, &dump);
    else
        dump_rows(token, &dump);
    look = check_look(m, when, &dump, allowed);
    dump_free(&dump);
    token_process(token, buf_bytes(&m->step->request), &answer);
    status = status_of(&answer);
    if (look == AS_BEFORE && status != (int)m->step->status)
        fail(m, "the same call again, %s: %d %.*s", when, status, (int)answer.len - 3,
             (const char *)answer.ptr + 3);
    if (look == ABORTED && status != SKS_ERROR_NO_SESSION && status != SKS_ERROR_NO_KEY)
        fail(m, "the same call again, of an aborted session: %d", status);
    if (status < 0 || status == SKS_ERROR_STORAGE || status == SKS_ERROR_INTERNAL)
        fail(m, "the same call again, %s: %d", when, status);
    if (thorough)
        use_keys(m, token);
    token_close(token);
    buf_free(&answer);
}

/* A call that cannot find its session changes nothing; once it has, a failure must abort it. What
 * fails comes in the order of the call, so the first that aborts it says where that begins. */
static void check_abort(const struct matter *m, enum look look)
{
    static struct matter last;
    static struct trouble last_trouble;
    static bool aborted;

    if (last.step != m->step || strcmp(last_trouble.kind, m->trouble->kind) != 0 ||
        last_trouble.lasting != m->trouble->lasting)
        aborted = false;
    last = *m;
    last_trouble = *m->trouble;
    if (aborted && look == AS_BEFORE)
        fail(m, "the session goes on");
    aborted = aborted || look == ABORTED;
}

/* After a sync that failed nobody knows what is on the disk, and what is read may be what is not
 * there: a running token answers for none of it. */
static bool has_given_up(const struct matter *m, struct token *token)
{
    const union sks_in in = { 0 };
    struct arena arena = { 0 };
    union sks_out out;
    bool gave_up = store_await_syncs(token->store, NULL) != SKS_OK;

    if (!gave_up)
        return false;
    if (!disk_failed_sync())
        fail(m, "no sync has failed");
    if (user_call(token, ENUMERATE_KEYS, &in, &out, &arena, NULL) != SKS_ERROR_STORAGE ||
        user_call(token, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, &arena, NULL) !=
            SKS_ERROR_STORAGE)
        fail(m, "it goes on after a sync that failed");
    arena_free(&arena);
    return true;
}

void judge(const struct story *story, const struct step *step, const struct trouble *trouble,
           struct token *token, const struct buf *answer)
{
    struct matter m = { story, step, trouble, status_of(answer), 0 };
    unsigned running = AS_BEFORE | ABORTED, anew = running;
    struct dump dump;
    enum look look;

    check_answer(&m, token, answer);
    if (m.status == (int)step->status) {
        running = anew = AS_AFTER;
    } else if (m.status < 0) {
        running = anew = AS_BEFORE; /* without room for an answer nothing is begun */
    } else if (trouble->on_disk) {
        anew |= AS_AFTER;
    }
    if (has_given_up(&m, token)) {
        m.extra_tries = 1; /* it can give back no charge, as after a crash */
    } else {
        dump_view(token, &dump);
        look = check_look(&m, "on the running token", &dump, running);
        dump_free(&dump);
        check_abort(&m, look);
        if (!trouble->lasting && !trouble->on_disk)
            anew = look;
    }
    token_close(token);
    check_anew(&m, "on a token opened anew", anew);
}

void judge_crash(const struct story *story, const struct step *step, const struct trouble *trouble)
{
    const struct matter m = { story, step, trouble, -1, 1 };

    check_anew(&m, "after a crash", AS_BEFORE | AS_AFTER | ABORTED);
}
