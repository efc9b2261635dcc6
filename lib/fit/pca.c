#include "fit/pca.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "fit/eigen.h"

double *
pca_label_rows(const struct fit_data *d, int label, size_t *n)
{
	double *rows, *to;
	size_t i, j;

	*n = 0;
	for (i = 0; i < d->n; i++)
		*n += d->label[i] == label;
	rows = to = calloc(*n + 1, d->dim * sizeof *rows);	/* + 1: calloc(0) may be NULL */
	for (i = 0; rows != NULL && i < d->n; i++)
		for (j = 0; d->label[i] == label && j < d->dim; j++)
			*to++ = (double)d->act[i * d->dim + j];
	return rows;
}

void
pca_centre(double *rows, size_t n, size_t dim, double *mean)
{
	size_t i;

	memset(mean, 0, dim * sizeof *mean);
	for (i = 0; i < n; i++)
		cblas_daxpy((int)dim, 1 / (double)n, rows + i * dim, 1, mean, 1);
	for (i = 0; i < n; i++)
		cblas_daxpy((int)dim, -1, mean, 1, rows + i * dim, 1);
}

int
pca_component(double *rows, size_t n, size_t dim, double *v, struct err *e)
{
	/*
	 * X'X and XX' have the same eigenvalues; if u is an eigenvector of XX',
	 * X'u is one of X'X
	 */
	size_t m = n < dim ? n : dim;
	double *a = calloc(m, m * sizeof *a), *values = calloc(m, sizeof *values), length;
	const double *first;
	int rc = -1;

	if (a == NULL || values == NULL) {
		err_memory(e);
		goto out;
	}
	pca_centre(rows, n, dim, v);
	cblas_dsyrk(CblasRowMajor, CblasLower, n < dim ? CblasNoTrans : CblasTrans, (int)m,
	    (int)(n < dim ? dim : n), 1, rows, (int)dim, 0, a, (int)m);
	if (eigen_symmetric(a, m, values, e) != 0)
		goto out;
	first = a + (m - 1) * m;
	if (n < dim)
		cblas_dgemv(CblasRowMajor, CblasTrans, (int)n, (int)dim, 1, rows, (int)dim, first,
		    1, 0, v, 1);
	else
		memcpy(v, first, dim * sizeof *v);
	length = cblas_dnrm2((int)dim, v, 1);
	if (!(values[m - 1] > 0 && length > 0)) {
		err_set(e, "no first principal component: all rows are equal");
		goto out;
	}
	cblas_dscal((int)dim, 1 / length, v, 1);
	rc = 0;
out:
	free(a);
	free(values);
	return rc;
}
