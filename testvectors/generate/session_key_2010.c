#include "testvectors/generate/session_key_2010.h"

#include "testvectors/generate/keys.h"

#include <string.h>

static const char SECTION[] = "docs/2010-profile.md";

/* check: of the issuer, which it fails; NULL: none. */
static void add(struct suite *s, const char *check, const char *flag, struct bytes encrypted,
                struct bytes sk, const char *comment)
{
    const struct expect good = EXPECT_VALID, bad = EXPECT_ISSUER(check);

    suite_test(
        s, check == NULL ? &good : &bad, flag, SECTION, NULL,
        with(with(json_object(), "encryptedSessionKey", hex(encrypted)), "sessionKey", hex(sk)),
        "2010: %s", comment);
}

/* RSAES-PKCS1-v1_5: 00 02, bytes that are not 0, 00, message. */
static struct bytes pkcs1(struct suite *s, const struct key *key, struct bytes message)
{
    struct buf block = { 0 };

    put_raw(&block, bytes_at("\0\x02", 2));
    while (block.len < key->modulus.len - message.len - 1)
        put_byte(&block, (uint8_t)(1 + block.len % 255));
    put_byte(&block, 0);
    put_raw(&block, message);
    return rsa_raw(s, key, keep(s, &block));
}

void generate_session_key_2010(struct suite *s)
{
    const struct key server = rsa_key(s, RSA_MANAGEMENT), other = rsa_key(s, RSA_CA);
    const struct bytes sk = draw(s, 32, "session key"), none = { 0 },
                       right = rsa_oaep(s, &server, "SHA256", sk);
    uint8_t numbers[2][256];

    suite_note(s, "Encrypted", "BASIC",
               "RSAES-OAEP with SHA-256, MGF1 with SHA-256, no label, of 32 bytes.",
               "Nothing works without it.", SECTION);
    suite_note(s, "NotEncrypted", "WRONG_PRIMITIVE",
               "No RSAES-OAEP of 32 bytes under the server's key.",
               "Whoever tells one failure from another decrypts for others.", SECTION);
    suite_note(s, "AnotherKey", "WRONG_KEY",
               "It decrypts to 32 bytes, which are not the session key of the attestation.",
               "Somebody else could know the session key.", SECTION);
    suite_group(s, "2010", "profile-2010", with(json_object(), "serverKey", key_json(&server)));
    for (int i = 0; i < 4; i++) {
        struct bytes drawn = draw(s, 32, "session key %d", i);

        add(s, NULL, "Encrypted", rsa_oaep(s, &server, "SHA256", drawn), drawn, "a session key");
    }
    memset(numbers[0], 0, sizeof numbers[0]);
    memset(numbers[1], 0xFF, sizeof numbers[1]);
    add(s, "server key", "NotEncrypted", rsa_oaep(s, &server, "SHA1", sk), sk, "OAEP with SHA-1");
    add(s, "server key", "NotEncrypted", rsa_oaep(s, &server, "SHA512", sk), sk,
        "OAEP with SHA-512");
    add(s, "server key", "NotEncrypted", pkcs1(s, &server, sk), sk, "PKCS #1 v1.5");
    add(s, "server key", "NotEncrypted", rsa_oaep(s, &other, "SHA256", sk), sk,
        "for another server");
    add(s, "server key", "NotEncrypted", rsa_oaep(s, &server, "SHA256", bytes_at(sk.ptr, 31)), sk,
        "a key of 31 bytes");
    add(s, "server key", "NotEncrypted",
        rsa_oaep(s, &server, "SHA256", JOIN(s, sk, bytes_at("", 1))), sk, "a key of 33 bytes");
    add(s, "server key", "NotEncrypted", rsa_oaep(s, &server, "SHA256", none), sk, "no key");
    add(s, "server key", "NotEncrypted", flipped(s, right, 255, 0), sk, "one bit flipped");
    add(s, "client key", "NotEncrypted", bytes_at(right.ptr, 255), sk, "last byte missing");
    add(s, "client key", "NotEncrypted", JOIN(s, bytes_at("", 1), right), sk, "a zero in front");
    add(s, "client key", "NotEncrypted", none, sk, "nothing");
    add(s, "server key", "NotEncrypted", bytes_at(numbers[0], 256), sk, "0");
    add(s, "server key", "NotEncrypted", bytes_at(numbers[1], 256), sk,
        "a number beyond the modulus");
    add(s, "client key", "NotEncrypted", sk, sk, "the session key itself");
    add(s, "session attestation", "AnotherKey", right, draw(s, 32, "another"),
        "another session key");
}
