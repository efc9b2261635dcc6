#include "model/logsumexp.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"

enum {
	LANES = 8,
	WIDE = 4,		/* vectors on the way at a time */
	BLOCK = 1024		/* exponentials, of at most 1, that floats add up before a double does */
};

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t integers __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef uint32_t words __attribute__((vector_size(LANES * sizeof(uint32_t))));

/*
 * Adds exp((x - max) scale) to *sum: with the nearest integer k to the exponent over log 2, 2^k times Cephes'
 * polynomial (its expf) in the rest. What is below 2^-126 adds as much as nothing to a sum with exp(0) in it.
 */
static inline __attribute__((always_inline)) void
add_exp(vector *sum, const float *x, float max, float scale)
{
	const float magic = 12582912;		/* 1.5 * 2^23: nothing behind the point is left */
	vector t, k, r, p;
	integers kept;
	words power;

	memcpy(&t, x, sizeof t);
	t = (t - max) * scale;
	kept = ~(t < -87);			/* a NaN is kept */
	k = t * 1.44269504f + magic - magic;
	r = t - k * 0.693359375f - k * -2.12194440e-4f;
	p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r +
	    4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
	p = p * r * r + r + 1;
	power = (words)(__builtin_convertvector(k, integers) + 127) << 23;
	*sum += (vector)((integers)(p * (vector)power) & kept);
}

SIMD_CLONES float
logsumexp_max(const float *x, size_t n)
{
	size_t whole = n - n % (LANES * WIDE), i, k, v;
	vector most[WIDE], t;
	float max = x[0];

	for (v = 0; v < WIDE; v++)
		most[v] = (vector){ 0 } + max;
	for (i = 0; i < whole; i += LANES * WIDE)
		for (v = 0; v < WIDE; v++) {
			integers above;

			memcpy(&t, x + i + v * LANES, sizeof t);
			above = t > most[v];
			most[v] = (vector)(((integers)t & above) | ((integers)most[v] & ~above));
		}
	for (v = 0; v < WIDE; v++)
		for (k = 0; k < LANES; k++)
			max = most[v][k] > max ? most[v][k] : max;
	for (i = whole; i < n; i++)
		max = x[i] > max ? x[i] : max;
	return max;
}

SIMD_CLONES double
logsumexp(const float *x, size_t n, float scale)
{
	size_t whole = n - n % (LANES * WIDE), i, end, k, v;
	float max = logsumexp_max(x, n), tail[LANES];
	vector sum[WIDE];
	double total = 0;

	for (i = 0; i < whole; i = end) {
		end = i + BLOCK < whole ? i + BLOCK : whole;
		memset(sum, 0, sizeof sum);
		for (; i < end; i += LANES * WIDE)
			for (v = 0; v < WIDE; v++)
				add_exp(&sum[v], x + i + v * LANES, max, scale);
		for (v = 0; v < WIDE; v++)
			for (k = 0; k < LANES; k++)
				total += (double)sum[v][k];
	}
	/* the rest, a vector of it filled up with what adds nothing */
	for (; i < n; i += LANES) {
		for (k = 0; k < LANES; k++)
			tail[k] = i + k < n ? x[i + k] : -INFINITY;
		memset(sum, 0, sizeof *sum);
		add_exp(sum, tail, max, scale);
		for (k = 0; k < LANES; k++)
			total += (double)sum[0][k];
	}
	return (double)max * (double)scale + log(total);
}
