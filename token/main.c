/* sks-token: the software SKS token. */
#include "keygen2/crypto/key_pool.h"
#include "token/commands.h"
#include "token/vault.h"

#define AT(member) offsetof(struct token_command_options, member)
#define STORE                                                                                      \
    {                                                                                              \
        "store", 0, "DIR", "folder of the token", OPTION_TEXT, AT(store), true, "SKS_TOKEN_STORE", \
            0, 0                                                                                   \
    }
#define MASTER_KEY                                                                                 \
    {                                                                                              \
        "master-key", 0, "FILE",                                                                   \
            "master key (default DIR/master.key; " MASTER_KEY_VARIABLE " holds it itself)",        \
            OPTION_TEXT, AT(key_file), false, "SKS_TOKEN_MASTER_KEY_FILE", 0, 0                    \
    }
#define JSON                                                                                       \
    {                                                                                              \
        "json", 0, NULL, "print JSON", OPTION_FLAG, AT(json), false, NULL, 0, 0                    \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NULL, NULL, OPTION_FLAG, 0, false, NULL, 0, 0                                     \
    }

static const struct option_row INIT[] = {
    STORE,
    MASTER_KEY,
    { "device-ca", 0, "DIR",
      "certify by DIR/device-ca.pem and .key, made if absent (default: a CA for this device only)",
      OPTION_TEXT, AT(device_ca), false, NULL, 0, 0 },
    { "device-key", 0, "KIND", "p256 or rsa2048 (default p256)", OPTION_TEXT, AT(device_key), false,
      NULL, 0, 0 },
    { "csr", 0, NULL, "write DIR/device.csr for a CA elsewhere; then run certify", OPTION_FLAG,
      AT(csr), false, NULL, 0, 0 },
    END,
};

static const struct option_row CERTIFY[] = {
    STORE,
    MASTER_KEY,
    { "certificate", 0, "PEM", "device certificate and its path, leaf first", OPTION_TEXT,
      AT(certificate), true, NULL, 0, 0 },
    END,
};

static const struct option_row SERVE[] = {
    STORE,
    MASTER_KEY,
    { "listen", 0, "ADDRESS",
      "HOST:PORT (port 0: a free one) or unix:PATH (default 127.0.0.1:8765)", OPTION_TEXT,
      AT(listen), false, "SKS_TOKEN_LISTEN", 0, 0 },
    { "listen-any", 0, NULL, "allow an address that is not loopback", OPTION_FLAG, AT(listen_any),
      false, NULL, 0, 0 },
    { "host", 0, "NAME", "also answer requests whose Host is NAME", OPTION_TEXTS, AT(hosts), false,
      NULL, 0, 0 },
    { "storage-limit", 0, "BYTES", "limit the database (default: none)", OPTION_NUMBER,
      AT(storage_limit), false, NULL, 65536, UINT32_MAX },
    { "rsa-pool", 0, "N", "make N RSA-2048 keys ahead, in the background; 0: none (default 2)",
      OPTION_NUMBER, AT(rsa_pool), false, "SKS_TOKEN_RSA_POOL", 0, KEY_POOL_MAX },
    { "verbose", 'v', NULL, "log more", OPTION_FLAG, AT(verbose), false, NULL, 0, 0 },
    END,
};

static const struct option_row SHOW[] = { STORE, MASTER_KEY, JSON, END };

static const struct option_row SIGN[] = {
    STORE,
    MASTER_KEY,
    { "pin-file", 0, "FILE",
      "its first line is the PIN; mode 0600 (else $SKS_TOKEN_PIN, else asked for)", OPTION_TEXT,
      AT(pin_file), false, NULL, 0, 0 },
    { "algorithm", 0, "NAME", "ES256, RS512, Ed25519, ... or a URI (default: by the key)",
      OPTION_TEXT, AT(algorithm), false, NULL, 0, 0 },
    { "in", 0, "FILE", "what to sign (default: standard input)", OPTION_TEXT, AT(input), false,
      NULL, 0, 0 },
    { "out", 0, "FILE", "where the signature goes (default: standard output)", OPTION_TEXT,
      AT(output), false, NULL, 0, 0 },
    { "raw", 0, NULL, "ECDSA as r||s, as on the SKS wire, instead of DER", OPTION_FLAG, AT(raw),
      false, NULL, 0, 0 },
    END,
};

static void set_defaults(void *options)
{
    struct token_command_options *o = options;

    o->device_key = "p256";
    o->listen = "127.0.0.1:8765";
    o->rsa_pool = 2;
}

static const struct command_row COMMANDS[] = {
    { "init", "", 0, 0, "make the store, the device key and its certificate", INIT, command_init,
      set_defaults },
    { "certify", "", 0, 0, "install the certificate that a CA made for device.csr", CERTIFY,
      command_certify, set_defaults },
    { "serve", "", 0, 0, "answer SKS calls over HTTP", SERVE, command_serve, set_defaults },
    { "info", "", 0, 0, "show what the token is and can do", SHOW, command_info, set_defaults },
    { "list", "", 0, 0, "list the keys", SHOW, command_list, set_defaults },
    { "sign", "HANDLE", 1, 1, "sign data with a key", SIGN, command_sign, set_defaults },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};

static const struct program PROGRAM = {
    .name = "sks-token",
    .summary = "a software SKS (Secure Key Store) token",
    .commands = COMMANDS,
    .options_size = sizeof(struct token_command_options),
};

int main(int argc, char **argv)
{
    return program_main(&PROGRAM, argc, argv);
}
