/* Certificates by somebody else's CA: a command of the operator's is asked for each. */
#ifndef ISSUER_EXTERNAL_CA_H
#define ISSUER_EXTERNAL_CA_H

#include "issuer/enrolment.h"
#include "issuer/profile.h"

enum {
    EXTERNAL_CA_SECONDS = 60, /* that the command may take, unless the operator says otherwise */
    EXTERNAL_CA_SECONDS_MAX = 600,
    EXTERNAL_CA_PATH_MAX = 10, /* certificates */
};

struct external_ca {
    const char *command; /* for profiles that name none; NULL: they have our own CA */
    uint32_t seconds;    /* 0: EXTERNAL_CA_SECONDS */
};

/* What a certificate is asked for. */
struct external_wish {
    const struct session *session;
    const struct profile *profile;
    const struct key_profile *key;
    const struct enrolment_values *enrolment;
    struct bytes spki;
    int64_t now;
};

/** The command of a profile; NULL: its certificates are by our own CA. In the arena. */
const char *external_ca_command(const struct external_ca *ca, const struct profile *profile,
                                struct arena *arena);

/**
 * Asks for a certificate, and waits.
 *
 * @param path  out: in the arena; the certificate is for this key, each is signed by the next, all
 *              are valid now
 * @return SKS_ERROR_EXTERNAL with the reason in err
 */
CHECKED enum sks_status external_ca_issue(const struct external_ca *ca, const char *command,
                                          const struct external_wish *wish, struct arena *arena,
                                          struct bytes_list *path, struct sks_error *err);

/** Serial number and end of a certificate. @param serial out: its magnitude, in the arena */
CHECKED enum sks_status external_ca_facts(struct bytes der, struct arena *arena,
                                          struct bytes *serial, int64_t *expires,
                                          struct sks_error *err);

#endif
