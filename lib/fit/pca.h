/*
 * pca - leading singular vectors, and the first principal component, of rows in
 * double precision.
 */
#ifndef ODESTEER_PCA_H
#define ODESTEER_PCA_H

#include "base/err.h"
#include "fit/data.h"

/*
 * Returns the rows of d with that label, in their order, as doubles
 * [*n][d->dim], which the caller frees; or NULL if out of memory.
 */
double *pca_label_rows(const struct fit_data *d, int label, size_t *n);
/* Sets mean[dim] to the mean of rows[n][dim] and subtracts it from each row. */
void pca_centre(double *rows, size_t n, size_t dim, double *mean);
/*
 * Sets V[*k][dim] to the first right singular vectors of rows[n][dim], which
 * are orthonormal and each of arbitrary sign. Lowers *k to the number of
 * singular values above 1e-5 of the greatest, which is 0 if all rows are 0.
 * Returns 0, or -1 with a message in e.
 */
int pca_leading(const double *rows, size_t n, size_t dim, double *V, size_t *k, struct err *e);
/*
 * Centres rows[n][dim] and sets v[dim] to their first principal component, of
 * length 1 and arbitrary sign. Returns 0, or -1 with a message in e: out of
 * memory, or all rows are equal.
 */
int pca_component(double *rows, size_t n, size_t dim, double *v, struct err *e);

#endif
