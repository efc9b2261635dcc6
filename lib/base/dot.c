#include "base/dot.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"

enum {
	DOUBLES = 4, FLOATS = 8,	/* in an AVX2 register */
	SUMS = 4,			/* independent: an addition takes four cycles */
	LINE = 8			/* doubles in a cache line */
};

/* the type of n numbers in a register, loaded from the address of any number */
#define REGISTER(number, n) \
	__attribute__((vector_size((n) * sizeof(number)), aligned(sizeof(number)), may_alias))
typedef double doubles REGISTER(double, DOUBLES);
typedef float floats REGISTER(float, FLOATS);

SIMD_CLONES static double
sum_doubles(const double *x, const double *y, size_t n)
{
	doubles part[SUMS] = { 0 };
	double sum = 0;
	size_t i, k;

	for (i = 0; i + SUMS * DOUBLES <= n; i += SUMS * DOUBLES)
		for (k = 0; k < SUMS; k++)
			part[k] += ((const doubles *)(x + i))[k] * ((const doubles *)(y + i))[k];
	for (; i < n; i++)
		sum += x[i] * y[i];
	part[0] = (part[0] + part[1]) + (part[2] + part[3]);
	for (k = 0; k < DOUBLES; k++)
		sum += part[0][k];
	return sum;
}

SIMD_CLONES static double
sum_floats(const float *x, const float *y, size_t n)
{
	floats part[SUMS] = { 0 };
	double sum = 0;
	size_t i, k;

	for (i = 0; i + SUMS * FLOATS <= n; i += SUMS * FLOATS)
		for (k = 0; k < SUMS; k++)
			part[k] += ((const floats *)(x + i))[k] * ((const floats *)(y + i))[k];
	for (; i < n; i++)
		sum += (double)(x[i] * y[i]);
	part[0] = (part[0] + part[1]) + (part[2] + part[3]);
	for (k = 0; k < FLOATS; k++)
		sum += (double)part[0][k];
	return sum;
}

double
dot(const double *x, const double *y, size_t n)
{
	return sum_doubles(x, y, n);
}

double
dot_single(const float *x, const float *y, size_t n)
{
	return sum_floats(x, y, n);
}

/* Returns dim, rounded up to whole cache lines. */
static size_t
row_size(size_t dim)
{
	return (dim + LINE - 1) / LINE * LINE;
}

double *
dot_scratch(size_t dim)
{
	/*
	 * one line more, because OpenBLAS's dsymv for SSE2 reads past the end
	 * of y
	 */
	size_t bytes = (2 * row_size(dim) + LINE) * sizeof(double);
	double *scratch = aligned_alloc(LINE * sizeof(double), bytes);

	return scratch != NULL ? memset(scratch, 0, bytes) : NULL;
}

void
dot_symmetric(const double *M, size_t dim, const double *x, double *y, double *scratch)
{
	double *to = scratch + row_size(dim);

	memcpy(scratch, x, dim * sizeof *x);
	cblas_dsymv(CblasRowMajor, CblasUpper, (int)dim, 1, M, (int)dim, scratch, 1, 0, to, 1);
	memcpy(y, to, dim * sizeof *y);
}
