/*
 * polykernel - a classifier with the polynomial kernel that polysketch approximates.
 *
 * k(x, x') = (gamma x . x' + coef0)^degree of x = a / (|a| + 1e-12), fitted over the rows'
 * inner products: no randomness, and as exact as doubles are.
 *   h(a) = sum_i alpha_i k(x_i, x) + c + log((1 - pi) / pi)
 *
 * With degree 2, h = x' M x + b . x + const (the paper's kernel is a quadratic form):
 * M = gamma^2 X' diag(alpha) X, b = 2 gamma coef0 X' alpha, const = coef0^2 sum alpha,
 * and the rows are no longer needed. With any other the rows X are kept.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "field/field.h"
#include "field/matrix.h"
#include "fit/estimate.h"

struct polykernel {
	struct field base;
	unsigned degree;
	double gamma, coef0;
	double intercept, log_prior_ratio;
	double *M, *b;			/* degree 2: [dim][dim] symmetric, [dim]; intercept has the constant */
	struct matrix *panel;		/* M in single precision */
	double *X, *alpha;		/* other degrees: [n][dim], [n] */
	size_t n;
};

struct work {
	double *x;			/* [FIELD_BATCH][dim] */
	double *k;			/* [FIELD_BATCH][n] inner products with the rows, then their weights */
	double *u;			/* [FIELD_BATCH][dim] gradient in x */
	double *scratch;		/* of products with M */
	float *xs, *us;			/* [FIELD_BATCH][dim] x, and its product with M, in single precision */
};

static void
polykernel_free(struct field *base)
{
	struct polykernel *f = (struct polykernel *)base;

	if (f == NULL)
		return;
	free(f->M);
	free(f->b);
	matrix_free(f->panel);
	free(f->X);
	free(f->alpha);
	free(f);
}

extern const struct field_type field_polykernel;

/* Without M and b, X and alpha. */
static struct polykernel *
polykernel_alloc(size_t dim, unsigned degree, double gamma, double coef0)
{
	struct polykernel *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->base.type = &field_polykernel;
	f->base.dim = dim;
	f->degree = degree;
	f->gamma = gamma;
	f->coef0 = coef0;
	return f;
}

/* Room for M and b, or for the n rows; 0, -1. */
static int
extend(struct polykernel *f, size_t n)
{
	size_t dim = f->base.dim;

	f->n = n;
	if (f->degree == 2) {
		f->M = calloc(dim * dim, sizeof *f->M);
		f->b = calloc(dim, sizeof *f->b);
	} else {
		f->X = calloc(n * dim, sizeof *f->X);
		f->alpha = calloc(n, sizeof *f->alpha);
	}
	return (f->degree == 2 ? f->M == NULL || f->b == NULL : f->X == NULL || f->alpha == NULL) ? -1 : 0;
}

static void
work_free(void *work)
{
	struct work *k = work;

	free(k->x);
	free(k->k);
	free(k->u);
	free(k->scratch);
	free(k->xs);
	free(k->us);
	free(k);
}

static void *
work_alloc(const struct field *base)
{
	const struct polykernel *f = (const struct polykernel *)base;
	struct work *k = calloc(1, sizeof *k);

	if (k == NULL)
		return NULL;
	k->x = calloc(FIELD_BATCH * base->dim, sizeof *k->x);
	k->k = calloc(FIELD_BATCH * (f->M != NULL ? 1 : f->n), sizeof *k->k);
	k->u = calloc(FIELD_BATCH * base->dim, sizeof *k->u);
	k->scratch = dot_scratch(base->dim);
	k->xs = calloc(FIELD_BATCH * base->dim, sizeof *k->xs);
	k->us = calloc(FIELD_BATCH * base->dim, sizeof *k->us);
	if (k->x == NULL || k->k == NULL || k->u == NULL || k->scratch == NULL || k->xs == NULL || k->us == NULL) {
		work_free(k);
		return NULL;
	}
	return k;
}

/* x of n rows; norm[n] gets |a|. */
static void
normalise(const double *a, size_t n, size_t d, double *x, double *norm)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		double scale;

		norm[i] = sqrt(dot(a + i * d, a + i * d, d));
		scale = 1 / (norm[i] + 1e-12);
		for (j = 0; j < d; j++)
			x[i * d + j] = scale * a[i * d + j];
	}
}

