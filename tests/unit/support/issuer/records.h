/* Records of sessions with a client in the same process, and how they are checked and changed. */
#ifndef TESTS_UNIT_SUPPORT_ISSUER_RECORDS_H
#define TESTS_UNIT_SUPPORT_ISSUER_RECORDS_H

#include "issuer/evidence.h"
#include "keygen2/evidence/check.h"
#include "tests/unit/support/issuer/fake_client.h"

/* What a test of records works on. */
extern struct issuer_fixture fixture;
extern struct device device;
extern struct fake_client client;
extern struct buf text;               /* of the record */
extern struct arena arena;            /* of the report */
extern struct evidence_report report; /* made last */
extern struct sks_error err;

extern const struct evidence_options PLAIN, WITH_KEY;

void records_set_up(void);
void records_tear_down(void);

/** Begins a session. */
void begin(const char *profile);

/** A whole session. */
void run(const char *profile);

/** Goes on until that request has come, and makes the response to it. */
void respond_until(const char *request);

/** Makes the record of the client's session. */
void record(const struct evidence_options *options);

/** Checks the record. @param issuer DER */
enum sks_status check_with(struct bytes issuer);

/** Checks the record with the certificate of the evidence key. */
enum sks_status check(void);

/** Detail of the first finding of that name and result; NULL: there is none. */
const char *found(const char *name, enum evidence_result result);

/** What is bad first; "" if nothing is. */
const char *first_bad(void);

/** Makes the record, and it is valid. */
void assert_valid(const struct evidence_options *options);

/** Checks the record, and finds that bad. */
void assert_bad(const char *name);

/** Spoils the value of a property of the response, and sends that: the session fails. */
void spoil(const char *property);

/** Ends all sessions, as if their life time were over. */
void let_time_pass(void);

/** Sets what a JSON pointer names to a JSON text; NULL removes it. */
void set_at(json_t *root, const char *pointer, const char *value);

/** As set_at(), in the body of a message of a record. */
void set_in_body(json_t *root, size_t message, const char *pointer, const char *value);

/** Makes the record of an object, signed by the issuer. */
void sign_again(json_t *root);

#endif
