/* Who may begin a session: caps, the enrolment page's cookie, codes, listed devices. */
#ifndef ISSUER_ADMISSION_H
#define ISSUER_ADMISSION_H

#include "issuer/phase.h"
#include "keygen2/base/http_server.h"

extern const char ADMISSION_COOKIE[]; /* name of the session's cookie */

/** True while the issuer stops: it begins nothing, and the response says so. */
bool admission_stops(struct issuer *issuer, const struct http_request *request,
                     struct http_response *response);

/** For http_config.admit: counts the request of its address. */
bool admission_request(void *ctx, const struct http_request *request,
                       struct http_response *response);

/**
 * Begins a session for ?init=true, or refuses it: then the response says so.
 *
 * @param issuer_uri  of the profile
 * @param cookie      out: to be set, "" if the client has it from the enrolment page
 * @param outcome     out: of phase_begin_with()
 * @return false if it was refused
 */
bool admission_begin(struct issuer *issuer, const struct http_request *request,
                     const struct profile *profile, const char *issuer_uri,
                     struct http_response *response, char cookie[COOKIE_LENGTH + 1],
                     struct outcome *outcome);

/** A session that is over counts for nobody any more. */
void admission_end(struct issuer *issuer, const struct session *session);

/** Counts the sessions that are open when the server starts. */
CHECKED enum sks_status admission_load(struct issuer *issuer, struct sks_error *err);

/** The cause of a response, for log and metrics: "NAME: TEXT". @param name a row of refusal.c */
void admission_set_cause(struct http_response *response, const char *name, const char *text);

/**
 * Refuses for a person who looks, with a page, or for a program, with a line of text.
 *
 * @param name         a row of refusal.c
 * @param retry_after  seconds; 0: it makes no sense to try again
 */
void admission_refuse(const struct http_request *request, struct http_response *response,
                      unsigned status, const char *name, const char *text, unsigned retry_after);

#endif
