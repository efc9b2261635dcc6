#include "fit/pca.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "fit/eigen.h"

/* Eigenvalues that are less, divided by the greatest, are rounding errors. */
static const double LEAST = 1e-10;

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
pca_leading(const double *rows, size_t n, size_t dim, double *V, size_t *k, struct err *e)
{
	/*
	 * X'X and XX' have the same eigenvalues; if u is an eigenvector of XX',
	 * X'u is one of X'X
	 */
	size_t m = n < dim ? n : dim, most = *k < m ? *k : m;
	double *gram = calloc(m, m * sizeof *gram), *values = calloc(m, sizeof *values);
	int rc = -1;

	if (gram == NULL || values == NULL) {
		err_memory(e);
		goto out;
	}
	cblas_dsyrk(CblasRowMajor, CblasLower, n < dim ? CblasNoTrans : CblasTrans, (int)m,
	    (int)(n < dim ? dim : n), 1, rows, (int)dim, 0, gram, (int)m);
	if (eigen_symmetric(gram, m, values, e) != 0)
		goto out;
	for (*k = 0; *k < most && values[m - 1 - *k] > LEAST * values[m - 1]; ++*k) {
		const double *u = gram + (m - 1 - *k) * m;
		double *v = V + *k * dim;

		if (n < dim)
			cblas_dgemv(CblasRowMajor, CblasTrans, (int)n, (int)dim, 1, rows, (int)dim,
			    u, 1, 0, v, 1);
		else
			memcpy(v, u, dim * sizeof *v);
	}
	/* rounding leaves them as far from orthogonal as 1e-16 / LEAST */
	rc = *k > 0 ? eigen_orthonormalise(V, *k, dim, e) : 0;
out:
	free(gram);
	free(values);
	return rc;
}

int
pca_component(double *rows, size_t n, size_t dim, double *v, struct err *e)
{
	size_t k = 1;
	double before = dot(rows, rows, n * dim);

	pca_centre(rows, n, dim, v);
	/* rounding may leave something of equal rows */
	if (dot(rows, rows, n * dim) <= 1e-24 * before)
		k = 0;
	if (k == 1 && pca_leading(rows, n, dim, v, &k, e) != 0)
		return -1;
	return k == 1 ? 0 : err_set(e, "no first principal component: all rows are equal");
}
