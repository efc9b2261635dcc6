/*
 * What a product with packed rows costs is to read them from memory: 3 bytes instead of 4 are a
 * quarter less of it. So a tile of rows, once unpacked, serves up to VECTORS vectors, and Phi v
 * and Phi' of what follows from it both.
 */
#include "fit/features.h"

#include <cblas.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/simd.h"

enum {
	TILE = 4,		/* rows that are read at a time */
	LANES = 16,		/* numbers that are added at a time */
	PANEL = 512,		/* columns: a tile of them fits into the nearest cache */
	NUMBER = 3,		/* bytes */
	VECTORS = 6,			/* with five folds, as many as fits at one C */
	FLUSH = 16,		/* tiles that are summed up in floats; then doubles take the sums */
	SHIFT_ROWS = 64,
	ROWS = 32,		/* of a Gram matrix: what all vectors pass by */
	BLOCK_ROWS = 128,	/* of the inner products: made at a time, */
	BANDS = 3,		/* and held while all others pass by */
	LEAST_ROWS = 64		/* that are worth a thread */
};

union number {
	float f;
	uint32_t u;
};

/* As many threads as n rows are worth. */
static unsigned
useful(size_t n)
{
	unsigned threads = parallel_count();

	return threads < n / LEAST_ROWS + 1 ? threads : (unsigned)(n / LEAST_ROWS + 1);
}

/* What makes rows: a work and room for a block for each thread. */
struct makers {
	const struct features_source *s;
	unsigned n;
	void **work;
	float *phi;			/* [n][block][size], or NULL: rows are exact, and go where they belong */
};

static void
makers_release(struct makers *m)
{
	unsigned i;

	for (i = 0; m->work != NULL && i < m->n; i++)
		if (m->work[i] != NULL)
			m->s->work_free(m->work[i]);
	free(m->work);
	free(m->phi);
}

static int
makers_init(struct makers *m, const struct features_source *s, int exact)
{
	unsigned i;

	*m = (struct makers){ .s = s, .n = useful(s->n) };
	m->work = calloc(m->n, sizeof *m->work);
	if (m->work == NULL || (!exact && (m->phi = calloc(m->n, s->block * s->size * sizeof *m->phi)) == NULL))
		return -1;
	for (i = 0; i < m->n; i++)
		if ((m->work[i] = s->work_alloc(s->ctx, exact)) == NULL)
			return -1;
	return 0;
}

/* Makes rows [first, first + n), block by block, each by one of the threads. */
struct making {
	struct makers *m;
	size_t first, n;
	double *exact;			/* [..][size], the first of them being row `first'; or NULL, and then */
	/* of thread i the rows from first on: takes n of phi */
	void (*take)(void *ctx, unsigned i, size_t first, size_t n, const float *phi);
	void *ctx;
};

static void
make_part(void *ctx, unsigned i, unsigned n)
{
	const struct making *k = ctx;
	const struct features_source *s = k->m->s;
	size_t blocks = (k->n + s->block - 1) / s->block, b;

	for (b = blocks * i / n; b < blocks * (i + 1) / n; b++) {
		size_t first = k->first + b * s->block, left = k->first + k->n - first;

		left = left < s->block ? left : s->block;
		if (k->exact != NULL) {
			s->exact(s->ctx, k->m->work[i], first, left, k->exact + (first - k->first) * s->size);
		} else {
			float *phi = k->m->phi + i * s->block * s->size;

			s->rows(s->ctx, k->m->work[i], first, left, phi);
			k->take(k->ctx, i, first, left, phi);
		}
	}
}

static void
make(struct making *k)
{
	parallel_run(make_part, k, k->m->n);
}

int
features_exact(const struct features_source *s, double *phi, struct err *e)
{
	struct makers m;
	struct making k = { .m = &m, .n = s->n, .exact = phi };
	int rc = makers_init(&m, s, 1);

	if (rc == 0)
		make(&k);
	makers_release(&m);
	return rc == 0 ? 0 : err_memory(e);
}

