/*
 * sketch - products with the matrix of a count sketch of degree 2, in single
 * precision.
 *
 * M[i][j] is the mean of s1[i] s2[j] w[(h1[i] + h2[j]) mod bins] and of the
 * same with i and j exchanged. M is not stored: a product takes two transforms
 * of `bins' complex numbers, which is faster than dim^2 operations if dim is
 * large.
 */
#ifndef ODESTEER_SKETCH_H
#define ODESTEER_SKETCH_H

#include <stddef.h>

struct sketch;

/*
 * Allocates scale M for the first dim hashes and signs of index[2][stride] and
 * sign[2][stride], and w[bins]; these are copied. Returns NULL if out of
 * memory.
 */
struct sketch *sketch_alloc(const int *index, const int *sign, size_t stride, const double *w,
    size_t bins, double scale, size_t dim);
void sketch_free(struct sketch *s);	/* NULL is fine */

/*
 * Allocates scratch memory for one thread, which free() frees, or returns NULL.
 */
float *sketch_scratch(const struct sketch *s);
/* Sets y[dim] to scale M x[dim]. */
void sketch_multiply(const struct sketch *s, const float *x, float *y, float *scratch);

#endif
