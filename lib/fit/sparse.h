/*
 * sparse - rows of mostly zeros, and products with them.
 *
 * Sums are of doubles in an order that depends only on the rows, and nothing is
 * fused, so that they give the same numbers on every processor.
 */
#ifndef ODESTEER_SPARSE_H
#define ODESTEER_SPARSE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A matrix of n > 0 rows and size > 0 columns. Its arrays belong to the caller.
 * The entries of row i are those from start[i] up to, but not including,
 * start[i + 1]: a finite `value` in a `column` less than size. A row may be
 * empty. All other numbers are 0.
 */
struct sparse {
	size_t n, size;
	const size_t *start;		/* [n + 1], ascending, start[0] = 0 */
	const uint32_t *column;		/* [start[n]], each once in a row, in any order */
	const float *value;		/* [start[n]] */
};

/* Sets mean[size] to the mean of the rows. */
void sparse_mean(const struct sparse *s, double *mean);
/*
 * Multiplies by the matrix Phi, n by size, whose rows are those of s minus
 * mean[size]. If v is NULL, sets out[size] = Phi' u, for u[n], and does not use
 * image. Otherwise, for v[size], sets image[n] = Phi v and
 * out[size] = Phi' (u * image), where * is element by element. The arrays must
 * not overlap.
 */
void sparse_multiply(const struct sparse *s, const double *mean, const double *v, double *image,
    const double *u, double *out);

#endif
