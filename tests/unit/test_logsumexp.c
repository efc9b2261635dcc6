/*
 * Compares sums with long double ones, at lengths with every remainder of a
 * vector.
 */
#include <math.h>
#include <stdlib.h>

#include "model/logsumexp.h"
#include "tap.h"

enum { N = 3000 };

static double
slowly(const float *x, size_t n, float scale)
{
	long double sum = 0, max = x[0];
	size_t i;

	for (i = 1; i < n; i++)
		max = x[i] > max ? x[i] : max;
	for (i = 0; i < n; i++)
		sum += expl(((long double)x[i] - max) * scale);
	return (double)(max * scale + logl(sum));
}

int
main(void)
{
	const float scales[] = { 1, 1 / .7f, .02f, 37.f };
	float x[N], y[40] = { 0 };
	double worst = 0, d;
	int wrong = 0;
	size_t n, s, i;

	for (i = 0; i < N; i++)
		x[i] = 12 * sinf((float)(i * i) + 2.385f) - 3.1f;
	for (s = 0; s < sizeof scales / sizeof *scales; s++)
		for (n = 1; n <= N; n += n < 140 ? 1 : 71) {
			float max = x[0];

			d = slowly(x, n, scales[s]);
			worst = fmax(worst, fabs(logsumexp(x, n, scales[s]) - d) / fmax(1, fabs(d)));
			for (i = 1; i < n; i++)
				max = x[i] > max ? x[i] : max;
			wrong += logsumexp_max(x, n) != max;
		}
	ok(worst < 3e-7, "off by %.2g at most, of 1 or of its size", worst);
	ok(wrong == 0, "the largest is found at every length");
	for (i = 0; i < N; i++)
		x[i] = -INFINITY;
	x[2385] = 3.25f;
	ok(logsumexp(x, N, 1) == 3.25, "one that is possible: its own");
	x[17] = 3.25f;
	ok(fabs(logsumexp(x, N, 2) - 6.5 - log(2)) < 1e-12, "two of them: log 2 more");
	for (i = 0; i < N; i++)
		x[i] = -1e4f - (float)i;
	ok(fabs(logsumexp(x, N, 1) - slowly(x, N, 1)) < 2e-3, "far below 0, a float's last bit off");
	for (wrong = 0, i = 0; i < 40; i++) {
		y[i] = NAN;
		wrong += !isnan(logsumexp(y, 40, 1));
		y[i] = 0;
	}
	ok(wrong == 0, "a NaN in any place is not passed over");
	return tap_done();
}
