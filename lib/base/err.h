/*
 * err - error messages.
 *
 * A library function that can fail takes a `struct err *`. If it fails it
 * returns a negative number, or NULL, and leaves one line of text there, which
 * says what a user can do about it: lower case, no full stop, what the user
 * gave in quotes. The tool prints it after its own name. The library itself
 * never prints and never exits.
 */
#ifndef ODESTEER_ERR_H
#define ODESTEER_ERR_H

#include <stdarg.h>

#define ERR_SIZE 1024

struct err {
	char text[ERR_SIZE];
};

/*
 * Sets the message, with control characters and bytes that are not UTF-8 as
 * \xNN. Always returns -1, for `return err_set(e, ...)`.
 */
int err_set(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int err_vset(struct err *e, const char *fmt, va_list ap);

/* Inserts text, such as "record 3: ", before the message. Always returns -1. */
int err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the message to "out of memory". Always returns -1. */
int err_memory(struct err *e);

#endif
