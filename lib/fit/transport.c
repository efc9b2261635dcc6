#include "fit/transport.h"

#include <cblas.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

#include "fit/eigen.h"
#include "fit/pca.h"

void
transport_1d(double *s, double *t, size_t n, double *scale, double *shift)
{
	double mean_s, mean_t, st = 0, ss = 0;
	size_t i;

	pca_centre(s, n, 1, &mean_s);
	pca_centre(t, n, 1, &mean_t);
	gsl_sort(s, 1, n);
	gsl_sort(t, 1, n);
	for (i = 0; i < n; i++) {
		st += s[i] * t[i];
		ss += s[i] * s[i];
	}
	*scale = st / (ss + 1e-10);
	*shift = mean_t - *scale * mean_s;
}

/*
 * Sets the lower triangle of C[dim][dim] to the covariance of the rows plus reg
 * on its diagonal.
 */
static void
covariance(double *rows, size_t n, size_t dim, double reg, double *C, double *mean)
{
	size_t i;

	pca_centre(rows, n, dim, mean);
	cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)dim, (int)n, 1 / (double)n, rows,
	    (int)dim, 0, C, (int)dim);
	for (i = 0; i < dim; i++)
		C[i * dim + i] += reg;
}

int
transport_gaussian(double *s, size_t n_s, double *t, size_t n_t, size_t dim, double reg,
    double *A, double *b, struct err *e)
{
	/*
	 * A = Cs^-1/2 (Cs^1/2 Ct Cs^1/2)^1/2 Cs^-1/2. With the eigenvectors of
	 * Cs = V'LV, the rows of V, and L^1/2 V Ct V' L^1/2 = U'DU, it is P'P,
	 * where P = D^1/4 U L^-1/2 V.
	 */
	double *V = calloc(dim, dim * sizeof *V), *U = calloc(dim, dim * sizeof *U);
	double *P = calloc(dim, dim * sizeof *P), *mean = calloc(dim, sizeof *mean);
	double *L = calloc(dim, sizeof *L), *D = calloc(dim, sizeof *D);
	int m = (int)dim, rc = -1;
	size_t i, j;

	if (V == NULL || U == NULL || P == NULL || mean == NULL || L == NULL || D == NULL) {
		err_memory(e);
		goto out;
	}
	covariance(s, n_s, dim, reg, V, mean);
	covariance(t, n_t, dim, reg, A, b);
	if (eigen_symmetric(V, dim, L, e) != 0)
		goto out;
	cblas_dsymm(CblasRowMajor, CblasRight, CblasLower, m, m, 1, A, m, V, m, 0, P, m);
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, m, m, 1, P, m, V, m, 0, U, m);
	for (i = 0; i < dim; i++)
		L[i] = sqrt(fmax(L[i], reg));	/* only rounding makes it less than reg */
	for (i = 0; i < dim; i++)
		for (j = 0; j < dim; j++)
			U[i * dim + j] *= L[i] * L[j];
	if (eigen_symmetric(U, dim, D, e) != 0)
		goto out;
	for (i = 0; i < dim; i++)
		for (j = 0; j < dim; j++)
			U[i * dim + j] *= sqrt(sqrt(fmax(D[i], 0))) / L[j];
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, m, m, 1, U, m, V, m, 0, P, m);
	cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, m, m, 1, P, m, 0, A, m);
	/* here b is the mean of the target */
	cblas_dsymv(CblasRowMajor, CblasLower, m, -1, A, m, mean, 1, 1, b, 1);
	rc = 0;
out:
	free(V);
	free(U);
	free(P);
	free(mean);
	free(L);
	free(D);
	return rc;
}
