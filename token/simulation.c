#include "token/simulation.h"
#include "keygen2/base/names.h"

#include <stdio.h>
#include <string.h>

static const struct name SIMULATIONS[] = {
    { "biometrics", SIMULATE_BIOMETRICS },
    { "device-pin", SIMULATE_DEVICE_PIN },
    { NULL, 0 },
};

enum sks_status simulation_parse(const char *text, unsigned *simulations, struct sks_error *err)
{
    size_t len;
    uint8_t value = 0;
    enum sks_status rc = SKS_OK;

    *simulations = 0;
    for (; text != NULL; text = text[len] == ',' ? text + len + 1 : NULL) {
        len = strcspn(text, ",");
        REQUIRE(name_to_value(SIMULATIONS, bytes_at(text, len), &value), err, SKS_ERROR_OPTION,
                "names something that is neither biometrics nor device-pin");
        *simulations |= value;
    }
out:
    return rc;
}

enum sks_status simulation_check(const char *text, struct sks_error *err)
{
    unsigned simulations;

    return simulation_parse(text, &simulations, err);
}

void simulation_text(unsigned simulations, char text[SIMULATION_TEXT_MAX])
{
    const char *before = " (simulates ";
    size_t len = 0;

    text[0] = '\0';
    for (const struct name *row = SIMULATIONS; row->text != NULL; row++) {
        if ((simulations & row->value) == 0)
            continue;
        len += (size_t)snprintf(text + len, SIMULATION_TEXT_MAX - len, "%s%s", before, row->text);
        before = ", ";
    }
    if (len > 0)
        (void)snprintf(text + len, SIMULATION_TEXT_MAX - len, ")");
}
