/* Rows of option tables that many commands have. For the files that hold such tables. */
#ifndef TOKEN_COMMAND_ROWS_H
#define TOKEN_COMMAND_ROWS_H

#include "keygen2/base/option_check.h"
#include "token/command/commands.h"
#include "token/vault.h"

#define AT(member) .offset = offsetof(struct token_command_options, member)
#define STORE                                                                                      \
    {                                                                                              \
        "store", 0, "DIR", "folder of the token", OPTION_TEXT, AT(store),                          \
            .required = true, .environment = "SKS_TOKEN_STORE"                                     \
    }
#define MASTER_KEY                                                                                 \
    {                                                                                              \
        "master-key", 0, "FILE",                                                                   \
            "master key (default DIR/master.key; " MASTER_KEY_VARIABLE " holds it itself)",        \
            OPTION_TEXT, AT(key_file), .environment = "SKS_TOKEN_MASTER_KEY_FILE"                  \
    }
#define TEXT_ROW(name, value, help, member)                                                        \
    {                                                                                              \
        name, 0, value, help, OPTION_TEXT, AT(member)                                              \
    }
#define FLAG_ROW(name, help, member)                                                               \
    {                                                                                              \
        name, 0, NULL, help, OPTION_FLAG, AT(member)                                               \
    }
#define JSON FLAG_ROW("json", "print JSON", json)
#define PIN_FILE                                                                                   \
    TEXT_ROW("pin-file", "FILE",                                                                   \
             "its first line is the PIN; mode 0600 (else $SKS_TOKEN_PIN, else asked for)",         \
             pin_file)
#define PUK_FILE                                                                                   \
    TEXT_ROW("puk-file", "FILE",                                                                   \
             "its first line is the PUK; mode 0600 (else $SKS_TOKEN_PUK, else asked for)",         \
             puk_file)
#define NEW_PIN_FILE                                                                               \
    TEXT_ROW("new-pin-file", "FILE",                                                               \
             "its first line is the new PIN; mode 0600 (else $SKS_TOKEN_NEW_PIN, else asked for)", \
             new_pin_file)
#define BIOMETRIC FLAG_ROW("biometric", "the user has passed the biometric check", biometric)
#define UPDATE_URL                                                                                 \
    {                                                                                              \
        "update-url", 0, "URL", "where updates of the policy come from (default: no updates)",     \
            OPTION_TEXT, AT(update_url), .environment = "SKS_TOKEN_UPDATE_URL", .check = check_url \
    }
#define UPDATE_KEY                                                                                 \
    {                                                                                              \
        "update-key", 0, "PEM", "Ed25519 public key of who signs them", OPTION_TEXT,               \
            AT(update_key), .environment = "SKS_TOKEN_UPDATE_KEY", .check = check_file             \
    }
#define LISTEN_DEFAULT "127.0.0.1:8765"
#define LISTEN                                                                                     \
    {                                                                                              \
        "listen", 0, "ADDRESS",                                                                    \
            "HOST:PORT (port 0: a free one) or unix:PATH (default " LISTEN_DEFAULT ")",            \
            OPTION_TEXT, AT(listen), .check = check_address                                        \
    }
#define YES FLAG_ROW("yes", "do not ask for consent", yes)
#define INPUT(what) TEXT_ROW("in", "FILE", what " (default: standard input)", input)
#define OUTPUT(what) TEXT_ROW("out", "FILE", what " (default: standard output)", output)
#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

#endif
