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

/* The numbers of row i that are not 0 are from start[i] to start[i + 1]. */
struct sparse {
	size_t n, size;			/* rows and columns */
	const size_t *start;		/* [n + 1] */
	const uint32_t *column;
	const float *value;
};

/* Sets mean[size] to the mean of the rows. */
void sparse_mean(const struct sparse *s, double *mean);
/*
 * Multiplies by the matrix Phi of the rows minus mean[size]. Sets
 * out[size] = Phi' u if v is NULL, or else image[n] = Phi v and
 * out[size] = Phi' (u * image), where * is element by element.
 */
void sparse_multiply(const struct sparse *s, const double *mean, const double *v, double *image,
    const double *u, double *out);

#endif
