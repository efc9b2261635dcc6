#include "field/constant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "fit/density_ratio.h"

/*
 * Does what constant_alloc does, with a v[dim] that the field owns. NULL means
 * that its allocation failed.
 */
static void *
constant_of(const struct field_type *type, size_t size, double *v, size_t dim, struct err *e)
{
	struct constant *f = calloc(1, size);

	if (f == NULL || v == NULL) {
		free(f);
		free(v);
		err_memory(e);
		return NULL;
	}
	f->base.type = type;
	f->base.dim = dim;
	f->v = v;
	f->slope = 1;
	return f;
}

void *
constant_alloc(const struct field_type *type, size_t size, size_t dim, struct err *e)
{
	return constant_of(type, size, calloc(dim, sizeof(double)), dim, e);
}

void
constant_free(struct field *base)
{
	struct constant *f = (struct constant *)base;

	if (f == NULL)
		return;
	free(f->v);
	free(f);
}

int
constant_regress(struct constant *f, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct features_source source = { .n = d->n, .size = d->dim, .matrix = d->act };
	struct density_ratio x = { .coef = f->v };

	if (density_ratio_fit(&source, d, o, &x, rep, e) != 0)
		return -1;
	f->intercept = x.intercept;
	f->log_prior_ratio = x.log_prior_ratio;
	return 0;
}

/*
 * Fits h along f->v: sets slope, intercept and log_prior_ratio. Returns 0, or
 * -1.
 */
static int
regress_along(struct constant *f, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	/*
	 * The only feature is v . a, centred and scaled to this standard
	 * deviation. With C = 1 the penalty is then that of C = 10^6 on a
	 * feature of deviation 1, and negligible, unless v separates the labels
	 * and no finite slope is best.
	 */
	enum { SPREAD = 1000 };
	struct fit_options own = *o;
	double *along = calloc(d->n, sizeof *along), mean = 0, spread = 0, coef = 0;
	float *phi = malloc(d->n * sizeof *phi);
	struct features_source source = { .n = d->n, .size = 1, .matrix = phi };
	struct density_ratio x = { .coef = &coef };
	size_t i, j;
	int rc;

	if (along == NULL || phi == NULL) {
		rc = err_memory(e);
		goto out;
	}
	for (i = 0; i < d->n; i++) {
		for (j = 0; j < d->dim; j++)
			along[i] += f->v[j] * (double)d->act[i * d->dim + j];
		mean += along[i] / (double)d->n;
	}
	for (i = 0; i < d->n; i++)
		spread += (along[i] - mean) * (along[i] - mean) / (double)d->n;
	spread = spread > 0 ? SPREAD / sqrt(spread) : 0;
	for (i = 0; i < d->n; i++)
		phi[i] = (float)((along[i] - mean) * spread);
	own.C = 1;
	own.loss = LOSS_LOGISTIC;
	own.folds = 0;
	if ((rc = density_ratio_fit(&source, d, &own, &x, rep, e)) != 0)
		goto out;
	f->slope = coef * spread;
	f->intercept = x.intercept - f->slope * mean;
	f->log_prior_ratio = x.log_prior_ratio;
	/*
	 * held-out values need another vector as well; and C is not the user's
	 */
	rep->has_held_out = 0;
	rep->C = NAN;
out:
	free(along);
	free(phi);
	return rc;
}

struct field *
constant_fit(const struct field_type *type, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct constant *f = constant_alloc(type, sizeof *f, d->dim, e);

	if (f == NULL || constant_regress(f, d, o, rep, e) == 0)
		return (struct field *)f;
	constant_free(&f->base);
	return NULL;
}

struct constant *
constant_fit_along(const struct field_type *type,
    int (*vector)(double *v, const struct fit_data *d, const struct fit_options *o, struct err *e),
    const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct constant *f = constant_alloc(type, sizeof *f, d->dim, e);

	if (f == NULL || (vector(f->v, d, o, e) == 0 && regress_along(f, d, o, rep, e) == 0))
		return f;
	constant_free(&f->base);
	return NULL;
}

/* Returns whether v is not the gradient of h but has a slope in the file. */
static int
has_slope(const struct field_type *type)
{
	return type->kind == FIELD_CONSTANT_FLOW;
}

int
constant_save(const struct field *base, struct record *r)
{
	const struct constant *f = (const struct constant *)base;
	int slope = has_slope(base->type);

	return record_set_nums(r, slope ? "vector" : "w", f->v, base->dim) != 0 ||
	    (slope && record_set_num(r, "slope", f->slope) != 0) ||
	    record_set_num(r, "intercept", f->intercept) != 0 ||
	    record_set_num(r, "log_prior_ratio", f->log_prior_ratio) != 0 ? -1 : 0;
}

struct field *
constant_load_sized(const struct field_type *type, size_t size, const struct record *r, size_t dim,
    struct err *e)
{
	int slope = has_slope(type);
	double *v = field_load_array(r, slope ? "vector" : "w", dim, e);
	struct constant *f = v != NULL ? constant_of(type, size, v, dim, e) : NULL;

	if (f == NULL)
		return NULL;
	if ((!slope || field_load_number(r, "slope", &f->slope, e) == 0) &&
	    field_load_number(r, "intercept", &f->intercept, e) == 0 &&
	    field_load_number(r, "log_prior_ratio", &f->log_prior_ratio, e) == 0)
		return &f->base;
	constant_free(&f->base);
	return NULL;
}

struct field *
constant_load(const struct field_type *type, const struct record *r, size_t dim, struct err *e)
{
	return constant_load_sized(type, sizeof(struct constant), r, dim, e);
}

void
constant_eval(const struct field *base, void *w, const double *y, size_t n, double *h, double *grad)
{
	const struct constant *f = (const struct constant *)base;
	size_t dim = base->dim, i;

	(void)w;
	for (i = 0; i < n; i++) {
		if (h != NULL)
			h[i] = f->slope * dot(f->v, y + i * dim, dim) + f->intercept +
			    f->log_prior_ratio;
		if (grad != NULL)
			memcpy(grad + i * dim, f->v, dim * sizeof *grad);
	}
}
