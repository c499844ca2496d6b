/* The methods of the SKS wire once more, as docs/wire.md 5 lists them: for the generators, which do
 * not ask the code under test. */
#ifndef TESTVECTORS_GENERATE_WIRE_METHODS_H
#define TESTVECTORS_GENERATE_WIRE_METHODS_H

#include <stddef.h>

/*
 * "type name, type name, ...". Types: byte, bool, ushort, uint, array (byte[]), blob, string, id,
 * uri, arrays and uris (lists).
 */
struct wire_method {
    unsigned id;
    const char *name;
    const char *in, *out;
};

extern const struct wire_method WIRE_METHODS[];
extern const size_t WIRE_METHODS_COUNT;

#endif
