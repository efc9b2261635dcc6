/*
 * dot - sums whose bits do not depend on where their arguments lie in memory.
 *
 * BLAS promises no order of summation. OpenBLAS's SSE2 kernels choose one by the alignment of the
 * arguments, so that a row would get other numbers beside other rows than alone. dot and dot_single
 * sum in an order that depends on n alone, on every processor. dot_symmetric leaves the sum to BLAS,
 * twice as fast as a loop of our own, but always at the same alignment.
 */
#ifndef ODESTEER_DOT_H
#define ODESTEER_DOT_H

#include <stddef.h>

/* Return x . y of n numbers. dot_single sums in single precision. */
double dot(const double *x, const double *y, size_t n);
double dot_single(const float *x, const float *y, size_t n);

/* Allocates the scratch memory of dot_symmetric; free() releases it. Returns NULL if out of memory. */
double *dot_scratch(size_t dim);
/* Sets y[dim] = M x, with M[dim][dim] symmetric, of which the upper triangle is read. */
void dot_symmetric(const double *M, size_t dim, const double *x, double *y, double *scratch);

#endif
