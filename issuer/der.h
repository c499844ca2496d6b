/* DER written by hand, where OpenSSL's templates would cost more than the bytes. */
#ifndef ISSUER_DER_H
#define ISSUER_DER_H

#include "keygen2/base/bytes.h"

/** Appends one element. @param tag, tag_class, constructed as ASN1_put_object() wants them */
void put_der(struct buf *out, int tag, int tag_class, bool constructed, struct bytes content);

/** Appends a SEQUENCE. */
void put_sequence(struct buf *out, struct bytes content);

/** Appends a certificate extension, not critical. @param value content of extnValue */
void put_der_extension(struct buf *out, int nid, struct bytes value);

#endif
