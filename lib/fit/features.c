#include "fit/features.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/parallel.h"
#include "base/simd.h"

enum {
	VECTORS = 6,		/* multiplied at a time: as many as fits with five folds */
	/*
	 * A tile of rows, 0.5 MB at 8000 features, stays in the second-level
	 * cache for both products. Sums over as many columns, or over the rows
	 * of a tile, are of floats; then they are added to a double.
	 */
	TILE_ROWS = 16, TILE_COLUMNS = 1024,
	COMBINED_ROWS = 256	/* made at a time by features_combine */
};

/* The arguments of features_make, shared by its threads. */
struct make_job {
	const struct features_source *s;
	size_t first, n;
	float *phi;
	void *work[PARALLEL_MAX];
};

/* Makes part i of n of the rows. */
static void
make_part(void *ctx, unsigned i, unsigned n)
{
	const struct make_job *m = ctx;
	size_t from = m->n * i / n, to = m->n * (i + 1) / n;

	if (to > from)
		m->s->rows(m->s->ctx, m->work[i], m->first + from, to - from,
		    m->phi + from * m->s->size);
}

int
features_make(const struct features_source *s, size_t first, size_t n, float *phi)
{
	struct make_job m = { .s = s, .first = first, .n = n, .phi = phi };
	unsigned threads = parallel_count(), i;
	int rc = 0;

	if (s->matrix != NULL) {
		memcpy(phi, s->matrix + first * s->size, n * s->size * sizeof *phi);
		return 0;
	}
	for (i = 0; s->work_alloc != NULL && rc == 0 && i < threads; i++)
		if ((m.work[i] = s->work_alloc(s->ctx)) == NULL)
			rc = -1;
	if (rc == 0)
		parallel_run(make_part, &m, threads);
	for (i = 0; i < threads; i++)
		if (m.work[i] != NULL)
			s->work_free(m.work[i]);
	return rc;
}

/* Adds a times x[n] to y. */
SIMD_CLONES static void
add_scaled(double a, const float *restrict x, size_t n, double *restrict y)
{
	size_t j;

	for (j = 0; j < n; j++)
		y[j] += a * (double)x[j];
}

int
features_combine(const struct features_source *s, const double *alpha, double *w, struct err *e)
{
	float *phi = malloc(COMBINED_ROWS * s->size * sizeof *phi);
	size_t first, n, i;
	int rc = phi != NULL ? 0 : -1;

	memset(w, 0, s->size * sizeof *w);
	for (first = 0; rc == 0 && first < s->n; first += n) {
		n = s->n - first < COMBINED_ROWS ? s->n - first : COMBINED_ROWS;
		rc = features_make(s, first, n, phi);
		for (i = 0; rc == 0 && i < n; i++)
			add_scaled(alpha[first + i], phi + i * s->size, s->size, w);
	}
	free(phi);
	return rc == 0 ? 0 : err_memory(e);
}

/* Subtracts mean[n] from a row. */
SIMD_CLONES static void
subtract(const double *restrict mean, size_t n, float *restrict row)
{
	size_t j;

	for (j = 0; j < n; j++)
		row[j] = (float)((double)row[j] - mean[j]);
}

struct features *
features_alloc(const struct features_source *s, struct err *e)
{
	struct features *f = calloc(1, sizeof *f);
	size_t i;

	if (f == NULL)
		goto fail;
	f->n = s->n;
	f->size = s->size;
	f->threads = parallel_count();
	f->rows = malloc(s->n * s->size * sizeof *f->rows);
	f->mean = calloc(s->size, sizeof *f->mean);
	f->v = malloc(VECTORS * s->size * sizeof *f->v);
	f->sum = malloc(f->threads * VECTORS * s->size * sizeof *f->sum);
	if (f->rows == NULL || f->mean == NULL || f->v == NULL || f->sum == NULL ||
	    features_make(s, 0, s->n, f->rows) != 0)
		goto fail;
	for (i = 0; i < f->n; i++)
		add_scaled(1 / (double)f->n, f->rows + i * f->size, f->size, f->mean);
	for (i = 0; i < f->n; i++)
		subtract(f->mean, f->size, f->rows + i * f->size);
	return f;
fail:
	features_free(f);
	err_memory(e);
	return NULL;
}

struct features *
features_alloc_sparse(const struct sparse *s, struct err *e)
{
	struct features *f = calloc(1, sizeof *f);

	if (f == NULL || (f->mean = calloc(s->size, sizeof *f->mean)) == NULL) {
		features_free(f);
		err_memory(e);
		return NULL;
	}
	f->n = s->n;
	f->size = s->size;
	f->sparse = s;
	sparse_mean(s, f->mean);
	return f;
}

void
features_free(struct features *f)
{
	if (f == NULL)
		return;
	free(f->rows);
	free(f->mean);
	free(f->v);
	free(f->sum);
	free(f);
}

