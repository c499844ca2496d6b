/* The subcommands of sks-token and their options. */
#ifndef TOKEN_COMMAND_COMMANDS_H
#define TOKEN_COMMAND_COMMANDS_H

#include "keygen2/base/program.h"

struct token_command_options {
    const char *store;
    const char *key_file;
    const char *device_ca;   /* init */
    const char *device_key;  /* init: "p256" or "rsa2048" */
    bool csr;                /* init */
    bool if_missing;         /* init */
    const char *certificate; /* certify */
    const char *listen;      /* serve */
    bool listen_any;         /* serve */
    bool init;               /* serve: make what is missing first */
    const char *publish_ca;  /* serve: file */
    struct texts hosts;      /* serve */
    uint32_t storage_limit;  /* serve, bytes */
    const char *simulate;    /* serve: names, with commas between; NULL: nothing */
    bool allow_deactivate;   /* serve */
    uint32_t rsa_pool;       /* serve: keys made ahead */
    bool verbose;            /* serve */
    bool json;               /* commands whose output is data */

    const char *new_key_file;  /* rekey */
    bool install_key, replace; /* restore */

    /* Commands on a key. */
    const char *pin_file, *puk_file, *new_pin_file; /* NULL: environment, else the terminal */
    bool biometric;                                 /* the biometric check was passed */
    const char *algorithm;                          /* name or URI, NULL: by the key */
    const char *input;                              /* NULL, "-": standard input */
    const char *output;                             /* NULL, "-": standard output */
    bool raw;                                       /* bytes as on the SKS wire */
    const char *iv;                                 /* encrypt, decrypt: hexadecimal */
    const char *peer;                               /* derive: PEM file */
    bool pem;                                       /* show: the certificate path alone */
    const char *extension;                          /* show: the data of this type alone */
    bool yes;                                       /* do not ask */

    /* Updates of the policy. */
    const char *update_url; /* serve, info, update: see token_options */
    const char *update_key;
    const char *ca;          /* update: PEM to trust instead of the system's */
    const char *signing_key; /* make-update */
    const char *policy;      /* make-update: file of the JSON form */
    const char *base_url;    /* make-update: where the folder of the chunks will be served */
    uint32_t timeout;        /* healthcheck, seconds */
    const char *folder;      /* make-update */
    uint32_t chunk_size;     /* make-update: bytes of the policy in one chunk */
};

enum exit_code command_init(void *options, char **operands, size_t count); /* init.c */

/** As command_init() does it, unless the store has its device key. In init.c. */
CHECKED enum sks_status init_if_missing(const struct token_command_options *options,
                                        struct sks_error *err);
enum exit_code command_certify(void *options, char **operands, size_t count);
enum exit_code command_serve(void *options, char **operands, size_t count); /* serve.c */

/* Each of these has its table of options beside it. */
enum exit_code command_info(void *options, char **operands, size_t count); /* list.c */
enum exit_code command_list(void *options, char **operands, size_t count);
enum exit_code command_show(void *options, char **operands, size_t count);    /* show.c */
enum exit_code command_sign(void *options, char **operands, size_t count);    /* sign.c */
enum exit_code command_decrypt(void *options, char **operands, size_t count); /* use.c */
enum exit_code command_encrypt(void *options, char **operands, size_t count);
enum exit_code command_hmac(void *options, char **operands, size_t count);
enum exit_code command_derive(void *options, char **operands, size_t count);
enum exit_code command_export(void *options, char **operands, size_t count); /* manage.c */
enum exit_code command_delete(void *options, char **operands, size_t count);
enum exit_code command_change_pin(void *options, char **operands, size_t count);
enum exit_code command_set_pin(void *options, char **operands, size_t count);
enum exit_code command_unlock(void *options, char **operands, size_t count);
enum exit_code command_sessions(void *options, char **operands, size_t count);
enum exit_code command_abort(void *options, char **operands, size_t count); /* sessions.c */

/* activate.c */
enum exit_code command_deactivate(void *options, char **operands, size_t count);
enum exit_code command_activate(void *options, char **operands, size_t count);

enum exit_code command_healthcheck(void *options, char **operands,
                                   size_t count); /* healthcheck.c */
void healthcheck_defaults(void *options);
enum exit_code command_backup(void *options, char **operands, size_t count);  /* backup.c */
enum exit_code command_restore(void *options, char **operands, size_t count); /* restore.c */
enum exit_code command_check(void *options, char **operands, size_t count);   /* check.c */
enum exit_code command_rekey(void *options, char **operands, size_t count);   /* rekey.c */

extern const struct option_row OPTIONS_INFO[], OPTIONS_LIST[], OPTIONS_SHOW[], OPTIONS_SIGN[],
    OPTIONS_DECRYPT[], OPTIONS_ENCRYPT[], OPTIONS_HMAC[], OPTIONS_DERIVE[], OPTIONS_EXPORT[],
    OPTIONS_DELETE[], OPTIONS_CHANGE_PIN[], OPTIONS_SET_PIN[], OPTIONS_UNLOCK[], OPTIONS_SESSIONS[],
    OPTIONS_ABORT[], OPTIONS_DEACTIVATE[], OPTIONS_ACTIVATE[], OPTIONS_UPDATE[],
    OPTIONS_MAKE_UPDATE[], OPTIONS_REKEY[], OPTIONS_CHECK[], OPTIONS_HEALTHCHECK[],
    OPTIONS_BACKUP[], OPTIONS_RESTORE[];

enum exit_code command_update(void *options, char **operands, size_t count); /* update.c */
enum exit_code command_make_update(void *options, char **operands, size_t count);

#endif
