#include "token/api/control.h"

static const struct wire_field ACTIVATE_OUT[] = {
    { "wasDeactivated", WIRE_BOOL, offsetof(union sks_out, activate.was_deactivated) },
};

const struct sks_method CONTROL_ACTIVATE = { 0,    "activate",   NULL,
                                             0,    ACTIVATE_OUT, NITEMS(ACTIVATE_OUT),
                                             false };
