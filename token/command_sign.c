/* sks-token sign: signs a file with a key of the token, as openssl verifies it. */
#include "keygen2/base/files.h"
#include "keygen2/base/terminal.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/signature.h"
#include "token/commands.h"
#include "token/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_MAX = 64 * 1024 * 1024 };

#define PIN_VARIABLE "SKS_TOKEN_PIN"

static enum sks_status parse_handle(const char *text, uint32_t *handle, struct sks_error *err)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value == 0 ||
        value > UINT32_MAX)
        return sks_fail(err, SKS_ERROR_OPTION, "%s: not a key handle (see sks-token list)", text);
    *handle = (uint32_t)value;
    return SKS_OK;
}

static enum sks_status read_input(const char *path, struct buf *data, struct sks_error *err)
{
    uint8_t chunk[65536];
    size_t got;

    if (path != NULL)
        return file_read(path, INPUT_MAX, data, err);
    while ((got = fread(chunk, 1, sizeof chunk, stdin)) > 0 && data->len <= INPUT_MAX)
        put_raw(data, bytes_at(chunk, got));
    if (data->len > INPUT_MAX)
        return sks_fail(err, SKS_ERROR_OPTION, "standard input is over %d bytes", INPUT_MAX);
    return sks_explain(err, data->status);
}

/* Never from the command line, where every process of the machine could read it. */
static enum sks_status read_pin(const struct token_command_options *o, struct buf *pin,
                                struct sks_error *err)
{
    const char *from = getenv(PIN_VARIABLE);

    if (o->pin_file != NULL)
        return secret_from_file(o->pin_file, pin, err);
    if (from != NULL) {
        put_text(pin, from);
        return sks_explain(err, pin->status);
    }
    if (o->input == NULL || !terminal_exists())
        return sks_fail(err, SKS_ERROR_USER_ABORT,
                        "the key wants a PIN: --pin-file, " PIN_VARIABLE " or a terminal");
    return terminal_read("PIN", true, NULL, pin, err);
}

/* The algorithm that a key of the certificate's kind is best used with. */
static enum sks_status choose_algorithm(const struct token_command_options *o,
                                        struct bytes certificate,
                                        const struct algorithm **algorithm, struct sks_error *err)
{
    static const char *const jose[] = {
        [KEY_KIND_RSA] = "RS256", [KEY_KIND_EC] = "ES256", [KEY_KIND_ED25519] = "Ed25519"
    };
    struct public_key key;
    struct buf spki = { 0 };
    enum sks_status rc;

    if (o->algorithm != NULL) {
        *algorithm = algorithm_by_jose(bytes_of(o->algorithm), ALGORITHM_SIGNATURE);
        if (*algorithm == NULL)
            *algorithm = algorithm_by_uri(bytes_of(o->algorithm), ALGORITHM_SIGNATURE);
        return *algorithm != NULL
                   ? SKS_OK
                   : sks_fail(err, SKS_ERROR_OPTION,
                              "--algorithm %s: unknown (ES256, RS256, a URI ...)", o->algorithm);
    }
    TRY(put_certificate_key(&spki, certificate));
    TRY(public_key_parse(buf_bytes(&spki), &key));
    *algorithm = algorithm_by_jose(bytes_of(jose[key.kind]), ALGORITHM_SIGNATURE);
out:
    buf_free(&spki);
    return sks_explain(err, rc);
}

/* What the wire wants signed: the digest where the algorithm names one, else the data itself. */
static enum sks_status digest_of(const struct algorithm *algorithm, struct buf *data)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len;

    if (algorithm->openssl == NULL)
        return SKS_OK;
    if (!EVP_Digest(data->ptr, data->len, hash, &len, EVP_get_digestbyname(algorithm->openssl),
                    NULL))
        return SKS_ERROR_CRYPTO;
    buf_reset(data);
    put_raw(data, bytes_at(hash, len));
    return data->status;
}

static enum sks_status sign(const struct token_command_options *o, struct port *port,
                            uint32_t handle, struct buf *data, struct buf *signature,
                            struct sks_error *err)
{
    union sks_in in = { .key_handle.key_handle = handle };
    const struct algorithm *algorithm = NULL;
    struct arena arena = { 0 };
    struct buf pin = { 0 };
    union sks_out out;
    enum sks_status rc;

    TRY(token_call(port->link, GET_KEY_PROTECTION_INFO, &in, &out, &arena, err));
    if ((out.key_protection.protection_status &
         (PROTECTION_STATUS_PIN | PROTECTION_STATUS_DEVICE_PIN)) != 0)
        TRY(read_pin(o, &pin, err));
    TRY(token_call(port->link, GET_KEY_ATTRIBUTES, &in, &out, &arena, err));
    TRY(choose_algorithm(o, out.key_attributes.certificate_path.item[0], &algorithm, err));
    TRY(digest_of(algorithm, data));
    in.operation = (struct operation_in){ .key_handle = handle,
                                          .algorithm = bytes_of(algorithm->uri),
                                          .authorization = buf_bytes(&pin),
                                          .data = buf_bytes(data) };
    TRY(token_call(port->link, SIGN_HASHED_DATA, &in, &out, &arena, err));
    if (o->raw || algorithm->kind != KEY_KIND_EC)
        put_raw(signature, out.result.result);
    else
        TRY(put_ecdsa_der(signature, out.result.result));
    rc = signature->status;
out:
    buf_free(&pin);
    arena_free(&arena);
    return sks_explain(err, rc);
}

static enum sks_status write_output(const char *path, struct bytes signature, struct sks_error *err)
{
    if (path != NULL)
        return file_write(path, 0644, signature, err);
    if (isatty(STDOUT_FILENO) == 1)
        return sks_fail(err, SKS_ERROR_OPTION, "a signature is binary: use --out or a pipe");
    return fwrite(signature.ptr, 1, signature.len, stdout) == signature.len
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_EXTERNAL, "standard output: %s", strerror(errno));
}

enum exit_code command_sign(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct buf data = { 0 }, signature = { 0 };
    struct sks_error err = { 0 };
    struct port port = { .folder.lock = -1 };
    uint32_t handle = 0;
    enum sks_status rc;

    (void)count;
    TRY(parse_handle(operands[0], &handle, &err));
    TRY(read_input(o->input, &data, &err));
    TRY(port_open(o->store, o->key_file, &port, &err));
    TRY(sign(o, &port, handle, &data, &signature, &err));
    TRY(write_output(o->output, buf_bytes(&signature), &err));
out:
    port_close(&port);
    buf_free(&data);
    buf_free(&signature);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
