#include "proxy/certificate_facts.h"

#include "proxy/principal_name.h"

#include <openssl/x509v3.h>

/* A list that grows to a known size. */
static bool begin(struct arena *arena, int count, struct bytes_list *list)
{
    *list = (struct bytes_list){ 0 };
    if (count > 0)
        list->item = arena_alloc(arena, (size_t)count, sizeof *list->item);
    return count <= 0 || list->item != NULL;
}

static void add(struct bytes_list *list, struct bytes text)
{
    if (text.ptr != NULL)
        list->item[list->count++] = text;
}

static void add_oid(struct arena *arena, struct bytes_list *list, const ASN1_OBJECT *oid)
{
    char text[256];
    int len = OBJ_obj2txt(text, sizeof text, oid, 1);

    if (len > 0 && (size_t)len < sizeof text)
        add(list, arena_copy(arena, bytes_at(text, (size_t)len)));
}

/* ---- extensions ---- */

static bool list_key_usages(X509 *x509, struct arena *arena, struct bytes_list *list)
{
    /* RFC 5280, 4.2.1.3, in the order of their bits. */
    static const char *const NAMES[] = {
        "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
        "keyCertSign",      "cRLSign",        "encipherOnly",    "decipherOnly",
    };
    ASN1_BIT_STRING *bits = X509_get_ext_d2i(x509, NID_key_usage, NULL, NULL);
    bool there = bits != NULL && begin(arena, NITEMS(NAMES), list);

    for (size_t i = 0; there && i < NITEMS(NAMES); i++)
        if (ASN1_BIT_STRING_get_bit(bits, (int)i))
            add(list, bytes_of(NAMES[i]));
    ASN1_BIT_STRING_free(bits);
    return there;
}

static bool list_extended_key_usages(X509 *x509, struct arena *arena, struct bytes_list *list)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);
    int count = sk_ASN1_OBJECT_num(usages);
    bool there = usages != NULL && begin(arena, count, list);

    for (int i = 0; there && i < count; i++)
        add_oid(arena, list, sk_ASN1_OBJECT_value(usages, i));
    EXTENDED_KEY_USAGE_free(usages);
    return there;
}

static bool list_policies(X509 *x509, struct arena *arena, struct bytes_list *list)
{
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(x509, NID_certificate_policies, NULL, NULL);
    int count = sk_POLICYINFO_num(policies);
    bool there = policies != NULL && begin(arena, count, list);

    for (int i = 0; there && i < count; i++)
        add_oid(arena, list, sk_POLICYINFO_value(policies, i)->policyid);
    CERTIFICATEPOLICIES_free(policies);
    return there;
}

/* ---- e-mail addresses ---- */

/* An address as text; Java takes its bytes for UTF-8 whatever string it is. */
static void add_address(struct arena *arena, struct bytes_list *list, const ASN1_STRING *string)
{
    struct buf text = { 0 };

    put_java_utf8(&text,
                  bytes_at(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)));
    if (text.status == SKS_OK)
        add(list, arena_copy(arena, buf_bytes(&text)));
    buf_free(&text);
}

/* KeyGen2, emailRegEx: "both RFC 822 subject attributes and subjectAltName fields are in scope". */
static bool list_addresses(X509 *x509, struct arena *arena, struct bytes_list *list)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    int count = X509_NAME_entry_count(subject),
        more = names == NULL ? 0 : sk_GENERAL_NAME_num(names);
    int at = -1;
    bool there = begin(arena, count + more, list);

    while (there && (at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0)
        add_address(arena, list, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    for (int i = 0; there && i < more; i++)
        if (sk_GENERAL_NAME_value(names, i)->type == GEN_EMAIL)
            add_address(arena, list, sk_GENERAL_NAME_value(names, i)->d.rfc822Name);
    GENERAL_NAMES_free(names);
    return there && list->count > 0;
}

bool certificate_list(X509 *x509, enum certificate_list kind, struct arena *arena,
                      struct bytes_list *list)
{
    static bool (*const LISTS[])(X509 * x509, struct arena * arena, struct bytes_list * list) = {
        [CERTIFICATE_KEY_USAGES] = list_key_usages,
        [CERTIFICATE_EXTENDED_KEY_USAGES] = list_extended_key_usages,
        [CERTIFICATE_POLICIES] = list_policies,
        [CERTIFICATE_EMAIL_ADDRESSES] = list_addresses,
    };

    return LISTS[kind](x509, arena, list);
}

enum sks_status put_certificate_principal(struct buf *out, X509 *x509, bool issuer)
{
    const X509_NAME *name = issuer ? X509_get_issuer_name(x509) : X509_get_subject_name(x509);
    const uint8_t *der;
    size_t len;

    if (X509_NAME_get0_der(name, &der, &len) != 1)
        return SKS_ERROR_CRYPTO;
    return put_principal_name(out, bytes_at(der, len));
}
