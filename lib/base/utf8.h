/* utf8 - text that may have been cut in the middle of a character. */
#ifndef ODESTEER_UTF8_H
#define ODESTEER_UTF8_H

#include <stddef.h>

/*
 * s[len] as valid UTF-8 without NUL: bytes that are no character become U+FFFD,
 * an unfinished character at the very end is dropped. malloc'ed (caller frees);
 * NULL: out of memory.
 */
char *utf8_clean(const char *s, size_t len);
size_t utf8_span(const char *s, size_t n);	/* bytes at the start that are valid */

#endif
