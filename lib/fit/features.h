/*
 * features - the rows phi_i of a fit, n of size numbers, in as little memory as they need.
 *
 * A source makes rows whenever they are asked for. From it come either the rows themselves,
 * packed into 3 bytes a number (1 + 8 + 15 bits: off by 2^-17 of it at most), or their inner
 * products as floats, for which the rows are made a band at a time and forgotten.
 *
 * Both are of phi_i - shift, where shift is the mean of the first rows as floats: what all rows have in
 * common tells nothing of labels (an intercept without penalty takes it up), but would cost
 * digits.
 */
#ifndef ODESTEER_FEATURES_H
#define ODESTEER_FEATURES_H

#include <stddef.h>

#include "base/err.h"

struct features_source {
	const void *ctx;
	size_t n, size;
	/*
	 * Memory for one thread; exact: for `exact' below, or else for `rows'. NULL: out of memory.
	 */
	void *(*work_alloc)(const void *ctx, int exact);
	void (*work_free)(void *work);
	size_t block;		/* rows that are best made at a time */
	/* phi[n][size] of the rows from first on, n <= block: with the digits of floats, or all of them */
	void (*rows)(const void *ctx, void *work, size_t first, size_t n, float *phi);
	void (*exact)(const void *ctx, void *work, size_t first, size_t n, double *phi);
	/*
	 * `rows' may have them in another orthonormal basis than `exact' (where w . phi and all inner products
	 * are the same): w[size] from there. 0, -1: out of memory. NULL: it is the same.
	 */
	int (*turn)(const void *ctx, double *w);
};

/* phi[n][size], all digits and no shift. 0, -1: out of memory. */
int features_exact(const struct features_source *s, double *phi, struct err *e);

/*
 * A Gram matrix, of inner products: [side][side] floats, side = features_side(n), both triangles, 0 from n on.
 */
size_t features_side(size_t n);
/* gram is zero before. 0, -1: out of memory. */
int features_gram(const struct features_source *s, float *gram, struct err *e);
void features_mirror(float *gram, size_t n);		/* the lower triangle becomes the upper, too */
/* image[k][n] = gram v[k], k < count; v[count][side], 0 from n on */
void features_gram_image(const float *gram, size_t n, const float *v, size_t count, double *const *image);
/* w[size] = sum_i alpha_i (phi_i - shift), in the basis of `rows', and w . shift. 0, -1: out of memory. */
int features_combine(const struct features_source *s, const double *alpha, double *w, double *w_shift,
    struct err *e);

struct features;

struct features *features_pack(const struct features_source *s, struct err *e);	/* NULL: out of memory */
void features_free(struct features *f);		/* NULL is fine */
double features_variance(struct features *f);	/* summed over the features; NaN: out of memory */
double features_shift(const struct features *f, const double *w);	/* w . shift */
/*
 * For k < count: out[k][size] = Phi' u[k]. Of the rows less the shift, as floats have it; the same
 * numbers whatever the other vectors, if threads are as many. One caller at a time.
 */
void features_pull_back(struct features *f, const double *const *u, size_t count, double *const *out);
/* image[k][n] = Phi v[k], and out[k][size] = Phi' (weight[k] * image[k]), in one go through the rows. */
void features_normal(struct features *f, const double *const *v, const double *const *weight, size_t count,
    double *const *image, double *const *out);

#endif