/* M x of n rows into k->u. */
static void
multiply(const struct polykernel *f, struct work *k, size_t n, int single)
{
	size_t dim = f->base.dim, i;

	if (single) {
		for (i = 0; i < n * dim; i++)
			k->xs[i] = (float)k->x[i];
		matrix_multiply(f->panel, k->xs, n, k->us);
		for (i = 0; i < n * dim; i++)
			k->u[i] = (double)k->us[i];
		return;
	}
	/* M fits a cache: row by row costs no more than all rows in one product, and one row less */
	for (i = 0; i < n; i++)
		dot_symmetric(f->M, dim, k->x + i * dim, k->u + i * dim, k->scratch);
}

/* h but for its constants, and the gradient in x into k->u, as a quadratic form. */
static void
eval_quadratic(const struct polykernel *f, struct work *k, size_t n, double *value, int single)
{
	size_t d = f->base.dim, i, j;

	multiply(f, k, n, single);
	for (i = 0; i < n; i++) {
		double *x = k->x + i * d, *u = k->u + i * d;

		value[i] = dot(x, u, d) + dot(x, f->b, d);
		for (j = 0; j < d; j++)
			u[j] = 2 * u[j] + f->b[j];
	}
}

/* The same over the rows of the fit. */
static void
eval_rows(const struct polykernel *f, struct work *k, size_t n, double *value)
{
	int d = (int)f->base.dim, rows = (int)f->n;
	size_t i, j;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, FIELD_BATCH, rows, d, f->gamma, k->x, d, f->X, d, 0,
	    k->k, rows);
	for (i = 0; i < n; i++) {
		value[i] = 0;
		for (j = 0; j < f->n; j++) {
			double *p = k->k + i * f->n + j, base = *p + f->coef0;

			/* alpha k, and alpha times the derivative of k in the inner product */
			*p = f->alpha[j] * pow(base, f->degree - 1);
			value[i] += *p * base;
			*p *= f->degree * f->gamma;
		}
	}
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, FIELD_BATCH, d, rows, 1, k->k, rows, f->X, d, 0,
	    k->u, d);
}

static void
evaluate(const struct field *base, struct work *k, const double *y, size_t n, double *h, double *grad, int single)
{
	const struct polykernel *f = (const struct polykernel *)base;
	double norm[FIELD_BATCH], value[FIELD_BATCH];
	size_t d = base->dim, i, j;

	normalise(y, n, d, k->x, norm);
	if (f->M != NULL)
		eval_quadratic(f, k, n, value, single);
	else
		eval_rows(f, k, n, value);
	for (i = 0; i < n; i++) {
		const double *x = k->x + i * d, *u = k->u + i * d;
		double along = dot(x, u, d), scale = 1 / (norm[i] + 1e-12);

		if (h != NULL)
			h[i] = value[i] + f->intercept + f->log_prior_ratio;
		for (j = 0; grad != NULL && j < d; j++)
			grad[i * d + j] = scale * (u[j] - x[j] * along);
	}
}

static void
eval(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	evaluate(base, work, y, n, h, grad, 0);
}

static void
eval_single(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	evaluate(base, work, y, n, h, grad, 1);
}

/* (base + coef0)^degree of an inner product times gamma */
static double
kernel_of(const struct polykernel *f, double base)
{
	double k = base += f->coef0;
	unsigned t;

	for (t = 1; t < f->degree; t++)
		k *= base;
	return k;
}

/* gram[n][n]'s lower triangle becomes the kernel's values, and with them comes alpha. */
static int
fit_double(const struct polykernel *f, const double *X, const struct fit_data *d, const struct fit_options *o,
    struct estimate *x, struct fit_report *rep, struct err *e)
{
	double *gram = calloc(d->n, d->n * sizeof *gram);
	size_t n = d->n, i, j;
	int rc;

	if (gram == NULL)
		return err_memory(e);
	cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)n, (int)d->dim, f->gamma, X, (int)d->dim, 0, gram,
	    (int)n);
	for (i = 0; i < n; i++)
		for (j = 0; j <= i; j++)
			gram[i * n + j] = kernel_of(f, gram[i * n + j]);
	rc = estimate_gram(gram, d, o, x, rep, e);
	free(gram);
	return rc;
}

