/*
 * input - bytes from a file or standard input, gunzipped when they are gzip.
 *
 * Private to the library. zlib's own gzread waits until all that was asked for
 * is there; a stream between processes must hand on what has come so far.
 */
#ifndef ODESTEER_INPUT_H
#define ODESTEER_INPUT_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct input;

struct input *input_open(const char *path, struct err *e);	/* "-": standard input; NULL on failure */
enum { INPUT_LATER = -2 };
/*
 * Bytes read, at least 1; 0: the end; -1: error (a truncated or broken gzip file, too);
 * INPUT_LATER: there are none yet, and it was not to wait for them.
 */
ssize_t input_read(struct input *in, void *p, size_t n, int wait, struct err *e);
void input_close(struct input *in);	/* NULL is fine */
const char *input_name(const struct input *in);	/* as messages have it: 'path' or standard input */

#endif
