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
 * q = 2 gamma coef0 X' alpha, and coef0^2 sum alpha in its constant. Only the
 * leading eigenvectors of Q are kept, as many as the direction of grad h needs:
 * about 130 of 4096, which makes steps twenty times as fast.
 * For other degrees the rows X are stored.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "field/field.h"
#include "fit/scatter.h"

enum {
	LEAST_RANK = 32,	/* eigenvectors, doubled until they are enough, */
	RANK_STEP = 16,		/* then fewer again, by multiples of this */
	SAMPLE = 256		/* rows, at most, that judge it */
};

/*
 * The mean distance of directions from those of the exact kernel. Ten Euler
 * steps have a greater error, of 2.4 to 2.6 % of the length in tests/bench.
 */
static const double MOST_ERROR = 0.02;

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

/* Completes a form that has V and q. Returns 0, or -1 if out of memory. */
static int
complete_quadratic(struct polykernel *f)
{
	struct quadratic *form = f->base.quadratic;

	form->c = f->base.ratio.intercept + f->base.ratio.log_prior_ratio;
	return quadratic_set_single(form);
}

/*
 * Sets u[n][dim], which is Qx for the rows x[n][dim], to v: grad h with respect
 * to the activation, scaled to length one.
 */
static void
set_directions(const struct field *f, const double *x, size_t n, double *u)
{
	size_t d = f->dim, i, j;

	for (i = 0; i < n; i++, x += d, u += d) {
		double along;

		for (j = 0; j < d; j++)
			u[j] = 2 * u[j] + f->quadratic->q[j];
		along = dot(x, u, d);
		for (j = 0; j < d; j++)
			u[j] = (u[j] - along * x[j]) * (f->isd != NULL ? f->isd[j] : 1);
		normalise(u, d, u);
	}
}

/* Rows of the fit with their directions, for the choice of the rank. */
struct sample {
	size_t n;
	double *x, *v;			/* [n][dim], [n][dim] */
	double *z, *u;			/* [n][dim], scratch memory */
};

/*
 * Returns the mean distance between the sample's directions by the form's V and
 * by all of Q.
 */
static double
direction_error(const struct polykernel *f, struct sample *s)
{
	const struct quadratic *form = f->base.quadratic;
	int n = (int)s->n, d = (int)f->base.dim, rank = (int)form->rank;
	double sum = 0;
	size_t i, j;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, rank, d, 1, s->x, d, form->V, d, 0,
	    s->z, rank);
	for (i = 0; i < s->n; i++)
		for (j = 0; j < form->rank; j++)
			s->z[i * form->rank + j] *= form->lambda[j];
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, d, rank, 1, s->z, rank, form->V,
	    d, 0, s->u, d);
	set_directions(&f->base, s->x, s->n, s->u);
	cblas_daxpy(n * d, -1, s->v, 1, s->u, 1);
	for (i = 0; i < s->n; i++)
		sum += cblas_dnrm2(d, s->u + i * f->base.dim, 1);
	return sum / (double)s->n;
}

/*
 * Sets V, lambda and rank of the form, whose q is set, to leading ones of Q, as
 * few as the sample's directions allow. Returns 0, or -1 with a message in e.
 */
static int
choose_rank(struct polykernel *f, const struct scatter *Q, struct sample *s,
    struct fit_report *rep, struct err *e)
{
	struct quadratic *form = f->base.quadratic;
	size_t most = Q->n < Q->dim ? Q->n : Q->dim, rank, step;
	double error;

	for (rank = LEAST_RANK;; rank *= 2) {
		rank = rank < most ? rank : most;
		free(form->V);
		free(form->lambda);
		form->V = malloc(rank * Q->dim * sizeof *form->V);
		form->lambda = malloc(rank * sizeof *form->lambda);
		form->rank = rank;
		if (form->V == NULL || form->lambda == NULL)
			return err_memory(e);
		if (scatter_eigen(Q, rank, form->V, form->lambda, e) != 0)
			return -1;
		rep->direction_error = direction_error(f, s);
		if (rank == most || rep->direction_error <= MOST_ERROR)
			break;
	}
	for (step = rank / 4; rank > LEAST_RANK && step >= RANK_STEP; step /= 2) {
		step -= step % RANK_STEP;
		form->rank = rank - step;
		error = direction_error(f, s);
		if (error <= MOST_ERROR) {
			rank = form->rank;
			rep->direction_error = error;
		}
	}
	form->rank = rep->rank = rank;
	return 0;
}

