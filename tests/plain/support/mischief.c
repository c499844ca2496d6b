#include "tests/plain/support/mischief.h"
#include "tests/plain/support/judge.h"

struct play {
    const struct story *story;
    const struct mischief *mischief;
    const struct step *step;
    unsigned number;
    bool lasting;
};

static struct trouble trouble_of(const struct play *p)
{
    return (struct trouble){ .kind = p->mischief->name,
                             .number = p->number,
                             .lasting = p->lasting,
                             .on_disk = p->mischief->on_disk,
                             .in_crypto = p->mischief->in_crypto };
}

/* ---- a call ---- */

static void take_losses(const struct play *p, struct disk_image *left[DISK_LOSSES])
{
    for (unsigned loss = 0; p->mischief->crash && loss < DISK_LOSSES; loss++)
        left[loss] = disk_take((enum disk_loss)loss, p->number);
}

static void judge_losses(const struct play *p, struct disk_image *left[DISK_LOSSES])
{
    const struct trouble trouble = trouble_of(p);
    const struct disk_image *judged = p->step->before;

    for (unsigned loss = 0; p->mischief->crash && loss < DISK_LOSSES; loss++) {
        if (!disk_same(left[loss], p->step->before) && !disk_same(left[loss], judged)) {
            disk_put(left[loss]);
            judge_crash(p->story, p->step, &trouble);
        }
        judged = left[loss];
    }
    for (unsigned loss = 0; p->mischief->crash && loss < DISK_LOSSES; loss++)
        disk_image_free(left[loss]);
}

static bool call(const struct play *p)
{
    const struct trouble trouble = trouble_of(p);
    struct disk_image *left[DISK_LOSSES];
    struct buf answer = { 0 };
    struct token *token;
    bool struck;

    disk_put(p->step->before);
    token = story_open(p->story, 0);
    p->mischief->begin(p->number, p->lasting);
    token_process(token, buf_bytes(&p->step->request), &answer);
    struck = p->mischief->end();
    take_losses(p, left);
    judge(p->story, p->step, &trouble, token, &answer);
    judge_losses(p, left);
    buf_free(&answer);
    return struck;
}

/* ---- opening and closing ---- */

static bool is_proper(enum sks_status status, bool in_crypto)
{
    return status == SKS_OK || status == SKS_ERROR_STORAGE || status == SKS_ERROR_EXTERNAL ||
           (in_crypto && status == SKS_ERROR_CRYPTO);
}

static bool open_token(const struct play *p)
{
    const struct trouble trouble = trouble_of(p);
    struct sks_error err = { 0 };
    struct token *token;
    enum sks_status rc;
    bool struck;

    disk_put(p->step->before);
    p->mischief->begin(p->number, p->lasting);
    rc = story_try_open(p->story, 0, &token, &err);
    struck = p->mischief->end();
    must(is_proper(rc, p->mischief->in_crypto), err.text);
    must(rc != SKS_OK || token != NULL, "token");
    token_close(token);
    judge_crash(p->story, p->step, &trouble);
    return struck;
}

static bool close_token(const struct play *p)
{
    const struct trouble trouble = trouble_of(p);
    struct buf answer = { 0 };
    struct token *token;
    bool struck;

    disk_put(p->step->before);
    token = story_open(p->story, 0);
    token_process(token, buf_bytes(&p->step->request), &answer);
    must(answer.len > 0 && answer.ptr[0] == SKS_OK, "the call before the close");
    buf_free(&answer);
    p->mischief->begin(p->number, p->lasting);
    token_close(token);
    struck = p->mischief->end();
    judge_crash(p->story, p->step, &trouble);
    return struck;
}

/* ---- all of them ---- */

static unsigned everywhere(struct play *p, bool (*act)(const struct play *p))
{
    unsigned struck = 0;

    for (int lasting = 0; lasting < 2; lasting++) {
        p->lasting = lasting != 0;
        for (p->number = 1; act(p); p->number++)
            struck++;
    }
    return struck;
}

static const struct step *find_step(const struct story *story, uint8_t id)
{
    for (size_t i = 0; i < story->count; i++)
        if (story->step[i].method->id == id)
            return &story->step[i];
    must(false, "a step of the story");
    return NULL;
}

unsigned mischief_everywhere(const struct story *story, const struct mischief *mischief)
{
    struct play p = { .story = story, .mischief = mischief };
    unsigned struck;

    p.step = find_step(story, CLOSE_PROVISIONING_SESSION); /* a session is open */
    struck = everywhere(&p, open_token);
    for (size_t i = 0; i < story->count; i++) {
        p.step = &story->step[i];
        struck += everywhere(&p, call);
    }
    p.step = find_step(story, SIGN_HASHED_DATA); /* there is a charge to give back */
    return struck + everywhere(&p, close_token);
}
