#include "field/heldout.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/calibration.h"
#include "fit/folds.h"

/*
 * Sets held_out of the rows of one fold, to h of a fit to `part', the rows of
 * the other folds. Returns 0, or -1 with a message in e.
 */
static int
refit(const struct field_type *type, const struct fit_data *all, const struct fit_data *part,
    const struct folds *k, unsigned fold, const struct fit_options *o, double *held_out,
    struct err *e)
{
	struct fit_report rep = { 0 };
	struct field *f = field_alloc(type, part->dim, e);
	struct field_work *w = NULL;
	int rc = -1;
	size_t i;

	if (f == NULL)
		goto out;
	if (type->fit(f, part, o, &rep, e) != 0) {
		err_prefix(e, "held out: the fit without one part: ");
		goto out;
	}
	if ((w = field_work_alloc(f)) == NULL) {
		err_memory(e);
		goto out;
	}
	for (i = 0; i < all->n; i++)
		if (k->of[i] == fold)
			held_out[i] = field_h(f, w, all->act + i * all->dim);
	rc = 0;
out:
	field_work_free(w);
	field_free(f);
	return rc;
}

/*
 * Sets rep->held_out and rep->folds by a fit without each fold. Returns 0, or
 * -1 with a message in e.
 */
static int
refit_folds(const struct field_type *type, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct fit_options once = *o;
	struct folds k;
	int rc = folds_assign(&k, d, o), *label = calloc(d->n, sizeof *label);
	float *act = malloc(d->n * d->dim * sizeof *act);
	unsigned v;
	size_t i;

	if (rc != 0 || act == NULL || label == NULL)
		rc = err_memory(e);
	rep->folds = k.n;
	once.folds = 0;
	for (v = 0; rc == 0 && v < k.n; v++) {
		/*
		 * without folds of their own, the fits need no groups; methods
		 * that need prompts have no h
		 */
		struct fit_data part = { .act = act, .label = label, .dim = d->dim,
		    .n_group = d->n_group };

		for (i = 0; i < d->n; i++) {
			if (k.of[i] == v)
				continue;
			memcpy(act + part.n * d->dim, d->act + i * d->dim, d->dim * sizeof *act);
			label[part.n++] = d->label[i];
		}
		rc = refit(type, d, &part, &k, v, &once, rep->held_out, e);
	}
	free(k.of);
	free(act);
	free(label);
	return rc;
}

/*
 * Allocates and sets the means and reciprocal standard deviations of f; isd is
 * 1 if a coordinate is constant. Returns 0, or -1 if out of memory.
 */
static int
measure(struct field *f, const struct fit_data *d)
{
	double *mean = f->mean = calloc(d->dim, sizeof *mean);
	double *isd = f->isd = calloc(d->dim, sizeof *isd);
	size_t i, j;

	if (mean == NULL || isd == NULL)
		return -1;
	for (i = 0; i < d->n; i++)
		for (j = 0; j < d->dim; j++)
			mean[j] += (double)d->act[i * d->dim + j];
	for (j = 0; j < d->dim; j++)
		mean[j] /= (double)d->n;
	for (i = 0; i < d->n; i++)
		for (j = 0; j < d->dim; j++) {
			double x = (double)d->act[i * d->dim + j] - mean[j];

			isd[j] += x * x;
		}
	for (j = 0; j < d->dim; j++) {
		double sd = sqrt(isd[j] / (double)d->n);

		/*
		 * a constant has the deviation that rounding of its mean leaves
		 */
		isd[j] = sd > (double)FLT_EPSILON * fabs(mean[j]) ? 1 / sd : 1;
	}
	return 0;
}

struct field *
field_fit(const struct field_type *type, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct fit_data s = *d;
	float *act = NULL;
	struct field *f = field_alloc(type, d->dim, e);
	size_t i;

	if (f == NULL)
		return NULL;
	rep->folds = rep->curve.n = 0;
	rep->C = rep->objective = rep->gradient_norm = rep->direction_error = NAN;
	if (o->standardise) {
		act = malloc(d->n * d->dim * sizeof *act);
		if (measure(f, d) != 0 || act == NULL)
			goto memory;
		for (i = 0; i < d->n * d->dim; i++)
			act[i] = (float)(((double)d->act[i] - f->mean[i % d->dim]) *
			    f->isd[i % d->dim]);
		s.act = act;
	}
	if (type->fit(f, &s, o, rep, e) != 0 ||
	    (type->has_h && rep->folds == 0 && refit_folds(type, &s, o, rep, e) != 0))
		goto fail;
	if (calibration_report(d, rep) != 0)
		goto memory;
	free(act);
	return f;
memory:
	err_memory(e);
fail:
	free(act);
	field_free(f);
	return NULL;
}
