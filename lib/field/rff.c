/*
 * rff - a classifier on random Fourier features of the Gaussian kernel.
 *
 *   phi(a) = sqrt(2/n) cos(W a + b),   W ~ N(0, 1) / sigma,   b ~ U(0, 2 pi)
 *   h(a) = w . phi(a) + c + log((1 - pi) / pi)
 *
 * The file stores the seed, not W and b: gsl_rng_mt19937 gives W row by row
 * through gsl_ran_gaussian_ziggurat, then b through gsl_ran_flat.
 *
 * Source: Rahimi and Recht 2007; the official code's ablation of the paper's
 * features.
 */
#include <gsl/gsl_cblas.h>	/* gsl_randist.h brings it, and it excludes cblas.h */
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "field/field.h"

enum { SIGMA_ROWS = 1000 };	/* the most rows in the median of distances */

struct rff {
	struct field base;
	size_t n;
	double sigma;
	uint64_t seed;
	double *W, *b;			/* [n][dim], [n] */
};

static void
release(struct field *base)
{
	struct rff *f = (struct rff *)base;

	free(f->W);
	free(f->b);
}

/*
 * Sets n, sigma and seed, and draws W and b. Returns 0, or -1 if out of memory.
 */
static int
draw(struct rff *f, size_t n, double sigma, uint64_t seed)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	size_t dim = f->base.dim, i;

	f->n = n;
	f->sigma = sigma;
	f->seed = seed;
	f->W = calloc(n, dim * sizeof *f->W);
	f->b = calloc(n, sizeof *f->b);
	if (rng == NULL || f->W == NULL || f->b == NULL) {
		gsl_rng_free(rng);
		return -1;
	}
	gsl_rng_set(rng, (unsigned long)seed);
	for (i = 0; i < n * dim; i++)
		f->W[i] = gsl_ran_gaussian_ziggurat(rng, 1) / sigma;
	for (i = 0; i < n; i++)
		f->b[i] = gsl_ran_flat(rng, 0, 2 * M_PI);
	gsl_rng_free(rng);
	return 0;
}

/* Sets z[rows][n] to W a + b. */
static void
phases(const struct rff *f, const double *a, size_t rows, double *z)
{
	int dim = (int)f->base.dim;
	size_t i;

	for (i = 0; i < rows; i++)
		memcpy(z + i * f->n, f->b, f->n * sizeof *z);
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)f->n, dim, 1, a, dim,
	    f->W, dim, 1, z, (int)f->n);
}

static void *
work_alloc(const struct field *base)
{
	return calloc(FIELD_BATCH * ((const struct rff *)base)->n, sizeof(double));
}

/* grad h = -sqrt(2/n) W' (w sin(W a + b)) */
static void
eval(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	const struct rff *f = (const struct rff *)base;
	const double *w = base->ratio.coef;
	double *z = work, scale = sqrt(2 / (double)f->n);
	int dim = (int)base->dim;
	size_t i, k;

	phases(f, y, n, z);
	for (i = 0; i < n; i++) {
		double sum = 0;

		for (k = 0; h != NULL && k < f->n; k++)
			sum += w[k] * cos(z[i * f->n + k]);
		if (h != NULL)
			h[i] = scale * sum + base->ratio.intercept + base->ratio.log_prior_ratio;
		for (k = 0; grad != NULL && k < f->n; k++)
			z[i * f->n + k] = -scale * w[k] * sin(z[i * f->n + k]);
	}
	if (grad != NULL)
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, dim, (int)f->n, 1, z,
		    (int)f->n, f->W, dim, 0, grad, dim);
}

/*
 * Sets *sigma to the median of the nonzero distances between at most SIGMA_ROWS
 * rows, over sqrt 2. Returns 0, or -1 if out of memory.
 */
static int
median_sigma(const struct fit_data *d, uint64_t seed, double *sigma)
{
	size_t m = d->n < SIGMA_ROWS ? d->n : SIGMA_ROWS, i, j, k, n = 0;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	size_t *all = calloc(d->n, sizeof *all), *row = calloc(m, sizeof *row);
	double *far = calloc(m * m / 2 + 1, sizeof *far);
	int rc = -1;

	if (rng == NULL || all == NULL || row == NULL || far == NULL)
		goto out;
	for (i = 0; i < d->n; i++)
		all[i] = i;
	gsl_rng_set(rng, (unsigned long)seed);
	gsl_ran_choose(rng, row, m, all, d->n, sizeof *all);
	for (i = 0; i < m; i++)
		for (j = 0; j < i; j++) {
			const float *x = d->act + row[i] * d->dim, *y = d->act + row[j] * d->dim;
			double sum = 0;

			for (k = 0; k < d->dim; k++)
				sum += ((double)x[k] - y[k]) * ((double)x[k] - y[k]);
			if (sum > 0)
				far[n++] = sqrt(sum);
		}
	gsl_sort(far, 1, n);
	*sigma = n > 0 ? gsl_stats_median_from_sorted_data(far, 1, n) / sqrt(2) : 1;
	rc = 0;
out:
	gsl_rng_free(rng);
	free(all);
	free(row);
	free(far);
	return rc;
}

