/* sks-issuer's server on the store of memory_store.h: what is left of its work when nothing has to
 * be kept. */
#ifndef TESTS_BENCH_ISSUER_MEMORY_SERVER_H
#define TESTS_BENCH_ISSUER_MEMORY_SERVER_H

/** The command line `serve ...` of sks-issuer. Returns the exit code. */
int memory_server(int argc, char **argv);

#endif
