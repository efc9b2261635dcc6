/*
 * polykernel - a classifier with the polynomial kernel that polysketch
 * approximates.
 *
 *   h(a) = sum_i alpha_i k(x_i, x) + c + log((1 - pi) / pi)
 *   k(x, x') = (gamma x . x' + coef0)^degree,   x = a / (|a| + 1e-12)
 *
 * where x_i are the rows of the fit. It is fitted to their inner products,
 * without randomness.
 *
 * If the degree is 2, h is a quadratic form with Q = gamma^2 X' diag(alpha) X,
 * q = 2 gamma coef0 X' alpha, and coef0^2 sum alpha in its constant, so the
 * rows are not stored. For other degrees the rows X are stored.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "field/field.h"
#include "fit/density_ratio.h"

struct polykernel {
	struct field base;
	unsigned degree;
	double gamma, coef0;
	double intercept;		/* degree 2: with the form's constant */
	double log_prior_ratio;
	/* degrees other than 2: */
	double *X, *alpha;		/* [n][dim], [n] */
	size_t n;
};

/* The memory of eval. */
struct work {
	double *x;			/* [FIELD_BATCH][dim] */
	double *k;			/* [FIELD_BATCH][n], see eval_rows */
	double *u;			/* [FIELD_BATCH][dim], the gradient in x */
};

static void
polykernel_free(struct field *base)
{
	struct polykernel *f = (struct polykernel *)base;

	if (f == NULL)
		return;
	free(f->X);
	free(f->alpha);
	free(f);
}

extern const struct field_type field_polykernel;

/* Allocates a field without its form or rows. Returns NULL if out of memory. */
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

static void
work_free(void *work)
{
	struct work *k = work;

	free(k->x);
	free(k->k);
	free(k->u);
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
	k->k = calloc(FIELD_BATCH * f->n, sizeof *k->k);
	k->u = calloc(FIELD_BATCH * base->dim, sizeof *k->u);
	if (k->x == NULL || k->k == NULL || k->u == NULL) {
		work_free(k);
		return NULL;
	}
	return k;
}

/* Sets x[d], which may be a, to a / (|a| + 1e-12). Returns the divisor. */
static double
normalise(const double *a, size_t d, double *x)
{
	double divisor = sqrt(dot(a, a, d)) + 1e-12;
	size_t j;

	for (j = 0; j < d; j++)
		x[j] = 1 / divisor * a[j];
	return divisor;
}

/*
 * Sets value[n] to h without its constants, and k->u to its gradient in x, as
 * sums over the rows of the fit. k->k holds inner products with them, then
 * their weights.
 */
static void
eval_rows(const struct polykernel *f, struct work *k, size_t n, double *value)
{
	int d = (int)f->base.dim, rows = (int)f->n;
	size_t i, j;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, rows, d, f->gamma, k->x, d,
	    f->X, d, 0, k->k, rows);
	for (i = 0; i < n; i++) {
		value[i] = 0;
		for (j = 0; j < f->n; j++) {
			double *p = k->k + i * f->n + j, base = *p + f->coef0;

			/*
			 * value gets alpha k; p becomes alpha times the
			 * derivative of k
			 */
			*p = f->alpha[j] * pow(base, f->degree - 1);
			value[i] += *p * base;
			*p *= f->degree * f->gamma;
		}
	}
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, d, rows, 1, k->k, rows, f->X,
	    d, 0, k->u, d);
}

static void
eval(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	const struct polykernel *f = (const struct polykernel *)base;
	double divisor[FIELD_BATCH], value[FIELD_BATCH];
	size_t d = base->dim, i, j;
	struct work *k = work;

	for (i = 0; i < n; i++)
		divisor[i] = normalise(y + i * d, d, k->x + i * d);
	eval_rows(f, k, n, value);
	for (i = 0; i < n; i++) {
		const double *x = k->x + i * d, *u = k->u + i * d;
		double along = dot(x, u, d);

		if (h != NULL)
			h[i] = value[i] + f->intercept + f->log_prior_ratio;
		for (j = 0; grad != NULL && j < d; j++)
			grad[i * d + j] = 1 / divisor[i] * (u[j] - x[j] * along);
	}
}

/* Returns (base + coef0)^degree, where base is gamma times an inner product. */
static double
kernel_of(const struct polykernel *f, double base)
{
	double k = base += f->coef0;
	unsigned t;

	for (t = 1; t < f->degree; t++)
		k *= base;
	return k;
}

