/* A record as a whole: its form, whose it is, and then what it says. */
#include "keygen2/base/jcs.h"
#include "keygen2/evidence/checker.h"

#include <openssl/crypto.h>
#include <string.h>

/* One line feed may stand behind it, as programs print it; it is no part of it. */
static struct bytes without_line_feed(struct bytes text)
{
    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    return text;
}

static bool check_form(struct checker *c, struct bytes text, const json_t *root)
{
    struct buf canonical = { 0 };
    bool good = jcs_write(root, &canonical) == SKS_OK && bytes_equal(text, buf_bytes(&canonical));

    if (good)
        checker_tell(c, EVIDENCE_GOOD, "form", "RFC 8785, %zu bytes", text.len);
    else
        checker_tell(c, EVIDENCE_BAD, "form", "not that of RFC 8785");
    buf_free(&canonical);
    return good;
}

static bool check_signature(struct checker *c, const json_t *root,
                            const struct jsf_signature *signature, const struct bytes_list *issuers)
{
    struct sks_error why = { 0 };
    struct json_reader reader = { .arena = c->arena, .err = &why };
    const struct json_place at = { NULL, "signature", 0 };

    if (signature->certificate_path.count == 0) {
        checker_tell(c, EVIDENCE_BAD, "signature", "has no certificate");
        return false;
    }
    if (!check_signer(c, &signature->certificate_path, issuers))
        return false;
    if (sks_explain(&why, jsf_verify(&reader, &at, root, signature)) != SKS_OK) {
        checker_tell(c, EVIDENCE_BAD, "signature", "%s", why.text);
        return false;
    }
    checker_tell(c, EVIDENCE_GOOD, "signature", "%.*s over all of it", SLICE(signature->algorithm));
    return true;
}

/* The session key, where the record tells it. */
static void take_key(struct checker *c)
{
    const struct evidence_record *record = c->record;

    if (record->session_key.len == 0) {
        checker_tell(c, EVIDENCE_NOT_CHECKED, "session key", "%s, and not in the record",
                     name_of_value(NAMES_SESSION_KEY_STATUS, record->session_key_status));
        return;
    }
    memcpy(c->sk.key, record->session_key.ptr, sizeof c->sk.key);
    c->has_key = true;
    if (record->session_key_status == SESSION_KEY_SEALED)
        checker_tell(c, EVIDENCE_GOOD, "session key", "in the record");
    else
        checker_tell(c, EVIDENCE_BAD, "session key", "in the record, which says \"%s\"",
                     name_of_value(NAMES_SESSION_KEY_STATUS, record->session_key_status));
}

/* What no message has said yet is what the record sums up. */
static void take_first_terms(struct checker *c)
{
    const struct evidence_terms *told = c->record->terms;

    c->agreed = (struct evidence_terms){
        .session_key_algorithm = told->session_key_algorithm,
        .privacy_enabled = told->privacy_enabled,
        .key_management_key = told->key_management_key,
        .session_life_time = told->session_life_time,
        .session_key_limit = told->session_key_limit,
        .server_certificate = told->server_certificate,
    };
    c->terms = c->agreed;
}

enum sks_status evidence_check(struct bytes text, const struct bytes_list *issuers,
                               struct arena *arena, struct evidence_report *report,
                               struct sks_error *err)
{
    struct checker c = { .arena = arena, .report = report, .record = &report->record };
    struct jsf_signature signature = { 0 };
    json_t *root = NULL;
    enum sks_status rc;

    *report = (struct evidence_report){ 0 };
    text = without_line_feed(text);
    TRY(evidence_parse(text, arena, &root, &signature, err));
    /* Its content may be costly to decode: whose it is comes first. */
    if (check_form(&c, text, root) && check_signature(&c, root, &signature, issuers)) {
        TRY(evidence_decode(root, arena, &report->record, err));
        check_signer_time(&c, &signature.certificate_path);
        take_key(&c);
        take_first_terms(&c);
        check_messages(&c);
    }
    REQUIRE(!c.no_memory, err, SKS_ERROR_STORAGE, "no memory for the check");
out:
    OPENSSL_cleanse(&c.sk, sizeof c.sk);
    json_decref(root);
    return rc;
}
