/* The families of cases for a token, a file each. */
#ifndef CONFORM_TOKEN_FAMILIES_H
#define CONFORM_TOKEN_FAMILIES_H

#include "conform/cases.h"

void cases_of_devices(struct cases *cases);
void cases_of_wire(struct cases *cases);
void cases_of_states(struct cases *cases);
void cases_of_macs(struct cases *cases);
void cases_of_what_is_covered(struct cases *cases);
void cases_of_refusals(struct cases *cases);
void cases_of_sessions(struct cases *cases);
void cases_of_closing(struct cases *cases);
void cases_of_keys(struct cases *cases);
void cases_of_imports(struct cases *cases);
void cases_of_extensions(struct cases *cases);
void cases_of_pins(struct cases *cases);
void cases_of_stories(struct cases *cases);
void cases_of_operations(struct cases *cases);
void cases_of_results(struct cases *cases);
void cases_of_posts(struct cases *cases);
void cases_of_2010(struct cases *cases);
void cases_of_device_pins(struct cases *cases);

#endif
