/* eigen - eigenvalues and eigenvectors of real symmetric matrices, by LAPACK's divide and conquer. */
#ifndef ODESTEER_EIGEN_H
#define ODESTEER_EIGEN_H

#include <stddef.h>

#include "base/err.h"

/*
 * Of a[n][n], row-major, the lower triangle is read. values[n] ascend; row i of a becomes the
 * eigenvector of value i, of length one. 0, -1.
 */
int eigen_symmetric(double *a, size_t n, double *values, struct err *e);

#endif
