/* IV || AES-256-CBC with PKCS #5 padding, key = HMAC-SHA256(SK, "EncryptionKey"). */
#include "testvectors/generate/scene.h"
#include "testvectors/kinds.h"

#include <string.h>

static const char SECTION[] = "SKS V1.07 6 Encrypted Data; docs/wire.md 4";

struct scene {
    struct suite *s;
    struct bytes sk, key, iv;
};

static void add(const struct scene *c, bool valid, const char *flag, struct bytes encrypted,
                struct bytes clear, const char *comment, size_t number)
{
    const struct expect good = EXPECT_VALID, bad = EXPECT_TOKEN(SKS_ERROR_CRYPTO, "removed");
    json_t *input = with(json_object(), "encrypted", hex(encrypted));

    (void)with(input, "clear", hex(clear));
    suite_test(c->s, valid ? &good : &bad, flag, SECTION,
               !valid && encrypted.len <= 16 ? "rig" : NULL /* an exception in the reference */,
               input, "%s %zu", comment, number);
}

/* Whether the last block ends with a padding: by chance it does, once in some 250 times. */
static bool is_padded(struct bytes clear)
{
    size_t len = clear.ptr[clear.len - 1];

    if (len == 0 || len > 16)
        return false;
    for (size_t i = 1; i <= len; i++)
        if (clear.ptr[clear.len - i] != len)
            return false;
    return true;
}

/* A value that decrypts to something without padding. */
static void add_bad(const struct scene *c, const char *flag, struct bytes encrypted,
                    const char *comment, size_t number)
{
    if (encrypted.len >= 32 && encrypted.len % 16 == 0)
        need(!is_padded(aes_cbc(c->s, c->key, bytes_at(encrypted.ptr, 16),
                                bytes_at(encrypted.ptr + 16, encrypted.len - 16), false)),
             comment);
    add(c, false, flag, encrypted, (struct bytes){ 0 }, comment, number);
}

static void good(const struct scene *c)
{
    static const size_t LENGTHS[] = { 0,  1,  4,  8,  15, 16, 17,  24,  31,  32,  33,  47,  48,
                                      63, 64, 65, 79, 80, 95, 127, 128, 129, 255, 256, 300, 1000 };

    for (size_t i = 0; i < NITEMS(LENGTHS); i++) {
        struct bytes clear = draw(c->s, LENGTHS[i], "clear %zu", i);
        struct bytes iv = draw(c->s, 16, "iv %zu", i);

        add(c, true, "Normal", session_encrypted(c->s, c->sk, iv, clear), clear,
            "bytes in clear:", LENGTHS[i]);
    }
}

static void bad_lengths(const struct scene *c)
{
    static const size_t LENGTHS[] = { 0, 1, 15, 16, 17, 31, 33, 40, 47 };
    const struct bytes whole = session_encrypted(c->s, c->sk, c->iv, draw(c->s, 30, "lengths"));

    for (size_t i = 0; i < NITEMS(LENGTHS); i++)
        add_bad(c, "WrongLength", bytes_at(whole.ptr, LENGTHS[i]), "cut to bytes:", LENGTHS[i]);
    add_bad(c, "WrongLength", JOIN(c->s, whole, bytes_at("", 1)), "bytes too many:", 1);
    add_bad(c, "WrongLength", bytes_at(whole.ptr, 32), "last blocks missing:", 1);
}

/* Blocks that end otherwise than PKCS #5 has it. */
static void bad_padding(const struct scene *c)
{
    static const struct {
        const char *comment;
        uint8_t end[4];
    } ENDS[] = { { "padding of bytes:", { 'x', 'y', 'z', 0 } },
                 { "padding of bytes:", { 'x', 'y', 'z', 17 } },
                 { "padding of bytes:", { 'x', 'y', 'z', 255 } },
                 { "padding whose bytes differ, of bytes:", { 'x', 'y', 1, 2 } },
                 { "padding whose bytes differ, of bytes:", { 'x', 2, 3, 3 } },
                 { "padding whose bytes differ, of bytes:", { 3, 4, 4, 4 } },
                 { "padding of zeros (ISO 7816), of bytes:", { 0x80, 0, 0, 0 } } };
    uint8_t block[16];

    for (size_t i = 0; i < NITEMS(ENDS); i++) {
        memset(block, 'a', sizeof block);
        memcpy(block + 12, ENDS[i].end, 4);
        add_bad(c, "WrongPadding",
                JOIN(c->s, c->iv, aes_cbc(c->s, c->key, c->iv, bytes_at(block, 16), true)),
                ENDS[i].comment, block[15]);
    }
    memset(block, 16, sizeof block);
    block[0] = 15;
    add_bad(c, "WrongPadding",
            JOIN(c->s, c->iv, aes_cbc(c->s, c->key, c->iv, bytes_at(block, 16), true)),
            "padding whose first byte differs, of bytes:", 16);
}

