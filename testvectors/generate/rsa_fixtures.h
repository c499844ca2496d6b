/* RSA keys for vectors: PKCS #8 in base64. They are public, and protect nothing. */
#ifndef TESTVECTORS_GENERATE_RSA_FIXTURES_H
#define TESTVECTORS_GENERATE_RSA_FIXTURES_H

extern const char *const RSA_FIXTURES[];

#endif
