#include "fit/density_ratio.h"

#include <cblas.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/calibration.h"
#include "fit/classifier.h"
#include "fit/folds.h"

/* Products with the rows that a fit takes, of those seen: at one C, and on average from small to large ones. */
enum { PRODUCTS = 20, PRODUCTS_OF_MANY = 40 };
enum { AT_ONCE = 6 };			/* values of C that are tried in any case */
enum { FITS = 30 };			/* that are made together: these with five folds */

/* Of held-out fits: more digits would change no figure that is reported. */
static const double held_out_tolerance = 1e-5;
/* Of those that only say which C is best; their log-loss is off by some 1e-5. */
static const double choice_tolerance = 1e-3;
/*
 * Of fits with the precision of floats. An objective is off by at most half of its gradient's
 * square, and w by the gradient: far less than what the floats themselves may cost.
 */
static const double single_tolerance = 1e-6;

/* The features' variance, summed over them. */
static double
variance(const struct classifier_problem *p)
{
	double total = 0, sum = 0;
	size_t i, j;

	if (p->phi != NULL)
		return features_variance(p->phi);
	if (p->gram != NULL) {
		for (i = 0; i < p->n; i++) {
			const float *row = p->gram + i * features_side(p->n);

			total += (double)row[i];
			for (j = 0; j < p->n; j++)
				sum += (double)row[j];
		}
		return total / (double)p->n - sum / ((double)p->n * (double)p->n);
	}
	if (p->dual) {
		for (i = 0; i < p->n; i++) {
			total += p->rows[i * p->n + i];
			sum += p->rows[i * p->n + i];
			for (j = 0; j < i; j++)
				sum += 2 * p->rows[i * p->n + j];
		}
		return total / (double)p->n - sum / ((double)p->n * (double)p->n);
	}
	for (j = 0; j < p->size; j++)
		total += gsl_stats_variance(p->rows + j, p->size, p->n);
	return total * (double)(p->n - 1) / (double)p->n;	/* over n, as above */
}

/* Rows held out of fits[n], of which the first left out fold `fold', get their f: score[d->n] */
static void
keep(const struct classifier_fit *fit, size_t n, const struct fit_data *d, const struct folds *k, size_t fold,
    double *score)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (k->of[i] >= fold && k->of[i] < fold + n)
			score[i] = fit[k->of[i] - fold].f[i];
}

/* Fits with each C[m] on all but each fold: score[m][d->n] of the rows held out. */
static int
cross_validate(const struct classifier_problem *p, const struct fit_data *d, const struct folds *k,
    const double *C, size_t m, double *score, struct err *e)
{
	struct classifier_fit fit[FITS];
	double *f = malloc(FITS * d->n * sizeof *f);
	size_t n_fit = m * k->n, first, n, t;
	int rc = f == NULL ? err_memory(e) : 0;

	for (first = 0; rc == 0 && first < n_fit; first += n) {
		n = n_fit - first < FITS ? n_fit - first : FITS;
		for (t = 0; t < n; t++)
			fit[t] = (struct classifier_fit){ .C = C[(first + t) / k->n], .out = k->out + (first + t) % k->n * d->n,
			    .tolerance = choice_tolerance, .f = f + t * d->n };
		if ((rc = classifier_fit(p, fit, n, e)) == 0)
			for (t = 0; t < n; t++)
				keep(fit + t, 1, d, k, (first + t) % k->n, score + (first + t) / k->n * d->n);
	}
	free(f);
	return rc;
}

/* The best of several C, by the log-loss of what is held out. */
static int
choose(const struct classifier_problem *p, const struct fit_data *d, const struct folds *k,
    struct fit_report *rep, struct err *e)
{
	double C[DENSITY_RATIO_CS], best = INFINITY, scale = variance(p), *score = calloc(AT_ONCE, d->n * sizeof *score);
	size_t c, from, to, at = 0;
	int rc = -1;

