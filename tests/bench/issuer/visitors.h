/* Clients that enrol over http, one session after the other, on connections that are kept. */
#ifndef TESTS_BENCH_ISSUER_VISITORS_H
#define TESTS_BENCH_ISSUER_VISITORS_H

#include "tests/bench/issuer/client.h"
#include "tests/bench/issuer/crowd.h"

enum { VISITORS = 8, VISITOR_MESSAGES = CLIENT_REQUESTS + 1 /* that a client sends */ };

extern const char *const VISITOR_MESSAGE[VISITOR_MESSAGES]; /* their names, in their order */

struct visitors;

/** @param url of the profile at the issuer; kept */
struct visitors *visitors_new(struct device *device, const char *url);
void visitors_free(struct visitors *visitors);

/** All of them enrol for a while. */
struct crowd_result visitors_run(struct visitors *visitors, double seconds);

/** The p-th percentile of the milliseconds that the answer to a message took. */
double visitors_percentile(struct visitors *visitors, unsigned message, double p);

#endif
