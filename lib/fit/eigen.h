/*
 * eigen - eigenvalues and eigenvectors of real symmetric matrices, by LAPACK.
 */
#ifndef ODESTEER_EIGEN_H
#define ODESTEER_EIGEN_H

#include <stddef.h>

#include "base/err.h"

/*
 * Sets values[n] to the eigenvalues, in ascending order, of the symmetric
 * matrix a[n][n], of which the lower triangle is read, and row i of a to the
 * eigenvector of values[i], of length 1. Returns 0, or -1 with a message in e.
 */
int eigen_symmetric(double *a, size_t n, double *values, struct err *e);

#endif
