/*
 * output - files that are written under another name and renamed when they are
 * whole.
 *
 * Private to the library, except for output_pending.
 */
#ifndef ODESTEER_OUTPUT_H
#define ODESTEER_OUTPUT_H

#include <stdio.h>

#include "base/err.h"

struct output {
	char *name;		/* the path, or "standard output", for messages */
	char *tmp;		/* path.tmp; NULL: written in place */
	FILE *file;		/* output_fopen's, until it is closed */
};

/*
 * Opens path for writing; "-" or NULL stands for a copy of standard output. A
 * pipe, a terminal and a device are written in place, a file as path.tmp. o is
 * all zero before. Returns the descriptor, which the caller closes, or -1 with
 * a message in e.
 */
int output_open(struct output *o, const char *path, struct err *e);
/*
 * Works like output_open, but returns a file of stdio, which output_commit and
 * output_release close, or NULL with a message in e.
 */
FILE *output_fopen(struct output *o, const char *path, struct err *e);
/* Sets the message "cannot write 'name': " with errno's text. Returns -1. */
int output_fail(const struct output *o, struct err *e);
/*
 * Closes the file of output_fopen, if there is one, and renames path.tmp to
 * path. A descriptor must be closed before. Returns 0, or -1 with a message in
 * e.
 */
int output_commit(struct output *o, struct err *e);
/* Removes path.tmp, unless it was committed, and frees what o holds. */
void output_release(struct output *o);

/*
 * Returns the name of the file that a signal handler must remove, or NULL if
 * there is none. A process has one output at a time.
 */
const char *output_pending(void);

#endif
