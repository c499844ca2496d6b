/* sks-token make-update: the chunks of a policy, for a folder that some web server serves. */
#include "keygen2/base/files.h"
#include "keygen2/base/json.h"
#include "keygen2/crypto/fetched.h"
#include "keygen2/crypto/pem.h"
#include "token/command/rows.h"
#include "token/firmware_chunk.h"
#include "token/firmware_policy.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

const struct option_row OPTIONS_MAKE_UPDATE[] = {
    { "key", 0, "PEM", "private key, Ed25519, mode 0600", OPTION_TEXT, AT(signing_key),
      .required = true },
    { "policy", 0, "FILE", "the policy, JSON", OPTION_TEXT, AT(policy), .required = true },
    { "url", 0, "BASE-URL", "where the folder will be served; tokens get BASE-URL/0.chunk first",
      OPTION_TEXT, AT(base_url), .required = true },
    { "out", 0, "DIR", "folder for the chunks, made if absent", OPTION_TEXT, AT(folder),
      .required = true },
    { "chunk-size", 0, "BYTES", "of the policy in one chunk (default 16384)", OPTION_NUMBER,
      AT(chunk_size), .min = 1, .max = FIRMWARE_CHUNK_DATA_MAX },
    JSON,
    END,
};

struct making {
    const struct token_command_options *options;
    EVP_PKEY *key;
    struct buf text; /* of the policy */
    struct firmware_policy policy;
    uint8_t digest[FIRMWARE_DIGEST_SIZE];
    unsigned count; /* of chunks */
};

static enum sks_status read_inputs(struct making *m, struct sks_error *err)
{
    const struct token_command_options *o = m->options;
    struct sks_error why = { 0 };
    size_t size = o->chunk_size;
    enum sks_status rc;

    TRY(pem_read_key(o->signing_key, &m->key, err));
    REQUIRE(EVP_PKEY_get_base_id(m->key) == EVP_PKEY_ED25519, err, SKS_ERROR_EXTERNAL,
            "%s: not an Ed25519 key", o->signing_key);
    TRY(file_read(o->policy, FIRMWARE_POLICY_MAX, &m->text, err));
    REQUIRE(firmware_policy_read(buf_bytes(&m->text), &m->policy, &why) == SKS_OK, err,
            SKS_ERROR_NOT_ALLOWED, "%s: %s", o->policy, why.text);
    REQUIRE(m->text.len <= size * FIRMWARE_CHUNKS_MAX, err, SKS_ERROR_OPTION,
            "--chunk-size: %zu bytes need chunks of at least %zu, as %d is the most of them",
            m->text.len, (m->text.len + FIRMWARE_CHUNKS_MAX - 1) / FIRMWARE_CHUNKS_MAX,
            FIRMWARE_CHUNKS_MAX);
    m->count = (unsigned)((m->text.len + size - 1) / size);
    REQUIRE(sha256(buf_bytes(&m->text), m->digest) == SKS_OK, err, SKS_ERROR_CRYPTO,
            "SHA-256 fails");
out:
    return rc;
}

static enum sks_status url_of_chunk(const struct making *m, unsigned index, struct buf *url,
                                    struct sks_error *err)
{
    const char *base = m->options->base_url;
    size_t len = strlen(base);
    char name[32];

    (void)snprintf(name, sizeof name, "/%u.chunk", index);
    put_raw(url, bytes_at(base, len > 0 && base[len - 1] == '/' ? len - 1 : len));
    put_text(url, name);
    if (!firmware_url_is_valid(buf_bytes(url)))
        return sks_fail(err, SKS_ERROR_OPTION,
                        "--url %s: not an http or https URL, or too long for chunk names", base);
    return sks_explain(err, url->status);
}

static enum sks_status write_chunk(const struct making *m, unsigned index, struct sks_error *err)
{
    size_t size = m->options->chunk_size, from = index * size;
    struct firmware_chunk chunk = { .version = m->policy.version,
                                    .index = (uint16_t)index,
                                    .count = (uint16_t)m->count,
                                    .digest = bytes_at(m->digest, sizeof m->digest) };
    struct buf url = { 0 }, made = { 0 };
    char name[32], path[PATH_MAX];
    enum sks_status rc;

    if (index + 1 < m->count)
        TRY(url_of_chunk(m, index + 1, &url, err));
    chunk.next_url = buf_bytes(&url);
    chunk.data =
        bytes_at(m->text.ptr + from, m->text.len - from < size ? m->text.len - from : size);
    put_firmware_chunk(&made, &chunk);
    TRY(firmware_chunk_sign(&made, m->key));
    (void)snprintf(name, sizeof name, "%u.chunk", index);
    TRY(file_path(path, sizeof path, m->options->folder, name));
    TRY(file_write(path, 0644, buf_bytes(&made), err));
out:
    buf_free(&url);
    buf_free(&made);
    return sks_explain(err, rc);
}

static void print_made(const struct making *m, const struct buf *url)
{
    char digest[2 * FIRMWARE_DIGEST_SIZE + 1];
    json_t *object;

    for (size_t i = 0; i < sizeof m->digest; i++)
        (void)snprintf(digest + 2 * i, 3, "%02x", m->digest[i]);
    if (!m->options->json) {
        (void)printf("policy %u: %u chunk%s in %s\n", m->policy.version, m->count,
                     m->count == 1 ? "" : "s", m->options->folder);
        (void)printf("sha256     %s\nupdate URL %.*s\n", digest, (int)url->len,
                     (const char *)url->ptr);
        return;
    }
    object =
        json_pack("{s:I, s:i, s:I, s:s, s:o, s:o}", "version", (json_int_t)m->policy.version,
                  "chunks", (int)m->count, "bytes", (json_int_t)m->text.len, "sha256", digest,
                  "folder", json_shown(m->options->folder), "updateUrl", json_text(buf_bytes(url)));
    (void)program_print_json(object, JSON_INDENT(2));
}

enum exit_code command_make_update(void *options, char **operands, size_t count)
{
    struct making m = { .options = options };
    struct buf url = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(url_of_chunk(&m, 0, &url, &err));
    TRY(read_inputs(&m, &err));
    TRY(file_make_folder(m.options->folder, 0755, &err));
    for (unsigned i = 0; i < m.count; i++)
        TRY(write_chunk(&m, i, &err));
    print_made(&m, &url);
out:
    EVP_PKEY_free(m.key);
    buf_free(&m.text);
    buf_free(&url);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
