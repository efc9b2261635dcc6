/*
 * The matrix is stored in strips of STRIP columns, each row by row, so that a
 * product reads memory in order. A strip of Y stays in registers for ROWS rows
 * of X. Every number of Y is summed over M's rows in their order, whatever n
 * is. A product with M' keeps sums for PART rows of M in the first-level cache,
 * and adds to them strip by strip.
 */
#include "field/matrix.h"

#include <stdlib.h>
#include <string.h>


enum { LANES = 8, VECTORS = 3, STRIP = LANES * VECTORS, ROWS = 4, PART = 64 };

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

/* Returns how many columns strip s has. */
static inline size_t
strip_width(const struct matrix *p, size_t s)
{
	return p->columns - s * STRIP < STRIP ? p->columns - s * STRIP : STRIP;
}

/* Multiplies n <= ROWS rows. n is a constant where this is inlined. */
static inline __attribute__((always_inline)) void
multiply(const struct matrix *p, const float *X, size_t n, float *Y)
{
	const vector *m = p->m;
	size_t s, i, r, v;

	for (s = 0; s < p->strips; s++) {
		vector sum[ROWS][VECTORS] = { 0 };

		for (i = 0; i < p->rows; i++, m += VECTORS)
			for (r = 0; r < n; r++)
				for (v = 0; v < VECTORS; v++)
					sum[r][v] += m[v] * X[r * p->rows + i];
		for (r = 0; r < n; r++)
			memcpy(Y + r * p->columns + s * STRIP, sum[r],
			    strip_width(p, s) * sizeof *Y);
	}
}

/* Does the same with M'. */
static inline __attribute__((always_inline)) void
multiply_transposed(const struct matrix *p, const float *X, size_t n, float *Y)
{
	size_t first, end, s, i, r, v;

	for (first = 0; first < p->rows; first = end) {
		vector sum[PART][ROWS] = { 0 };

		end = p->rows - first < PART ? p->rows : first + PART;
		for (s = 0; s < p->strips; s++) {
			const vector *m = p->m + (s * p->rows + first) * VECTORS;
			vector x[ROWS][VECTORS] = { 0 };

			for (r = 0; r < n; r++)
				memcpy(x[r], X + r * p->columns + s * STRIP,
				    strip_width(p, s) * sizeof *X);
			for (i = 0; i < end - first; i++, m += VECTORS)
				for (r = 0; r < n; r++)
					for (v = 0; v < VECTORS; v++)
						sum[i][r] += m[v] * x[r][v];
		}
		for (i = first; i < end; i++)
			for (r = 0; r < n; r++) {
				const vector *y = &sum[i - first][r];

				Y[r * p->rows + i] = (((*y)[0] + (*y)[4]) + ((*y)[1] + (*y)[5])) +
				    (((*y)[2] + (*y)[6]) + ((*y)[3] + (*y)[7]));
			}
	}
}

/* transposed is a constant, too. */
static inline __attribute__((always_inline)) void
multiply_few(const struct matrix *p, int transposed, const float *X, size_t n, float *Y)
{
	if (transposed)
		multiply_transposed(p, X, n, Y);
	else
		multiply(p, X, n, Y);
}

static inline __attribute__((always_inline)) void
multiply_rows(const struct matrix *p, int transposed, const float *X, size_t n, float *Y)
{
	size_t in = transposed ? p->columns : p->rows, out = transposed ? p->rows : p->columns;

	for (; n >= ROWS; n -= ROWS, X += ROWS * in, Y += ROWS * out)
		multiply_few(p, transposed, X, ROWS, Y);
	switch (n) {
	case 3: multiply_few(p, transposed, X, 3, Y); break;
	case 2: multiply_few(p, transposed, X, 2, Y); break;
	case 1: multiply_few(p, transposed, X, 1, Y); break;
	}
}

#ifdef __x86_64__
static __attribute__((target("avx2,fma"))) void
multiply_avx2(const struct matrix *p, int transposed, const float *X, size_t n, float *Y)
{
	if (transposed)
		multiply_rows(p, 1, X, n, Y);
	else
		multiply_rows(p, 0, X, n, Y);
}
#endif

static void
multiply_any(const struct matrix *p, int transposed, const float *X, size_t n, float *Y)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
		multiply_avx2(p, transposed, X, n, Y);
		return;
	}
#endif
	if (transposed)
		multiply_rows(p, 1, X, n, Y);
	else
		multiply_rows(p, 0, X, n, Y);
}

void
matrix_multiply(const struct matrix *p, const float *X, size_t n, float *Y)
{
	multiply_any(p, 0, X, n, Y);
}

void
matrix_multiply_transposed(const struct matrix *p, const float *X, size_t n, float *Y)
{
	multiply_any(p, 1, X, n, Y);
}
