/* Where two transcripts part. */
#ifndef PROXY_RELAY_DIFF_H
#define PROXY_RELAY_DIFF_H

#include "proxy/relay/transcript.h"

/* A place where they differ. Texts may be cut; a side without the value has "". */
struct difference {
    const struct transcript_line *a, *b; /* NULL: that side has no such message */
    const char *place;                   /* "status", "name", "/keyEntries/0/mac", "bytes" */
    const char *in_a, *in_b;
};

/**
 * Compares message by message, in the order of the exchanges. Times and numbers of connections do
 * not count; bodies are compared as they decode, else byte by byte.
 *
 * @param told  called for each difference
 * @return number of differences; SIZE_MAX without memory
 */
size_t transcript_diff(const struct transcript *a, const struct transcript *b,
                       void (*told)(void *ctx, const struct difference *difference), void *ctx);

#endif
