/*
 * A call of the SKS wire as JSON, and back: for transcripts and for what alters calls on their way.
 *
 * An object with a property a field, named and in the order of the method's row: numbers, booleans,
 * text, and base64url for byte arrays (and for session ids, which need not be text). Secrets are in
 * it too.
 */
#ifndef TOKEN_API_CALL_JSON_H
#define TOKEN_API_CALL_JSON_H

#include "keygen2/base/json.h"
#include "token/api/calls.h"

/** A field as JSON. @param values  the union that it lies in */
json_t *sks_field_json(const struct wire_field *field, const void *values);

/**
 * The arguments of a request.
 *
 * @param method  out: its row
 * @return a new reference; NULL if the body does not decode, or without memory
 */
json_t *sks_request_json(struct bytes body, const struct sks_method **method);

/** The outputs of an answer, behind "status"; of a failure "status" and "errorString". As above. */
json_t *sks_answer_json(struct bytes body, const struct sks_method *method);

/**
 * Appends the request that sks_request_json() would show as this.
 *
 * @return SKS_ERROR_OPTION with the name of a field that is missing or of another kind
 */
CHECKED enum sks_status sks_request_from_json(const struct sks_method *method, const json_t *call,
                                              struct buf *body, struct sks_error *err);

/** As sks_request_from_json(), of an answer. */
CHECKED enum sks_status sks_answer_from_json(const struct sks_method *method, const json_t *answer,
                                             struct buf *body, struct sks_error *err);

#endif
