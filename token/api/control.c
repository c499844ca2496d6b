#include "token/api/control.h"

static const struct wire_field ACTIVATE_OUT[] = {
    { "wasDeactivated", WIRE_BOOL, offsetof(union sks_out, activate.was_deactivated) },
};

static const struct wire_field COPY_OUT[] = {
    { "name", WIRE_STRING, offsetof(union sks_out, copy.name) },
};

const struct sks_method CONTROL_ACTIVATE = { 0,    "activate",   NULL,
                                             0,    ACTIVATE_OUT, NITEMS(ACTIVATE_OUT),
                                             false };
const struct sks_method CONTROL_COPY = { 0, "copy", NULL, 0, COPY_OUT, NITEMS(COPY_OUT), false };
