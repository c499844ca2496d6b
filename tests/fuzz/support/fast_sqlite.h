/* SQLite for a program of one thread that opens and writes databases thousands of times a second.
 */
#ifndef TESTS_FUZZ_SUPPORT_FAST_SQLITE_H
#define TESTS_FUZZ_SUPPORT_FAST_SQLITE_H

#include <sqlite3.h>

/** From now on every database is in memory, whatever its name; one of that name stays there when it
 * is closed. To be called before any is opened. */
void fast_sqlite(void);

/** The connection that was opened last. */
sqlite3 *fast_sqlite_database(void);

#endif
