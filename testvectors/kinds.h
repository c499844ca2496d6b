/* The kinds of vectors: a row each. */
#ifndef TESTVECTORS_KINDS_H
#define TESTVECTORS_KINDS_H

#include "testvectors/check/subject.h"
#include "testvectors/generate/suite.h"

struct vector_kind {
    const char *name; /* the file is NAME.json */
    const char *title;
    void (*generate)(struct suite *s);
    /* Gives the inputs of a test to the libraries. Returns SKS_OK for what they take as valid. */
    enum sks_status (*check)(struct subject *s);
};

extern const struct vector_kind KINDS[];
extern const size_t KINDS_COUNT;

/** NULL: there is none of that name. */
const struct vector_kind *kind_find(const char *name);

/* generate/KIND.c */
void generate_session_key(struct suite *s);
void generate_attestation(struct suite *s);
void generate_mac(struct suite *s);
void generate_encrypted_data(struct suite *s);
void generate_key_management(struct suite *s);
void generate_public_key(struct suite *s);
void generate_wire(struct suite *s);
void generate_message(struct suite *s);
void generate_pin(struct suite *s);
void generate_lookup(struct suite *s);
void generate_transcript(struct suite *s);
void generate_device_path(struct suite *s);
void generate_response(struct suite *s);

/* check/KIND.c */
enum sks_status subject_check_session_key(struct subject *s);
enum sks_status subject_check_attestation(struct subject *s);
enum sks_status subject_check_mac(struct subject *s);
enum sks_status subject_check_encrypted_data(struct subject *s);
enum sks_status subject_check_key_management(struct subject *s);
enum sks_status subject_check_public_key(struct subject *s);
enum sks_status subject_check_wire(struct subject *s);
enum sks_status subject_check_message(struct subject *s);
enum sks_status subject_check_pin(struct subject *s);
enum sks_status subject_check_lookup(struct subject *s);
enum sks_status subject_check_transcript(struct subject *s);
enum sks_status subject_check_device_path(struct subject *s);
enum sks_status subject_check_response(struct subject *s);

#endif
