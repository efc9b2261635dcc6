#include "fit/gram.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

enum {
	PANEL = 128,		/* rows */
	/*
	 * A tile of rows of a panel, up to 0.5 MB at n = 4000, stays in the
	 * second-level cache for its product and that of its transpose.
	 */
	TILE_ROWS = 16,
	VECTORS = 10,		/* multiplied at a time */
	BANDS = 5		/* of a source's rows: one at a time is in memory */
};

/* Returns how many numbers are stored of row i. */
static size_t
row_size(size_t i)
{
	return PANEL * (i / PANEL + 1);
}

/* Returns row i. */
static double *
row_at(const struct gram *g, size_t i)
{
	size_t panel = i / PANEL;

	return g->values + PANEL * PANEL * (panel * (panel + 1) / 2) + i % PANEL * row_size(i);
}

struct gram *
gram_alloc(size_t n, struct err *e)
{
	struct gram *g = calloc(1, sizeof *g);
	size_t panels = (n + PANEL - 1) / PANEL;

	if (g == NULL)
		goto fail;
	g->n = n;
	g->count = PANEL * PANEL * (panels * (panels + 1) / 2);
	g->threads = parallel_count();
	if (g->threads > panels)
		g->threads = (unsigned)panels;
	g->values = calloc(g->count, sizeof *g->values);
	g->v = malloc(VECTORS * n * sizeof *g->v);
	g->sum = malloc(g->threads * VECTORS * n * sizeof *g->sum);
	if (g->values != NULL && g->v != NULL && g->sum != NULL)
		return g;
fail:
	gram_free(g);
	err_memory(e);
	return NULL;
}

void
gram_free(struct gram *g)
{
	if (g == NULL)
		return;
	free(g->values);
	free(g->v);
	free(g->sum);
	free(g);
}

/* Rows first .. first + n - 1: x[n][size]; first is that of a panel. */
struct rows {
	const double *x;
	size_t first, n, size;
};

/* A block of the matrix, rows of one panel, that is set to scale times a b'. */
struct block {
	double *values;
	size_t stride;		/* numbers from row to row */
	struct rows a, b;
	double scale;
};

/* Sets some columns of a block. */
static void
block_part(void *ctx, unsigned part, unsigned parts)
{
	const struct block *x = ctx;
	size_t first = x->b.n * part / parts, end = x->b.n * (part + 1) / parts;
	int size = (int)x->a.size;

	if (end > first)
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)x->a.n,
		    (int)(end - first), size, x->scale, x->a.x, size, x->b.x + first * x->a.size,
		    size, 0, x->values + first, (int)x->stride);
}

/* Sets the lower triangle, where rows a meet columns b, to scale times a b'. */
static void
set_products(struct gram *g, const struct rows *a, const struct rows *b, double scale)
{
	struct block x = { .a = *a, .b = *b, .scale = scale };
	size_t i;

	for (i = 0; i < a->n; i += PANEL) {
		x.a.first = a->first + i;
		x.a.x = a->x + i * a->size;
		x.a.n = a->n - i < PANEL ? a->n - i : PANEL;
		x.stride = row_size(x.a.first);
		x.values = row_at(g, x.a.first) + b->first;
		/* up to the end of the panel's rows */
		x.b.n = x.stride - b->first < b->n ? x.stride - b->first : b->n;
		parallel_run(block_part, &x, g->threads);
	}
}

void
gram_set(struct gram *g, const double *X, size_t size, double scale)
{
	struct rows all = { X, 0, g->n, size };

	set_products(g, &all, &all, scale);
}

/*
 * Makes n rows of s from row `first' on into x[n][size]. Returns 0, or -1 if
 * out of memory.
 */
