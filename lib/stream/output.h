/*
 * output - a file that is written under another name and gets its own when it is whole.
 *
 * Private to the library, but for output_pending.
 */
#ifndef ODESTEER_OUTPUT_H
#define ODESTEER_OUTPUT_H

#include <stdio.h>

#include "base/err.h"

struct output {
	char *name;		/* as messages have it */
	char *tmp;		/* path.tmp; NULL: written in place */
	FILE *file;		/* of output_fopen, until it is closed */
};

/*
 * Opens path ("-" or NULL: a copy of standard output) for writing: the descriptor, which the
 * caller closes, or -1. A pipe, a terminal or a device is written in place. o is all zero before.
 */
int output_open(struct output *o, const char *path, struct err *e);
/* The same as a file of stdio, which output_commit and output_release close; NULL on failure. */
FILE *output_fopen(struct output *o, const char *path, struct err *e);
/* "cannot write 'name': " and what errno says; returns -1. */
int output_fail(const struct output *o, struct err *e);
/* The file is whole, and closed but for that of output_fopen, whose errors come up here: it gets its name. 0, -1. */
int output_commit(struct output *o, struct err *e);
/* Removes what was not committed; frees what o holds. */
void output_release(struct output *o);

/* What a signal handler must unlink, NULL when nothing is: a process has one output at a time. */
const char *output_pending(void);

#endif
