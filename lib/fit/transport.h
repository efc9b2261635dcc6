/* transport - affine maps that take one set of points (the source) to where another (the target) lies. */
#ifndef ODESTEER_TRANSPORT_H
#define ODESTEER_TRANSPORT_H

#include <stddef.h>

#include "base/err.h"

/*
 * In one dimension: scale and shift such that scale * s + shift is nearest to t, both
 * sorted. s[n] and t[n] are centred and sorted in place.
 */
void transport_1d(double *s, double *t, size_t n, double *scale, double *shift);

/*
 * Optimal transport between normal distributions with the means and the covariances (plus
 * reg on their diagonals) of s[n_s][dim] and t[n_t][dim]: x A + b. Of the symmetric A[dim][dim] the lower
 * triangle is set. s and t are centred in place. 0, -1.
 */
int transport_gaussian(double *s, size_t n_s, double *t, size_t n_t, size_t dim, double reg,
    double *A, double *b, struct err *e);

#endif
