/*
 * Which processors a thread may run on, and what it starts: clients are elsewhere in life, so here
 * they do not take the caches from the server that is measured.
 */
#ifndef TESTS_BENCH_ISSUER_PROCESSORS_H
#define TESTS_BENCH_ISSUER_PROCESSORS_H

enum processors {
    ALL_PROCESSORS, /* that the program was given */
    OF_THE_SERVER,  /* the first half of them */
    OF_THE_CLIENTS, /* the other half; all, as for the server, where there is only one */
};

/** For the calling thread, and for the threads and processes that it starts from now on. */
void processors_use(enum processors which);

#endif