static int
make_rows(const struct features_source *s, size_t first, size_t n, double *x)
{
	/*
	 * in the second half of x: row by row, the doubles are written over
	 * floats that have been read
	 */
	size_t count = n * s->size, i;
	const char *from = (const char *)x + count * sizeof(float);
	float v;

	if (features_make(s, first, n, (float *)x + count) != 0)
		return -1;
	for (i = 0; i < count; i++) {
		memcpy(&v, from + i * sizeof v, sizeof v);
		x[i] = (double)v;
	}
	return 0;
}

int
gram_set_source(struct gram *g, const struct features_source *s, struct err *e)
{
	size_t band = (g->n / BANDS / PANEL + 1) * PANEL;
	double *held = malloc(band * s->size * sizeof *held);
	double *passing = malloc(PANEL * s->size * sizeof *passing);
	struct rows a = { .x = passing, .size = s->size }, b = { .x = held, .size = s->size };
	int rc = held == NULL || passing == NULL ? -1 : 0;

	/* the products of a band with itself, then with all later rows */
	for (b.first = 0; rc == 0 && b.first < g->n; b.first += band) {
		b.n = g->n - b.first < band ? g->n - b.first : band;
		if ((rc = make_rows(s, b.first, b.n, held)) == 0)
			set_products(g, &b, &b, 1);
		for (a.first = b.first + b.n; rc == 0 && a.first < g->n; a.first += PANEL) {
			a.n = g->n - a.first < PANEL ? g->n - a.first : PANEL;
			if ((rc = make_rows(s, a.first, a.n, passing)) == 0)
				set_products(g, &a, &b, 1);
		}
	}
	free(held);
	free(passing);
	return rc == 0 ? 0 : err_memory(e);
}

/* A product with count vectors in g->v. */
struct product {
	const struct gram *g;
	size_t count;
};

/* Computes what every parts-th tile adds to the product. */
static void
product_part(void *ctx, unsigned part, unsigned parts)
{
	const struct product *x = ctx;
	const struct gram *g = x->g;
	double *sum = g->sum + part * VECTORS * g->n;
	int count = (int)x->count, n = (int)g->n;
	size_t i, rows;

	memset(sum, 0, x->count * g->n * sizeof *sum);
	/* not adjacent tiles, because rows grow longer */
	for (i = part * TILE_ROWS; i < g->n; i += parts * TILE_ROWS) {
		const double *tile = row_at(g, i);

		rows = g->n - i < TILE_ROWS ? g->n - i : TILE_ROWS;
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, count, (int)rows,
		    (int)(i + rows), 1, g->v, n, tile, (int)row_size(i), 1, sum + i, n);
		if (i > 0)
			cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count, (int)i,
			    (int)rows, 1, g->v + i, n, tile, (int)row_size(i), 1, sum, n);
	}
}

/*
 * Sets g->sum[count][n] to the products with the vectors in g->v.
 */
static void
multiply(const struct gram *g, size_t count)
{
	struct product x = { g, count };
	unsigned i;

	parallel_run(product_part, &x, g->threads);
	for (i = 1; i < g->threads; i++)
		cblas_daxpy((int)(count * g->n), 1, g->sum + i * VECTORS * g->n, 1, g->sum, 1);
}

double
gram_variance(const struct gram *g)
{
	double trace = 0, sum;
	size_t i;

	for (i = 0; i < g->n; i++) {
		trace += row_at(g, i)[i];
		g->v[i] = 1;
	}
	multiply(g, 1);
	sum = cblas_ddot((int)g->n, g->v, 1, g->sum, 1);
	return trace / (double)g->n - sum / ((double)g->n * (double)g->n);
}

void
gram_multiply(struct gram *g, const double *const *v, size_t count, double *const *image)
{
	size_t first, m, k;

	for (first = 0; first < count; first += m) {
		m = count - first < VECTORS ? count - first : VECTORS;
		for (k = 0; k < m; k++)
			memcpy(g->v + k * g->n, v[first + k], g->n * sizeof *g->v);
		multiply(g, m);
		for (k = 0; k < m; k++)
			memcpy(image[first + k], g->sum + k * g->n, g->n * sizeof **image);
	}
}
