#include "model/logsumexp.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"

enum {
	LANES = 8,
	BLOCK = 256		/* exponentials, none above 1, that are added up as floats */
};

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t integers __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef uint32_t words __attribute__((vector_size(LANES * sizeof(uint32_t))));

/*
 * Adds exp(t), t = (x - max) scale, to *sum: 2^k p(t - k log 2), where k is the
 * integer nearest to t / log 2 and p the polynomial of Cephes' expf. Terms
 * below 2^-126 are left out, because the sum has exp(0) in it.
 */
static inline __attribute__((always_inline)) void
add_exp(vector *sum, const float *x, float max, float scale)
{
	const float magic = 12582912;		/* 1.5 * 2^23: adding it rounds to an integer */
	vector t, k, r, p;
	integers kept;
	words power;

	memcpy(&t, x, sizeof t);
	t = (t - max) * scale;
	kept = ~(t < -87);			/* true for NaN */
	k = t * 1.44269504f + magic - magic;
	r = t - k * 0.693359375f - k * -2.12194440e-4f;
	p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r +
	    4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
	p = p * r * r + r + 1;
	power = (words)(__builtin_convertvector(k, integers) + 127) << 23;
	*sum += (vector)((integers)(p * (vector)power) & kept);
}

SIMD_CLONES static float
largest_logit(const float *x, size_t n)
{
	float max = x[0];
	size_t i;

#pragma omp simd reduction(max : max)
	for (i = 1; i < n; i++)
		max = x[i] > max ? x[i] : max;
	return max;
}

/* Returns the sum of exp((x[i] - max) scale), i < n. */
SIMD_CLONES static double
sum_exp(const float *x, size_t n, float max, float scale)
{
	float tail[LANES];
	double total = 0;
	size_t i, end, k;
	vector sum;

	for (i = 0; i < n; i = end) {
		end = n - i < BLOCK ? n : i + BLOCK;
		sum = (vector){ 0 };
		for (; end - i >= LANES; i += LANES)
			add_exp(&sum, x + i, max, scale);
		if (i < end) {
			/* fill the last vector up with terms that are 0 */
			for (k = 0; k < LANES; k++)
				tail[k] = i + k < end ? x[i + k] : -INFINITY;
			add_exp(&sum, tail, max, scale);
		}
		for (k = 0; k < LANES; k++)
			total += (double)sum[k];
	}
	return total;
}

/* Not clones themselves: clang would not export them under their names. */

float
logsumexp_max(const float *x, size_t n)
{
	return largest_logit(x, n);
}

double
logsumexp(const float *x, size_t n, float scale)
{
	float max = largest_logit(x, n);

	return (double)max * (double)scale + log(sum_exp(x, n, max, scale));
}
