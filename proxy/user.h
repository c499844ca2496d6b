/* The person in front of the proxy: consent and PINs, from options, a file or the terminal. */
#ifndef PROXY_USER_H
#define PROXY_USER_H

#include "keygen2/base/bytes.h"

#include <signal.h>

struct user_config {
    bool yes;                /* consents to everything */
    const char *const *pins; /* handed out in turn, the last one again and again */
    size_t pin_count;
    const char *pin_file; /* its first line is the PIN; mode 0600; NULL: none */
    const volatile sig_atomic_t *stop;
};

struct user;

/**
 * Reads the PIN file. Without any PIN in the config, the variable SKS_PROXY_PIN gives one.
 *
 * @param user  out: free with user_close()
 */
CHECKED enum sks_status user_open(const struct user_config *config, struct user **user,
                                  struct sks_error *err);

/**
 * Asks whether to go on.
 *
 * @param url   the issuer's, printable
 * @param what  what it wants, one line
 * @return SKS_ERROR_USER_ABORT if the answer is not yes, or nobody can be asked
 */
CHECKED enum sks_status user_consent(struct user *user, const char *url, const char *what,
                                     struct sks_error *err);

/**
 * Asks which of several; with consent to everything it is the first.
 *
 * @param offers  printable lines
 * @param choice  out: its place
 * @return SKS_ERROR_USER_ABORT if no number of one comes
 */
CHECKED enum sks_status user_choose(struct user *user, const char *question,
                                    const char *const *offers, size_t count, size_t *choice,
                                    struct sks_error *err);

/** Shows a CA that the issuer wants to be trusted, and what to think of that. */
void user_trust_anchor(struct user *user, const char *subject, const char *fingerprint);

/**
 * Asks for a folder to write it to.
 *
 * @param folder  out: replaced, with a NUL
 * @return false if nobody is there, or wants that
 */
bool user_folder(struct user *user, struct buf *folder);

/**
 * Gets one PIN as it was typed, on the terminal twice and without echo.
 *
 * @param what   for which key; may come from the issuer
 * @param wants  what its policy asks for
 * @param typed  out: replaced; a secret
 */
CHECKED enum sks_status user_pin(struct user *user, const char *what, const char *wants,
                                 struct buf *typed, struct sks_error *err);

/** Tells the user why a PIN will not do; false if there is no terminal for another one. */
bool user_try_again(struct user *user, const char *why);

/** Wipes the PINs it read. NULL is allowed. */
void user_close(struct user *user);

#endif
