#include "issuer/options.h"
#include "issuer/crl.h"
#include "issuer/external_ca.h"
#include "keygen2/base/health.h"
#include "keygen2/base/option_check.h"
#include "keygen2/crypto/key_pool.h"

#include <stddef.h>

enum { DAYS_MAX = 36500 };

#define AT(member) .offset = offsetof(struct options, member)
#define DATA                                                                                       \
    {                                                                                              \
        "data", 0, "DIR", "folder with keys and database", OPTION_TEXT, AT(serve.data),            \
            .required = true, .environment = "SKS_ISSUER_DATA"                                     \
    }
#define PUBLIC_URL                                                                                 \
    {                                                                                              \
        "public-url", 0, "URL", "address that clients use (default: the listener's own)",          \
            OPTION_TEXT, AT(serve.public_url), .check = check_url                                  \
    }
#define CA_KEY                                                                                     \
    {                                                                                              \
        "ca-key", 0, "PEM",                                                                        \
            "the CA's key, elsewhere; mode 0600, or below /run/secrets (default: DIR/ca.key)",     \
            OPTION_TEXT, AT(serve.ca_key), .check = check_file                                     \
    }
#define CA_CERT                                                                                    \
    {                                                                                              \
        "ca-cert", 0, "PEM", "its certificate (default: DIR/ca.pem)", OPTION_TEXT,                 \
            AT(serve.ca_cert), .check = check_certificates                                         \
    }
#define HTTP                                                                                       \
    {                                                                                              \
        "http", 0, "HOST:PORT",                                                                    \
            "listen for http (default: 127.0.0.1:8080 if --https is not given)", OPTION_TEXT,      \
            AT(serve.http), .check = check_address                                                 \
    }
#define HTTPS                                                                                      \
    {                                                                                              \
        "https", 0, "HOST:PORT",                                                                   \
            "listen for https (default: 127.0.0.1:8443 if --http is not given)", OPTION_TEXT,      \
            AT(serve.https), .check = check_address                                                \
    }
#define JSON(help)                                                                                 \
    {                                                                                              \
        "json", 0, NULL, help, OPTION_FLAG, AT(json)                                               \
    }

