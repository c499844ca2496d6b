/* The version of all programs of the rig, as --version prints it. */
#ifndef KEYGEN2_BASE_VERSION_H
#define KEYGEN2_BASE_VERSION_H

#define SKS_RIG_VERSION "0.1.0"

#endif
