#include "fit/calibration.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

#include "base/log1pexp.h"
#include "fit/auc.h"

double
calibration_log_loss(const double *f, double shift, const int *label, size_t n, double inverse,
    double *first, double *second)
{
	double sum = 0, d1 = 0, d2 = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		double x = f[i] - shift, z = x * inverse, p = 1 / (1 + exp(-z));

		sum += log1pexp(label[i] ? -z : z);
		d1 += x * (p - label[i]);
		d2 += x * x * p * (1 - p);
	}
	if (first != NULL)
		*first = d1 / (double)n;
	if (second != NULL)
		*second = d2 / (double)n;
	return sum / (double)n;
}

/*
 * Returns the temperature t that minimises the log-loss, by Newton's method:
 * the log-loss is a convex function of 1/t. Returns NaN if t would be infinite
 * or 0.
 */
static double
best_temperature(const struct fit_data *d, const double *f, double shift)
{
	double x = 1, first, second, step;
	size_t right = 0, row;
	int i;

	/* a smaller t is always better if all rows are on the right side */
	for (row = 0; row < d->n; row++)
		right += d->label[row] ? f[row] >= shift : f[row] <= shift;
	if (right == d->n)
		return NAN;
	for (i = 0; i < 100 && x > 1e-6; i++) {
		calibration_log_loss(f, shift, d->label, d->n, x, &first, &second);
		step = second > 0 ? first / second : 0;
		/* a step must not reach 0 */
		x = x - step > x / 4 ? fmin(x - step, 4 * x) : x / 4;
		if (fabs(step) < 1e-12 * x)
			break;
	}
	/* if h says nothing about the labels, or the opposite, 1/t goes to 0 */
	return x > 1e-6 ? 1 / x : NAN;
}

/*
 * Sets the reliability table: the held-out rows, sorted by h, are divided into
 * bins of equal count. Returns 0, or -1 if out of memory.
 */
static int
reliability(const struct fit_data *d, struct fit_report *rep, double shift)
{
	size_t *order = malloc(d->n * sizeof *order), b, i;

	if (order == NULL)
		return -1;
	gsl_sort_index(order, rep->held_out, 1, d->n);
	for (b = 0; b < FIT_BINS; b++) {
		size_t lo = b * d->n / FIT_BINS, hi = (b + 1) * d->n / FIT_BINS;
		double n = (double)(hi - lo);

		if (lo == hi)
			continue;
		rep->predicted[b] = rep->observed[b] = 0;
		for (i = lo; i < hi; i++) {
			rep->predicted[b] += 1 / (1 + exp(shift - rep->held_out[order[i]])) / n;
			rep->observed[b] += (double)d->label[order[i]] / n;
		}
	}
	free(order);
	return 0;
}

/* Sets the quantiles of the positives' h. Returns 0, or -1 if out of memory. */
static int
quantiles(const struct fit_data *d, struct fit_report *rep)
{
	double *h = calloc(rep->n_positive, sizeof *h);
	size_t i, n = 0;

	if (h == NULL)
		return -1;
	for (i = 0; i < d->n; i++)
		if (d->label[i])
			h[n++] = rep->held_out[i];
	gsl_sort(h, 1, n);
	for (i = 0; i < FIT_QUANTILES; i++)
		rep->quantile[i] = gsl_stats_quantile_from_sorted_data(h, 1, n,
		    (double)i / (FIT_QUANTILES - 1));
	free(h);
	return 0;
}

int
calibration_report(const struct fit_data *d, struct fit_report *rep)
{
	double p, shift;
	size_t i;

	fit_report_count(rep, d);
	p = rep->prior;
	rep->prior_log_loss = -p * log(p) - (1 - p) * log(1 - p);
	rep->auc = rep->log_loss = rep->temperature = NAN;
	for (i = 0; i < FIT_BINS; i++)
		rep->predicted[i] = rep->observed[i] = NAN;
	for (i = 0; i < FIT_QUANTILES; i++)
		rep->quantile[i] = NAN;
	if (rep->folds == 0)
		return 0;
	/*
	 * h is the log-density ratio; the log-odds of a positive label are h -
	 * shift
	 */
	shift = log((1 - p) / p);
	rep->log_loss = calibration_log_loss(rep->held_out, shift, d->label, d->n, 1, NULL, NULL);
	rep->temperature = best_temperature(d, rep->held_out, shift);
	if (auc(rep->held_out, d->label, d->n, &rep->auc) != 0 || reliability(d, rep, shift) != 0)
		return -1;
	return quantiles(d, rep);
}
