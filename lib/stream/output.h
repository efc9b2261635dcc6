/*
 * output - files that are written under another name and renamed when they are
 * whole.
 */
#ifndef ODESTEER_OUTPUT_H
#define ODESTEER_OUTPUT_H

#include <stdio.h>

#include "base/err.h"

struct output {
	char *name;		/* the path, or "standard output", for messages */
	char *to;		/* the file to replace; NULL: written in place */
	char *tmp;		/* its name until then */
	int fd;			/* of tmp, to bring it to the disk */
	FILE *file;		/* output_fopen's, until it is closed */
};

/*
 * Opens path for writing; "-" or NULL stands for a copy of standard output, as
 * does a file that output_is_stdout knows. A pipe, a terminal and a device are
 * written in place. A file is written as a new one beside it, whose random name
 * ends in .tmp and which nothing else can share (O_EXCL). The mode of a file at
 * path is kept, and so is a symbolic link to it. o is all zero before. Returns
 * a descriptor, which the caller closes, or -1 with a message in e.
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
 * Closes the file of output_fopen, if there is one, waits until the new file is
 * on the disk, and renames it. A descriptor must be closed before.
 * Returns 0, or -1 with a message in e.
 */
int output_commit(struct output *o, struct err *e);
/* Removes the new file, unless it was committed, and frees what o holds. */
void output_release(struct output *o);

/*
 * Returns whether path names the file that standard output goes to, as
 * /dev/stdout does in `>>log`. What the log holds must not be replaced.
 */
int output_is_stdout(const char *path);
/* Returns whether a and b name one file, which need not exist. */
int output_same(const char *a, const char *b);

/*
 * Returns the name of the file that whatever ends the process must remove, or
 * NULL if there is none. A process has one output at a time.
 */
const char *output_pending(void);

#endif
