/* Chunks: what was written is read, and nothing else is. */
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
