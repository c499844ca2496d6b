/*
 * A store that may not grow (--storage-limit): every call of a whole life of keys, at each size
 * from the present one to one that is enough; and sessions one after the other until there is no
 * room.
 */
#include "tests/plain/support/issuing.h"
#include "tests/plain/support/judge.h"

#include <stdio.h>

enum { PAGE = 4096, EXTENSION_MAX = 64 * 1024, LIMITS = 40 };

/* ---- single calls ---- */

/* With room for so many pages more. True if that was enough. */
static bool call(const struct story *story, const struct step *step, unsigned more)
{
    const struct trouble trouble = { .kind = "storage limit", .number = more };
    struct buf answer = { 0 };
    struct token *token;
    bool enough;

    disk_put(step->before);
    token = story_open(story, disk_size(TOKEN_DATABASE) + (uint64_t)more * PAGE);
    token_process(token, buf_bytes(&step->request), &answer);
    enough = answer.len > 0 && answer.ptr[0] != SKS_ERROR_STORAGE;
    judge(story, step, &trouble, token, &answer);
    buf_free(&answer);
    return enough;
}

/* ---- whole sessions ---- */

static enum sks_status provision(struct issuing *s, struct token *token, size_t extension_size)
{
    static uint8_t data[EXTENSION_MAX];
    const struct pin_policy policy = { .id = bytes_of("PIN"),
                                       .user_defined = true,
                                       .retry_limit = 3,
                                       .min_length = 4,
                                       .max_length = 8 };
    const struct key_entry entry = { .id = bytes_of("Key"),
                                     .pin_value = bytes_of("4711"),
                                     .key_algorithm = bytes_of(P256) };
    const struct extension extension = { .type = bytes_of("https://example.com/large"),
                                         .data = { data, extension_size } };
    struct issued_policy puk, pin;
    struct issued_key key;
    enum sks_status rc;

    TRY(issuing_begin(s, token, NULL));
    TRY(issuing_puk_policy(s, "PUK", "123456", 3, &puk));
    TRY(issuing_pin_policy(s, &policy, &puk, &pin));
    TRY(issuing_key(s, &entry, &pin, &key));
    TRY(issuing_certify(s, &key, (struct bytes){ 0 }));
    TRY(issuing_extend(s, &key, &extension));
    TRY(issuing_close(s));
out:
    return rc;
}

static void must_be_same(struct token *token, const struct dump *before)
{
    struct dump now;

    dump_token(token, &now);
    must(bytes_equal(buf_bytes(&now.rows), buf_bytes(&before->rows)) &&
             bytes_equal(buf_bytes(&now.view), buf_bytes(&before->view)),
         "a session that found no room leaves nothing");
    dump_free(&now);
}

/* Sessions until there is no room for so many pages more, each with another extension. */
static void fill(const struct story *story, const struct step *step, unsigned more)
{
    struct issuing s = { 0 };
    struct dump before = { 0 };
    struct token *token;
    enum sks_status rc = SKS_OK;

    disk_put(step->before);
    token = story_open(story, disk_size(TOKEN_DATABASE) + (uint64_t)more * PAGE);
    for (unsigned i = 0; rc == SKS_OK; i++) {
        dump_free(&before);
        dump_token(token, &before);
        rc = provision(&s, token, (more * 1009U + i * 4001U) % EXTENSION_MAX);
        issuing_free(&s);
    }
    must(rc == SKS_ERROR_STORAGE, "a session without room answers 3");
    must_be_same(token, &before);
    token_close(token);
    token = story_open(story, 0);
    must_be_same(token, &before);
    must(provision(&s, token, EXTENSION_MAX) == SKS_OK, "with room the session succeeds");
    issuing_free(&s);
    dump_free(&before);
    token_close(token);
}

int main(void)
{
    struct story story;
    unsigned limits = 0;

    story_record(&story);
    for (size_t i = 0; i < story.count; i++)
        for (unsigned more = 0; !call(&story, &story.step[i], more); more++)
            limits++;
    must(limits > 0, "some call needs room");
    for (unsigned more = 0; more < LIMITS; more++)
        fill(&story, &story.step[0], more);
    (void)printf("OK: %u calls without room, %d stores filled up\n", limits, LIMITS);
    story_free(&story);
    return 0;
}
