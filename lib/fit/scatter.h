/*
 * scatter - the symmetric matrix X' diag(w) X = sum_i w_i x_i x_i' of n rows
 * x_i with weights of either sign. It is not stored: a product with it is two
 * products with X.
 */
#ifndef ODESTEER_SCATTER_H
#define ODESTEER_SCATTER_H

#include <stddef.h>

#include "base/err.h"

/* The arrays belong to the caller. */
struct scatter {
	const double *X;	/* [n][dim] */
	const double *w;	/* [n] */
	size_t n, dim;
};

/*
 * Sets product[count][dim] to the products of the matrix with Y[count][dim].
 * Returns 0, or -1 with a message in e if out of memory.
 */
int scatter_multiply(const struct scatter *s, const double *Y, size_t count, double *product,
    struct err *e);
/*
 * Sets lambda[rank] to the eigenvalues of greatest magnitude, in descending
 * order of it, and row i of V[rank][dim], rank <= dim, to the eigenvector of
 * lambda[i], of length 1. Returns 0, or -1 with a message in e.
 *
 * If rank is that of the matrix or more, they are precise to rounding.
 * Otherwise the last few vectors are mixed with those after them where
 * eigenvalues differ little, but sum_i lambda_i v_i v_i' is hardly farther from
 * the matrix than with exact ones.
 *
 * Source: a block Krylov space from random vectors, then Rayleigh-Ritz (Halko,
 * Martinsson and Tropp 2011; Musco and Musco 2015).
 */
int scatter_eigen(const struct scatter *s, size_t rank, double *V, double *lambda, struct err *e);

#endif