	if (score == NULL || isnan(scale)) {
		err_memory(e);
		goto out;
	}
	for (c = 0; c < DENSITY_RATIO_CS; c++)
		C[c] = pow(10, -2 + 4 * (double)c / (DENSITY_RATIO_CS - 1)) / (scale > 0 ? scale : 1);
	/* the greater C, the longer its fits take: none are tried behind two that did worse than one before */
	for (from = 0; from < DENSITY_RATIO_CS && at + 2 >= from; from = to) {
		to = from == 0 ? AT_ONCE : from + 2 < DENSITY_RATIO_CS ? from + 2 : DENSITY_RATIO_CS;
		if (cross_validate(p, d, k, C + from, to - from, score, e) != 0)
			goto out;
		for (c = from; c < to; c++) {
			double l = calibration_log_loss(score + (c - from) * d->n, 0, d->label, d->n, 1, NULL, NULL);

			if (l >= best)
				continue;
			best = l;
			at = c;
		}
	}
	rep->C = C[at];
	rep->C_at_end = at == 0 || at == DENSITY_RATIO_CS - 1;
	rc = 0;
out:
	free(score);
	return rc;
}

/* The fit at rep->C, and beside it those to all but each fold, if there are any: what they need of the rows they share. */
static int
fit_all(const struct classifier_problem *p, const struct fit_data *d, const struct folds *k, struct density_ratio *x,
    struct fit_report *rep, struct err *e)
{
	struct classifier_fit fit[FITS], *whole = NULL;
	double *f = malloc(FITS * d->n * sizeof *f);
	size_t first, n, t, i;
	int rc = f == NULL ? err_memory(e) : 0;

	/* the fit to all rows comes last */
	for (first = 0; rc == 0 && first <= k->n; first += n) {
		n = k->n + 1 - first < FITS ? k->n + 1 - first : FITS;
		for (t = 0; t < n; t++)
			fit[t] = (struct classifier_fit){ .C = rep->C, .out = k->out + (first + t) * d->n,
			    .tolerance = held_out_tolerance, .f = f + t * d->n };
		if (first + n == k->n + 1) {
			whole = &fit[n - 1];
			whole->out = NULL;
			whole->tolerance = p->rows != NULL ? 0 : single_tolerance;
			whole->coef = x->coef;
		}
		if ((rc = classifier_fit(p, fit, n, e)) == 0 && k->n > 0)
			keep(fit, n, d, k, first, rep->held_out);
	}
	if (rc != 0)
		goto out;
	x->intercept = whole->intercept;
	x->log_prior_ratio = log((1 - rep->prior) / rep->prior);
	rep->objective = whole->objective;
	rep->gradient_norm = whole->gradient_norm;
	rep->iterations = whole->iterations;
	for (i = 0; k->n > 0 && i < d->n; i++)
		rep->held_out[i] += x->log_prior_ratio;
	rep->has_held_out = k->n > 0;
	rep->folds = k->n;
out:
	free(f);
	return rc;
}

static int
estimate(const struct classifier_problem *p, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct folds k = { 0 };
	int dealt, rc = -1;

	fit_report_count(rep, d);
	rep->C = o->C;
	rep->C_at_end = 0;
	if ((dealt = folds_deal(&k, d, o)) < 0) {
		err_memory(e);
		goto out;
	}
	if (!dealt)
		k.n = 0;
	if (o->C == 0 && !dealt) {
		err_set(e, "too few groups with both labels to choose C by what is held out");
		goto out;
	}
	if (o->C == 0 && choose(p, d, &k, rep, e) != 0)
		goto out;
	rc = fit_all(p, d, &k, x, rep, e);
out:
	folds_release(&k);
	return rc;
}

int
density_ratio_fit_gram(const double *gram, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct classifier_problem p = { .rows = gram, .dual = 1, .n = d->n, .size = d->n, .label = d->label,
	    .loss = o->loss };

	return estimate(&p, d, o, x, rep, e);
}

