#include "field/sketch.h"

#include <complex.h>
#include <fftw3.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"

/*
 * Alignment, in bytes, of both arrays in scratch memory, as FFTW's plans
 * assume.
 */
enum { LINE = 64 };

struct sketch {
	size_t dim, bins;
	int *index;			/* [2][dim] */
	float *sign;			/* [2][dim] */
	float complex *spectrum;	/* [bins] of w, times scale i / (2 bins) */
	/* from the first array in scratch memory to the second, and back */
	fftwf_plan forward, inverse;
};

void
sketch_free(struct sketch *s)
{
	if (s == NULL)
		return;
	free(s->index);
	free(s->sign);
	free(s->spectrum);
	if (s->forward != NULL)
		fftwf_destroy_plan(s->forward);
	if (s->inverse != NULL)
		fftwf_destroy_plan(s->inverse);
	free(s);
}

/* Returns the size of one array in bytes. */
static size_t
array_size(const struct sketch *s)
{
	return (s->bins * sizeof(float complex) + LINE - 1) / LINE * LINE;
}

float *
sketch_scratch(const struct sketch *s)
{
	return aligned_alloc(LINE, 2 * array_size(s));
}

static float complex *
second_array(const struct sketch *s, float *scratch)
{
	return (float complex *)(scratch + array_size(s) / sizeof *scratch);
}

struct sketch *
sketch_alloc(const int *index, const int *sign, size_t stride, const double *w, size_t bins,
    double scale, size_t dim)
{
	struct sketch *s = calloc(1, sizeof *s);
	float *scratch = NULL;
	float complex *first, *second;
	size_t i, k;

	if (s == NULL)
		return NULL;
	s->dim = dim;
	s->bins = bins;
	s->index = calloc(2 * dim, sizeof *s->index);
	s->sign = calloc(2 * dim, sizeof *s->sign);
	s->spectrum = calloc(bins, sizeof *s->spectrum);
	scratch = sketch_scratch(s);
	if (s->index == NULL || s->sign == NULL || s->spectrum == NULL || scratch == NULL)
		goto fail;
	for (k = 0; k < 2; k++)
		for (i = 0; i < dim; i++) {
			s->index[k * dim + i] = index[k * stride + i];
			s->sign[k * dim + i] = (float)sign[k * stride + i];
		}
	first = (float complex *)scratch;
	second = second_array(s, scratch);
	/* FFTW_ESTIMATE, because measured plans differ from run to run */
	s->forward = fftwf_plan_dft_1d((int)bins, first, second, FFTW_FORWARD, FFTW_ESTIMATE);
	s->inverse = fftwf_plan_dft_1d((int)bins, second, first, FFTW_BACKWARD, FFTW_ESTIMATE);
	if (s->forward == NULL || s->inverse == NULL)
		goto fail;
	for (i = 0; i < bins; i++)
		first[i] = (float)w[i];
	fftwf_execute_dft(s->forward, first, second);
	for (i = 0; i < bins; i++)
		s->spectrum[i] = second[i] * (float)(scale / (2 * (double)bins)) * I;
	free(scratch);
	return s;
fail:
	free(scratch);
	sketch_free(s);
	return NULL;
}

/* Sets z to w conj(z), for n complex numbers. */
SIMD_CLONES static void
multiply_conjugate(float *restrict z, const float *restrict w, size_t n)
{
	size_t i;

	#pragma omp simd
	for (i = 0; i < n; i++) {
		float re = z[2 * i], im = z[2 * i + 1];

		z[2 * i] = w[2 * i] * re + w[2 * i + 1] * im;
		z[2 * i + 1] = w[2 * i + 1] * re - w[2 * i] * im;
	}
}

/*
 * Transforms both real sketches of x, with spectra S1 and S2, as one complex
 * sketch with spectrum Z = S1 + i S2. Both real results come back as one, with
 * spectrum conj(S2) W + i conj(S1) W = i W conj(Z), where W is the spectrum of
 * w.
 */
void
sketch_multiply(const struct sketch *s, const float *x, float *y, float *scratch)
{
	const int *h1 = s->index, *h2 = h1 + s->dim;
	const float *s1 = s->sign, *s2 = s1 + s->dim;
	float complex *first = (float complex *)scratch, *second = second_array(s, scratch);
	size_t i;

	memset(scratch, 0, s->bins * sizeof *first);
	for (i = 0; i < s->dim; i++) {
		scratch[2 * h1[i]] += s1[i] * x[i];
		scratch[2 * h2[i] + 1] += s2[i] * x[i];
	}
	fftwf_execute_dft(s->forward, first, second);
	multiply_conjugate((float *)second, (const float *)s->spectrum, s->bins);
	fftwf_execute_dft(s->inverse, second, first);
	for (i = 0; i < s->dim; i++)
		y[i] = s1[i] * scratch[2 * h1[i]] + s2[i] * scratch[2 * h2[i] + 1];
}