/*
 * Makes the form from the rows and alpha, which it frees. Returns 0, or -1 with
 * a message in e.
 */
static int
make_quadratic(struct polykernel *f, struct fit_report *rep, struct err *e)
{
	double *X = f->X, *alpha = f->base.ratio.coef, sum = 0;
	struct quadratic *form = f->base.quadratic = quadratic_alloc(f->base.dim);
	size_t dim = f->base.dim, n = f->n, i;
	struct scatter Q = { X, alpha, n, dim };
	struct sample s = { .n = n < SAMPLE ? n : SAMPLE };
	int rc = -1;

	s.x = malloc(4 * s.n * dim * sizeof *s.x);
	if (form == NULL || s.x == NULL) {
		free(s.x);
		return err_memory(e);
	}
	s.v = s.x + s.n * dim;
	s.z = s.v + s.n * dim;
	s.u = s.z + s.n * dim;
	cblas_dgemv(CblasRowMajor, CblasTrans, (int)n, (int)dim, 2 * f->gamma * f->coef0, X,
	    (int)dim, alpha, 1, 0, form->q, 1);
	for (i = 0; i < n; i++) {
		sum += alpha[i];
		alpha[i] *= f->gamma * f->gamma;
	}
	f->base.ratio.intercept += f->coef0 * f->coef0 * sum;
	for (i = 0; i < s.n; i++)
		/* odd and even rows in turns, because labels often alternate */
		memcpy(s.x + i * dim, X + (i * n / s.n + (n >= 2 * s.n && i % 2)) * dim,
		    dim * sizeof *X);
	if (scatter_multiply(&Q, s.x, s.n, s.v, e) == 0) {
		set_directions(&f->base, s.x, s.n, s.v);
		rc = choose_rank(f, &Q, &s, rep, e);
	}
	free(s.x);
	free(X);
	free(alpha);
	f->X = f->base.ratio.coef = NULL;
	/* to float32, which is precise enough and which the file has */
	for (i = 0; rc == 0 && form->rank < dim && i < form->rank * dim; i++)
		form->V[i] = (double)(float)form->V[i];
	if (rc == 0 && complete_quadratic(f) != 0)
		rc = err_memory(e);
	return rc;
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
	return o->degree != 2 ? 0 : make_quadratic(f, rep, e);
}

static int
save(const struct field *base, struct record *r)
{
	const struct polykernel *f = (const struct polykernel *)base;
	const struct quadratic *form = base->quadratic;
	size_t size;
	int failed;

	if (record_set_int(r, "degree", f->degree) != 0 ||
	    record_set_num(r, "gamma", f->gamma) != 0 ||
	    record_set_num(r, "coef0", f->coef0) != 0 ||
	    field_save_offsets(base, r) != 0)
		return -1;
	if (form == NULL)
		return record_set_nums(r, "alpha", base->ratio.coef, f->n) != 0 ||
		    record_set_nums(r, "rows", f->X, f->n * base->dim) != 0 ? -1 : 0;
	size = form->rank * base->dim;
	failed = form->rank < base->dim ? record_set_floats(r, "V", form->V, size) :
	    record_set_nums(r, "V", form->V, size);
	return failed || record_set_int(r, "rank", (int64_t)form->rank) != 0 ||
	    record_set_nums(r, "lambda", form->lambda, form->rank) != 0 ||
	    record_set_nums(r, "b", form->q, base->dim) != 0 ? -1 : 0;
}

static int
load_quadratic(struct polykernel *f, const struct record *r, struct err *e)
{
	size_t d = f->base.dim, i;
	struct quadratic *form = f->base.quadratic = quadratic_alloc(d);
	int64_t rank;

	if (form == NULL)
		return err_memory(e);
	free(form->q);
	if ((form->q = field_load_array(r, "b", d, e)) == NULL ||
	    field_load_integer(r, "rank", 1, (int64_t)d, &rank, e) != 0)
		return -1;
	form->rank = (size_t)rank;
	if ((form->lambda = field_load_array(r, "lambda", form->rank, e)) == NULL ||
	    (form->V = field_load_array(r, "V", form->rank * d, e)) == NULL)
		return -1;
	for (i = 0; i < form->rank; i++)
		if (!(fabs(dot(form->V + i * d, form->V + i * d, d) - 1) < 1e-4))
			return err_set(e, "field 'V' has a row that is not of length 1");
	return complete_quadratic(f) == 0 ? 0 : err_memory(e);
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