static void bad_key(const struct scene *c)
{
    const struct bytes clear = bytes_of("PIN 1234");
    const struct bytes padded = JOIN(c->s, clear, bytes_of("\x08\x08\x08\x08\x08\x08\x08\x08"));
    const struct {
        const char *comment;
        struct bytes key;
    } KEYS[] = {
        { "key is the session key itself, case", c->sk },
        { "key is derived with a small e, case", hmac(c->s, c->sk, bytes_of("encryptionKey")) },
        { "key is derived with a counter, case",
          hmac(c->s, JOIN(c->s, c->sk, bytes_of("EncryptionKey"), bytes_at("\0\0", 2)),
               (struct bytes){ 0 }) },
        { "key is derived as a method MAC, case",
          method_mac(c->s, c->sk, "EncryptionKey", 0, (struct bytes){ 0 }) },
        { "key is derived with a length, case",
          hmac(c->s, c->sk, JOIN(c->s, bytes_at("\0\x0D", 2), bytes_of("EncryptionKey"))) },
        { "key is a hash, case", hash256(c->s, JOIN(c->s, c->sk, bytes_of("EncryptionKey"))) },
        { "key and data of its HMAC are changed over, case",
          hmac(c->s, bytes_of("EncryptionKey"), c->sk) },
        { "key of another session, case",
          hmac(c->s, draw(c->s, 32, "another session key"), bytes_of("EncryptionKey")) },
    };

    for (size_t i = 0; i < NITEMS(KEYS); i++)
        add_bad(c, "WrongKey", JOIN(c->s, c->iv, aes_cbc(c->s, KEYS[i].key, c->iv, padded, true)),
                KEYS[i].comment, i);
}

static void bad_form(const struct scene *c)
{
    const struct bytes whole = session_encrypted(c->s, c->sk, c->iv, draw(c->s, 40, "form"));
    const struct bytes one = session_encrypted(c->s, c->sk, c->iv, bytes_of("1234"));

    add_bad(c, "WrongForm", JOIN(c->s, bytes_at(whole.ptr + 16, whole.len - 16), c->iv),
            "IV behind the data, case", 0);
    add_bad(c, "WrongForm", bytes_at(one.ptr + 16, 16), "no IV in front, case", 1);
    add_bad(c, "Altered", flipped(c->s, whole, whole.len - 1, 0), "bit of the last block, case", 2);
    add_bad(c, "Altered", flipped(c->s, whole, whole.len - 17, 7),
            "bit of the block before the last, case", 3);
    add_bad(c, "Altered", flipped(c->s, one, 15, 4), "bit of the IV of one block, case", 4);
    add_bad(c, "Altered", flipped(c->s, one, 4, 1), "bit of the IV in the padding, case", 5);
    add_bad(
        c, "WrongForm",
        JOIN(c->s, c->iv, aes_cbc(c->s, c->key, c->iv, draw(c->s, 16, "without padding"), true)),
        "no padding at all, case", 6);
}

void generate_encrypted_data(struct suite *s)
{
    struct scene c = { .s = s, .sk = draw(s, 32, "session key"), .iv = draw(s, 16, "iv") };

    c.key = hmac(s, c.sk, bytes_of("EncryptionKey"));
    suite_note(s, "Normal", "BASIC", "A value as it must be.", "Nothing works without it.",
               SECTION);
    suite_note(s, "WrongLength", "LENGTH_CHECK",
               "The value is not an IV and one or more whole blocks.",
               "Reads behind the end of it.", SECTION);
    suite_note(s, "WrongPadding", "PADDING", "The padding is not as PKCS #5 has it.",
               "Values that nobody made would be taken.", SECTION);
    suite_note(s, "WrongKey", "WRONG_PRIMITIVE",
               "The value was encrypted with another key than the session's EncryptionKey.",
               "The ends would not agree, or one key would serve for two things.", SECTION);
    suite_note(s, "WrongForm", "ENCODING", "The parts of the value are not IV, data, padding.",
               "The ends would not agree.", SECTION);
    suite_note(s, "Altered", "PADDING", "A bit of the value is another one; its padding is wrong.",
               "The MAC notices it; who decrypts first sees a wrong padding.", SECTION);
    suite_group(s, "encryptedData", "",
                with(with(json_object(), "sessionKey", hex(c.sk)), "encryptionKey", hex(c.key)));
    good(&c);
    bad_lengths(&c);
    bad_padding(&c);
    bad_key(&c);
    bad_form(&c);
}
