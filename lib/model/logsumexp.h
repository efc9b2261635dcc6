/*
 * logsumexp - log-sum-exp of a row of logits, and its largest.
 *
 * In vectors of floats, a few dozen of which go into a double: right to about 1e-7, several
 * times as fast as expf one by one, and the same numbers on every processor.
 */
#ifndef ODESTEER_LOGSUMEXP_H
#define ODESTEER_LOGSUMEXP_H

#include <stddef.h>

/* log of the sum of exp(scale * x[i]), i < n, n > 0, scale > 0; NaN where an x is NaN or the largest is infinite. */
double logsumexp(const float *x, size_t n, float scale);
/* The largest of x[n], n > 0; a NaN is passed over, but as x[0]. */
float logsumexp_max(const float *x, size_t n);

#endif
