/* The table of one-time codes. */
#ifndef ISSUER_INVITATION_SCHEMA_H
#define ISSUER_INVITATION_SCHEMA_H

/* `hash` is the keyed hash of the code (invitation.c), `settings` a JSON object of texts. A number
 * is never given twice: enrolments name it. */
#define INVITATION_TABLES                                                                          \
    "CREATE TABLE invitation("                                                                     \
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"                                                   \
    " hash BLOB NOT NULL UNIQUE,"                                                                  \
    " profile TEXT NOT NULL,"                                                                      \
    " created INTEGER NOT NULL,"                                                                   \
    " expires INTEGER NOT NULL,"                                                                   \
    " uses INTEGER NOT NULL,"                                                                      \
    " used INTEGER NOT NULL,"                                                                      \
    " withdrawn INTEGER NOT NULL,"                                                                 \
    " settings TEXT NOT NULL);"

#endif