/* shift[size]; by the first maker alone, whatever the threads. 0, -1: out of memory. */
static int
find_shift(struct makers *m, float *shift)
{
	const struct features_source *s = m->s;
	size_t rows = s->n < SHIFT_ROWS ? s->n : SHIFT_ROWS, i, j, r, n;
	double *sum = calloc(s->size, sizeof *sum);

	if (sum == NULL)
		return -1;
	for (i = 0; i < rows; i += n) {
		n = rows - i < s->block ? rows - i : s->block;
		s->rows(s->ctx, m->work[0], i, n, m->phi);
		for (r = 0; r < n; r++)
			for (j = 0; j < s->size; j++)
				sum[j] += (double)m->phi[r * s->size + j];
	}
	for (j = 0; j < s->size; j++)
		shift[j] = (float)(sum[j] / (double)rows);
	free(sum);
	return 0;
}

static double
along_shift(const float *shift, const double *w, size_t size)
{
	double sum = 0;
	size_t j;

	for (j = 0; j < size; j++)
		sum += w[j] * (double)shift[j];
	return sum;
}

/* Rows less the shift. */
struct floats {
	float *to;			/* [..][size], the first of them being row `first` */
	size_t first, size;
	const float *shift;
};

static void
take_floats(void *ctx, unsigned i, size_t first, size_t n, const float *phi)
{
	const struct floats *x = ctx;
	float *to = x->to + (first - x->first) * x->size;
	size_t r, j;

	(void)i;
	for (r = 0; r < n; r++)
		for (j = 0; j < x->size; j++)
			to[r * x->size + j] = phi[r * x->size + j] - x->shift[j];
}

static void
make_floats(struct makers *m, const float *shift, size_t first, size_t n, float *to)
{
	struct floats x = { to, first, m->s->size, shift };
	struct making k = { .m = m, .first = first, .n = n, .take = take_floats, .ctx = &x };

	make(&k);
}

size_t
features_side(size_t n)
{
	return (n + LANES - 1) / LANES * LANES;
}

void
features_mirror(float *a, size_t n)
{
	enum { BLOCK = 64 };		/* of which two fit into a cache */
	size_t side = features_side(n), i, j, i0, j0;

	for (i0 = 0; i0 < n; i0 += BLOCK)
		for (j0 = 0; j0 <= i0; j0 += BLOCK)
			for (i = i0; i < n && i < i0 + BLOCK; i++)
				for (j = j0; j < i && j < j0 + BLOCK; j++)
					a[j * side + i] = a[i * side + j];
}

int
features_gram(const struct features_source *s, float *gram, struct err *e)
{
	size_t band = (s->n + BANDS - 1) / BANDS, side = features_side(s->n), first, next, n, i, m;
	int size = (int)s->size, ld = (int)side, rc = -1;
	float *held = malloc(band * s->size * sizeof *held);
	float *block = malloc(BLOCK_ROWS * s->size * sizeof *block);
	float *shift = malloc(s->size * sizeof *shift);
	struct makers k;

	if (makers_init(&k, s, 0) != 0 || held == NULL || block == NULL || shift == NULL || find_shift(&k, shift) != 0) {
		err_memory(e);
		goto out;
	}
	for (first = 0; first < s->n; first = next) {
		next = first + band < s->n ? first + band : s->n;
		n = next - first;
		make_floats(&k, shift, first, n, held);
		cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)n, size, 1, held, size, 0,
		    gram + first * side + first, ld);
		for (i = next; i < s->n; i += m) {
			m = s->n - i < BLOCK_ROWS ? s->n - i : BLOCK_ROWS;
			make_floats(&k, shift, i, m, block);
			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, size, 1, block, size,
			    held, size, 0, gram + i * side + first, ld);
		}
	}
	features_mirror(gram, s->n);
	rc = 0;
out:
	makers_release(&k);
	free(held);
	free(block);
	free(shift);
	return rc;
}

struct sums {
	const double *alpha;
	const float *shift;
	double *w;			/* [threads][size] */
	size_t size;
};

static void
take_sums(void *ctx, unsigned i, size_t first, size_t n, const float *phi)
{
	const struct sums *x = ctx;
	double *w = x->w + i * x->size;
	size_t r, j;

	for (r = 0; r < n; r++)
		for (j = 0; j < x->size; j++)
			w[j] += x->alpha[first + r] * ((double)phi[r * x->size + j] - (double)x->shift[j]);
}

