#include "issuer/der.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>

void put_der(struct buf *out, int tag, int tag_class, bool constructed, struct bytes content)
{
    uint8_t header[16], *p = header;

    ASN1_put_object(&p, constructed, (int)content.len, tag, tag_class);
    put_raw(out, bytes_at(header, (size_t)(p - header)));
    put_raw(out, content);
}

void put_sequence(struct buf *out, struct bytes content)
{
    put_der(out, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true, content);
}

void put_der_extension(struct buf *out, int nid, struct bytes value)
{
    const ASN1_OBJECT *id = OBJ_nid2obj(nid);
    struct buf parts = { 0 };

    put_der(&parts, V_ASN1_OBJECT, V_ASN1_UNIVERSAL, false,
            bytes_at(OBJ_get0_data(id), OBJ_length(id)));
    put_der(&parts, V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL, false, value);
    put_sequence(out, buf_bytes(&parts));
    if (out->status == SKS_OK)
        out->status = parts.status;
    buf_free(&parts);
}
