/* utf8 - checks and repairs UTF-8 text. */
#ifndef ODESTEER_UTF8_H
#define ODESTEER_UTF8_H

#include <stddef.h>

/*
 * Returns s[len] as valid UTF-8, which the caller frees, or NULL if out of
 * memory. NUL and bytes that belong to no character become U+FFFD; an
 * incomplete character at the end is dropped.
 */
char *utf8_clean(const char *s, size_t len);
/*
 * Copies s to out[size] for a terminal, cut to what fits: control characters
 * and bytes that belong to no character become \xNN.
 */
void utf8_show(char *out, size_t size, const char *s);
/* Returns how many bytes at the start of s[n] are valid UTF-8. */
size_t utf8_span(const char *s, size_t n);

#endif
