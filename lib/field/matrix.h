/*
 * matrix - products of rows with a matrix, in single precision.
 *
 * Unlike in BLAS, a row's product has the same bits however many rows are
 * multiplied together. Four rows together take a third of the time of four
 * alone.
 */
#ifndef ODESTEER_MATRIX_H
#define ODESTEER_MATRIX_H

#include <stddef.h>

struct matrix;

/* Allocates a copy of M[rows][columns]. Returns NULL if out of memory. */
struct matrix *matrix_alloc(const double *M, size_t rows, size_t columns);
void matrix_free(struct matrix *p);	/* NULL is fine */
/* Sets Y[n][columns] to X[n][rows] M, for any n. */
void matrix_multiply(const struct matrix *p, const float *X, size_t n, float *Y);
/* Sets Y[n][rows] to X[n][columns] M', for any n. */
void matrix_multiply_transposed(const struct matrix *p, const float *X, size_t n, float *Y);

#endif
