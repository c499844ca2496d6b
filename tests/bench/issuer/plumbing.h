/* The requests of a session of all three programs, of their sizes and over the same kinds of
 * sockets, with nothing behind them: what libmicrohttpd and libcurl take for themselves. */
#ifndef TESTS_BENCH_ISSUER_PLUMBING_H
#define TESTS_BENCH_ISSUER_PLUMBING_H

struct plumbing;

/** Starts the two that answer, and opens the connections of those who ask. */
struct plumbing *plumbing_new(void);

/** CPU of the three for a session's requests, in microseconds; 8 sessions at once. */
double plumbing_us(struct plumbing *plumbing);

void plumbing_free(struct plumbing *plumbing);

/** One that answers, a program of its own. @param address  "tcp", or the path of a Unix socket */
int plumbing_answer(const char *address);

#endif
