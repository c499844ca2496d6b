/* SubjectPublicKeyInfo in strict DER: as ephemeral keys, and as key management keys. */
#include "testvectors/generate/der.h"
#include "testvectors/generate/scene.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <string.h>

static const char SECTION[] = "SKS V1.07 createProvisioningSession; docs/wire.md 4 (public key)";
static const char ID_EC[] = "1.2.840.10045.2.1", ID_RSA[] = "1.2.840.113549.1.1.1";

struct scene {
    struct suite *s;
    bool kmk; /* a key management key, else an ephemeral one */
};

/* The reading that an expectation follows, where the reference has gaps or fewer kinds of keys. */
static const char *profile_of(const struct scene *c, int status, const char *flag,
                              struct bytes spki, const char *name)
{
    if (c->kmk && ((status == SKS_ERROR_OPTION && strcmp(name, "Ed25519") == 0) ||
                   strcmp(flag, "InvalidPoint") == 0))
        return "rig";
    if (status == 0 && strcmp(name, "RSA") == 0 && spki.len > 400) /* over 2048 bits */
        return "rig";
    return status == 0 && (strcmp(name, CURVE[SECP256K1].name) == 0 ||
                           strcmp(name, CURVE[BRAINPOOL_P256].name) == 0)
               ? "text"
               : NULL;
}

/* 5: no public key; 9: one, but not fit for this. */
static void add(const struct scene *c, int status, const char *flag, struct bytes spki,
                const char *name, const char *comment)
{
    const struct expect good = EXPECT_VALID, bad = {
        .status = status, .end = "token", .counter = -1, .limit = -1, .step = -1
    };
    json_t *input = with(json_object(), "publicKey", hex(spki));

    suite_test(c->s, status == 0 ? &good : &bad, flag, SECTION,
               profile_of(c, status, flag, spki, name), input, "%s: %s", name, comment);
}

static struct bytes rsa_spki(struct suite *s, struct bytes parameters, struct bytes n,
                             struct bytes e)
{
    return DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, der_oid(s, ID_RSA), parameters),
                           der_bits(s, DER_SEQUENCE_OF(s, n, e)));
}

/* ---- good ones ---- */

static void good_ec(const struct scene *c)
{
    char label[] = "good 0", requires[40];

    for (int curve = 0; curve < CURVES; curve++) {
        (void)snprintf(requires, sizeof requires, "curve:%s", CURVE[curve].name);
        suite_group(c->s, c->kmk ? "keyManagementKey" : "ephemeralKey", requires, json_object());
        for (int i = 0; i < 4; i++) {
            label[5] = (char)('0' + i);
            add(c, 0, "Normal", ec_key(c->s, curve, label).spki, CURVE[curve].name, "a key");
        }
    }
}

/* A modulus of that many bits: no product of primes, which nobody can see. */
static struct bytes modulus(struct suite *s, size_t bits)
{
    struct bytes drawn = draw(s, bits / 8, "modulus %zu", bits);
    struct buf n = { 0 };

    put_raw(&n, drawn);
    n.ptr[0] |= 0x80;
    n.ptr[n.len - 1] |= 1;
    return keep(s, &n);
}

static struct bytes rsa_of(const struct scene *c, size_t bits)
{
    return rsa_spki(c->s, der(c->s, DER_NULL, (struct bytes){ 0 }),
                    der_integer(c->s, modulus(c->s, bits)),
                    der_integer(c->s, bytes_at("\x01\x00\x01", 3)));
}

static void rsa_sizes(const struct scene *c)
{
    static const size_t GOOD[] = { 1024, 2048, 3072, 4096 },
                        BAD[] = { 512, 1536, 2040, 2056, 8192 };
    const int rsa_status = c->kmk ? 0 : SKS_ERROR_OPTION;

    for (size_t i = 0; i < NITEMS(GOOD) && (c->kmk || i < 2); i++)
        add(c, rsa_status, c->kmk ? "Normal" : "WrongKind", rsa_of(c, GOOD[i]), "RSA",
            c->kmk ? "a key of a size that is taken" : "no ephemeral key");
    for (size_t i = 0; c->kmk && i < NITEMS(BAD); i++)
        add(c, SKS_ERROR_OPTION, "WrongSize", rsa_of(c, BAD[i]), "RSA",
            "a key of a size that is not taken");
}

/* ---- malformed: the point ---- */

