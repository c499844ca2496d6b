/* Chunks: what was written is read, and nothing else is. */
#include "keygen2/base/base64.h"
#include "keygen2/crypto/private_key.h"
#include "token/firmware_chunk.h"

#include <criterion/criterion.h>

static uint8_t digest[FIRMWARE_DIGEST_SIZE] = { 1, 2, 3 };
static EVP_PKEY *key;

static void make_key(void)
{
    cr_assert(private_key_generate(algorithm_by_jose(bytes_of("Ed25519"), ALGORITHM_KEY_GENERATION),
                                   (struct bytes){ 0 }, &key) == SKS_OK);
}

static void free_key(void)
{
    EVP_PKEY_free(key);
}

TestSuite(chunk, .init = make_key, .fini = free_key);

static struct firmware_chunk example(void)
{
    return (struct firmware_chunk){ .version = 7,
                                    .index = 1,
                                    .count = 3,
                                    .digest = bytes_at(digest, sizeof digest),
                                    .next_url = bytes_of("https://updates.example/2.chunk"),
                                    .data = bytes_of("{\"version\": 7}") };
}

static struct buf signed_chunk(const struct firmware_chunk *chunk)
{
    struct buf made = { 0 };

    put_firmware_chunk(&made, chunk);
    cr_assert(firmware_chunk_sign(&made, key) == SKS_OK);
    return made;
}

Test(chunk, is_read_as_it_was_written)
{
    const struct firmware_chunk chunk = example();
    struct buf made = signed_chunk(&chunk);
    struct firmware_chunk read;

    cr_assert(firmware_chunk_decode(buf_bytes(&made), &read, NULL) == SKS_OK);
    cr_assert(firmware_chunk_verify(buf_bytes(&made), key) == SKS_OK);
    cr_assert_eq(read.version, chunk.version);
    cr_assert_eq(read.index, chunk.index);
    cr_assert_eq(read.count, chunk.count);
    cr_assert(bytes_equal(read.digest, chunk.digest));
    cr_assert(bytes_equal(read.next_url, chunk.next_url));
    cr_assert(bytes_equal(read.data, chunk.data));
    buf_free(&made);
}

/* docs/wire.md, section 10; openssl pkeyutl verifies it. */
Test(chunk, known_answer)
{
    static const char private_key[] =
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"; /* RFC 8032, TEST 1 */
    static const char octets[] =
        "534b5350010000000700000002529c7bcdf5ae85af6369f65b73dcb263130bb5934422a89445c5a69723bd5aab"
        "0018687474703a2f2f752e6578616d706c652f312e6368756e6b000000087b2276657273696f"
        "8b154b09d7618226c275a0d1475078bad5620d6958a85c04b8d32e380af9b3fe"
        "99c1dd4bee19323f0217145303ca8d44adf455b40adfd35b31eb6daa15a13109";
    struct buf known = { 0 }, scalar = { 0 }, again = { 0 };
    struct firmware_chunk chunk;

    cr_assert(hex_decode(bytes_of(octets), &known) == SKS_OK);
    cr_assert(hex_decode(bytes_of(private_key), &scalar) == SKS_OK);
    EVP_PKEY_free(key);
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, scalar.ptr, scalar.len);
    cr_assert(firmware_chunk_decode(buf_bytes(&known), &chunk, NULL) == SKS_OK);
    cr_assert(firmware_chunk_verify(buf_bytes(&known), key) == SKS_OK);
    put_firmware_chunk(&again, &chunk);
    cr_assert(firmware_chunk_sign(&again, key) == SKS_OK);
    cr_assert(bytes_equal(buf_bytes(&again), buf_bytes(&known)));
    buf_free(&known);
    buf_free(&scalar);
    buf_free(&again);
}

Test(chunk, no_byte_can_be_altered)
{
    const struct firmware_chunk chunk = example();
    struct buf made = signed_chunk(&chunk);

    for (size_t bit = 0; bit < 8 * made.len; bit++) {
        made.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
        cr_assert(firmware_chunk_verify(buf_bytes(&made), key) == SKS_ERROR_MAC);
        made.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    buf_free(&made);
}

Test(chunk, neither_shorter_nor_longer)
{
    const struct firmware_chunk chunk = example();
    struct buf made = signed_chunk(&chunk);
    struct firmware_chunk read;

    for (size_t len = 0; len < made.len; len++) {
        cr_assert(firmware_chunk_decode(bytes_at(made.ptr, len), &read, NULL) == SKS_ERROR_OPTION);
        cr_assert(firmware_chunk_verify(bytes_at(made.ptr, len), key) == SKS_ERROR_MAC);
    }
    put_byte(&made, 0);
    cr_assert(firmware_chunk_decode(buf_bytes(&made), &read, NULL) == SKS_ERROR_OPTION);
    buf_free(&made);
}

static void must_refuse(const struct firmware_chunk *chunk)
{
    struct buf made = signed_chunk(chunk);
    struct sks_error err = { 0 };
    struct firmware_chunk read;

    cr_assert(firmware_chunk_decode(buf_bytes(&made), &read, &err) == SKS_ERROR_OPTION);
    cr_assert_neq(err.text[0], '\0');
    buf_free(&made);
}

Test(chunk, values_out_of_range)
{
    struct firmware_chunk chunk = example();

    chunk.version = 0;
    must_refuse(&chunk);
    chunk = example();
    chunk.count = FIRMWARE_CHUNKS_MAX + 1;
    must_refuse(&chunk);
    chunk.count = chunk.index;
    must_refuse(&chunk);
    chunk = example();
    chunk.index = 2;
    must_refuse(&chunk);
    chunk = example();
    chunk.next_url.len = 0;
    must_refuse(&chunk);
    chunk = example();
    chunk.data.len = 0;
    must_refuse(&chunk);
}

Test(chunk, urls)
{
    static const char *const good[] = { "http://x", "https://x/y?z=%20#f", "http://[::1]:8080/" };
    static const char *const bad[] = {
        "",         "http://",    "https://",       "http:/x",
        "HTTP://x", "ftp://x/y",  "file:///etc/ab", "http://x y",
        "x",        "http://x\n", "http://x\x7f",   "http://\xc3\xa4"
    };
    struct buf url = { 0 };

    for (size_t i = 0; i < NITEMS(good); i++)
        cr_assert(firmware_url_is_valid(bytes_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < NITEMS(bad); i++)
        cr_assert(!firmware_url_is_valid(bytes_of(bad[i])), "%s", bad[i]);
    put_text(&url, "http://");
    while (url.len < SKS_URI_MAX)
        put_text(&url, "x");
    cr_assert(firmware_url_is_valid(buf_bytes(&url)));
    put_text(&url, "x");
    cr_assert(!firmware_url_is_valid(buf_bytes(&url)));
    buf_free(&url);
}
