/* The leading eigenvectors of matrices whose eigenvalues are known, or that LAPACK decomposes in full. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit/eigen.h"
#include "fit/scatter.h"
#include "tap.h"

enum { D = 230, N = 310 };

static double X[N * D], w[N], V[D * D], lambda[D], product[D * D], Q[D * D], values[D];

/* Sets X to uneven rows, of which the first n <= dim are orthonormal if they are to be. */
static void
make_rows(size_t n, size_t dim, int orthonormal)
{
	struct err e;
	size_t i;

	for (i = 0; i < n * dim; i++)
		X[i] = sin(2.385 * (double)i + 0.3 * (double)(i * i % 1009));
	if (orthonormal && eigen_orthonormalise(X, n, dim, &e) != 0)
		printf("Bail out! %s\n", e.text);
}

/*
 * Checks that the rank eigenpairs have the values want[rank], are orthonormal, and that the matrix maps each vector to
 * a multiple, to the given relative precisions.
 */
static void
check(const char *about, size_t n, size_t dim, size_t rank, const double *want, double of_value, double of_vector)
{
	struct scatter s = { X, w, n, dim };
	double off = 0, unlike = 0, residual = 0;
	struct err e;
	size_t i, j;

	if (scatter_eigen(&s, rank, V, lambda, &e) != 0 || scatter_multiply(&s, V, rank, product, &e) != 0)
		printf("Bail out! %s\n", e.text);
	for (i = 0; i < rank; i++) {
		off = fmax(off, fabs(lambda[i] - want[i]) / fabs(want[0]));
		for (j = 0; j <= i; j++)
			unlike = fmax(unlike, fabs(cblas_ddot((int)dim, V + i * dim, 1, V + j * dim, 1) - (i == j)));
		cblas_daxpy((int)dim, -lambda[i], V + i * dim, 1, product + i * dim, 1);
		residual = fmax(residual, cblas_dnrm2((int)dim, product + i * dim, 1) / fabs(want[0]));
	}
	ok(off < of_value && unlike < 1e-13 && residual < of_vector,
	    "%s: values off by %.1e, vectors by %.1e; orthonormal to %.1e", about, off, residual, unlike);
}

/* Sets Q to X' diag(w) X. */
static void
make_dense(size_t n, size_t dim)
{
	size_t i;

	memset(Q, 0, sizeof Q);
	for (i = 0; i < n; i++)
		cblas_dsyr(CblasRowMajor, CblasLower, (int)dim, w[i], X + i * dim, 1, Q, (int)dim);
}

static int
by_magnitude(const void *a, const void *b)
{
	double x = fabs(*(const double *)a), y = fabs(*(const double *)b);

	return (x < y) - (x > y);
}

/* Compares with the full decomposition. */
static void
check_dense(const char *about, size_t n, size_t dim, size_t rank, double of_value, double of_vector)
{
	struct err e;

	make_dense(n, dim);
	if (eigen_symmetric(Q, dim, values, &e) != 0)
		printf("Bail out! %s\n", e.text);
	qsort(values, dim, sizeof *values, by_magnitude);
	check(about, n, dim, rank, values, of_value, of_vector);
}

/* The error of a truncated matrix is hardly greater than that of the best approximation, in the Frobenius norm. */
static void
check_rest(size_t rank)
{
	struct scatter s = { X, w, N, D };
	double best = 0, rest = 0;
	struct err e;
	size_t i, j;

	make_dense(N, D);
	if (eigen_symmetric(Q, D, values, &e) != 0 || scatter_eigen(&s, rank, V, lambda, &e) != 0)
		printf("Bail out! %s\n", e.text);
	qsort(values, D, sizeof *values, by_magnitude);
	for (i = rank; i < D; i++)
		best += values[i] * values[i];
	make_dense(N, D);
	for (i = 0; i < rank; i++)
		cblas_dsyr(CblasRowMajor, CblasLower, D, -lambda[i], V + i * D, 1, Q, D);
	for (i = 0; i < D; i++)
		for (j = 0; j <= i; j++)
			rest += (i == j ? 1 : 2) * Q[i * D + j] * Q[i * D + j];
	ok(rest < 1.01 * best, "flat spectrum, %zu vectors: the rest is %.5f of the best", rank, sqrt(rest / best));
}

int
main(void)
{
	double first = 0;
	size_t i;

	openblas_set_num_threads(1);
	make_rows(D, D, 1);
	for (i = 0; i < D; i++)
		w[i] = (i % 3 == 1 ? -7.7 : 7.7) * pow(0.9, (double)i);
	check("values of both signs", D, D, 20, w, 1e-12, 1e-7);
	check("all of them", D, D, D, w, 1e-13, 1e-13);
	for (i = 0; i < D; i++)
		w[i] = i < 12 ? -3 : i < 24 ? 3 - 1e-9 * (double)i : 0.4 * sin((double)i);
	check("clusters at both ends", D, D, 24, w, 1e-7, 1e-3);
	for (i = 0; i < 7; i++)
		w[i] = 2.385 - 0.385 * (double)i;
	memset(w + 7, 0, sizeof w - 7 * sizeof *w);
	qsort(w, 7, sizeof *w, by_magnitude);
	check("a matrix of rank 7", 7, D, 40, w, 1e-13, 1e-11);
	memset(w, 0, sizeof w);
	check("a matrix of zeros, off by all of 1", 5, D, 3, (double[]){ 1, 1, 1 }, 1.1, 1e-300);
	make_rows(N, D, 0);
	for (i = 0; i < N; i++)
		w[i] = cos(0.77 * (double)i);
	check_dense("more rows than dimensions", N, D, D, 1e-13, 1e-12);
	check_dense("fewer rows", 45, D, 45, 1e-13, 1e-11);
	check_rest(16);
	check_rest(48);
	first = X[0];
	w[0] = -2.385;
	check("one dimension", 1, 1, 1, (double[]){ -2.385 * first * first }, 1e-15, 1e-15);
	return tap_done();
}