int
density_ratio_fit_rows(const double *phi, size_t size, const struct fit_data *d,
    const struct fit_options *o, struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct classifier_problem p = { .rows = phi, .n = d->n, .size = size, .label = d->label, .loss = o->loss };
	struct density_ratio dual;
	double *gram, *alpha;
	int rc = -1;

	/* the smaller problem: over the rows' inner products, or over the features */
	if (d->n >= size)
		return estimate(&p, d, o, x, rep, e);
	gram = calloc(d->n, d->n * sizeof *gram);
	alpha = calloc(d->n, sizeof *alpha);
	if (gram == NULL || alpha == NULL) {
		err_memory(e);
		goto out;
	}
	cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)d->n, (int)size, 1, phi, (int)size, 0, gram,
	    (int)d->n);
	dual.coef = alpha;
	if ((rc = density_ratio_fit_gram(gram, d, o, &dual, rep, e)) != 0)
		goto out;
	cblas_dgemv(CblasRowMajor, CblasTrans, (int)d->n, (int)size, 1, phi, (int)size, alpha, 1, 0, x->coef, 1);
	x->intercept = dual.intercept;
	x->log_prior_ratio = dual.log_prior_ratio;
out:
	free(gram);
	free(alpha);
	return rc;
}

/* All digits, while they cost no time that anybody notices. */
static int
source_exact(const struct features_source *s, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	double *phi = malloc(s->n * s->size * sizeof *phi);
	int rc;

	if (phi == NULL)
		return err_memory(e);
	if ((rc = features_exact(s, phi, e)) == 0)
		rc = density_ratio_fit_rows(phi, s->size, d, o, x, rep, e);
	free(phi);
	return rc;
}

int
density_ratio_fit_gram_single(const float *gram, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct classifier_problem p = { .gram = gram, .dual = 1, .n = d->n, .size = d->n, .label = d->label,
	    .loss = o->loss };

	return estimate(&p, d, o, x, rep, e);
}

static int
source_gram(const struct features_source *s, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	size_t side = features_side(d->n);
	float *gram = calloc(side, side * sizeof *gram);
	double *alpha = calloc(d->n, sizeof *alpha), shift;
	struct density_ratio dual = { .coef = alpha };
	int rc = -1;

	if (gram == NULL || alpha == NULL) {
		err_memory(e);
		goto out;
	}
	if (features_gram(s, gram, e) != 0 || density_ratio_fit_gram_single(gram, d, o, &dual, rep, e) != 0 ||
	    features_combine(s, alpha, x->coef, &shift, e) != 0)
		goto out;
	x->intercept = dual.intercept - shift;
	x->log_prior_ratio = dual.log_prior_ratio;
	rc = 0;
out:
	free(gram);
	free(alpha);
	return rc;
}

static int
source_packed(const struct features_source *s, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct classifier_problem p = { .n = s->n, .size = s->size, .label = d->label, .loss = o->loss };
	int rc;

	if ((p.phi = features_pack(s, e)) == NULL)
		return -1;
	if ((rc = estimate(&p, d, o, x, rep, e)) == 0)
		x->intercept -= features_shift(p.phi, x->coef);
	features_free(p.phi);
	return rc;
}

int
density_ratio_fit(const struct features_source *s, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	/*
	 * Multiplications: a product with packed rows goes through them twice, one with inner products
	 * through a square, which has its price. What else there is, is the same or less.
	 */
	double n = (double)s->n, size = (double)s->size, products = o->C > 0 ? PRODUCTS + o->folds * PRODUCTS :
	    PRODUCTS + DENSITY_RATIO_CS * o->folds * PRODUCTS_OF_MANY;

	if (s->n * s->size <= DENSITY_RATIO_EXACT)
		return source_exact(s, d, o, x, rep, e);
	if ((n * n * size / 2 + products * n * n < products * 2 * n * size ? source_gram(s, d, o, x, rep, e) :
	    source_packed(s, d, o, x, rep, e)) != 0)
		return -1;
	return s->turn == NULL || s->turn(s->ctx, x->coef) == 0 ? 0 : err_memory(e);
}