int
features_combine(const struct features_source *s, const double *alpha, double *w, double *w_shift, struct err *e)
{
	struct makers m;
	int size = (int)s->size, rc = makers_init(&m, s, 0);
	double *part = calloc(m.n, s->size * sizeof *part);
	float *shift = malloc(s->size * sizeof *shift);
	struct sums x = { alpha, shift, part, s->size };
	struct making k = { .m = &m, .n = s->n, .take = take_sums, .ctx = &x };
	unsigned i;

	if (rc != 0 || part == NULL || shift == NULL || find_shift(&m, shift) != 0) {
		rc = err_memory(e);
		goto out;
	}
	make(&k);
	memcpy(w, part, s->size * sizeof *w);
	for (i = 1; i < m.n; i++)
		cblas_daxpy(size, 1, part + i * s->size, 1, w, 1);
	*w_shift = along_shift(shift, w, s->size);
out:
	makers_release(&m);
	free(part);
	free(shift);
	return rc;
}

struct features {
	size_t n, size;
	size_t tiles, stride;		/* of TILE rows; numbers in a row, in whole LANES */
	/* [tiles * TILE][NUMBER * stride]: of a row's numbers the upper 16 bits, then the next 8 */
	unsigned char *data;
	float *shift;			/* [size] */
	double square;			/* sum of all numbers' squares */
	float *v;			/* [VECTORS][stride] */
	unsigned threads;
	struct scratch *scratch;	/* [threads] */
};

/* One thread's. */
struct scratch {
	float *tile;			/* [TILE][stride] */
	float *acc;			/* [VECTORS][stride] */
	double *sum;			/* [VECTORS][size]; the first thread's are where the products go */
};

static unsigned char *
row_at(const struct features *f, size_t row)
{
	return f->data + row * NUMBER * f->stride;
}

struct packing {
	struct features *f;
	double *square;			/* [threads] */
};

/* Returns the sum of the numbers' squares. */
SIMD_CLONES static double
pack(const float *restrict phi, const float *restrict shift, size_t n, uint16_t *restrict upper,
    unsigned char *restrict lower)
{
	double square = 0;
	size_t j;

	#pragma omp simd reduction(+:square)
	for (j = 0; j < n; j++) {
		union number v = { .f = phi[j] - shift[j] };

		square += (double)v.f * (double)v.f;
		v.u += 0x80;
		upper[j] = (uint16_t)(v.u >> 16);
		lower[j] = (unsigned char)(v.u >> 8);
	}
	return square;
}

static void
take_packed(void *ctx, unsigned i, size_t first, size_t n, const float *phi)
{
	const struct packing *x = ctx;
	const struct features *f = x->f;
	size_t r;

	for (r = 0; r < n; r++, phi += f->size) {
		unsigned char *to = row_at(f, first + r);

		x->square[i] += pack(phi, f->shift, f->size, (uint16_t *)(void *)to, to + 2 * f->stride);
	}
}

static int
features_alloc(struct features *f, const struct features_source *s, unsigned threads)
{
	unsigned i;

	f->n = s->n;
	f->size = s->size;
	f->tiles = (s->n + TILE - 1) / TILE;
	f->stride = (s->size + LANES - 1) / LANES * LANES;
	f->threads = threads;
	f->data = calloc(f->tiles * TILE, NUMBER * f->stride);
	f->shift = calloc(f->size, sizeof *f->shift);
	f->v = calloc(VECTORS, f->stride * sizeof *f->v);
	f->scratch = calloc(threads, sizeof *f->scratch);
	if (f->data == NULL || f->shift == NULL || f->v == NULL || f->scratch == NULL)
		return -1;
	for (i = 0; i < threads; i++) {
		struct scratch *k = &f->scratch[i];

		k->tile = calloc(TILE, f->stride * sizeof *k->tile);
		k->acc = calloc(VECTORS, f->stride * sizeof *k->acc);
		k->sum = i > 0 ? calloc(VECTORS, f->size * sizeof *k->sum) : NULL;
		if (k->tile == NULL || k->acc == NULL || (i > 0 && k->sum == NULL))
			return -1;
	}
	return 0;
}

