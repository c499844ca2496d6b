#include "testvectors/generate/story.h"

#include <stdio.h>

struct story story_of(int number)
{
    struct story t = { .device = number % 4 - 1,
                       .curve = number % CURVES,
                       .key = number % 6 - 1,
                       .privacy = number % 7 == 3,
                       .pin = number % 3 != 0,
                       .puk = number % 3 == 2,
                       .preset = number % 2 == 1,
                       .grouping = number % 5 == 4 ? 0 : 1,
                       .keys = number % 6 == 0 ? 1 : 1 + (unsigned)(number % 2),
                       .extensions = (unsigned)number % 16,
                       .import = number % 5 == 1   ? 1
                                 : number % 5 == 3 ? 2
                                                   : 0,
                       .path = 1 + (size_t)(number % 4 == 2),
                       .profile_2010 = number % 10 == 9 };

    if (number >= 40) {
        t.post = (enum post)(1 + number % 4);
        t.pin = t.puk = true;
        t.grouping = 1;
        t.profile_2010 = false;
        t.extensions = 0;
        t.import = 0;
        t.keys = 1;
    }
    if (t.key < 0) /* there is one fixture: a token refuses two certificates of the same kind */
        t.keys = 1;
    if (t.import == 0 && t.key >= 0 && number % 4 == 1)
        t.endorsed = ES256_URI;
    return t;
}

static void one_key(struct play *p, const struct story *t, const struct play_policy *pin,
                    struct play_key *k, unsigned i)
{
    static const char *const IDS[] = { "Key.1", "Key.2" };
    struct key other = { 0 };

    *k = play_key(p, IDS[i], pin, t->key, t->endorsed);
    if (t->import == 2)
        other = ec_key(p->s, P256, p->label);
    play_certify(p, k, t->import == 2 && i == 0 ? &other : &k->key, t->path);
    if (i > 0)
        return;
    if (t->import > 0)
        play_import(p, k, t->import == 2 ? &other : NULL);
    for (unsigned sub_type = 0; sub_type < 4; sub_type++)
        if ((t->extensions & 1U << sub_type) != 0)
            play_extend(p, k, sub_type);
}

static void first_session(struct play *p, struct story t, const struct key *kmk, struct play_key *k)
{
    struct play_policy puk, pin;
    struct play_key other;

    if (t.import == 2 && t.key < 0)
        t.key = P256; /* what is imported is of the certificate's kind */
    if (t.profile_2010)
        play_begin_2010(p);
    else
        play_begin(p, t.curve, t.privacy, kmk, 200);
    if (t.puk)
        puk = play_puk(p, "PUK.1", "12345678");
    if (t.pin)
        pin = play_pin(p, "PIN.1", t.puk ? &puk : NULL, t.preset, t.grouping);
    one_key(p, &t, t.pin ? &pin : NULL, k, 0);
    if (t.keys > 1)
        one_key(p, &t, t.pin ? &pin : NULL, &other, 1);
    play_close(p);
}

static void second_session(struct play *p, const struct story *t, const struct key *kmk,
                           const struct play_key *target)
{
    struct play_key k;

    play_begin(p, t->curve, t->privacy, kmk, 50);
    if (t->post == POST_DELETE || t->post == POST_UNLOCK) {
        play_post(p, t->post == POST_DELETE ? "postDeleteKey" : "postUnlockKey", kmk, NULL, target);
    } else {
        k = play_key(p, "Key.1", NULL, P256, NULL);
        play_certify(p, &k, &k.key, 1);
        play_post(p, t->post == POST_UPDATE ? "postUpdateKey" : "postCloneKeyProtection", kmk, &k,
                  target);
    }
    play_close(p);
}

const char *play_story(struct play *p, struct suite *s, int number, char comment[STORY_COMMENT])
{
    static const char *const POSTS[] = { "", ", then a session that deletes its key",
                                         ", then a session that unlocks its key",
                                         ", then a session that updates its key",
                                         ", then a session that clones its protection" };
    const struct story t = story_of(number);
    const struct key kmk = ec_key(s, number % 3, "key management");
    char *label = arena_printf(&s->arena, "base %d", number);
    struct play_key k;

    need(label != NULL, "memory");
    play_open(p, s, label, t.device);
    first_session(p, t, &kmk, &k);
    if (t.post != POST_NONE)
        second_session(p, &t, &kmk, &k);
    (void)snprintf(comment, STORY_COMMENT, "%s session, %s device%s%s%s%s%s",
                   t.profile_2010 ? "2010"
                   : t.privacy    ? "private"
                                  : CURVE[t.curve].name,
                   key_name(&p->device.key), t.puk ? ", PUK" : "",
                   t.pin ? t.preset ? ", preset PIN" : ", user's PIN" : ", no PIN",
                   t.import == 1   ? ", symmetric key"
                   : t.import == 2 ? ", private key"
                                   : "",
                   t.extensions != 0 ? ", extensions" : "", POSTS[t.post]);
    return arena_printf(
        &s->arena, "device-key:%s %s%s key-algorithm:%s", key_name(&p->device.key),
        t.profile_2010 ? "" : "curve:", t.profile_2010 ? "profile-2010" : CURVE[t.curve].name,
        t.key < 0 && t.import != 2 ? "rsa2048"
        : t.key < 0                ? CURVE[P256].uri
                                   : CURVE[t.key].uri);
}
