/* The data of each method's MAC, and of the attestations, for some arguments. */
#ifndef TESTVECTORS_GENERATE_METHOD_DATA_H
#define TESTVECTORS_GENERATE_METHOD_DATA_H

#include "testvectors/generate/scene.h"

struct method_data {
    const char *mac_name; /* "createPINPolicy" */
    const char *method;   /* whose call it is; for an attestation also: of an answer */
    const char *comment;
    bool answer;       /* an attestation, which the issuer checks */
    const char *check; /* by that name */
    struct fields fields;
};

enum { METHOD_DATA_MAX = 40 };

/** All of them. Each method stands there at least twice. @return how many */
size_t method_data(struct suite *s, struct method_data *out);

#endif
