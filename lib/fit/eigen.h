/*
 * eigen - eigenvalues and eigenvectors of real symmetric matrices, and
 * orthonormal bases, by LAPACK.
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
/*
 * Sets the rows of V[n][dim], n <= dim, to orthonormal ones that span the same
 * space, and more if the rows were not independent. Returns 0, or -1 with a
 * message in e if out of memory.
 */
int eigen_orthonormalise(double *V, size_t n, size_t dim, struct err *e);

#endif