static void bad_points(const struct scene *c, int curve)
{
    struct suite *s = c->s;
    const struct curve *v = &CURVE[curve];
    const struct key k = ec_key(s, curve, "malformed");
    const struct bytes point = ec_point(s, &k), zero = bytes_at("", 1);
    const bool odd = k.y.ptr[k.y.len - 1] & 1;
    const struct {
        const char *flag, *comment;
        struct bytes point;
    } CASES[] = {
        { "InvalidPoint", "point is not on the curve", flipped(s, point, point.len - 1, 0) },
        { "InvalidPoint", "coordinates changed over", JOIN(s, bytes_at("\x04", 1), k.y, k.x) },
        { "InvalidPoint", "point is infinity", zero },
        { "InvalidPoint", "both coordinates are 0",
          JOIN(s, bytes_at("\x04", 1),
               bytes_at(arena_alloc(&s->arena, 2 * v->size, 1), 2 * v->size)) },
        { "PointForm", "point is compressed", JOIN(s, bytes_at(odd ? "\x03" : "\x02", 1), k.x) },
        { "PointForm", "point is in the hybrid form",
          JOIN(s, bytes_at(odd ? "\x07" : "\x06", 1), k.x, k.y) },
        { "PointForm", "point is one byte short", bytes_at(point.ptr, point.len - 1) },
        { "PointForm", "a byte behind the point", JOIN(s, point, zero) },
        { "PointForm", "no point", bytes_at("", 0) },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++)
        add(c, SKS_ERROR_CRYPTO, CASES[i].flag, ec_spki(s, v, CASES[i].point), v->name,
            CASES[i].comment);
}

/* ---- malformed: the DER ---- */

static void bad_ec_der(const struct scene *c)
{
    struct suite *s = c->s;
    const struct key k = ec_key(s, P256, "malformed");
    const struct bytes point = ec_point(s, &k), none = { 0 }, bits = der_bits(s, point),
                       curve = der_oid(s, CURVE[P256].oid), ec = der_oid(s, ID_EC);
    const struct bytes inner = JOIN(s, DER_SEQUENCE_OF(s, ec, curve), bits);
    const uint8_t long_form[3] = { 0x30, 0x81, (uint8_t)inner.len };
    const struct {
        const char *flag, *comment;
        struct bytes spki;
    } CASES[] = {
        { "StrictDer", "a byte behind it", JOIN(s, k.spki, bytes_at("", 1)) },
        { "StrictDer", "last byte missing", bytes_at(k.spki.ptr, k.spki.len - 1) },
        { "StrictDer", "length in the long form", JOIN(s, bytes_at(long_form, 3), inner) },
        { "StrictDer", "length indefinite",
          JOIN(s, bytes_at("\x30\x80", 2), inner, bytes_at("\0\0", 2)) },
        { "StrictDer", "unused bits in the BIT STRING",
          DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, ec, curve),
                          der(s, DER_BIT_STRING, JOIN(s, bytes_at("\x01", 1), point))) },
        { "StrictDer", "an OCTET STRING in the place of the BIT STRING",
          DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, ec, curve), der(s, DER_OCTET_STRING, point)) },
        { "StrictDer", "a NULL behind the curve",
          DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, ec, curve, der(s, DER_NULL, none)), bits) },
        { "Parameters", "no curve", DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, ec), bits) },
        { "Parameters", "NULL in the place of the curve",
          DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, ec, der(s, DER_NULL, none)), bits) },
        { "Parameters", "explicit parameters",
          DER_SEQUENCE_OF(
              s, DER_SEQUENCE_OF(s, ec, DER_SEQUENCE_OF(s, der_integer(s, bytes_at("\x01", 1)))),
              bits) },
        { "Parameters", "a curve of another length",
          DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, ec, der_oid(s, CURVE[P384].oid)), bits) },
        { "UnknownKind", "curve P-224",
          DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, ec, der_oid(s, "1.3.132.0.33")), bits) },
        { "UnknownKind", "algorithm id-ecDH",
          DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, der_oid(s, "1.3.132.1.12"), curve), bits) },
        { "StrictDer", "the point alone", point },
        { "StrictDer", "nothing", none },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++)
        if (!c->kmk || CASES[i].spki.len > 0) /* of no length: no key management key */
            add(c, SKS_ERROR_CRYPTO, CASES[i].flag, CASES[i].spki, "P-256", CASES[i].comment);
}

