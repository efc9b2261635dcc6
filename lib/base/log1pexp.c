#include "base/log1pexp.h"

#include <math.h>

enum {
	POWERS = 14,		/* of the series of exp: the next is below 1e-17 */
	TERMS = 11		/* of the series of atanh, likewise */
};

/* Returns exp(x) for x <= 0. */
static double
exp_negative(double x)
{
	/* k ln2_high is exact, because the lower bits of ln2_high are 0 */
	static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
	static const double series[POWERS] = { 1, 1, 1 / 2.0, 1 / 6.0, 1 / 24.0, 1 / 120.0,
		1 / 720.0, 1 / 5040.0, 1 / 40320.0, 1 / 362880.0, 1 / 3628800.0, 1 / 39916800.0,
		1 / 479001600.0, 1 / 6227020800.0 };
	double k, r, sum = 0;
	int i;

	if (!(x > -746))
		return isnan(x) ? x : 0;
	k = floor(x / 0x1.62e42fefa39efp-1 + 0.5);
	r = x - k * ln2_high - k * ln2_low;
	for (i = POWERS - 1; i >= 0; i--)
		sum = series[i] + sum * r;
	return ldexp(sum, (int)k);
}

/*
 * Returns log(1 + y) for y from 0 to 1: 2 atanh(y / (2 + y)), or, for y above
 * sqrt(2) - 1, log(2) - 2 atanh((1 - y) / (3 + y)), whose series is short too.
 */
static double
log1p_small(double y)
{
	static const double series[TERMS] = { 1, 1 / 3.0, 1 / 5.0, 1 / 7.0, 1 / 9.0, 1 / 11.0,
		1 / 13.0, 1 / 15.0, 1 / 17.0, 1 / 19.0, 1 / 21.0 };
	int upper = y > 0.41421356;
	double z = upper ? (1 - y) / (3 + y) : y / (2 + y), square = z * z, sum = 0;
	int i;

	for (i = TERMS - 1; i >= 0; i--)
		sum = series[i] + sum * square;
	return upper ? 0x1.62e42fefa39efp-1 - 2 * z * sum : 2 * z * sum;
}

double
log1pexp(double x)
{
	return (x > 0 ? x : 0) + log1p_small(exp_negative(-fabs(x)));
}

double
logistic(double x)
{
	double e = exp_negative(-fabs(x));

	return (x > 0 ? 1 : e) / (1 + e);
}
