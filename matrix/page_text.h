/* matrix/page.html, as it was at the build: the page without what a sweep found. */
#ifndef MATRIX_PAGE_TEXT_H
#define MATRIX_PAGE_TEXT_H

extern const char PAGE_TEXT[]; /* ends with a NUL */

#endif
