/*
 * npy - matrices in NumPy's .npy files, a row at a time.
 *
 * Source: NEP 1, "A Simple File Format for NumPy Arrays", and numpy/lib/format.py for
 * versions 2.0 and 3.0. A file is the bytes \x93NUMPY, two of version, the length of what
 * follows (2 bytes, little-endian; 4 from version 2.0 on), a Python dictionary with the
 * keys descr, fortran_order and shape, spaces and a newline, and then the numbers.
 */
#ifndef ODESTEER_NPY_H
#define ODESTEER_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum npy_type { NPY_FLOAT16, NPY_FLOAT32, NPY_FLOAT64 };
const char *npy_type_name(enum npy_type t);	/* "<f2" and so on; static */

struct input;

/* A matrix that is read. */
struct npy {
	enum npy_type type;
	uint64_t rows;
	size_t dim;			/* numbers in a row, from 1 to NPY_DIM */

	struct input *in;		/* these are the reader's own */
	uint64_t n_read;
	unsigned char *raw;		/* one row */
};

/* Opens a matrix of little-endian floats in C order, plain or gzip; NULL on failure. A pipe will do. */
struct npy *npy_open(const char *path, struct err *e);
/*
 * 1: row[dim] holds the next row, float64 rounded; 0: there are no more rows, and nothing
 * else; -1: error (a number that is not finite or too great for float32, a truncated file).
 */
int npy_read(struct npy *m, float *row, struct err *e);
void npy_close(struct npy *m);			/* NULL is fine */

enum { NPY_DIM = 64 * 1024 * 1024 };		/* the most a stream's header can say */

struct npy_sink;		/* a writer */

/*
 * Opens a file for rows of dim numbers, version 1.0, float16 or float32. It must be seekable,
 * for its header says how many rows there are. Written as path.tmp, as a stream is (output.h).
 */
struct npy_sink *npy_sink_open(const char *path, size_t dim, int half, struct err *e);
int npy_sink_write(struct npy_sink *k, const float *row, struct err *e);
/* Writes the header, checks the close; frees k in any case. */
int npy_sink_close(struct npy_sink *k, struct err *e);

#endif
