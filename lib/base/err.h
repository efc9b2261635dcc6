/*
 * err - what went wrong, in words a user can act on.
 *
 * Library functions that can fail take a `struct err *`, return a negative
 * number (or NULL) and leave one line of text there: lower case, no full stop,
 * the subject quoted. The tool prints it behind its own name. The library
 * itself never prints and never exits.
 */
#ifndef ODESTEER_ERR_H
#define ODESTEER_ERR_H

#define ERR_SIZE 1024

struct err {
	char text[ERR_SIZE];	/* "" while nothing has gone wrong */
};

/* Formats the message; returns -1, so that `return err_set(e, ...)` reads well. */
int err_set(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts text in front of the message already there ("record 3: " for instance); returns -1. */
int err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "out of memory"; returns -1. */
int err_memory(struct err *e);

#endif