struct features *
features_pack(const struct features_source *s, struct err *e)
{
	struct features *f = calloc(1, sizeof *f);
	struct makers m;
	struct packing x = { f, NULL };
	struct making k = { .m = &m, .n = s->n, .take = take_packed, .ctx = &x };
	int rc = makers_init(&m, s, 0);
	unsigned i;

	if (rc != 0 || f == NULL || (x.square = calloc(m.n, sizeof *x.square)) == NULL ||
	    features_alloc(f, s, m.n) != 0 || find_shift(&m, f->shift) != 0) {
		err_memory(e);
		features_free(f);
		f = NULL;
		goto out;
	}
	make(&k);
	for (i = 0; i < m.n; i++)
		f->square += x.square[i];
out:
	free(x.square);
	makers_release(&m);
	return f;
}

void
features_free(struct features *f)
{
	unsigned i;

	if (f == NULL)
		return;
	for (i = 0; f->scratch != NULL && i < f->threads; i++) {
		free(f->scratch[i].tile);
		free(f->scratch[i].acc);
		free(f->scratch[i].sum);
	}
	free(f->scratch);
	free(f->data);
	free(f->shift);
	free(f->v);
	free(f);
}

double
features_shift(const struct features *f, const double *w)
{
	return along_shift(f->shift, w, f->size);
}

/* to[stride] */
SIMD_CLONES static void
unpack(const unsigned char *restrict row, size_t stride, float *restrict to)
{
	const uint16_t *upper = (const uint16_t *)(const void *)row;
	const unsigned char *lower = row + 2 * stride;
	size_t j, l;

	for (j = 0; j < stride; j += LANES)
		for (l = 0; l < LANES; l++) {
			union number v = { .u = (uint32_t)upper[j + l] << 16 | (uint32_t)lower[j + l] << 8 };

			to[j + l] = v.f;
		}
}

/* sum[TILE] += the rows' products with v, over `width` columns */
SIMD_CLONES static void
dots(const float *restrict rows, size_t stride, size_t width, const float *restrict v,
    double *restrict sum)
{
	float lane[TILE][LANES] = { { 0 } };
	size_t r, j, l;

	for (j = 0; j < width; j += LANES)
		for (r = 0; r < TILE; r++)
			for (l = 0; l < LANES; l++)
				lane[r][l] += rows[r * stride + j + l] * v[j + l];
	for (r = 0; r < TILE; r++)
		for (l = 0; l < LANES; l++)
			sum[r] += (double)lane[r][l];
}

/* acc += the rows' sum with weights u[TILE], over `width` columns */
SIMD_CLONES static void
sums(const float *restrict rows, size_t stride, size_t width, const float *restrict u,
    float *restrict acc)
{
	size_t j;

	for (j = 0; j < width; j++)
		acc[j] += (u[0] * rows[j] + u[1] * rows[stride + j]) +
		    (u[2] * rows[2 * stride + j] + u[3] * rows[3 * stride + j]);
}

/* sum[size] += acc[size]; acc = 0 */
SIMD_CLONES static void
flush(float *restrict acc, size_t size, double *restrict sum)
{
	size_t j;

	for (j = 0; j < size; j++) {
		sum[j] += (double)acc[j];
		acc[j] = 0;
	}
}

/* Up to VECTORS products. */
struct product {
	struct features *f;
	size_t count;
	double *const *image;		/* or NULL: u is there already, */
	const double *const *u;		/* and this is either that or the weights */
	double *const *out;
};

struct gram_product {
	const float *gram, *v;
	size_t n, count;
	double *const *image;
};

static void
gram_part(void *ctx, unsigned i, unsigned n)
{
	const struct gram_product *x = ctx;
	size_t side = features_side(x->n), blocks = (x->n + ROWS - 1) / ROWS, b, j, k, r, t;

	for (b = blocks * i / n; b < blocks * (i + 1) / n; b++) {
		size_t first = b * ROWS, rows = x->n - first < ROWS ? x->n - first : ROWS;

		for (k = 0; k < x->count; k++)
			memset(x->image[k] + first, 0, rows * sizeof **x->image);
		for (j = 0; j < side; j += PANEL)
			for (k = 0; k < x->count; k++)
				for (t = 0; t < rows; t += TILE) {
					double sum[TILE] = { 0 };

					dots(x->gram + (first + t) * side + j, side, side - j < PANEL ? side - j : PANEL,
					    x->v + k * side + j, sum);
					for (r = 0; r < TILE && t + r < rows; r++)
						x->image[k][first + t + r] += sum[r];
				}
	}
}