const struct option_row OPTIONS_INIT[] = { DATA, PUBLIC_URL, CA_KEY, CA_CERT, { 0 } };
const struct option_row OPTIONS_SERVE[] = {
    DATA,
    HTTP,
    HTTPS,
    PUBLIC_URL,
    CA_KEY,
    CA_CERT,
    { "trust", 0, "DIR-OR-PEM", "trusted device CAs, may be repeated (default: DIR/trust)",
      OPTION_TEXTS, AT(serve.trust), .check = check_exists },
    { "profiles", 0, "DIR", "folder of profiles (default: DIR/profiles, else the shipped ones)",
      OPTION_TEXT, AT(serve.profiles), .check = check_folder },
    { "tls-name", 0, "HOST",
      "what DIR/tls.pem is made for, where it is not (default: the host of the public URL)",
      OPTION_TEXT, AT(serve.tls_name) },
    { "seen-certificate", 0, "PEM", "TLS certificate that clients see, if it is not DIR/tls.pem",
      OPTION_TEXT, AT(serve.seen_certificate), .check = check_certificates },
    { "purge-after", 0, "DAYS", "purge what ended so many days ago (default: nothing is purged)",
      OPTION_NUMBER, AT(serve.purge_after), .min = 1, .max = DAYS_MAX },
    { "stop-seconds", 0, "S", "at SIGTERM, how long to wait for what is under way (default: 10)",
      OPTION_NUMBER, AT(serve.stop_seconds), .max = 3600 },
    { "log-format", 0, "json|text", "form of the log's lines (text)", OPTION_TEXT,
      AT(serve.log_format), .choices = "json|text" },
    { "manage", 0, "HOST:PORT", "serve /healthz and /metrics there (default: nowhere)", OPTION_TEXT,
      AT(serve.manage), .check = check_address },
    { "manage-any", 0, NULL, "let --manage be another address than the loopback's", OPTION_FLAG,
      AT(serve.manage_any) },
    { "server-keys", 0, "N",
      "make N RSA keys ahead for sessions of 2010, of each size in use; 0: none (default 2)",
      OPTION_NUMBER, AT(serve.server_keys), .environment = "SKS_ISSUER_SERVER_KEYS",
      .max = KEY_POOL_MAX },
    { "crl-url", 0, "URL", "address of the CRL that certificates name (default: PUBLIC-URL/crl)",
      OPTION_TEXT, AT(serve.crl_url), .check = check_url },
    { "crl-life", 0, "S", "seconds from a CRL to its nextUpdate (86400); half that, a new one",
      OPTION_NUMBER, AT(serve.crl_life), .min = CRL_LIFE_MIN, .max = CRL_LIFE_MAX },
    { "external-ca", 0, "COMMAND",
      "issues the certificates: JSON on its stdin, the path on its stdout (default: our own CA)",
      OPTION_TEXT, AT(serve.external_ca) },
    { "external-ca-timeout", 0, "S", "seconds that it may take (60)", OPTION_NUMBER,
      AT(serve.external_ca_seconds), .min = 1, .max = EXTERNAL_CA_SECONDS_MAX },
    { "max-sessions", 0, "N", "open sessions in all (10000)", OPTION_NUMBER,
      AT(serve.limits.sessions), .min = 1, .max = CAPS_SESSIONS_MAX },
    { "max-address-sessions", 0, "N",
      "open sessions begun by one address (200, of loopback any number)", OPTION_NUMBER,
      AT(serve.limits.address_sessions), .min = 1, .max = CAPS_SESSIONS_MAX },
    { "max-address-requests", 0, "N",
      "requests a second of one address (50, of loopback any number)", OPTION_NUMBER,
      AT(serve.limits.address_requests), .min = 1, .max = CAPS_REQUESTS_MAX },
    { "log-level", 0, "error|info|debug",
      "what is logged: the issuer's own trouble; requests and sessions too; each check too (info)",
      OPTION_TEXT, AT(log_level), .choices = "error|info|debug" },
    { "verbose", 'v', NULL, "log more: as --log-level debug", OPTION_FLAG, AT(verbose) },
    { 0 },
};
const struct option_row OPTIONS_SESSIONS[] = {
    DATA,
    JSON("print JSON"),
    { "verdict", 0, "VERDICT", "only those that are open, succeeded, failed or in-doubt",
      OPTION_TEXT, AT(sessions.verdict), .choices = "open|succeeded|failed|in-doubt" },
    { "profile", 0, "NAME", "only those of a profile", OPTION_TEXT, AT(sessions.profile) },
    { "since", 0, "TIME", "only those begun then or later: 2026-11-23, 2026-11-23T08:00:00Z, 12h",
      OPTION_TEXT, AT(sessions.since) },
    { "until", 0, "TIME", "only those begun before", OPTION_TEXT, AT(sessions.until) },
    { "device", 0, "HEX", "only those of the device whose certificate's SHA-256 begins so",
      OPTION_TEXT, AT(device) },
    { "limit", 0, "N", "only the newest N", OPTION_NUMBER, AT(sessions.limit), .min = 1,
      .max = UINT32_MAX },
    { 0 },
};
const struct option_row OPTIONS_SHOW[] = { DATA, JSON("print JSON"), { 0 } };
const struct option_row OPTIONS_EVIDENCE[] = {
    DATA,
    JSON("print the signed record"),
    { "with-session-key", 0, NULL, "tell the session key, to recompute MACs and proofs with",
      OPTION_FLAG, AT(evidence.session_key) },
    { "reveal-secrets", 0, NULL,
      "tell it even if it opens PINs, PUKs, keys or extensions of the session", OPTION_FLAG,
      AT(evidence.reveal_secrets) },
    { 0 },
};