/* The same with floats. */
static int
fit_single(const struct polykernel *f, const double *X, const struct fit_data *d, const struct fit_options *o,
    struct estimate *x, struct fit_report *rep, struct err *e)
{
	size_t n = d->n, side = features_side(n), i, j;
	float *gram = calloc(side, side * sizeof *gram), *single = malloc(n * d->dim * sizeof *single);
	int rc = -1;

	if (gram == NULL || single == NULL) {
		err_memory(e);
		goto out;
	}
	for (i = 0; i < n * d->dim; i++)
		single[i] = (float)X[i];
	cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)n, (int)d->dim, (float)f->gamma, single, (int)d->dim,
	    0, gram, (int)side);
	for (i = 0; i < n; i++)
		for (j = 0; j <= i; j++)
			gram[i * side + j] = (float)kernel_of(f, (double)gram[i * side + j]);
	features_mirror(gram, n);
	free(single);
	single = NULL;
	rc = estimate_gram_single(gram, d, o, x, rep, e);
out:
	free(gram);
	free(single);
	return rc;
}

/* M and b from the rows and alpha; scaled[n][dim] is scratch. */
static void
make_quadratic(struct polykernel *f, const double *X, const double *alpha, size_t n, double *scaled)
{
	int d = (int)f->base.dim;
	double sum = 0;
	size_t i;

	memcpy(scaled, X, n * f->base.dim * sizeof *scaled);
	for (i = 0; i < n; i++) {
		cblas_dscal(d, alpha[i], scaled + i * f->base.dim, 1);
		sum += alpha[i];
	}
	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, d, d, (int)n, f->gamma * f->gamma, X, d, scaled, d, 0,
	    f->M, d);
	cblas_dgemv(CblasRowMajor, CblasTrans, (int)n, d, 2 * f->gamma * f->coef0, X, d, alpha, 1, 0, f->b, 1);
	f->intercept += f->coef0 * f->coef0 * sum;
}

static struct field *
fit(const struct fit_data *data, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct polykernel *f = polykernel_alloc(data->dim, o->degree, o->gamma, o->coef0);
	double *X = calloc(data->n, data->dim * sizeof *X), *scaled = NULL;
	double *alpha = calloc(data->n, sizeof *alpha), *norm = calloc(data->n, sizeof *norm);
	/* the greatest value is that of a row with itself; a float's range is smaller than its digits are few */
	double most = pow(o->gamma + o->coef0, o->degree);
	struct estimate x = { .coef = alpha };
	int single = data->n * data->n > ESTIMATE_EXACT && most > 1e-12 && most < 1e12, rc = -1;
	size_t i;

	if (f == NULL || extend(f, data->n) != 0 || X == NULL || alpha == NULL || norm == NULL) {
		err_memory(e);
		goto out;
	}
	for (i = 0; i < data->n * data->dim; i++)
		X[i] = (double)data->act[i];
	normalise(X, data->n, data->dim, X, norm);
	if ((single ? fit_single : fit_double)(f, X, data, o, &x, rep, e) != 0)
		goto out;
	f->intercept = x.intercept;
	f->log_prior_ratio = x.log_prior_ratio;
	if (f->M != NULL) {
		if ((scaled = malloc(data->n * data->dim * sizeof *scaled)) == NULL) {
			err_memory(e);
			goto out;
		}
		make_quadratic(f, X, alpha, data->n, scaled);
		if ((f->panel = matrix_alloc(f->M, data->dim, 1, data->dim, data->dim)) == NULL) {
			err_memory(e);
			goto out;
		}
	} else {
		memcpy(f->X, X, data->n * data->dim * sizeof *X);
		memcpy(f->alpha, alpha, data->n * sizeof *alpha);
	}
	rc = 0;
out:
	free(X);
	free(scaled);
	free(alpha);
	free(norm);
	if (rc == 0)
		return &f->base;
	polykernel_free(f != NULL ? &f->base : NULL);
	return NULL;
}