void
features_gram_image(const float *gram, size_t n, const float *v, size_t count, double *const *image)
{
	struct gram_product x = { gram, v, n, count, image };

	parallel_run(gram_part, &x, useful(n));
}

/* image[k] of the tile's rows; f->v has the vectors */
static void
tile_image(const struct product *x, const float *tile, size_t first, size_t rows)
{
	const struct features *f = x->f;
	double sum[VECTORS][TILE] = { { 0 } };
	size_t j, k, r;

	for (j = 0; j < f->stride; j += PANEL)
		for (k = 0; k < x->count; k++)
			dots(tile + j, f->stride, f->stride - j < PANEL ? f->stride - j : PANEL, f->v + k * f->stride + j,
			    sum[k]);
	for (k = 0; k < x->count; k++)
		for (r = 0; r < rows; r++)
			x->image[k][first + r] = sum[k][r];
}

static void
product_part(void *ctx, unsigned i, unsigned n)
{
	const struct product *x = ctx;
	const struct features *f = x->f;
	struct scratch *s = &f->scratch[i];
	size_t from = f->tiles * i / n, to = f->tiles * (i + 1) / n, t, j, k, r;
	double *sum[VECTORS];

	for (k = 0; k < x->count; k++) {
		sum[k] = i == 0 ? x->out[k] : s->sum + k * f->size;
		memset(sum[k], 0, f->size * sizeof *sum[k]);
	}
	for (t = from; t < to; t++) {
		size_t first = t * TILE, rows = f->n - first < TILE ? f->n - first : TILE;
		float u[VECTORS][TILE] = { { 0 } };

		for (r = 0; r < TILE; r++)
			unpack(row_at(f, first + r), f->stride, s->tile + r * f->stride);
		if (x->image != NULL)
			tile_image(x, s->tile, first, rows);
		for (k = 0; k < x->count; k++)
			for (r = 0; r < rows; r++)
				u[k][r] = (float)(x->u[k][first + r] * (x->image != NULL ? x->image[k][first + r] : 1));
		for (j = 0; j < f->stride; j += PANEL)
			for (k = 0; k < x->count; k++)
				sums(s->tile + j, f->stride, f->stride - j < PANEL ? f->stride - j : PANEL, u[k],
				    s->acc + k * f->stride + j);
		for (k = 0; k < x->count && ((t + 1) % FLUSH == 0 || t + 1 == to); k++)
			flush(s->acc + k * f->stride, f->size, sum[k]);
	}
}

static void
product(struct product *x)
{
	const struct features *f = x->f;
	unsigned i;
	size_t k;

	parallel_run(product_part, x, f->threads);
	for (k = 0; k < x->count; k++)
		for (i = 1; i < f->threads; i++)
			cblas_daxpy((int)f->size, 1, f->scratch[i].sum + k * f->size, 1, x->out[k], 1);
}

void
features_pull_back(struct features *f, const double *const *u, size_t count, double *const *out)
{
	size_t k;

	for (k = 0; k < count; k += VECTORS) {
		struct product x = { f, count - k < VECTORS ? count - k : VECTORS, NULL, u + k, out + k };

		product(&x);
	}
}

void
features_normal(struct features *f, const double *const *v, const double *const *weight, size_t count,
    double *const *image, double *const *out)
{
	size_t k, i, j;

	for (k = 0; k < count; k += VECTORS) {
		struct product x = { f, count - k < VECTORS ? count - k : VECTORS, image + k, weight + k, out + k };

		for (i = 0; i < x.count; i++)
			for (j = 0; j < f->size; j++)
				f->v[i * f->stride + j] = (float)v[k + i][j];
		product(&x);
	}
}

double
features_variance(struct features *f)
{
	double *share = malloc(f->n * sizeof *share), *mean = malloc(f->size * sizeof *mean), variance = NAN;
	const double *u = share;
	size_t i;

	if (share != NULL && mean != NULL) {
		for (i = 0; i < f->n; i++)
			share[i] = 1 / (double)f->n;
		features_pull_back(f, &u, 1, &mean);
		variance = f->square / (double)f->n - cblas_ddot((int)f->size, mean, 1, mean, 1);
	}
	free(share);
	free(mean);
	return variance;
}
