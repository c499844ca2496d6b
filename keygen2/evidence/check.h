/*
 * Checks an evidence record again, from nothing but itself and a certificate of its issuer: its
 * form, its signature, its messages, and every check that the issuer says it made.
 */
#ifndef KEYGEN2_EVIDENCE_CHECK_H
#define KEYGEN2_EVIDENCE_CHECK_H

#include "keygen2/message/evidence.h"

enum evidence_result {
    EVIDENCE_GOOD,
    EVIDENCE_BAD,
    EVIDENCE_NOT_CHECKED, /* it is the issuer's word: what would show it is not in the record */
};

struct evidence_finding {
    enum evidence_result result;
    const char *name, *detail;
};

/* All that it points to lives in the arena. */
struct evidence_report {
    struct evidence_record record; /* believe it only if nothing is bad */
    struct evidence_finding *finding;
    size_t findings, room;
    size_t count[EVIDENCE_NOT_CHECKED + 1]; /* of findings, by result */
};

/**
 * Checks a record. Where the signature is not the issuer's, nothing else is looked at.
 *
 * @param text     the record, with at most one line feed behind it
 * @param issuers  DER: certificates of evidence keys, or of CAs that have issued such
 * @param arena    wiped when it is freed: the record may hold secrets
 * @param report   out
 * @return SKS_OK whatever is found; SKS_ERROR_OPTION with the text in err if this is no record;
 *         SKS_ERROR_STORAGE without memory
 */
CHECKED enum sks_status evidence_check(struct bytes text, const struct bytes_list *issuers,
                                       struct arena *arena, struct evidence_report *report,
                                       struct sks_error *err);

#endif
