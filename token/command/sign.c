/* sks-token sign: signs a file with a key of the token, as openssl verifies it. */
#include "keygen2/crypto/signature.h"
#include "token/command/algorithm.h"
#include "token/command/data.h"
#include "token/command/key.h"
#include "token/command/rows.h"

const struct option_row OPTIONS_SIGN[] = {
    STORE,
    MASTER_KEY,
    PIN_FILE,
    BIOMETRIC,
    TEXT_ROW("algorithm", "NAME",
             "ES256, RS512, Ed25519, ... or a URI (default: by the key; an unknown one lists them)",
             algorithm),
    INPUT("what to sign"),
    OUTPUT("where the signature goes"),
    FLAG_ROW("raw", "ECDSA as r||s, as on the SKS wire, instead of DER", raw),
    END,
};

/* What the wire wants signed: the digest where the algorithm names one, else the data itself. */
static enum sks_status read_signed(struct key_command *c, const struct algorithm *algorithm,
                                   struct buf *data)
{
    const EVP_MD *md = algorithm->openssl == NULL ? NULL : EVP_get_digestbyname(algorithm->openssl);

    return md == NULL ? key_read_input(c, data) : data_digest(c->options->input, md, data, &c->err);
}

static enum sks_status sign(struct key_command *c, struct buf *signature)
{
    const struct token_command_options *o = c->options;
    const struct algorithm *algorithm;
    struct bytes result;
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(choose_algorithm(&c->key.attributes, ALGORITHM_SIGNATURE, o->algorithm, &algorithm,
                         &c->err));
    TRY(read_signed(c, algorithm, &data));
    TRY(key_authorize_use(c));
    TRY(key_operate(c, SIGN_HASHED_DATA, algorithm, buf_bytes(&data), &result));
    if (o->raw || algorithm->kind != KEY_KIND_EC)
        put_raw(signature, result);
    else
        TRY(put_ecdsa_der(signature, result));
    rc = signature->status;
out:
    buf_free(&data);
    return sks_explain(&c->err, rc);
}

enum exit_code command_sign(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct buf signature = { 0 };
    struct key_command c;
    enum sks_status rc;

    (void)count;
    TRY(key_open(&c, options, operands[0]));
    TRY(data_check(o->output, DATA_PUBLIC, &c.err));
    TRY(sign(&c, &signature));
    rc = data_write(o->output, DATA_PUBLIC, buf_bytes(&signature), &c.err);
out:
    buf_free(&signature);
    return key_finish(&c, rc);
}
