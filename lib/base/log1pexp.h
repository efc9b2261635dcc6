/*
 * log1pexp - the logistic loss and its derivative.
 *
 * libm rounds exp and log1p in other ways on processors with fused operations.
 * These functions give the same numbers on every processor, to within a few
 * units in the last place.
 */
#ifndef ODESTEER_LOG1PEXP_H
#define ODESTEER_LOG1PEXP_H

/* Returns log(1 + exp(x)), without overflow for any x. */
double log1pexp(double x);
/* Returns its derivative, 1 / (1 + exp(-x)). */
double logistic(double x);

#endif
