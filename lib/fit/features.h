/*
 * features - the rows phi_i of a fit: n > 0 vectors of size > 0 numbers.
 *
 * A source makes the rows, as floats, whenever they are asked for. A fit needs
 * either the rows themselves (struct features) or only their inner products
 * (gram.h), for which the source makes some rows at a time.
 *
 * Products of struct features are those of centred rows, phi_i - m, where m is
 * the mean of all rows. Centring does not change the fit, because the
 * intercept, which has no penalty, absorbs m. It saves digits: floats would
 * spend some of theirs on m. Sparse rows would not stay sparse, so they are
 * kept as they are, and m is subtracted from their products.
 */
#ifndef ODESTEER_FEATURES_H
#define ODESTEER_FEATURES_H

#include <stddef.h>

#include "base/err.h"
#include "fit/sparse.h"

/* A source of rows: a matrix that has them, or callbacks that make them. */
struct features_source {
	size_t n, size;
	const float *matrix;	/* [n][size], the rows; or NULL, and `rows` makes them */
	const void *ctx;	/* passed to the callbacks */
	/*
	 * Allocates what one thread needs to make rows. Returns NULL if out of
	 * memory. work_alloc and work_free are NULL if a thread needs nothing.
	 */
	void *(*work_alloc)(const void *ctx);
	void (*work_free)(void *work);
	/*
	 * Makes n rows, from row `first` on, into phi[n][size]. Several threads
	 * call it at a time.
	 */
	void (*rows)(const void *ctx, void *work, size_t first, size_t n, float *phi);
};

/*
 * Makes n rows of s from row `first` on into phi[n][size], with all threads.
 * Returns 0, or -1 if out of memory.
 */
int features_make(const struct features_source *s, size_t first, size_t n, float *phi);
/*
 * Sets w[size] = sum_i alpha[i] phi_i, of the rows of s as they are, not
 * centred. Returns 0, or -1 with a message in e if out of memory.
 */
int features_combine(const struct features_source *s, const double *alpha, double *w,
    struct err *e);

/*
 * All rows in memory, in single precision. Products with dense rows are of
 * floats, by `threads` threads; those with sparse rows are of doubles, by one.
 * Only one caller at a time may use a struct, because it has scratch memory.
 */
struct features {
	size_t n, size;
	float *rows;		/* [n][size], centred; NULL: they are sparse */
	double *mean;		/* [size], m */
	const struct sparse *sparse;	/* the rows, not centred; NULL: they are in `rows` */
	unsigned threads;
	float *v;		/* scratch memory for products */
	double *sum;
};

/*
 * Makes all rows of s, which is not used later. Returns NULL with a message in
 * e if out of memory.
 */
struct features *features_alloc(const struct features_source *s, struct err *e);
/*
 * Does the same with sparse rows. s and its arrays are borrowed until
 * features_free and must not change.
 */
struct features *features_alloc_sparse(const struct sparse *s, struct err *e);
void features_free(struct features *f);	/* f may be NULL */
/*
 * Returns the sum over all columns of the column's variance: the mean of
 * |phi_i - m|^2.
 */
double features_variance(const struct features *f);
/*
 * Multiplies by the matrix Phi of centred rows, reading it once. Sets, for
 * k < count,
 *   out[k] = Phi' u[k]  if v is NULL, or else
 *   image[k] = Phi v[k]  and  out[k] = Phi' (u[k] * image[k]),
 * where * is element by element. u[k] and image[k] have n numbers, v[k] and
 * out[k] size.
 */
void features_multiply(struct features *f, const double *const *v, double *const *image,
    const double *const *u, double *const *out, size_t count);

#endif
