/* pca - the activations of a fit as doubles, for methods that are more than a classifier. */
#ifndef ODESTEER_PCA_H
#define ODESTEER_PCA_H

#include "base/err.h"
#include "fit/data.h"

/* The rows of one label in their order, [*n][dim]; caller frees. NULL: out of memory. */
double *pca_label_rows(const struct fit_data *d, int label, size_t *n);
/* mean[dim], and takes it from the rows. */
void pca_centre(double *rows, size_t n, size_t dim, double *mean);
/*
 * The direction v[dim], of length one, along which the rows vary most; centres them. Its sign is
 * LAPACK's. 0, -1: out of memory, or they do not vary.
 */
int pca_component(double *rows, size_t n, size_t dim, double *v, struct err *e);

#endif