/* Returns sqrt(dim / 2) times the standard deviation of all numbers of d. */
static double
scale_sigma(const struct fit_data *d)
{
	double mean = 0, sum = 0;
	size_t i, n = d->n * d->dim;

	for (i = 0; i < n; i++)
		mean += (double)d->act[i] / (double)n;
	for (i = 0; i < n; i++)
		sum += ((double)d->act[i] - mean) * ((double)d->act[i] - mean);
	return sqrt((double)d->dim / 2) * sqrt(sum / (double)n);
}

/* The input of make_features, which computes in single precision. */
struct feature_input {
	const struct rff *f;
	const float *act, *W;		/* [rows][dim], [n][dim] */
};

/*
 * Sets phi[rows][n] to the features of the activations from `first' on
 * (features.h).
 */
static void
make_features(const void *ctx, void *work, size_t first, size_t rows, float *phi)
{
	const struct feature_input *input = ctx;
	const struct rff *f = input->f;
	float scale = sqrtf(2 / (float)f->n);
	int dim = (int)f->base.dim;
	size_t i, j;

	(void)work;
	for (i = 0; i < rows; i++)
		for (j = 0; j < f->n; j++)
			phi[i * f->n + j] = (float)f->b[j];
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)f->n, dim, 1,
	    input->act + first * f->base.dim, dim, input->W, dim, 1, phi, (int)f->n);
	for (i = 0; i < rows * f->n; i++)
		phi[i] = scale * cosf(phi[i]);
}

static int
fit(struct field *base, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct rff *f = (struct rff *)base;
	double sigma = o->sigma == SIGMA_SCALE ? scale_sigma(d) : o->sigma_value;
	float *W = malloc(o->components * d->dim * sizeof *W);
	struct feature_input input = { f, d->act, W };
	struct features_source source = { .n = d->n, .size = o->components, .ctx = &input,
	    .rows = make_features };
	size_t i;
	int rc;

	base->ratio.coef = calloc(o->components, sizeof *base->ratio.coef);
	if (W == NULL || base->ratio.coef == NULL ||
	    (o->sigma == SIGMA_MEDIAN && median_sigma(d, o->seed, &sigma) != 0) ||
	    draw(f, o->components, sigma, o->seed) != 0) {
		free(W);
		return err_memory(e);
	}
	for (i = 0; i < f->n * d->dim; i++)
		W[i] = (float)f->W[i];
	rc = density_ratio_fit(&source, d, o, &base->ratio, rep, e);
	free(W);
	return rc;
}

static int
save(const struct field *base, struct record *r)
{
	const struct rff *f = (const struct rff *)base;

	return record_set_int(r, "components", (int64_t)f->n) != 0 ||
	    record_set_num(r, "sigma", f->sigma) != 0 ||
	    record_set_int(r, "seed", (int64_t)f->seed) != 0 ||
	    field_save_offsets(base, r) != 0 ||
	    record_set_nums(r, "w", base->ratio.coef, f->n) != 0 ? -1 : 0;
}

static int
load(struct field *f, const struct record *r, struct err *e)
{
	int64_t n, seed;
	double sigma;

	/*
	 * the file's array before W, because n alone could ask for any amount
	 * of memory and time
	 */
	if (field_load_integer(r, "components", 1, FIELD_MAX_COMPONENTS, &n, e) != 0 ||
	    field_load_integer(r, "seed", 0, UINT32_MAX, &seed, e) != 0 ||
	    field_load_positive(r, "sigma", &sigma, e) != 0 || field_load_offsets(f, r, e) != 0 ||
	    (f->ratio.coef = field_load_array(r, "w", (size_t)n, e)) == NULL)
		return -1;
	return draw((struct rff *)f, (size_t)n, sigma, (uint64_t)seed) == 0 ? 0 : err_memory(e);
}

const struct field_type field_rff = {
	.name = "rff",
	.about = "a classifier on random Fourier features (the official code's ablation)",
	.kind = FIELD_UNIT_FLOW,
	.has_h = 1,
	.whole_batches = 1,
	.uses = FIELD_USES_C | FIELD_USES_LOSS | FIELD_USES_STANDARDISE | FIELD_USES_COMPONENTS |
	    FIELD_USES_SIGMA,
	.size = sizeof(struct rff),
	.fit = fit,
	.save = save,
	.load = load,
	.release = release,
	.work_alloc = work_alloc,
	.work_free = free,
	.eval = eval,
};
