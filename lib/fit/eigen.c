#include "fit/eigen.h"

#include <stdlib.h>

/*
 * Debian's OpenBLAS contains LAPACK but not its C header. The last two
 * arguments are the lengths of the strings, which Fortran passes after all
 * others.
 */
void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *lda,
    double *values, double *work, const int *n_work, int *iwork, const int *n_iwork, int *info,
    size_t, size_t);
void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
    const int *n_work, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda,
    const double *tau, double *work, const int *n_work, int *info);

int
eigen_symmetric(double *a, size_t n, double *values, struct err *e)
{
	double *work, want;
	int size = (int)n, n_work = -1, *iwork, n_iwork = -1, info, iwant;

	/* work needs 2 n^2 numbers, and their count is an int */
	if (n > 32000)
		return err_set(e, "the eigenvalues of a matrix of %zu rows: at most 32000 rows", n);
	/*
	 * LAPACK's matrices are by columns: its upper triangle is our lower one
	 */
	dsyevd_("V", "U", &size, a, &size, values, &want, &n_work, &iwant, &n_iwork, &info, 1, 1);
	n_work = (int)want;
	n_iwork = iwant;
	work = calloc((size_t)n_work, sizeof *work);
	iwork = calloc((size_t)n_iwork, sizeof *iwork);
	if (work == NULL || iwork == NULL) {
		free(work);
		free(iwork);
		return err_memory(e);
	}
	dsyevd_("V", "U", &size, a, &size, values, work, &n_work, iwork, &n_iwork, &info, 1, 1);
	free(work);
	free(iwork);
	if (info != 0)
		return err_set(e, "the eigenvalues of a matrix of %zu rows did not converge", n);
	return 0;
}

int
eigen_orthonormalise(double *V, size_t n, size_t dim, struct err *e)
{
	/* work for blocks of columns, which LAPACK makes 32 wide */
	int rows = (int)dim, columns = (int)n, n_work = 64 * columns, info;
	double *tau = malloc(n * sizeof *tau);
	double *work = malloc((size_t)n_work * sizeof *work);

	if (tau == NULL || work == NULL) {
		free(tau);
		free(work);
		return err_memory(e);
	}
	dgeqrf_(&rows, &columns, V, &rows, tau, work, &n_work, &info);
	dorgqr_(&rows, &columns, &columns, V, &rows, tau, work, &n_work, &info);
	free(tau);
	free(work);
	return 0;
}