const struct option_row OPTIONS_FORGET[] = { DATA, { 0 } };
const struct option_row OPTIONS_DECIDE[] = { DATA, { 0 } };
const struct option_row OPTIONS_ROLL_OVER[] = {
    DATA,
    JSON("print JSON"),
    { "evidence-key", 0, NULL, "another evidence key instead", OPTION_FLAG, AT(evidence_key) },
    { 0 },
};
const struct option_row OPTIONS_APPROVE[] = {
    DATA,
    { "set", 0, "NAME=VALUE", "a value of the enrolment, for its certificates; again for the next",
      OPTION_TEXTS, AT(settings) },
    { "device", 0, "DIGITS",
      "the first eight digits of the SHA-256 of the device's certificate, from its owner",
      OPTION_TEXT, AT(device) },
    { 0 },
};
const struct option_row OPTIONS_INVITE[] = {
    DATA,
    PUBLIC_URL,
    { "uses", 0, "N", "enrolments that it is good for (1)", OPTION_NUMBER, AT(invite.uses),
      .min = 1, .max = INVITATION_USES_MAX },
    { "expires", 0, "TIME", "until when: 30m, 12h, 7d or 2026-12-31T12:00:00Z (7d)", OPTION_TEXT,
      AT(invite.expires) },
    { "subject", 0, "TEXT", "who it is for: {subject} in certificates", OPTION_TEXT,
      AT(invite.subject) },
    { "set", 0, "NAME=VALUE", "a value of the enrolment, for its certificates; again for the next",
      OPTION_TEXTS, AT(settings) },
    JSON("print JSON"),
    { 0 },
};
const struct option_row OPTIONS_INVITATIONS[] = { DATA, JSON("print JSON"), { 0 } };
const struct option_row OPTIONS_REVOKE[] = {
    DATA,
    { "session", 0, "ID", "all certificates of this session", OPTION_TEXT, AT(revoke.session) },
    { "reason", 0, "REASON", "as RFC 5280 names it, e.g. keyCompromise (unspecified)", OPTION_TEXT,
      AT(revoke.reason) },
    { "hold", 0, NULL, "on hold only, until it is released", OPTION_FLAG, AT(revoke.hold) },
    { "release", 0, NULL, "from the operator's hold", OPTION_FLAG, AT(revoke.release) },
    JSON("print JSON"),
    { 0 },
};
const struct option_row OPTIONS_EXPORT[] = {
    DATA,
    JSON("print JSON"),
    { "session", 0, "ID", "only those of this session", OPTION_TEXT, AT(revoke.session) },
    { 0 },
};
const struct option_row OPTIONS_KEYS[] = {
    DATA,
    JSON("print JSON"),
    { "device", 0, "HEX", "only those in the device whose certificate has this SHA-256",
      OPTION_TEXT, AT(device) },
    { 0 },
};
const struct option_row OPTIONS_PURGE[] = {
    DATA,
    JSON("print JSON"),
    { "older-than", 0, "DAYS", "what ended more days ago", OPTION_NUMBER, AT(older_than),
      .required = true, .max = DAYS_MAX },
    { 0 },
};
const struct option_row OPTIONS_BACKUP[] = {
    DATA,
    { "passphrase-file", 0, "FILE", "its first line is the passphrase; mode 0600 (else asked for)",
      OPTION_TEXT, AT(passphrase_file) },
    { 0 },
};
const struct option_row OPTIONS_CHECK_PROFILE[] = {
    JSON("print JSON"),
    { "schema", 0, NULL, "print the JSON Schema of profiles instead", OPTION_FLAG, AT(schema) },
    { 0 },
};
const struct option_row OPTIONS_HEALTHCHECK[] = {
    HTTP,
    HTTPS,
    { "ca", 0, "PEM",
      "certificates that vouch for an https server (the system's; of our own on the loopback: any)",
      OPTION_TEXT, AT(health.ca), .check = check_certificates },
    { "insecure", 0, NULL, "take any certificate of an https server", OPTION_FLAG,
      AT(health.insecure) },
    { "profile", 0, "NAME", "begin a session of it (default: the first that needs no code)",
      OPTION_TEXT, AT(health.profile) },
    { "timeout", 0, "S", "seconds that all of it may take", OPTION_NUMBER, AT(health.seconds),
      .min = 1, .max = HEALTH_SECONDS_MAX },
    JSON("print JSON"),
    { 0 },
};
