/*
 * input - bytes from a file, standard input or a function. Decompresses gzip.
 *
 * Private to the library, except for input_source_fn. zlib's gzread waits for
 * all the bytes that it was asked for, but a stream between processes must pass
 * on what has arrived.
 */
#ifndef ODESTEER_INPUT_H
#define ODESTEER_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct input;

/*
 * Puts at most n bytes into p. Returns their number, 0 at the end, or -1 with a
 * message in e.
 */
typedef ssize_t input_source_fn(void *ctx, void *p, size_t n, struct err *e);

/* Opens a file, or standard input ("-"). Returns NULL on failure. */
struct input *input_open(const char *path, struct err *e);
/* Opens the bytes of fn; messages call them `name`. Returns NULL on failure. */
struct input *input_open_source(input_source_fn *fn, void *ctx, const char *name,
    struct err *e);
void input_close(struct input *in);		/* NULL is fine */
/* Returns what messages call the input: 'path', quoted, or standard input. */
const char *input_name(const struct input *in);

enum { INPUT_LATER = -2 };
/*
 * Reads 1 to n bytes into p. Returns their number, 0 at the end, -1 with a
 * message in e, or, if !wait and no bytes have arrived yet, INPUT_LATER.
 */
ssize_t input_read(struct input *in, void *p, size_t n, int wait, struct err *e);
/* Reads n bytes, or fewer at the end. Returns their number, or -1. */
ssize_t input_read_all(struct input *in, void *p, size_t n, struct err *e);
/*
 * Sets *size to the file's size. Returns 1, or 0 if it is not a regular file or
 * is gzip, which a first input_read finds out.
 */
int input_size(const struct input *in, uint64_t *size);
/*
 * Waits up to ms milliseconds for bytes or the end. Returns 1 if they came, or
 * 0; always 0 for the bytes of a function.
 */
int input_wait(const struct input *in, int ms);

#endif