static void bad_rsa_der(const struct scene *c)
{
    struct suite *s = c->s;
    const struct bytes n = modulus(s, 2048), null = der(s, DER_NULL, (struct bytes){ 0 }),
                       e = der_integer(s, bytes_at("\x01\x00\x01", 3)), m = der_integer(s, n),
                       good = rsa_spki(s, null, m, e);
    const struct {
        const char *flag, *comment;
        struct bytes spki;
    } CASES[] = {
        { "Parameters", "parameters missing", rsa_spki(s, (struct bytes){ 0 }, m, e) },
        { "StrictDer", "modulus with a zero too many",
          rsa_spki(s, null, der(s, DER_INTEGER, JOIN(s, bytes_at("\0\0", 2), n)), e) },
        { "StrictDer", "modulus without its sign byte: negative",
          rsa_spki(s, null, der(s, DER_INTEGER, n), e) },
        { "StrictDer", "exponent with a zero too many",
          rsa_spki(s, null, m, der(s, DER_INTEGER, bytes_at("\0\x01\0\x01", 4))) },
        { "StrictDer", "a byte behind it", JOIN(s, good, bytes_at("", 1)) },
        { "StrictDer", "exponent missing", rsa_spki(s, null, m, (struct bytes){ 0 }) },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++)
        add(c, SKS_ERROR_CRYPTO, CASES[i].flag, CASES[i].spki, "RSA", CASES[i].comment);
}

/* A point of order 4 is no matter here: an Ed25519 key is well-formed, and not fit. */
static void ed25519(const struct scene *c)
{
    struct suite *s = c->s;
    const struct bytes key = bytes_at("\xD7\x5A\x98\x01\x82\xB1\x0A\xB7\xD5\x4B\xFE\xD3\xC9\x64\x07"
                                      "\x3A\x0E\xE1\x72\xF3\xDA\xA6\x23\x25\xAF\x02\x1A\x68\xF7\x07"
                                      "\x51\x1A",
                                      32); /* RFC 8032, 7.1, TEST 1 */
    const struct bytes oid = der_oid(s, "1.3.101.112");

    add(c, SKS_ERROR_OPTION, "WrongKind",
        DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, oid), der_bits(s, key)), "Ed25519",
        "well-formed, for signatures only");
    add(c, SKS_ERROR_CRYPTO, "Parameters",
        DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, oid, der(s, DER_NULL, (struct bytes){ 0 })),
                        der_bits(s, key)),
        "Ed25519", "with NULL parameters");
    add(c, SKS_ERROR_CRYPTO, "PointForm",
        DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, oid), der_bits(s, bytes_at(key.ptr, 31))), "Ed25519",
        "one byte short");
}

static void notes(struct suite *s)
{
    suite_note(s, "Normal", "BASIC", "A key as it must be.", "Nothing works without it.", SECTION);
    suite_note(s, "WrongKind", "KEY_KIND", "A well-formed key of a kind that this use has not.",
               "The session could not be set up, or nobody could authorize.", SECTION);
    suite_note(s, "WrongSize", "KEY_KIND",
               "An RSA key of another size than 1024, 2048, 3072, 4096.",
               "Nobody could authorize; or a weak key could.", SECTION);
    suite_note(s, "InvalidPoint", "INVALID_CURVE", "The point is not one of the curve's group.",
               "Whoever computes with it may tell its private key.", SECTION);
    suite_note(s, "PointForm", "ENCODING", "Not an uncompressed point of the right length.",
               "Two texts for one key.", SECTION);
    suite_note(s, "StrictDer", "ENCODING", "Not the one DER form.", "Two texts for one key.",
               SECTION);
    suite_note(s, "Parameters", "ENCODING",
               "The parameters of the algorithm are not as they must be: a named curve, NULL for "
               "RSA, none for Ed25519.",
               "Two texts for one key; or a curve of the attacker's own.", SECTION);
    suite_note(s, "UnknownKind", "KEY_KIND", "A curve or algorithm that SKS has not.",
               "Others could not use it.", SECTION);
}

void generate_public_key(struct suite *s)
{
    struct scene c = { s, false };

    notes(s);
    for (int i = 0; i < 2; i++) {
        c.kmk = i == 1;
        good_ec(&c);
        suite_group(s, c.kmk ? "keyManagementKey" : "ephemeralKey", "", json_object());
        rsa_sizes(&c);
        bad_ec_der(&c);
        bad_rsa_der(&c);
        ed25519(&c);
        for (int curve = 0; curve < CURVES && (i == 0 || curve < 2); curve++)
            bad_points(&c, curve);
    }
}
