/* Session attestations of other terms than those of the session, or made by another. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#define PLAIN NEEDS_KNOWN
#define OLD (NEEDS(HAS_2010) | NEEDS(HAS_TRUST))

struct bend_row {
    const char *name, *title;
    void (*bend)(struct visit *visit, struct attested *attested);
    size_t offset; /* of a member of struct session_terms or session_2010_terms */
    uint64_t needs;
};

static struct bytes another(struct visit *v, struct bytes value)
{
    struct bytes copy = arena_copy(&v->check->arena, value);

    if (copy.len > 0)
        ((uint8_t *)(uintptr_t)copy.ptr)[copy.len - 1] ^= 1;
    else
        copy = bytes_of("x");
    return copy;
}

static void other_bytes(struct visit *v, struct attested *attested)
{
    struct bytes *member =
        (void *)((uint8_t *)&attested->terms + ((const struct bend_row *)v->row)->offset);

    *member = another(v, *member);
}

static void other_bytes_2010(struct visit *v, struct attested *attested)
{
    struct bytes *member =
        (void *)((uint8_t *)&attested->terms_2010 + ((const struct bend_row *)v->row)->offset);

    *member = another(v, *member);
}

static void other_device_id(struct visit *v, struct attested *attested)
{
    attested->device_id = another(v, attested->device_id);
}

static void anonymous_id(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->device_id = bytes_of(SKS_DEVICE_ANONYMOUS);
}

static void other_client_key(struct visit *v, struct attested *attested)
{
    attested->client_ephemeral_key = another(v, attested->client_ephemeral_key);
}

static void server_key_as_client_key(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->client_ephemeral_key = attested->terms.server_ephemeral_key;
}

static void other_privacy(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->terms.privacy_enabled = !attested->terms.privacy_enabled;
}

static void other_client_time(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->terms.client_time++;
}

static void other_life_time(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->terms.session_life_time++;
    attested->terms_2010.life_time++;
}

static void other_limit(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->terms.session_key_limit--;
}

static void other_signer(struct visit *v, struct attested *attested)
{
    attested->signer = v->site->devices.ca_key;
}

static void by_mac(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->as_mac = true;
}

static void by_device(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->as_mac = false;
}

#define TERM(name, member)                                                                         \
    {                                                                                              \
        name, "over another " name, other_bytes, offsetof(struct session_terms, member), PLAIN     \
    }
#define TERM_2010(name, member)                                                                    \
    {                                                                                              \
        "draft-2010-" name, "of the draft of 2010 over another " name, other_bytes_2010,           \
            offsetof(struct session_2010_terms, member), OLD                                       \
    }

static const struct bend_row BENDS[] = {
    TERM("sessionKeyAlgorithm", session_key_algorithm),
    TERM("serverSessionId", server_session_id),
    TERM("clientSessionId", client_session_id),
    TERM("serverEphemeralKey", server_ephemeral_key),
    TERM("issuerUri", issuer_uri),
    TERM("keyManagementKey", key_management_key),
    TERM("serverCertificate", server_certificate),
    { "privacyEnabled", "over another privacyEnabled", other_privacy, 0, PLAIN },
    { "clientTime", "over another clientTime", other_client_time, 0, PLAIN },
    { "sessionLifeTime", "over another sessionLifeTime", other_life_time, 0, PLAIN },
    { "sessionKeyLimit", "over another sessionKeyLimit", other_limit, 0, PLAIN },
    { "deviceId", "over another device certificate", other_device_id, 0, PLAIN },
    { "deviceId-anonymous", "over no device certificate", anonymous_id, 0, PLAIN },
    { "clientEphemeralKey", "over another clientEphemeralKey", other_client_key, 0, PLAIN },
    { "clientEphemeralKey-reflected", "over the issuer's own key in its place",
      server_key_as_client_key, 0, PLAIN },
    { "signer", "by another key", other_signer, 0, PLAIN },
    { "mac", "by a MAC with the session key, which anybody can make", by_mac, 0, PLAIN },
    TERM_2010("server-session-id", server_session_id),
    TERM_2010("client-session-id", client_session_id),
    TERM_2010("provisioning-uri", provisioning_uri),
    TERM_2010("server-public-key", server_public_key),
    { "draft-2010-life-time", "of the draft of 2010 over another life_time", other_life_time, 0,
      OLD },
    { "draft-2010-signer", "of the draft of 2010 by another key", other_signer, 0, OLD },
    { "draft-2010-mac", "of the draft of 2010 by a MAC", by_mac, 0, OLD },
    { "privacy-clientTime", "of privacy mode over another clientTime", other_client_time, 0,
      NEEDS(HAS_PRIVACY) },
    { "privacy-privacyEnabled", "of privacy mode over another privacyEnabled", other_privacy, 0,
      NEEDS(HAS_PRIVACY) },
    { "privacy-deviceId", "of privacy mode over another name than Anonymous", other_device_id, 0,
      NEEDS(HAS_PRIVACY) },
    { "privacy-signed", "of privacy mode, signed by the device", by_device, 0, NEEDS(HAS_PRIVACY) },
};

static enum sks_status bent(struct check *check, void *end, const void *row)
{
    const struct bend_row *what = row;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_INITIALIZATION));
    v.row = row;
    v.bends.attested = what->bend;
    rc = visit_answer_refused(&v);
out:
    visit_free(&v);
    return rc;
}

void issuer_cases_of_terms(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(BENDS); i++)
        cases_add(cases, &(struct conform_case){
                             .id = cases_text(cases, "session-attestation.%s", BENDS[i].name),
                             .title = cases_text(cases, "a session attestation %s: refused",
                                                 BENDS[i].title),
                             .section = "SKS createProvisioningSession; http 6",
                             .needs = BENDS[i].needs,
                             .run = bent,
                             .row = &BENDS[i] });
}
