/* sks-token: the software SKS token. */
#include "keygen2/crypto/key_pool.h"
#include "token/command/rows.h"
#include "token/firmware_chunk.h"
#include "token/simulation.h"

static const struct option_row INIT[] = {
    STORE,
    MASTER_KEY,
    { "device-ca", 0, "DIR",
      "certify by DIR/device-ca.pem and .key, made if absent (default: a CA for this device only)",
      OPTION_TEXT, AT(device_ca) },
    { "device-key", 0, "KIND", "p256 or rsa2048 (default p256)", OPTION_TEXT, AT(device_key),
      .choices = "p256|rsa2048" },
    { "csr", 0, NULL, "write DIR/device.csr for a CA elsewhere; then run certify", OPTION_FLAG,
      AT(csr) },
    { "if-missing", 0, NULL, "leave a store as it is that has its device key: no error",
      OPTION_FLAG, AT(if_missing) },
    END,
};

static const struct option_row CERTIFY[] = {
    STORE,
    MASTER_KEY,
    { "certificate", 0, "PEM", "device certificate and its path, leaf first", OPTION_TEXT,
      AT(certificate), .required = true },
    END,
};

static const struct option_row SERVE[] = {
    STORE,
    MASTER_KEY,
    LISTEN,
    FLAG_ROW("init", "make the store first if it is missing, as `init` does", init),
    TEXT_ROW("publish-ca", "FILE", "write the device CA's certificate there, for issuers",
             publish_ca),
    { "listen-any", 0, NULL, "allow an address that is not loopback", OPTION_FLAG, AT(listen_any) },
    { "host", 0, "NAME", "also answer requests whose Host is NAME", OPTION_TEXTS, AT(hosts) },
    { "storage-limit", 0, "BYTES", "limit the database (default: none)", OPTION_NUMBER,
      AT(storage_limit), .min = 65536, .max = UINT32_MAX },
    { "simulate", 0, "LIST",
      "simulate biometrics or device-pin, or with a comma both (default: none)", OPTION_TEXT,
      AT(simulate), .environment = "SKS_TOKEN_SIMULATE", .check = simulation_check },
    { "allow-deactivate", 0, NULL, "let callers deactivate the token (method 25)", OPTION_FLAG,
      AT(allow_deactivate), .environment = "SKS_TOKEN_ALLOW_DEACTIVATE" },
    { "rsa-pool", 0, "N", "make N RSA-2048 keys ahead, in the background; 0: none (default 2)",
      OPTION_NUMBER, AT(rsa_pool), .environment = "SKS_TOKEN_RSA_POOL", .max = KEY_POOL_MAX },
    UPDATE_URL,
    UPDATE_KEY,
    { "verbose", 'v', NULL, "log more", OPTION_FLAG, AT(verbose) },
    END,
};

static void set_defaults(void *options)
{
    struct token_command_options *o = options;

    o->device_key = "p256";
    o->listen = LISTEN_DEFAULT;
    o->rsa_pool = 2;
    o->chunk_size = 16384;
}

static const struct command_row COMMANDS[] = {
    { "init", "", 0, 0, "make the store, the device key and its certificate", INIT, command_init,
      set_defaults },
    { "certify", "", 0, 0, "install the certificate that a CA made for device.csr", CERTIFY,
      command_certify, set_defaults },
    { "serve", "", 0, 0, "answer SKS calls over HTTP", SERVE, command_serve, set_defaults },
    { "healthcheck", "[TOKEN-URL]", 0, 1,
      "ask a server what its token is: exit 0 if it is well, else 3", OPTIONS_HEALTHCHECK,
      command_healthcheck, healthcheck_defaults },
    { "info", "", 0, 0, "show what the token is and can do", OPTIONS_INFO, command_info, NULL },
    { "list", "", 0, 0, "list the keys", OPTIONS_LIST, command_list, NULL },
    { "show", "KEY", 1, 1, "show a key, by handle or friendly name", OPTIONS_SHOW, command_show,
      NULL },
    { "sign", "KEY", 1, 1, "sign data", OPTIONS_SIGN, command_sign, NULL },
    { "decrypt", "KEY", 1, 1, "decrypt data: RSA, or AES with a symmetric key", OPTIONS_DECRYPT,
      command_decrypt, NULL },
    { "encrypt", "KEY", 1, 1, "encrypt data with a symmetric key: AES", OPTIONS_ENCRYPT,
      command_encrypt, NULL },
    { "hmac", "KEY", 1, 1, "authenticate data with a symmetric key", OPTIONS_HMAC, command_hmac,
      NULL },
    { "derive", "KEY", 1, 1, "agree on a shared secret: ECDH", OPTIONS_DERIVE, command_derive,
      NULL },
    { "export", "KEY", 1, 1, "write the private or symmetric key, if that is allowed",
      OPTIONS_EXPORT, command_export, NULL },
    { "delete", "KEY", 1, 1, "delete a key for ever", OPTIONS_DELETE, command_delete, NULL },
    { "change-pin", "KEY", 1, 1, "set a new PIN, by the old one", OPTIONS_CHANGE_PIN,
      command_change_pin, NULL },
    { "set-pin", "KEY", 1, 1, "set a new PIN, by the PUK", OPTIONS_SET_PIN, command_set_pin, NULL },
    { "unlock", "KEY", 1, 1, "unlock a blocked PIN, by the PUK", OPTIONS_UNLOCK, command_unlock,
      NULL },
    { "sessions", "", 0, 0, "list the provisioning sessions", OPTIONS_SESSIONS, command_sessions,
      NULL },
    { "abort", "SESSION", 1, 1, "abort an open provisioning session", OPTIONS_ABORT, command_abort,
      NULL },
    { "deactivate", "", 0, 0, "abort all sessions, wipe the secrets, and answer nothing more",
      OPTIONS_DEACTIVATE, command_deactivate, NULL },
    { "activate", "", 0, 0, "let a deactivated token answer again", OPTIONS_ACTIVATE,
      command_activate, NULL },
    { "check", "", 0, 0, "look over every object of the store", OPTIONS_CHECK, command_check,
      NULL },
    { "backup", "", 0, 0, "write the store as it is now to one sealed file", OPTIONS_BACKUP,
      command_backup, NULL },
    { "restore", "", 0, 0,
      "bring a store back to what it was at a backup, its counters of wrong PINs included",
      OPTIONS_RESTORE, command_restore, NULL },
    { "rekey", "", 0, 0, "change the master key", OPTIONS_REKEY, command_rekey, NULL },
    { "update", "[FILE...]", 0, FIRMWARE_CHUNKS_MAX,
      "install a policy: from the update URL, or from the chunks given", OPTIONS_UPDATE,
      command_update, NULL },
    { "make-update", "", 0, 0, "make and sign the chunks of a policy", OPTIONS_MAKE_UPDATE,
      command_make_update, set_defaults },
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
