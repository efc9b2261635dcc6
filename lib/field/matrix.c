/*
 * The matrix is stored in strips of STRIP columns, each row by row, so that a
 * product reads memory in order. A strip of Y stays in registers for ROWS rows
 * of X. Every number of Y is summed over M's rows in their order, whatever n
 * is.
 */
#include "field/matrix.h"

#include <stdlib.h>
#include <string.h>


enum { LANES = 8, VECTORS = 3, STRIP = LANES * VECTORS, ROWS = 4 };

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

struct matrix {
	size_t rows, columns, strips;
	vector *m;			/* [strips][rows][VECTORS] */
};

struct matrix *
matrix_alloc(const double *M, size_t rows, size_t columns)
{
	struct matrix *p = calloc(1, sizeof *p);
	size_t i, j;
	float *m;

	if (p == NULL)
		return NULL;
	p->rows = rows;
	p->columns = columns;
	p->strips = (columns + STRIP - 1) / STRIP;
	if ((p->m = aligned_alloc(sizeof(vector), p->strips * rows * STRIP * sizeof *m)) == NULL) {
		free(p);
		return NULL;
	}
	memset(p->m, 0, p->strips * rows * STRIP * sizeof *m);
	m = (float *)p->m;
	for (i = 0; i < rows; i++)
		for (j = 0; j < columns; j++)
			m[(j / STRIP * rows + i) * STRIP + j % STRIP] = (float)M[i * columns + j];
	return p;
}

void
matrix_free(struct matrix *p)
{
	if (p == NULL)
		return;
	free(p->m);
	free(p);
}

/* Multiplies n <= ROWS rows. n is a constant where this is inlined. */
static inline __attribute__((always_inline)) void
multiply(const struct matrix *p, const float *X, size_t n, float *Y)
{
	const vector *m = p->m;
	size_t s, i, r, v;

	for (s = 0; s < p->strips; s++) {
		size_t width = p->columns - s * STRIP < STRIP ? p->columns - s * STRIP : STRIP;
		vector sum[ROWS][VECTORS] = { 0 };

		for (i = 0; i < p->rows; i++, m += VECTORS)
			for (r = 0; r < n; r++)
				for (v = 0; v < VECTORS; v++)
					sum[r][v] += m[v] * X[r * p->rows + i];
		for (r = 0; r < n; r++)
			memcpy(Y + r * p->columns + s * STRIP, sum[r], width * sizeof *Y);
	}
}

static inline __attribute__((always_inline)) void
multiply_rows(const struct matrix *p, const float *X, size_t n, float *Y)
{
	for (; n >= ROWS; n -= ROWS, X += ROWS * p->rows, Y += ROWS * p->columns)
		multiply(p, X, ROWS, Y);
	switch (n) {
	case 3: multiply(p, X, 3, Y); break;
	case 2: multiply(p, X, 2, Y); break;
	case 1: multiply(p, X, 1, Y); break;
	}
}

#ifdef __x86_64__
static __attribute__((target("avx2,fma"))) void
multiply_avx2(const struct matrix *p, const float *X, size_t n, float *Y)
{
	multiply_rows(p, X, n, Y);
}
#endif

void
matrix_multiply(const struct matrix *p, const float *X, size_t n, float *Y)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
		multiply_avx2(p, X, n, Y);
		return;
	}
#endif
	multiply_rows(p, X, n, Y);
}
