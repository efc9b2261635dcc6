/*
 * npy - matrices in NumPy's .npy files, one row at a time.
 *
 * Source: NEP 1, "A Simple File Format for NumPy Arrays", and for versions 2.0
 * and 3.0 numpy/lib/format.py. A file is the bytes \x93NUMPY, two of version,
 * the length of the rest of the header (2 bytes, little-endian; 4 from version
 * 2.0 on), a Python dictionary with the keys descr, fortran_order and shape,
 * spaces and a newline, and then the numbers.
 */
#ifndef ODESTEER_NPY_H
#define ODESTEER_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct input;

/* A matrix being read. */
struct npy {
	size_t width;			/* bytes of a number: 2, 4 or 8; "<f2" means 2 */
	uint64_t rows;
	size_t dim;			/* numbers in a row, 1 to WIRE_DIM */

	struct input *in;		/* private, as all that follows */
	int vector;			/* one dimension is enough */
	uint64_t n_read;
	unsigned char *raw;		/* one row */
};

/*
 * Opens a matrix of little-endian floats in C order. If `vector`, an array of
 * one dimension counts as a matrix of one row. The file may be gzip or a pipe.
 * Returns NULL on failure.
 */
struct npy *npy_open(const char *path, int vector, struct err *e);
/*
 * Reads the next row into row[dim], rounded if the file has float64. Returns 1,
 * 0 at the end, or -1 on error. A number that is not finite or is too great for
 * float32 is an error, and so is a file with too few or too many bytes.
 */
int npy_read(struct npy *m, float *row, struct err *e);
void npy_close(struct npy *m);			/* NULL is fine */

struct npy_sink;

/*
 * Creates a file of version 1.0 for rows of dim float16 (half) or float32. It
 * must be seekable, because its header holds the number of rows. Returns NULL
 * on failure. See output.h for the file's name until then.
 */
struct npy_sink *npy_sink_open(const char *path, size_t dim, int half, struct err *e);
/* Writes row[dim]. Returns 0 or -1. */
int npy_sink_write(struct npy_sink *k, const float *row, struct err *e);
/* Completes the file. Frees k, also on failure. Returns 0 or -1. */
int npy_sink_close(struct npy_sink *k, struct err *e);

#endif
