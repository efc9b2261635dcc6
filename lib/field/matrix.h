/*
 * matrix - products of activations with a matrix, in single precision.
 *
 * What BLAS does not promise and streams need: a row's product is the same, bit for bit,
 * however many rows are multiplied together. Several together take a third of the time of as many alone.
 */
#ifndef ODESTEER_MATRIX_H
#define ODESTEER_MATRIX_H

#include <stddef.h>

struct matrix;

/* Of M[rows][columns]; it is not kept. NULL: out of memory. */
struct matrix *matrix_alloc(const double *M, size_t rows, size_t columns);
void matrix_free(struct matrix *p);		/* NULL is fine */
/* Y[n][columns] = X[n][rows] M; any n */
void matrix_multiply(const struct matrix *p, const float *X, size_t n, float *Y);

#endif
