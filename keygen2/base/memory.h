/* How a server's heap behaves. */
#ifndef KEYGEN2_BASE_MEMORY_H
#define KEYGEN2_BASE_MEMORY_H

/** Keeps memory that is free for the next request. Call it before there are threads. */
void memory_for_server(void);

#endif
