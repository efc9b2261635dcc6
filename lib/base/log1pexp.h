/* log1pexp - log(1 + exp(x)), the logistic loss of a margin -x, for any x. */
#ifndef ODESTEER_LOG1PEXP_H
#define ODESTEER_LOG1PEXP_H

#include <math.h>

static inline double
log1pexp(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

#endif
