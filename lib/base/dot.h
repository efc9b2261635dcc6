/*
 * dot - sums that do not depend on where their arguments are in memory.
 *
 * BLAS guarantees no order of summation, and OpenBLAS's SSE2 kernels choose it
 * by the alignment of the arguments. So a row among others could get different
 * numbers than the same row alone. dot and dot_single sum in an order that
 * depends only on n, on every processor. dot_symmetric calls BLAS, which is
 * twice as fast as a loop, but always with the same alignment.
 */
#ifndef ODESTEER_DOT_H
#define ODESTEER_DOT_H

#include <stddef.h>

/* Return the inner product of x[n] and y[n]; dot_single in single precision. */
double dot(const double *x, const double *y, size_t n);
double dot_single(const float *x, const float *y, size_t n);

/*
 * Returns scratch memory for dot_symmetric, which the caller frees, or NULL if
 * out of memory.
 */
double *dot_scratch(size_t dim);
/*
 * Sets y[dim] = M x for a symmetric M[dim][dim], of which the upper triangle is
 * read.
 */
void dot_symmetric(const double *M, size_t dim, const double *x, double *y, double *scratch);

#endif
