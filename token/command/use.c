/* sks-token decrypt, encrypt, hmac and derive: the key operations that are no signatures. */
#include "keygen2/base/base64.h"
#include "keygen2/crypto/pem.h"
#include "token/command/algorithm.h"
#include "token/command/data.h"
#include "token/command/key.h"
#include "token/command/rows.h"

#define ALGORITHM(names) TEXT_ROW("algorithm", "NAME", names, algorithm)
#define IV TEXT_ROW("iv", "HEX", "initialization vector; makes aes.cbc the default", iv)

const struct option_row OPTIONS_DECRYPT[] = {
    STORE,
    MASTER_KEY,
    PIN_FILE,
    BIOMETRIC,
    ALGORITHM("rsa.oaep.sha256, aes128-cbc, ... or a URI (default: by the key; an unknown one "
              "lists them)"),
    IV,
    INPUT("what to decrypt"),
    OUTPUT("where the clear data goes"),
    END,
};

const struct option_row OPTIONS_ENCRYPT[] = {
    STORE,
    MASTER_KEY,
    PIN_FILE,
    BIOMETRIC,
    ALGORITHM("aes128-cbc, aes.cbc, ... or a URI (default: by the key; an unknown one lists them)"),
    IV,
    INPUT("what to encrypt"),
    OUTPUT("where the encrypted data goes"),
    END,
};

const struct option_row OPTIONS_HMAC[] = {
    STORE,
    MASTER_KEY,
    PIN_FILE,
    BIOMETRIC,
    ALGORITHM("hmac-sha256, ... or a URI (default: by the key; an unknown one lists them)"),
    INPUT("what to authenticate"),
    OUTPUT("where the HMAC goes, as bytes"),
    FLAG_ROW("raw", "bytes on standard output too, instead of hexadecimal digits", raw),
    END,
};

const struct option_row OPTIONS_DERIVE[] = {
    STORE,
    MASTER_KEY,
    PIN_FILE,
    BIOMETRIC,
    { "peer", 0, "PEM", "public key or certificate of the other side", OPTION_TEXT, AT(peer),
      .required = true },
    OUTPUT("where the shared secret goes"),
    END,
};

/* ---- decrypt and encrypt ---- */

static enum sks_status symmetric(struct key_command *c, bool encrypt, struct bytes data,
                                 const struct algorithm *algorithm, struct bytes *result)
{
    const char *hex = c->options->iv;
    union sks_in in = {
        .symmetric_encrypt = { .key_handle = c->key.handle,
                               .algorithm = bytes_of(algorithm->uri),
                               .mode = encrypt,
                               .biometric_auth = c->options->biometric,
                               .authorization = buf_bytes(&c->authorization),
                               .data = data },
    };
    union sks_out out = { 0 };
    struct buf iv = { 0 };
    enum sks_status rc;

    REQUIRE(hex == NULL || hex_decode(bytes_of(hex), &iv) == SKS_OK, &c->err, SKS_ERROR_OPTION,
            "--iv: not an even number of hexadecimal digits");
    in.symmetric_encrypt.parameters = buf_bytes(&iv);
    rc = key_call(c, SYMMETRIC_KEY_ENCRYPT, &in, &out);
    *result = out.result.result;
out:
    buf_free(&iv);
    return rc;
}

static enum sks_status run_cipher(struct key_command *c, bool encrypt, struct bytes *result)
{
    const struct token_command_options *o = c->options;
    bool rsa = c->key.attributes.symmetric_key_length == 0;
    const char *name = o->algorithm == NULL && o->iv != NULL ? "aes.cbc" : o->algorithm;
    const struct algorithm *algorithm;
    struct buf data = { 0 };
    enum sks_status rc;

