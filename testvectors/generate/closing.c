/* closeProvisioningSession with the right MAC, where something of the session is not as it must. */
#include "testvectors/generate/closing.h"

#include "testvectors/generate/stage.h"

#include <stdio.h>

#define XMLDSIG "http://www.w3.org/2001/04/xmldsig-more#"
#define XMLENC "http://www.w3.org/2001/04/xmlenc#"

static const char SECTION[] = "SKS V1.07 closeProvisioningSession; docs/wire.md 8";

/* Closes, which it takes or not. */
static void add_close(struct stage *g, bool good, const char *comment)
{
    const struct expect taken = {
        .valid = true, .status = -1, .session = "closed", .counter = -1, .limit = -1, .step = -1
    };
    const struct expect refused = EXPECT_TOKEN(SKS_ERROR_OPTION, "removed");

    play_close(g->now);
    stage_add(g, good ? &taken : &refused, "Closing", SECTION, comment);
}

/* The base has Key.1, with its certificate: here comes another. */
static struct play_key second_key(struct stage *g, const char *endorsed)
{
    return play_key(stage_again(g), "Key.2", NULL, P256, endorsed);
}

static void certify_with(struct stage *g, struct play_key *k, const struct play_key *other)
{
    play_certify(g->now, k, &k->key, 1);
    play_change(g->now, "certificate", other->certificate);
    k->certificate = other->certificate;
}

static void certificates(struct stage *g, const struct play_key *first)
{
    const struct key other = ec_key(g->s, P256, "somebody else's");
    struct play_key k = second_key(g, NULL);

    play_certify(g->now, &k, &k.key, 1);
    add_close(g, true, "two keys, each with its certificate");
    (void)second_key(g, NULL);
    add_close(g, false, "a key without certificate path");
    k = second_key(g, NULL);
    play_certify(g->now, &k, &other, 1);
    add_close(g, false, "a certificate for another public key");
    k = second_key(g, NULL);
    certify_with(g, &k, first);
    add_close(g, false, "the certificate of another key");
    k = second_key(g, NULL);
    play_certify(g->now, &k, &other, 1);
    play_import(g->now, &k, &other);
    add_close(g, true, "a certificate for the private key that was imported");
    k = second_key(g, NULL);
    certify_with(g, &k, first);
    play_import(g->now, &k, &first->key);
    add_close(g, false, "the private key of another key imported, and its certificate");
}

static void endorsed(struct stage *g)
{
    static const struct {
        const char *uri, *name;
        bool fits, fits_symmetric; /* an EC key; one of 16 octets */
    } ROWS[] = {
        { ES256_URI, "ecdsa-sha256", true, false },
        { XMLDSIG "ecdsa-sha512", "ecdsa-sha512", true, false },
        { XMLDSIG "rsa-sha256", "rsa-sha256", false, false },
        { XMLDSIG "hmac-sha256", "hmac-sha256", false, true },
        { XMLENC "aes128-cbc", "aes128-cbc", false, true },
        { XMLENC "aes256-cbc", "aes256-cbc", false, false },
        { ALGORITHM_URI "rsa.oaep.sha256", "rsa.oaep.sha256", false, false },
        { ALGORITHM_URI "ecdh.raw", "ecdh.raw", true, false },
    };
    char comment[120];

    for (size_t i = 0; i < 2 * NITEMS(ROWS); i++) {
        const bool symmetric = i % 2 == 1;
        struct play_key k = second_key(g, ROWS[i / 2].uri);

        play_certify(g->now, &k, &k.key, 1);
        if (symmetric)
            play_import(g->now, &k, NULL);
        (void)snprintf(comment, sizeof comment, "%s endorsed for %s", ROWS[i / 2].name,
                       symmetric ? "a symmetric key of 16 bytes" : "an EC key");
        add_close(g, symmetric ? ROWS[i / 2].fits_symmetric : ROWS[i / 2].fits, comment);
    }
}

/* Policies that nothing is under. */
static void policies(struct stage *g)
{
    struct play_policy puk, pin;
    struct play_key k;

    g->profile = "reference";
    (void)play_pin(stage_again(g), "PIN.1", NULL, false, 1);
    add_close(g, false, "a PIN policy without a key");
    (void)play_puk(stage_again(g), "PUK.1", "12345678");
    add_close(g, false, "a PUK policy without a PIN policy");
    for (int i = 0; i < 2; i++) {
        puk = play_puk(stage_again(g), "PUK.1", "12345678");
        pin = play_pin(g->now, "PIN.1", &puk, false, 1);
        if (i == 1)
            (void)play_pin(g->now, "PIN.2", &puk, false, 1);
        k = play_key(g->now, "Key.2", &pin, P256, NULL);
        play_certify(g->now, &k, &k.key, 1);
        add_close(g, i == 0, i == 0 ? "policies in use" : "one of two PIN policies without a key");
    }
}

void generate_closing(struct suite *s)
{
    struct stage g;
    struct play_key first;

    suite_note(s, "Closing", "POLICY_NOT_KEPT",
               "closeProvisioningSession with the right MAC. Every key has a certificate path, for "
               "its own public key, which no other key has; its endorsed algorithms fit it; every "
               "policy is in use. Else the session is over.",
               "Keys that nobody can use as the issuer means it.", SECTION);
    stage_new(&g, s, NULL);
    play_open(g.base, s, "closing", P256);
    play_begin(g.base, P256, false, NULL, 100);
    first = play_key(g.base, "Key.1", NULL, P256, NULL);
    play_certify(g.base, &first, &first.key, 1);
    stage_set(&g, "closing");
    certificates(&g, &first);
    endorsed(&g);
    policies(&g);
    stage_free(&g);
}
