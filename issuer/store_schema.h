/* The form of the issuer's database, and how older forms become it. */
#ifndef ISSUER_STORE_SCHEMA_H
#define ISSUER_STORE_SCHEMA_H

#include "keygen2/base/database.h"

/* Its upgrades want the struct session_store, with the sealing key, as their ctx. */
extern const struct database_schema STORE_SCHEMA;

#endif
