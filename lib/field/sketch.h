/*
 * sketch - products with the matrix of a count sketch of degree 2, in single precision.
 *
 * M[i][j] is the mean of s1[i] s2[j] w[(h1[i] + h2[j]) mod bins] and the same with i and j exchanged. M is
 * not stored: a product is two transforms of `bins` numbers, which are faster than dim^2 once dim is large.
 */
#ifndef ODESTEER_SKETCH_H
#define ODESTEER_SKETCH_H

#include <stddef.h>

struct sketch;

/*
 * Allocates scale times M for the first dim of the hashes and signs index[2][stride] and sign[2][stride];
 * the arguments are copied. Returns NULL if out of memory. sketch_free: NULL is fine.
 */
struct sketch *sketch_alloc(const int *index, const int *sign, size_t stride, const double *w,
    size_t bins, double scale, size_t dim);
void sketch_free(struct sketch *s);

/* Allocates the scratch memory of one caller; free() releases it. Returns NULL if out of memory. */
float *sketch_scratch(const struct sketch *s);
/* Sets y[dim] = scale M x[dim]. */
void sketch_multiply(const struct sketch *s, const float *x, float *y, float *scratch);

#endif
