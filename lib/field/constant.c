#include "field/constant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"

/* Allocates v and sets slope to 1. Returns 0, or -1 with a message in e. */
static int
init(struct constant *f, struct err *e)
{
	f->slope = 1;
	f->base.ratio.coef = calloc(f->base.dim, sizeof *f->base.ratio.coef);
	return f->base.ratio.coef != NULL ? 0 : err_memory(e);
}

int
constant_fit(struct field *f, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct features_source source = { .n = d->n, .size = d->dim, .matrix = d->act };
	struct fit_options own = *o;

	if (!(f->type->uses & FIELD_USES_LOSS))
		own.loss = LOSS_LOGISTIC;
	if (init((struct constant *)f, e) != 0)
		return -1;
	return density_ratio_fit(&source, d, &own, &f->ratio, rep, e);
}

/*
 * Fits h along v: sets slope, intercept and log_prior_ratio. Returns 0, or -1
 * with a message in e.
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
			along[i] += f->base.ratio.coef[j] * (double)d->act[i * d->dim + j];
		mean += along[i] / (double)d->n;
	}
	for (i = 0; i < d->n; i++)
		spread += (along[i] - mean) * (along[i] - mean) / (double)d->n;
	spread = spread > 0 ? SPREAD / sqrt(spread) : 0;
	for (i = 0; i < d->n; i++)
		phi[i] = (float)((along[i] - mean) * spread);
	own.C = 1;
	own.loss = LOSS_LOGISTIC;
	own.folds = 0;		/* held-out values need another vector as well */
	if ((rc = density_ratio_fit(&source, d, &own, &x, rep, e)) != 0)
		goto out;
	f->slope = coef * spread;
	f->base.ratio.intercept = x.intercept - f->slope * mean;
	f->base.ratio.log_prior_ratio = x.log_prior_ratio;
	rep->C = NAN;		/* it is not the user's */
out:
	free(along);
	free(phi);
	return rc;
}

int
constant_fit_along(struct field *f, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	if (init((struct constant *)f, e) != 0 || f->type->vector(f->ratio.coef, d, o, e) != 0)
		return -1;
	return regress_along((struct constant *)f, d, o, rep, e);
}

/* Returns whether v is not the gradient of h but has a slope in the file. */
static int
has_slope(const struct field *f)
{
	return f->type->kind == FIELD_CONSTANT_FLOW;
}

int
constant_save(const struct field *f, struct record *r)
{
	int slope = has_slope(f);

	return record_set_nums(r, slope ? "vector" : "w", f->ratio.coef, f->dim) != 0 ||
	    (slope && record_set_num(r, "slope", ((const struct constant *)f)->slope) != 0) ||
	    field_save_offsets(f, r) != 0 ? -1 : 0;
}

int
constant_load(struct field *f, const struct record *r, struct err *e)
{
	double *slope = &((struct constant *)f)->slope;

	*slope = 1;
	f->ratio.coef = field_load_array(r, has_slope(f) ? "vector" : "w", f->dim, e);
	return f->ratio.coef == NULL ||
	    (has_slope(f) && field_load_number(r, "slope", slope, e) != 0) ||
	    field_load_offsets(f, r, e) != 0 ? -1 : 0;
}

void
constant_eval(const struct field *f, void *w, const double *y, size_t n, double *h, double *grad)
{
	const double *v = f->ratio.coef;
	size_t i;

	(void)w;
	for (i = 0; i < n; i++) {
		if (h != NULL)
			h[i] = ((const struct constant *)f)->slope *
			    dot(v, y + i * f->dim, f->dim) + f->ratio.intercept +
			    f->ratio.log_prior_ratio;
		if (grad != NULL)
			memcpy(grad + i * f->dim, v, f->dim * sizeof *grad);
	}
}
