/* The bytes of a fuzz input, read as choices and values. */
#ifndef TESTS_FUZZ_SUPPORT_INPUT_H
#define TESTS_FUZZ_SUPPORT_INPUT_H

#include "token/api/calls.h"

/* Start with the whole input; beyond its end everything is 0. */
struct input {
    struct bytes left;
};

uint8_t input_byte(struct input *input);

/** 0 to count - 1, by one byte. */
size_t input_choice(struct input *input, size_t count);

/** A length byte, then as many bytes, or what is left; borrowed from the input. */
struct bytes input_bytes(struct input *input);

/** Gives every field of a call a value. @param values its struct of inputs or outputs */
void input_fields(struct input *input, const struct wire_field *field, size_t count, void *values,
                  struct arena *arena);

/**
 * Makes one field of a call wrong, or at least other.
 *
 * @param skip   name of a field to leave alone, or NULL
 * @param arena  holds what an altered slice points to
 * @return the field; NULL if the value is what it was
 */
const struct wire_field *input_alter(struct input *input, const struct wire_field *field,
                                     size_t count, const char *skip, void *values,
                                     struct arena *arena);

#endif
