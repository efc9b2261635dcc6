/*
 * gram - the inner products of n rows, or the values of a kernel between them:
 * a symmetric matrix of doubles, of which the lower triangle is stored.
 */
#ifndef ODESTEER_GRAM_H
#define ODESTEER_GRAM_H

#include <stddef.h>

#include "base/err.h"
#include "fit/features.h"

/* Only one caller at a time may use a struct, because it has scratch memory. */
struct gram {
	size_t n;
	/*
	 * All numbers that are stored, [count]: the lower triangle and some
	 * above the diagonal. Rows 128 p to 128 p + 127 have 128 (p + 1) each.
	 */
	double *values;
	size_t count;
	unsigned threads;
	double *v, *sum;	/* scratch memory for products */
};

/* Returns an n x n matrix of zeros, or NULL with a message in e. */
struct gram *gram_alloc(size_t n, struct err *e);
void gram_free(struct gram *g);	/* g may be NULL */
/* Sets g to scale X X', of the rows X[n][size]. */
void gram_set(struct gram *g, const double *X, size_t size, double scale);
/*
 * Sets g to the inner products of the rows of s. Returns 0, or -1 with a
 * message in e if out of memory.
 */
int gram_set_source(struct gram *g, const struct features_source *s, struct err *e);
/* Returns the variance of the rows, summed over all dimensions. */
double gram_variance(const struct gram *g);
/* Sets image[k][n] = g v[k], with v[count][n], for k < count. */
void gram_multiply(struct gram *g, const double *const *v, size_t count, double *const *image);

#endif
