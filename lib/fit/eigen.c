#include "fit/eigen.h"

#include <stdlib.h>

/*
 * Debian's OpenBLAS carries LAPACK, but not its header for C. The last two are the lengths of
 * the strings, which Fortran passes behind everything else.
 */
void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *lda,
    double *values, double *work, const int *n_work, int *iwork, const int *n_iwork, int *info,
    size_t, size_t);

int
eigen_symmetric(double *a, size_t n, double *values, struct err *e)
{
	double *work, want;
	int size = (int)n, n_work = -1, *iwork, n_iwork = -1, info, iwant;

	/* the 2 n^2 numbers of work are counted in an int */
	if (n > 32000)
		return err_set(e, "a matrix of %zu rows is too big for its eigenvalues", n);
	/* LAPACK's upper triangle: it counts along columns; so its columns of vectors are our rows */
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
