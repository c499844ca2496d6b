/*
 * CA certificates that an issuer offers as trust anchors. No MAC covers the flag and no end checks
 * it: whoever stands between issuer and user may have set it. So nothing is installed; the
 * certificate is shown with its fingerprint, and written to a file where the user wants that.
 */
#ifndef PROXY_TRUST_ANCHOR_H
#define PROXY_TRUST_ANCHOR_H

#include "proxy/enrolment.h"

/**
 * Shows each anchor, and writes it as PEM with mode 0644, named by its fingerprint. A file of that
 * name that holds anything else is left alone.
 *
 * @param folder   where to; NULL: asked for on a terminal
 * @param outcome  its anchors are filled; they live in e->arena
 * @return SKS_ERROR_EXTERNAL if a file cannot be written
 */
CHECKED enum sks_status trust_anchors_offer(struct enrolment *e, const char *folder,
                                            struct outcome *outcome, struct sks_error *err);

#endif
