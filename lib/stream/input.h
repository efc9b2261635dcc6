/*
 * input - bytes from a file, standard input or a function, gunzipped when they are gzip.
 *
 * Private to the library. zlib's own gzread waits until all that was asked for
 * is there; a stream between processes must hand on what has come so far.
 */
#ifndef ODESTEER_INPUT_H
#define ODESTEER_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct input;

struct input *input_open(const char *path, struct err *e);	/* "-": standard input; NULL on failure */
/* Bytes that fn gets (as a stream_source_fn), known to messages by `name`; NULL on failure. */
struct input *input_open_source(ssize_t (*fn)(void *ctx, void *p, size_t n, struct err *e), void *ctx,
    const char *name, struct err *e);
enum { INPUT_LATER = -2 };
/*
 * Bytes read, at least 1; 0: the end; -1: error (a truncated or broken gzip file, too);
 * INPUT_LATER: there are none yet, and it was not to wait for them.
 */
ssize_t input_read(struct input *in, void *p, size_t n, int wait, struct err *e);
/* Bytes read, fewer than n only at the end; -1: error. */
ssize_t input_read_all(struct input *in, void *p, size_t n, struct err *e);
/* The size of a regular file that is not gzip, once something was read: 1; 0: it is none. */
int input_size(const struct input *in, uint64_t *size);
/* Waits at most ms milliseconds for bytes or the end: 1 if there are any, 0 if not, and 0 for a source. */
int input_wait(const struct input *in, int ms);
void input_close(struct input *in);	/* NULL is fine */
const char *input_name(const struct input *in);	/* as messages have it: 'path' or standard input */

#endif