    REQUIRE(!rsa || !encrypt, &c->err, SKS_ERROR_NOT_ALLOWED,
            "%s has no symmetric key; whoever has its certificate (sks-token show --pem) encrypts"
            " for it",
            key_title(&c->key, &c->arena));
    REQUIRE(!rsa || o->iv == NULL, &c->err, SKS_ERROR_OPTION, "--iv: %s is no AES key",
            key_title(&c->key, &c->arena));
    TRY(choose_algorithm(&c->key.attributes, rsa ? ALGORITHM_DECRYPTION : ALGORITHM_CIPHER, name,
                         &algorithm, &c->err));
    TRY(key_read_input(c, &data));
    TRY(key_authorize_use(c));
    rc = rsa ? key_operate(c, ASYMMETRIC_KEY_DECRYPT, algorithm, buf_bytes(&data), result)
             : symmetric(c, encrypt, buf_bytes(&data), algorithm, result);
out:
    buf_free(&data);
    return rc;
}

static enum exit_code run_data_command(void *options, const char *key, bool encrypt)
{
    const struct token_command_options *o = options;
    enum data_kind kind = encrypt ? DATA_PUBLIC : DATA_CLEAR;
    struct bytes result;
    struct key_command c;
    enum sks_status rc;

    TRY(key_open(&c, options, key));
    TRY(data_check(o->output, kind, &c.err));
    TRY(run_cipher(&c, encrypt, &result));
    rc = data_write(o->output, kind, result, &c.err);
out:
    return key_finish(&c, rc);
}

enum exit_code command_decrypt(void *options, char **operands, size_t count)
{
    (void)count;
    return run_data_command(options, operands[0], false);
}

enum exit_code command_encrypt(void *options, char **operands, size_t count)
{
    (void)count;
    return run_data_command(options, operands[0], true);
}

/* ---- hmac ---- */

static enum sks_status hmac(struct key_command *c, struct bytes *result)
{
    const struct algorithm *algorithm;
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(choose_algorithm(&c->key.attributes, ALGORITHM_HMAC, c->options->algorithm, &algorithm,
                         &c->err));
    TRY(key_read_input(c, &data));
    TRY(key_authorize_use(c));
    rc = key_operate(c, PERFORM_HMAC, algorithm, buf_bytes(&data), result);
out:
    buf_free(&data);
    return rc;
}

enum exit_code command_hmac(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    bool raw = o->raw || o->output != NULL;
    struct buf line = { 0 };
    struct bytes result;
    struct key_command c;
    enum sks_status rc;

    (void)count;
    TRY(key_open(&c, options, operands[0]));
    TRY(data_check(o->output, raw ? DATA_PUBLIC : DATA_TEXT, &c.err));
    TRY(hmac(&c, &result));
    hex_encode(&line, result);
    put_byte(&line, '\n');
    TRY(sks_explain(&c.err, line.status));
    rc = data_write(o->output, raw ? DATA_PUBLIC : DATA_TEXT, raw ? result : buf_bytes(&line),
                    &c.err);
out:
    buf_free(&line);
    return key_finish(&c, rc);
}

/* ---- derive ---- */

static enum sks_status derive(struct key_command *c, struct bytes *result)
{
    const struct algorithm *algorithm;
    struct buf peer = { 0 };
    enum sks_status rc;

    TRY(choose_algorithm(&c->key.attributes, ALGORITHM_AGREEMENT, NULL, &algorithm, &c->err));
    TRY(pem_read_spki(c->options->peer, &peer, &c->err));
    TRY(key_authorize_use(c));
    rc = key_operate(c, KEY_AGREEMENT, algorithm, buf_bytes(&peer), result);
out:
    buf_free(&peer);
    return rc;
}

enum exit_code command_derive(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct bytes result;
    struct key_command c;
    enum sks_status rc;

    (void)count;
    TRY(key_open(&c, options, operands[0]));
    TRY(data_check(o->output, DATA_SECRET, &c.err));
    TRY(derive(&c, &result));
    rc = data_write(o->output, DATA_SECRET, result, &c.err);
out:
    return key_finish(&c, rc);
}