/*
 * Fits x->coef = alpha to the kernel's values between the rows X[n][dim].
 * Returns 0, or -1 with a message in e.
 */
static int
fit_alpha(const struct polykernel *f, const double *X, const struct fit_data *d,
    const struct fit_options *o, struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct gram *g = gram_alloc(d->n, e);
	size_t i;
	int rc;

	if (g == NULL)
		return -1;
	gram_set(g, X, d->dim, f->gamma);
	for (i = 0; i < g->count; i++)
		g->values[i] = kernel_of(f, g->values[i]);
	rc = density_ratio_fit_gram(g, d, o, x, rep, e);
	gram_free(g);
	return rc;
}

/*
 * Completes a quadratic form that has Q and q. Returns 0, or -1 if out of
 * memory.
 */
static int
complete_quadratic(struct polykernel *f)
{
	struct quadratic *form = f->base.quadratic;

	form->c = f->intercept + f->log_prior_ratio;
	form->matrix = matrix_alloc(form->Q, f->base.dim, f->base.dim);
	return form->matrix != NULL ? 0 : -1;
}

/*
 * Makes the form from the rows X[n][dim] and alpha. scaled gets sqrt(|alpha|)
 * x, rows with alpha > 0 first: Q is then the difference of two products of
 * rows with themselves, of which BLAS makes one triangle only. Returns 0, or -1
 * if out of memory.
 */
static int
make_quadratic(struct polykernel *f, const double *X, const double *alpha, size_t n)
{
	struct quadratic *form = f->base.quadratic = quadratic_alloc(f->base.dim, 1);
	double *scaled = malloc(n * f->base.dim * sizeof *scaled), sum = 0;
	int d = (int)f->base.dim;
	size_t dim = f->base.dim, above = 0, below = 0, i, j;
	double square = f->gamma * f->gamma;

	if (form == NULL || scaled == NULL) {
		free(scaled);
		return -1;
	}
	for (i = 0; i < n; i++) {
		double *to = scaled + (alpha[i] > 0 ? above++ : n - ++below) * dim;

		memcpy(to, X + i * dim, dim * sizeof *to);
		cblas_dscal(d, sqrt(fabs(alpha[i])), to, 1);
		sum += alpha[i];
	}
	cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, d, (int)above, square, scaled, d, 0,
	    form->Q, d);
	cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, d, (int)below, -square,
	    scaled + above * dim, d, 1, form->Q, d);
	for (i = 0; i < dim; i++)
		for (j = 0; j < i; j++)
			form->Q[i * dim + j] = form->Q[j * dim + i];
	cblas_dgemv(CblasRowMajor, CblasTrans, (int)n, d, 2 * f->gamma * f->coef0, X, d, alpha, 1,
	    0, form->q, 1);
	f->intercept += f->coef0 * f->coef0 * sum;
	free(scaled);
	return complete_quadratic(f);
}

static struct field *
fit(const struct fit_data *data, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct polykernel *f = polykernel_alloc(data->dim, o->degree, o->gamma, o->coef0);
	double *X = calloc(data->n, data->dim * sizeof *X), *alpha = calloc(data->n, sizeof *alpha);
	struct density_ratio x = { .coef = alpha };
	size_t i;

	if (f == NULL || X == NULL || alpha == NULL) {
		err_memory(e);
		goto fail;
	}
	for (i = 0; i < data->n * data->dim; i++)
		X[i] = (double)data->act[i];
	for (i = 0; i < data->n; i++)
		normalise(X + i * data->dim, data->dim, X + i * data->dim);
	if (fit_alpha(f, X, data, o, &x, rep, e) != 0)
		goto fail;
	f->intercept = x.intercept;
	f->log_prior_ratio = x.log_prior_ratio;
	if (o->degree != 2) {
		f->X = X;
		f->alpha = alpha;
		f->n = data->n;
		return &f->base;
	}
	if (make_quadratic(f, X, alpha, data->n) != 0) {
		err_memory(e);
		goto fail;
	}
	free(X);
	free(alpha);
	return &f->base;
fail:
	free(X);
	free(alpha);
	if (f != NULL)
		field_free(&f->base);
	return NULL;
}