double
features_variance(const struct features *f)
{
	const float *row = f->rows;
	double sum = 0;
	size_t i;

	if (f->sparse != NULL) {
		for (i = 0; i < f->sparse->start[f->n]; i++)
			sum += (double)f->sparse->value[i] * (double)f->sparse->value[i];
		return sum / (double)f->n - dot(f->mean, f->mean, f->size);
	}
	for (i = 0; i < f->n; i++, row += f->size)
		sum += cblas_dsdot((int)f->size, row, 1, row, 1);
	return sum / (double)f->n;
}

/*
 * A product with count <= VECTORS vectors: those in f->v if image is not NULL,
 * and u.
 */
struct product {
	const struct features *f;
	size_t count;
	double *const *image;
	const double *const *u;
};

/*
 * Sets image[count][rows] to the products of a tile's rows with the vectors in
 * f->v.
 */
static void
tile_image(const struct features *f, const float *tile, size_t rows, size_t count, double *image)
{
	float part[VECTORS * TILE_ROWS];
	int size = (int)f->size;
	size_t first, m;

	memset(image, 0, count * rows * sizeof *image);
	for (first = 0; first < f->size; first += m) {
		m = f->size - first < TILE_COLUMNS ? f->size - first : TILE_COLUMNS;
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)rows, (int)m,
		    1, f->v + first, size, tile + first, size, 0, part, (int)rows);
		add_scaled(1, part, count * rows, image);
	}
}

/*
 * Adds the sums of a tile's rows with weights u[count][rows] to
 * sum[count][size].
 */
static void
tile_back(const struct features *f, const float *tile, size_t rows, size_t count, const float *u,
    double *sum)
{
	float part[VECTORS * TILE_COLUMNS];
	int size = (int)f->size;
	size_t first, m, k;

	for (first = 0; first < f->size; first += m) {
		m = f->size - first < TILE_COLUMNS ? f->size - first : TILE_COLUMNS;
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)count, (int)m,
		    (int)rows, 1, u, (int)rows, tile + first, size, 0, part, (int)m);
		for (k = 0; k < count; k++)
			add_scaled(1, part + k * m, m, sum + k * f->size + first);
	}
}

/*
 * Computes the product for part i of n of the rows: image, and what they add to
 * out.
 */
static void
product_part(void *ctx, unsigned i, unsigned n)
{
	const struct product *x = ctx;
	const struct features *f = x->f;
	float back[VECTORS * TILE_ROWS];
	double *sum = f->sum + i * VECTORS * f->size, image[VECTORS * TILE_ROWS];
	size_t tiles = (f->n + TILE_ROWS - 1) / TILE_ROWS, t, k, r;

	memset(sum, 0, x->count * f->size * sizeof *sum);
	for (t = tiles * i / n; t < tiles * (i + 1) / n; t++) {
		size_t first = t * TILE_ROWS, rows = f->n - first;
		const float *tile = f->rows + first * f->size;

		rows = rows < TILE_ROWS ? rows : TILE_ROWS;
		if (x->image != NULL)
			tile_image(f, tile, rows, x->count, image);
		for (k = 0; k < x->count; k++)
			for (r = 0; r < rows; r++) {
				double u = x->u[k][first + r];

				if (x->image != NULL) {
					x->image[k][first + r] = image[k * rows + r];
					u *= image[k * rows + r];
				}
				back[k * rows + r] = (float)u;
			}
		tile_back(f, tile, rows, x->count, back, sum);
	}
}

/* Computes a product with all threads. */
static void
multiply(const struct product *x, double *const *out)
{
	const struct features *f = x->f;
	const double *sum;
	unsigned i;
	size_t k;

	parallel_run(product_part, (void *)x, f->threads);
	for (k = 0; k < x->count; k++) {
		sum = f->sum + k * f->size;
		memcpy(out[k], sum, f->size * sizeof **out);
		for (i = 1; i < f->threads; i++)
			cblas_daxpy((int)f->size, 1, sum + i * VECTORS * f->size, 1, out[k], 1);
	}
}

void
features_multiply(struct features *f, const double *const *v, double *const *image,
    const double *const *u, double *const *out, size_t count)
{
	size_t k, m, i, j;

	for (k = 0; f->sparse != NULL && k < count; k++)
		sparse_multiply(f->sparse, f->mean, v != NULL ? v[k] : NULL,
		    v != NULL ? image[k] : NULL, u[k], out[k]);
	if (f->sparse != NULL)
		return;
	for (k = 0; k < count; k += m) {
		struct product x = { .f = f, .u = u + k };

		x.count = m = count - k < VECTORS ? count - k : VECTORS;
		for (i = 0; v != NULL && i < m; i++)
			for (j = 0; j < f->size; j++)
				f->v[i * f->size + j] = (float)v[k + i][j];
		if (v != NULL)
			x.image = image + k;
		multiply(&x, out + k);
	}
}
