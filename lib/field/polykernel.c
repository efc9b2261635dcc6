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

struct polykernel {
	struct field base;
	unsigned degree;
	double gamma, coef0;
	/*
	 * Degrees other than 2: the rows; ratio.coef is alpha. Degree 2: NULL,
	 * and ratio.intercept includes the form's constant.
	 */
	double *X;			/* [n][dim] */
	size_t n;
};

static void
release(struct field *base)
{
	free(((struct polykernel *)base)->X);
}

/* Returns memory for eval_rows: x and u, both [FIELD_BATCH][dim], and k. */
static void *
work_alloc(const struct field *base)
{
	const struct polykernel *f = (const struct polykernel *)base;

	return calloc(FIELD_BATCH * (2 * base->dim + f->n), sizeof(double));
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
 * Sets value[n] to h without its constants, and u[n][dim] to its gradient in
 * x[n][dim], as sums over the rows of the fit. k[n][rows] gets inner products
 * with them, then their weights.
 */
static void
eval_rows(const struct polykernel *f, const double *x, size_t n, double *value, double *u,
    double *k)
{
	int d = (int)f->base.dim, rows = (int)f->n;
	size_t i, j;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, rows, d, f->gamma, x, d,
	    f->X, d, 0, k, rows);
	for (i = 0; i < n; i++) {
		value[i] = 0;
		for (j = 0; j < f->n; j++) {
			double *p = k + i * f->n + j, base = *p + f->coef0;

			/*
			 * value gets alpha k; p becomes alpha times the
			 * derivative of k
			 */
			*p = f->base.ratio.coef[j] * pow(base, f->degree - 1);
			value[i] += *p * base;
			*p *= f->degree * f->gamma;
		}
	}
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, d, rows, 1, k, rows, f->X,
	    d, 0, u, d);
}

static void
eval(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	const struct polykernel *f = (const struct polykernel *)base;
	double divisor[FIELD_BATCH], value[FIELD_BATCH];
	size_t d = base->dim, i, j;
	double *x = work, *u = x + FIELD_BATCH * d;

	for (i = 0; i < n; i++)
		divisor[i] = normalise(y + i * d, d, x + i * d);
	eval_rows(f, x, n, value, u, u + FIELD_BATCH * d);
	for (i = 0; i < n; i++, x += d, u += d) {
		double along = dot(x, u, d);

		if (h != NULL)
			h[i] = value[i] + base->ratio.intercept + base->ratio.log_prior_ratio;
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
 * Fits alpha to the kernel's values between the rows. Returns 0, or -1 with a
 * message in e.
 */
static int
fit_alpha(struct polykernel *f, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct gram *g = gram_alloc(d->n, e);
	size_t i;
	int rc;

	if (g == NULL)
		return -1;
	gram_set(g, f->X, d->dim, f->gamma);
	for (i = 0; i < g->count; i++)
		g->values[i] = kernel_of(f, g->values[i]);
	rc = density_ratio_fit_gram(g, d, o, &f->base.ratio, rep, e);
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

	form->c = f->base.ratio.intercept + f->base.ratio.log_prior_ratio;
	form->matrix = matrix_alloc(form->Q, f->base.dim, f->base.dim);
	return form->matrix != NULL ? 0 : -1;
}

/*
 * Makes the form from the rows and alpha, which it frees. scaled gets
 * sqrt(|alpha|) x, rows with alpha > 0 first: Q is then the difference of two
 * products of rows with themselves, of which BLAS makes one triangle only.
 * Returns 0, or -1 if out of memory.
 */
static int
make_quadratic(struct polykernel *f)
{
	double *X = f->X, *alpha = f->base.ratio.coef;
	struct quadratic *form = f->base.quadratic = quadratic_alloc(f->base.dim, 1);
	size_t dim = f->base.dim, n = f->n, above = 0, below = 0, i, j;
	double *scaled = malloc(n * dim * sizeof *scaled), sum = 0;
	int d = (int)dim;
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
	f->base.ratio.intercept += f->coef0 * f->coef0 * sum;
	free(scaled);
	free(X);
	free(alpha);
	f->X = f->base.ratio.coef = NULL;
	return complete_quadratic(f);
}

static int
fit(struct field *base, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct polykernel *f = (struct polykernel *)base;
	size_t i;

	f->degree = o->degree;
	f->gamma = o->gamma;
	f->coef0 = o->coef0;
	f->n = d->n;
	f->X = calloc(d->n, d->dim * sizeof *f->X);
	base->ratio.coef = calloc(d->n, sizeof *base->ratio.coef);
	if (f->X == NULL || base->ratio.coef == NULL)
		return err_memory(e);
	for (i = 0; i < d->n * d->dim; i++)
		f->X[i] = (double)d->act[i];
	for (i = 0; i < d->n; i++)
		normalise(f->X + i * d->dim, d->dim, f->X + i * d->dim);
	if (fit_alpha(f, d, o, rep, e) != 0)
		return -1;
	return o->degree != 2 || make_quadratic(f) == 0 ? 0 : err_memory(e);
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
	    field_save_offsets(base, r) != 0)
		return -1;
	if (form == NULL)
		return record_set_nums(r, "alpha", base->ratio.coef, f->n) != 0 ||
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
	if (record_get_nums(r, "alpha", &f->base.ratio.coef, &f->n, e) != 0)
		return -1;
	if (f->n == 0)
		return err_set(e, "field 'alpha' is empty");
	return (f->X = field_load_array(r, "rows", f->n * f->base.dim, e)) != NULL ? 0 : -1;
}

static int
load(struct field *base, const struct record *r, struct err *e)
{
	struct polykernel *f = (struct polykernel *)base;

	if (field_load_polynomial(r, &f->degree, &f->gamma, &f->coef0, e) != 0 ||
	    field_load_offsets(base, r, e) != 0)
		return -1;
	return f->degree == 2 ? load_quadratic(f, r, e) : load_rows(f, r, e);
}

const struct field_type field_polykernel = {
	.name = "polykernel",
	.about = "a classifier with the polynomial kernel itself, no sketch",
	.kind = FIELD_UNIT_FLOW,
	.has_h = 1,
	.whole_batches = 1,
	.uses = FIELD_USES_C | FIELD_USES_LOSS | FIELD_USES_STANDARDISE | FIELD_USES_DEGREE |
	    FIELD_USES_GAMMA | FIELD_USES_COEF0,
	.size = sizeof(struct polykernel),
	.fit = fit,
	.save = save,
	.load = load,
	.release = release,
	.work_alloc = work_alloc,
	.work_free = free,
	.eval = eval,
};
