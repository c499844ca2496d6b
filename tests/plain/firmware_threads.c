/*
 * Policies that change while others sign under them: the thread that installs, threads that sign,
 * threads that send garbage. A plain program, so that ThreadSanitizer and LeakSanitizer see it.
 */
#include "keygen2/crypto/private_key.h"
#include "tests/plain/support/enrol.h"
#include "token/api/calls.h"
#include "token/firmware_chunk.h"

#include <openssl/pem.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIGNERS = 4, SENDERS = 2, POLICIES = 40 };

static const char URL[] = "http://updates.example/0.chunk";
static const char OTHER[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";

static struct token *token;
static EVP_PKEY *update_key;
static uint32_t shared_key;
static atomic_bool over;

static enum sks_status send_chunk(struct bytes chunk)
{
    const struct sks_method *method = sks_method(UPDATE_FIRMWARE);
    const union sks_in in = { .update_firmware.chunk = chunk };
    struct buf request = { 0 }, response = { 0 };
    struct arena arena = { 0 };
    union sks_out out;
    enum sks_status rc;

    sks_encode_request(&request, method, &in);
    token_process(token, buf_bytes(&request), &response);
    rc = sks_decode_response(buf_bytes(&response), method, &out, &arena, NULL);
    buf_free(&request);
    buf_free(&response);
    arena_free(&arena);
    return rc;
}

/* In two chunks; every other policy disables the algorithm that the signers want. */
static void install(uint32_t version)
{
    char text[200];
    uint8_t digest[FIRMWARE_DIGEST_SIZE];
    struct bytes rest;
    int len = version % 2 == 0
                  ? snprintf(text, sizeof text, "{\"version\": %u}", version)
                  : snprintf(text, sizeof text, "{\"version\": %u, \"algorithms\": [\"%s\"]}",
                             version, OTHER);

    must(EVP_Digest(text, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1, "digest");
    rest = bytes_at(text, (size_t)len);
    for (uint16_t i = 0; i < 2; i++) {
        struct firmware_chunk chunk = { .version = version, .index = i, .count = 2 };
        struct buf made = { 0 };

        chunk.digest = bytes_at(digest, sizeof digest);
        chunk.next_url = i == 0 ? bytes_of(URL) : (struct bytes){ 0 };
        must(get_raw(&rest, i == 0 ? 5 : rest.len, &chunk.data) == SKS_OK, "part");
        put_firmware_chunk(&made, &chunk);
        must(firmware_chunk_sign(&made, update_key) == SKS_OK, "signature");
        must(send_chunk(buf_bytes(&made)) == SKS_OK, "chunk");
        buf_free(&made);
    }
    must(try_sign(token, shared_key, "4711") == (version % 2 == 0 ? SKS_OK : SKS_ERROR_ALGORITHM),
         "an answered update is in force");
}

static void *sign_all_the_time(void *arg)
{
    unsigned *done = arg;

    while (!atomic_load(&over)) {
        enum sks_status rc = try_sign(token, shared_key, "4711");

        must(rc == SKS_OK || rc == SKS_ERROR_ALGORITHM, "signature under some policy");
        ++*done;
    }
    return NULL;
}

static void *send_garbage(void *arg)
{
    struct firmware_chunk chunk = { .version = 1000, .count = 1, .data = bytes_of("{}") };
    static const uint8_t digest[FIRMWARE_DIGEST_SIZE], signature[FIRMWARE_SIGNATURE_SIZE];
    struct buf made = { 0 };

    (void)arg;
    chunk.digest = bytes_at(digest, sizeof digest);
    put_firmware_chunk(&made, &chunk);
    put_raw(&made, bytes_at(signature, sizeof signature));
    while (!atomic_load(&over)) {
        must(send_chunk(bytes_of("garbage")) == SKS_ERROR_OPTION, "garbage");
        must(send_chunk(buf_bytes(&made)) == SKS_ERROR_CRYPTO, "signature of nobody");
    }
    buf_free(&made);
    return NULL;
}

static struct token *new_updatable_token(void)
{
    char path[] = "/tmp/sks-plain.XXXXXX";
    struct token_options options = { .update_url = URL, .update_key = path };
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    struct token *made;

    must(private_key_generate(algorithm_by_jose(bytes_of("Ed25519"), ALGORITHM_KEY_GENERATION),
                              (struct bytes){ 0 }, &update_key) == SKS_OK,
         "update key");
    must(file != NULL && PEM_write_PUBKEY(file, update_key) == 1 && fclose(file) == 0, "PEM");
    made = new_token_with(NULL, &options);
    (void)unlink(path);
    return made;
}

int main(void)
{
    pthread_t thread[SIGNERS + SENDERS];
    unsigned done[SIGNERS + SENDERS] = { 0 }, signatures = 0;

    token = new_updatable_token();
    enrol(token, "4711", &shared_key);
    for (unsigned i = 0; i < NITEMS(thread); i++)
        must(pthread_create(&thread[i], NULL, i < SIGNERS ? sign_all_the_time : send_garbage,
                            &done[i]) == 0,
             "thread");
    for (uint32_t version = 1; version <= POLICIES; version++)
        install(version);
    atomic_store(&over, true);
    for (unsigned i = 0; i < NITEMS(thread); i++) {
        (void)pthread_join(thread[i], NULL);
        signatures += done[i];
    }
    token_close(token);
    EVP_PKEY_free(update_key);
    (void)printf("OK: %d policies under %u signatures\n", POLICIES, signatures);
    return 0;
}