static int
save(const struct field *base, struct record *r)
{
	const struct polykernel *f = (const struct polykernel *)base;
	size_t d = base->dim, i, n = 0;
	double *upper;
	int rc;

	if (record_set_int(r, "degree", f->degree) != 0 || record_set_num(r, "gamma", f->gamma) != 0 ||
	    record_set_num(r, "coef0", f->coef0) != 0 || record_set_num(r, "intercept", f->intercept) != 0 ||
	    record_set_num(r, "log_prior_ratio", f->log_prior_ratio) != 0)
		return -1;
	if (f->M == NULL)
		return record_set_nums(r, "alpha", f->alpha, f->n) != 0 ||
		    record_set_nums(r, "rows", f->X, f->n * d) != 0 ? -1 : 0;
	if ((upper = malloc(d * (d + 1) / 2 * sizeof *upper)) == NULL)
		return -1;
	for (i = 0; i < d; i++, n += d - i + 1)
		memcpy(upper + n, f->M + i * d + i, (d - i) * sizeof *upper);
	rc = record_set_nums(r, "M", upper, d * (d + 1) / 2) != 0 || record_set_nums(r, "b", f->b, d) != 0 ? -1 : 0;
	free(upper);
	return rc;
}

/* M's upper triangle, row by row, into the whole. */
static int
load_quadratic(struct polykernel *f, const struct record *r, struct err *e)
{
	size_t d = f->base.dim, i, j, n = 0;
	double *upper;

	if ((f->b = field_load_array(r, "b", d, e)) == NULL ||
	    (upper = field_load_array(r, "M", d * (d + 1) / 2, e)) == NULL)
		return -1;
	if ((f->M = calloc(d * d, sizeof *f->M)) == NULL) {
		free(upper);
		return err_memory(e);
	}
	for (i = 0; i < d; i++)
		for (j = i; j < d; j++)
			f->M[i * d + j] = f->M[j * d + i] = upper[n++];
	free(upper);
	return (f->panel = matrix_alloc(f->M, d, 1, d, d)) == NULL ? err_memory(e) : 0;
}

/* As many rows as there are alphas. */
static int
load_rows(struct polykernel *f, const struct record *r, struct err *e)
{
	if (record_get_nums(r, "alpha", &f->alpha, &f->n) != 1 || f->n == 0)
		return err_set(e, "field 'alpha' is not an array of numbers");
	return (f->X = field_load_array(r, "rows", f->n * f->base.dim, e)) != NULL ? 0 : -1;
}

static struct field *
load(const struct field_type *type, const struct record *r, size_t dim, struct err *e)
{
	struct polykernel *f;
	int64_t degree;
	double gamma, coef0;

	(void)type;
	if (record_get_int(r, "degree", &degree) != 1 || degree < 1 || degree > FIELD_MAX_DEGREE ||
	    record_get_num(r, "gamma", &gamma) != 1 || !(gamma > 0) ||
	    record_get_num(r, "coef0", &coef0) != 1 || !(coef0 >= 0)) {
		err_set(e, "one of degree, gamma, coef0 is missing or out of range");
		return NULL;
	}
	if ((f = polykernel_alloc(dim, (unsigned)degree, gamma, coef0)) == NULL) {
		err_memory(e);
		return NULL;
	}
	if (record_get_num(r, "intercept", &f->intercept) != 1 ||
	    record_get_num(r, "log_prior_ratio", &f->log_prior_ratio) != 1)
		err_set(e, "no intercept or log_prior_ratio");
	else if ((degree == 2 ? load_quadratic(f, r, e) : load_rows(f, r, e)) == 0)
		return &f->base;
	polykernel_free(&f->base);
	return NULL;
}

const struct field_type field_polykernel = {
	.name = "polykernel",
	.about = "a classifier with the polynomial kernel itself, no sketch",
	.kind = FIELD_UNIT_FLOW,
	.has_h = 1,
	.uses = FIELD_USES_C | FIELD_USES_LOSS | FIELD_USES_STANDARDISE | FIELD_USES_DEGREE | FIELD_USES_GAMMA |
	    FIELD_USES_COEF0,
	.fit = fit,
	.save = save,
	.load = load,
	.free = polykernel_free,
	.work_alloc = work_alloc,
	.work_free = work_free,
	.eval = eval,
	.eval_single = eval_single,
};
