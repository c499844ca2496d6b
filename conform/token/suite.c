#include "conform/token/suite.h"
#include "conform/token/families.h"
#include "conform/token/target.h"

#include <string.h>

/* Behind "needs". */
static const char *const CAPABILITIES[] = {
    [CAN_DEVICE_PIN] = "a device PIN",
    [CAN_BIOMETRICS] = "biometrics",
    [LACKS_DEVICE_PIN] = "a token without a device PIN",
    [LACKS_BIOMETRICS] = "a token without biometrics",
    [LACKS_UPDATES] = "a token without updates",
    [CAN_2010] = "the profile of 2010",
};

static const char *capability(unsigned bit)
{
    const char *fragment;

    if (bit < NITEMS(CAPABILITIES))
        return CAPABILITIES[bit];
    if (bit < ALGORITHM_BIT || bit - ALGORITHM_BIT >= ALGORITHMS_COUNT)
        return NULL;
    fragment = strchr(ALGORITHMS[bit - ALGORITHM_BIT].uri, '#');
    return fragment == NULL ? ALGORITHMS[bit - ALGORITHM_BIT].uri : fragment + 1;
}

/* In the order of the run. */
static void list(struct cases *cases)
{
    cases_of_devices(cases);
    cases_of_wire(cases);
    cases_of_states(cases);
    cases_of_macs(cases);
    cases_of_what_is_covered(cases);
    cases_of_refusals(cases);
    cases_of_sessions(cases);
    cases_of_closing(cases);
    cases_of_keys(cases);
    cases_of_imports(cases);
    cases_of_extensions(cases);
    cases_of_pins(cases);
    cases_of_stories(cases);
    cases_of_operations(cases);
    cases_of_results(cases);
    cases_of_posts(cases);
    cases_of_2010(cases);
    cases_of_device_pins(cases);
}

const struct suite TOKEN_SUITE = {
    .name = "token",
    .capability = capability,
    .list = list,
    .open = target_open,
    .tidy = target_tidy,
    .leave = target_leave,
    .close = target_close,
};