static int
save(const struct field *base, struct record *r)
{
	const struct polykernel *f = (const struct polykernel *)base;
	const struct quadratic *form = base->quadratic;
	size_t d = base->dim, i, n = 0;
	double *upper;
	int rc;

	if (record_set_int(r, "degree", f->degree) != 0 ||
	    record_set_num(r, "gamma", f->gamma) != 0 ||
	    record_set_num(r, "coef0", f->coef0) != 0 ||
	    record_set_num(r, "intercept", f->intercept) != 0 ||
	    record_set_num(r, "log_prior_ratio", f->log_prior_ratio) != 0)
		return -1;
	if (form == NULL)
		return record_set_nums(r, "alpha", f->alpha, f->n) != 0 ||
		    record_set_nums(r, "rows", f->X, f->n * d) != 0 ? -1 : 0;
	if ((upper = malloc(d * (d + 1) / 2 * sizeof *upper)) == NULL)
		return -1;
	for (i = 0; i < d; i++, n += d - i + 1)
		memcpy(upper + n, form->Q + i * d + i, (d - i) * sizeof *upper);
	rc = record_set_nums(r, "M", upper, d * (d + 1) / 2) != 0 ||
	    record_set_nums(r, "b", form->q, d) != 0 ? -1 : 0;
	free(upper);
	return rc;
}

/*
 * Reads the quadratic form. The file has the upper triangle of Q, row by row.
 */
static int
load_quadratic(struct polykernel *f, const struct record *r, struct err *e)
{
	size_t d = f->base.dim, i, j, n = 0;
	double *upper = NULL, *b;
	struct quadratic *form;
	int rc = -1;

	/*
	 * the file's arrays first, because dim alone could ask for any amount
	 * of memory
	 */
	if ((b = field_load_array(r, "b", d, e)) == NULL ||
	    (upper = field_load_array(r, "M", d * (d + 1) / 2, e)) == NULL)
		goto out;
	if ((form = f->base.quadratic = quadratic_alloc(d, 1)) == NULL) {
		err_memory(e);
		goto out;
	}
	memcpy(form->q, b, d * sizeof *b);
	for (i = 0; i < d; i++)
		for (j = i; j < d; j++)
			form->Q[i * d + j] = form->Q[j * d + i] = upper[n++];
	rc = complete_quadratic(f) == 0 ? 0 : err_memory(e);
out:
	free(b);
	free(upper);
	return rc;
}

/* Reads alpha, and as many rows. */
static int
load_rows(struct polykernel *f, const struct record *r, struct err *e)
{
	if (record_get_nums(r, "alpha", &f->alpha, &f->n, e) != 0)
		return -1;
	if (f->n == 0)
		return err_set(e, "field 'alpha' is empty");
	return (f->X = field_load_array(r, "rows", f->n * f->base.dim, e)) != NULL ? 0 : -1;
}

static struct field *
load(const struct field_type *type, const struct record *r, size_t dim, struct err *e)
{
	struct polykernel *f;
	int64_t degree;
	double gamma, coef0;

	(void)type;
	if (field_load_integer(r, "degree", 1, FIELD_MAX_DEGREE, &degree, e) != 0 ||
	    field_load_positive(r, "gamma", &gamma, e) != 0 ||
	    field_load_number(r, "coef0", &coef0, e) != 0)
		return NULL;
	if (coef0 < 0) {
		err_set(e, "field 'coef0' is negative");
		return NULL;
	}
	if ((f = polykernel_alloc(dim, (unsigned)degree, gamma, coef0)) == NULL) {
		err_memory(e);
		return NULL;
	}
	if (field_load_number(r, "intercept", &f->intercept, e) == 0 &&
	    field_load_number(r, "log_prior_ratio", &f->log_prior_ratio, e) == 0 &&
	    (degree == 2 ? load_quadratic(f, r, e) : load_rows(f, r, e)) == 0)
		return &f->base;
	field_free(&f->base);
	return NULL;
}

const struct field_type field_polykernel = {
	.name = "polykernel",
	.about = "a classifier with the polynomial kernel itself, no sketch",
	.kind = FIELD_UNIT_FLOW,
	.has_h = 1,
	.whole_batches = 1,
	.uses = FIELD_USES_C | FIELD_USES_LOSS | FIELD_USES_STANDARDISE | FIELD_USES_DEGREE |
	    FIELD_USES_GAMMA | FIELD_USES_COEF0,
	.fit = fit,
	.save = save,
	.load = load,
	.free = polykernel_free,
	.work_alloc = work_alloc,
	.work_free = work_free,
	.eval = eval,
};
