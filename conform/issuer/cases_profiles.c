/* Whole sessions, one for each thing that a profile may have: the double checks each message as a
 * token does, every MAC and every encrypted value included. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

static enum sks_status whole(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    rc = visit_finish(&v);
out:
    visit_free(&v);
    return rc;
}

/* Always runs, for an issuer with which nothing works has nothing that another case could need. */
static enum sks_status any(struct check *check, void *end, const void *row)
{
    const struct finding *fault = site_fault(end, NEEDS(HAS_END));
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    if (fault != NULL)
        return check_fail(check, fault->field, fault->wanted, "%s", fault->came);
    if (site_find(end, NEEDS(HAS_END)) == NULL)
        return check_skip(check, "no session comes to its end without a trusted device, a code, an "
                                 "operator or other keys");
    TRY(visit_begin(&v, end, check, NEEDS(HAS_END)));
    rc = visit_finish(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status capabilities(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    rc = visit_until(&v, AT_INITIALIZATION);
out:
    visit_free(&v);
    return rc;
}

#define WHOLE(name, features, title)                                                               \
    CASE(LEVEL_MUST, "session." name, "a whole session " title,                                    \
         "KeyGen2 Protocol Description; http 2", NEEDS(HAS_END) | (features), whole, NULL)

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "session.any", "a session with one of the profiles comes to its end",
         "http 2; KeyGen2", 0, any, NULL),
    WHOLE("device", NEEDS(HAS_SESSION_1) | NEEDS(HAS_TRUST), "of a device that says who it is"),
    WHOLE("privacy", NEEDS(HAS_PRIVACY), "of an anonymous device"),
    WHOLE("draft-2010", NEEDS(HAS_2010) | NEEDS(HAS_TRUST), "as the draft of 2010 has it"),
    WHOLE("https", NEEDS(HAS_TLS), "over https: the TLS certificate is attested"),
    CASE(LEVEL_MUST, "session.capabilities", "capabilities of the client, asked for and taken",
         "KeyGen2 InvocationRequest; http 5", NEEDS(HAS_QUERY), capabilities, NULL),
    WHOLE("key-management-key", NEEDS(HAS_KMK), "with a key management key"),
    WHOLE("roll-over", NEEDS(HAS_ROLL_OVER), "with updatable key management keys"),
    WHOLE("lookups", NEEDS(HAS_DISCOVERY), "with lookups, each signed and fresh"),
    WHOLE("one-key", NEEDS(HAS_KEYS), "with a key"),
    WHOLE("two-keys", NEEDS(HAS_TWO_KEYS), "with two keys or more"),
    WHOLE("pin-policy", NEEDS(HAS_PIN_POLICY), "with a PIN policy"),
    WHOLE("puk-policy", NEEDS(HAS_PUK_POLICY), "with a PUK, which decrypts and obeys its policy"),
    WHOLE("preset-pin", NEEDS(HAS_PRESET_PIN),
          "with a preset PIN, which decrypts and obeys its policy"),
    WHOLE("key-alone", NEEDS(HAS_KEY_ALONE), "with a key without a PIN policy"),
    WHOLE("ec-key", NEEDS(HAS_EC_KEY), "with an EC key"),
    WHOLE("rsa-key", NEEDS(HAS_RSA_KEY), "with an RSA key"),
    WHOLE("ed25519-key", NEEDS(HAS_ED25519_KEY), "with an Ed25519 key"),
    WHOLE("endorsed-algorithms", NEEDS(HAS_ENDORSED), "with endorsed algorithms"),
    WHOLE("import-symmetric-key", NEEDS(HAS_IMPORT_SYMMETRIC), "with an imported symmetric key"),
    WHOLE("import-private-key", NEEDS(HAS_IMPORT_PRIVATE), "with an imported private key"),
    WHOLE("extension", NEEDS(HAS_EXTENSION), "with an extension"),
    WHOLE("encrypted-extension", NEEDS(HAS_ENCRYPTED_EXTENSION), "with an encrypted extension"),
    WHOLE("property-bag", NEEDS(HAS_PROPERTY_BAG), "with a property bag"),
    WHOLE("logotype", NEEDS(HAS_LOGOTYPE), "with a logotype"),
    WHOLE("update-key", NEEDS(HAS_UPDATE), "that updates an earlier key, authorized"),
    WHOLE("clone-key-protection", NEEDS(HAS_CLONE), "that clones a protection, authorized"),
    WHOLE("unlock-key", NEEDS(HAS_UNLOCK), "that unlocks an earlier key, authorized"),
    WHOLE("delete-key", NEEDS(HAS_DELETE), "that deletes an earlier key, authorized"),
};

void issuer_cases_of_profiles(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
