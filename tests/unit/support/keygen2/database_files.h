/* The files of a database of a test. */
#ifndef TESTS_UNIT_SUPPORT_KEYGEN2_DATABASE_FILES_H
#define TESTS_UNIT_SUPPORT_KEYGEN2_DATABASE_FILES_H

/** Removes a database that is closed, with what belongs to it, as far as it is there. */
void database_files_remove(const char *path);

#endif
