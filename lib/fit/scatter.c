#include "fit/scatter.h"

#include <cblas.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/eigen.h"

enum {
	BLOCK = 32,		/* vectors multiplied at a time */
	FACTOR = 2, EXTRA = 128	/* the space has FACTOR rank + EXTRA dimensions */
};

/* Does what scatter_multiply does, with memory for between[count][n]. */
static void
multiply(const struct scatter *s, const double *Y, size_t count, double *product, double *between)
{
	int rows = (int)count, n = (int)s->n, dim = (int)s->dim;
	size_t i, j;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, n, dim, 1, Y, dim, s->X, dim, 0,
	    between, n);
	for (i = 0; i < count; i++)
		for (j = 0; j < s->n; j++)
			between[i * s->n + j] *= s->w[j];
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, dim, n, 1, between, n, s->X,
	    dim, 0, product, dim);
}

int
scatter_multiply(const struct scatter *s, const double *Y, size_t count, double *product,
    struct err *e)
{
	double *between = malloc(count * s->n * sizeof *between);

	if (between == NULL)
		return err_memory(e);
	multiply(s, Y, count, product, between);
	free(between);
	return 0;
}

/* The size of random numbers that are added to vectors of length one. */
static const double TRACE = 1e-12;

/* A block Krylov space: of random vectors, their products, and so on. */
struct space {
	size_t size, most;	/* vectors, and how many there are to be */
	gsl_rng *rng;
	double *V;		/* [most][dim], orthonormal */
	double *product;	/* [most][dim], with V */
	double *between;	/* [BLOCK][n], see multiply */
	double *coef;		/* [BLOCK][most] */
	double *ritz, *values;	/* [most][most], [most] */
};

static void
space_free(struct space *x)
{
	gsl_rng_free(x->rng);
	free(x->V);
	free(x->product);
	free(x->between);
	free(x->coef);
	free(x->ritz);
	free(x->values);
}

static int
space_alloc(struct space *x, const struct scatter *s, size_t most)
{
	*x = (struct space){ .most = most };
	x->rng = gsl_rng_alloc(gsl_rng_mt19937);
	x->V = malloc(most * s->dim * sizeof *x->V);
	x->product = calloc(most, s->dim * sizeof *x->product);
	x->between = malloc(BLOCK * s->n * sizeof *x->between);
	x->coef = malloc(BLOCK * most * sizeof *x->coef);
	x->ritz = malloc(most * most * sizeof *x->ritz);
	x->values = malloc(most * sizeof *x->values);
	if (x->rng != NULL && x->V != NULL && x->product != NULL && x->between != NULL &&
	    x->coef != NULL && x->ritz != NULL && x->values != NULL)
		return 0;
	space_free(x);
	return -1;
}

/*
 * Makes next[n][dim] orthonormal, and orthogonal to V, and appends it and its
 * products. Random vectors replace linearly dependent ones. Returns 0, or -1
 * with a message in e if out of memory.
 */
static int
append(struct space *x, const struct scatter *s, const double *next, size_t n, struct err *e)
{
	double *v = x->V + x->size * s->dim;
	int count = (int)n, size = (int)x->size, dim = (int)s->dim, k;
	size_t i, j;

	for (i = 0; i < n; i++) {
		double length = cblas_dnrm2(dim, next + i * s->dim, 1);

		for (j = 0; j < s->dim; j++)
			v[i * s->dim + j] = TRACE * (gsl_rng_uniform(x->rng) - 0.5) +
			    (length > 0 ? next[i * s->dim + j] / length : 0);
	}
	/* twice, because the first pass leaves rounding errors over TRACE */
	for (k = 0; k < 2; k++) {
		if (size > 0) {
			cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, count, size, dim, 1, v,
			    dim, x->V, dim, 0, x->coef, size);
			cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count, dim, size,
			    -1, x->coef, size, x->V, dim, 1, v, dim);
		}
		if (eigen_orthonormalise(v, n, s->dim, e) != 0)
			return -1;
	}
	multiply(s, v, n, x->product + x->size * s->dim, x->between);
	x->size += n;
	return 0;
}

/*
 * Sets V[rank][dim] and lambda[rank] from the eigenvectors of the matrix in the
 * space. Returns 0, or -1 with a message in e.
 */
static int
rayleigh_ritz(struct space *x, size_t dim, size_t rank, double *V, double *lambda, struct err *e)
{
	int size = (int)x->size, d = (int)dim;
	size_t low = 0, high = x->size - 1, i, at;
	double *chosen = x->product;	/* [rank][size] */

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size, size, d, 1, x->V, d, x->product,
	    d, 0, x->ritz, size);
	if (eigen_symmetric(x->ritz, x->size, x->values, e) != 0)
		return -1;
	for (i = 0; i < rank; i++) {
		at = fabs(x->values[low]) > fabs(x->values[high]) ? low++ : high--;
		lambda[i] = x->values[at];
		memcpy(chosen + i * x->size, x->ritz + at * x->size, x->size * sizeof *chosen);
	}
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rank, d, size, 1, chosen, size,
	    x->V, d, 0, V, d);
	return 0;
}

int
scatter_eigen(const struct scatter *s, size_t rank, double *V, double *lambda, struct err *e)
{
	size_t most = FACTOR * rank + EXTRA < s->dim ? FACTOR * rank + EXTRA : s->dim, n;
	struct space x;
	int rc = 0;

	if (space_alloc(&x, s, most) != 0)
		return err_memory(e);
	for (n = 0; rc == 0 && x.size < most;) {
		/* at first zeros, which random vectors replace */
		const double *last = x.product + (x.size - n) * s->dim;

		n = most - x.size < BLOCK ? most - x.size : BLOCK;
		rc = append(&x, s, last, n, e);
	}
	if (rc == 0)
		rc = rayleigh_ritz(&x, s->dim, rank, V, lambda, e);
	space_free(&x);
	return rc;
}
