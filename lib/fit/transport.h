/*
 * transport - affine maps from a source distribution to a target distribution.
 */
#ifndef ODESTEER_TRANSPORT_H
#define ODESTEER_TRANSPORT_H

#include <stddef.h>

#include "base/err.h"

/*
 * Sets *scale and *shift so that *scale * s + *shift is nearest to t, in least
 * squares, when both are sorted. Centres and sorts s[n] and t[n] in place.
 */
void transport_1d(double *s, double *t, size_t n, double *scale, double *shift);

/*
 * Computes the optimal transport x A + b between two normal distributions, with
 * the mean of s[n_s][dim] or t[n_t][dim] and its covariance plus reg on the
 * diagonal. Sets b[dim] and the lower triangle of the symmetric A[dim][dim].
 * Centres s and t in place. Returns 0, or -1 with a message in e.
 */
int transport_gaussian(double *s, size_t n_s, double *t, size_t n_t, size_t dim, double reg,
    double *A, double *b, struct err *e);

#endif
