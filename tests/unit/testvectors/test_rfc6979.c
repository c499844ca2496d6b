/* The known answers of RFC 6979, A.2.5 to A.2.7. */
#include "testvectors/rfc6979.h"

#include "keygen2/base/base64.h"

#include <criterion/criterion.h>
#include <string.h>

static const char D256[] = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
static const char D384[] = "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8"
                           "96D5724E4C70A825F872C9EA60D2EDF5";
static const char D521[] = "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75"
                           "CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B8"
                           "3538";

static const struct {
    const char *curve, *hash, *d, *message, *r, *s;
    int nid;
} ANSWERS[] = {
    { "P-256", "SHA256", D256, "sample",
      "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
      "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8", NID_X9_62_prime256v1 },
    { "P-256", "SHA256", D256, "test",
      "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
      "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083", NID_X9_62_prime256v1 },
    { "P-256", "SHA512", D256, "sample",
      "8496A60B5E9B47C825488827E0495B0E3FA109EC4568FD3F8D1097678EB97F00",
      "2362AB1ADBE2B8ADF9CB9EDAB740EA6049C028114F2460F96554F61FAE3302FE", NID_X9_62_prime256v1 },
    { "P-384", "SHA256", D384, "sample",
      "21B13D1E013C7FA1392D03C5F99AF8B30C570C6F98D4EA8E354B63A21D3DAA33"
      "BDE1E888E63355D92FA2B3C36D8FB2CD",
      "F3AA443FB107745BF4BD77CB3891674632068A10CA67E3D45DB2266FA7D1FEEB"
      "EFDC63ECCD1AC42EC0CB8668A4FA0AB0",
      NID_secp384r1 },
    { "P-521", "SHA256", D521, "sample",
      "01511BB4D675114FE266FC4372B87682BAECC01D3CC62CF2303C92B3526012659D16876E25C7C1E57648F23B"
      "73564D67F61C6F14D527D54972810421E7D87589E1A7",
      "004A171143A83163D6DF460AAF61522695F207A58B95C0644D87E52AA1A347916E4F7A72930B1BC06DBE22CE"
      "3F58264AFD23704CBB63B29B931F7DE6C9D949A7ECFC",
      NID_secp521r1 },
};

static void put_hex(struct buf *out, const char *digits)
{
    cr_assert(hex_decode(bytes_of(digits), out) == SKS_OK);
}

Test(rfc6979, known_answers)
{
    for (size_t i = 0; i < NITEMS(ANSWERS); i++) {
        const EVP_MD *md = EVP_get_digestbyname(ANSWERS[i].hash);
        struct buf d = { 0 }, wanted = { 0 }, signature = { 0 };
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned len;
        BIGNUM *number;

        put_hex(&d, ANSWERS[i].d);
        put_hex(&wanted, ANSWERS[i].r);
        put_hex(&wanted, ANSWERS[i].s);
        number = BN_bin2bn(d.ptr, (int)d.len, NULL);
        cr_assert(
            EVP_Digest(ANSWERS[i].message, strlen(ANSWERS[i].message), digest, &len, md, NULL));
        cr_assert(rfc6979_sign(ANSWERS[i].nid, md, number, bytes_at(digest, len), &signature) ==
                  SKS_OK);
        cr_expect(bytes_equal(buf_bytes(&signature), buf_bytes(&wanted)), "%s with %s over %s",
                  ANSWERS[i].curve, ANSWERS[i].hash, ANSWERS[i].message);
        BN_free(number);
        buf_free(&d);
        buf_free(&wanted);
        buf_free(&signature);
    }
}
