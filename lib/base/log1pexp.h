/* log1pexp - the logistic loss. */
#ifndef ODESTEER_LOG1PEXP_H
#define ODESTEER_LOG1PEXP_H

#include <math.h>

/* Returns log(1 + exp(x)), without overflow for any x. */
static inline double
log1pexp(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

#endif
