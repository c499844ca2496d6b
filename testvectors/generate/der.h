/* DER, written by hand: certificates whose every byte is known beforehand. */
#ifndef TESTVECTORS_GENERATE_DER_H
#define TESTVECTORS_GENERATE_DER_H

#include "testvectors/generate/suite.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTF8 = 0x0C,
    DER_IA5 = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

/** One element. */
struct bytes der(struct suite *s, unsigned tag, struct bytes content);

/** A SEQUENCE of some elements. */
#define DER_SEQUENCE_OF(s, ...) der((s), DER_SEQUENCE, JOIN((s), __VA_ARGS__))

/** An OID by its numbers, "1.2.840". */
struct bytes der_oid(struct suite *s, const char *text);

/** A positive INTEGER of big-endian bytes, leading zeros dropped. */
struct bytes der_integer(struct suite *s, struct bytes number);

/** A BIT STRING of whole bytes. */
struct bytes der_bits(struct suite *s, struct bytes bits);

/** A Name, "O=Example/CN=Alice": C, O, OU, CN, E, L, ST, DC or an OID, one RDN each. */
struct bytes der_name(struct suite *s, const char *text);

/** An Extension. @param oid  "2.5.29.15" @param value DER */
struct bytes der_extension(struct suite *s, const char *oid, bool critical, struct bytes value);

#endif
