#include "fit/data.h"

#include <float.h>

#include "base/dot.h"

void
fit_options_default(struct fit_options *o)
{
	*o = (struct fit_options){ .C = 1, .degree = 2, .components = 8000 };
	o->folds = 5;
	o->gamma = 0.1;
	o->coef0 = 1;
	o->kappa = 20;
	o->beta = -0.15;
}

int
fit_mean_difference(const struct fit_data *d, double *v, struct err *e)
{
	size_t n[2] = { 0, 0 }, i, j;
	double square = 0;

	for (i = 0; i < d->n; i++)
		n[d->label[i] != 0]++;
	for (i = 0; i < d->n; i++) {
		double share = d->label[i] ? 1 / (double)n[1] : -1 / (double)n[0];

		for (j = 0; j < d->dim; j++) {
			double a = (double)d->act[i * d->dim + j];

			v[j] += share * a;
			square += a * a / (double)d->n;
		}
	}
	return dot(v, v, d->dim) > (double)FLT_EPSILON * (double)FLT_EPSILON * square ? 0 :
	    err_set(e, "positives and negatives have the same mean");
}

void
fit_report_count(struct fit_report *rep, const struct fit_data *d)
{
	size_t i;

	rep->n_positive = 0;
	for (i = 0; i < d->n; i++)
		rep->n_positive += d->label[i] != 0;
	rep->n_negative = d->n - rep->n_positive;
	rep->n_group = d->n_group;
	rep->prior = (double)rep->n_positive / (double)d->n;
}
