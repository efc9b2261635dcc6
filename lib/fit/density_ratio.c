#include "fit/density_ratio.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "fit/calibration.h"
#include "fit/classifier.h"
#include "fit/folds.h"

enum {
	CANDIDATES = 10,	/* values of C */
	AT_FIRST = 6,		/* of them, tried in any case */
	SMALL = 200,		/* so few rows are always fitted in double precision */
	/*
	 * measured products of all rows with a vector per fit: with one C, and
	 * averaged over ten
	 */
	PRODUCTS = 20, PRODUCTS_OF_CHOICE = 70
};

/* For fits that only rank values of C: their log-loss is off by about 1e-5. */
static const double choice_tolerance = 1e-3;
/* For fits without a fold: more digits would not change any reported figure. */
static const double held_out_tolerance = 1e-5;
/*
 * For the fit to all rows. Its objective is off by at most half the square of
 * its gradient, which at the start may be very great.
 */
static const double dual_tolerance = 1e-10, primal_tolerance = 1e-9;

/*
 * Sets score[m][n] to f of each row, from fits with each of C[m] to the rows of
 * the other folds, if there are folds. Together with these it makes the fit
 * `all`, if that is not NULL. Returns 0, or -1 with a message in e.
 */
static int
cross_validate(const struct classifier_problem *p, size_t n, unsigned n_fold, const double *C,
    size_t m, double tolerance, double *score, struct classifier_fit *all, struct err *e)
{
	struct classifier_fit *fit = calloc(m * n_fold + 1, sizeof *fit);
	size_t i;
	int rc;

	if (fit == NULL)
		return err_memory(e);
	for (i = 0; i < m * n_fold; i++) {
		fit[i].C = C[i / n_fold];
		fit[i].held_out = (int)(i % n_fold);
		fit[i].tolerance = tolerance;
		fit[i].f = score + i / n_fold * n;
	}
	if (all != NULL)
		fit[i] = *all;
	rc = classifier_fit(p, fit, m * n_fold + (all != NULL), e);
	if (all != NULL)
		*all = fit[i];
	free(fit);
	return rc;
}

/*
 * Sets rep->C to the candidate with the least log-loss on held-out rows.
 * Returns 0, or -1 with a message in e.
 */
static int
choose_C(const struct classifier_problem *p, const struct fit_data *d, const struct folds *k,
    struct fit_report *rep, struct err *e)
{
	double scale = p->gram != NULL ? gram_variance(p->gram) : features_variance(p->features);
	double C[CANDIDATES], loss, best_loss = INFINITY;
	double *score = malloc(AT_FIRST * d->n * sizeof *score);
	size_t c, from, to, best = 0;
	int rc = score != NULL ? 0 : err_memory(e);

	for (c = 0; c < CANDIDATES; c++)
		C[c] = pow(10, -2 + 4 * (double)c / (CANDIDATES - 1)) / (scale > 0 ? scale : 1);
	/* the greater C, the longer a fit takes */
	for (from = 0; rc == 0 && from < CANDIDATES && from <= best + 2; from = to) {
		to = from == 0 ? AT_FIRST : from + 2;
		rc = cross_validate(p, d->n, k->n, C + from, to - from, choice_tolerance, score,
		    NULL, e);
		for (c = from; rc == 0 && c < to; c++) {
			loss = calibration_log_loss(score + (c - from) * d->n, 0, d->label, d->n,
			    1, NULL, NULL);
			if (loss < best_loss) {
				best_loss = loss;
				best = c;
			}
		}
	}
	rep->C = C[best];
	rep->C_at_end = best == 0 || best == CANDIDATES - 1;
	free(score);
	return rc;
}

/*
 * Makes h of the log-odds of one fold's rows, by the prior of the rows that
 * they come from: those of the other folds.
 */
static void
add_log_prior_ratio(const struct fit_data *d, const struct folds *k, unsigned fold, double *odds)
{
	size_t n[2] = { 0, 0 }, i;

	for (i = 0; i < d->n; i++)
		n[d->label[i]] += k->of[i] != fold;
	for (i = 0; i < d->n; i++)
		if (k->of[i] == fold)
			odds[i] += log((double)n[0] / (double)n[1]);
}

/*
 * Fits x to the rows of p, whose other members it sets, and sets rep. Returns
 * 0, or -1 with a message in e.
 */
static int
fit_problem(struct classifier_problem *p, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct classifier_fit fit = { .held_out = CLASSIFIER_NO_FOLD, .coef = x->coef };
	struct folds k;
	int rc = folds_assign(&k, d, o);
	unsigned v;

	fit_report_count(rep, d);
	rep->C = o->C;
	rep->C_at_end = 0;
	rep->folds = k.n;
	p->label = d->label;
	p->loss = o->loss;
	p->fold = k.of;
	if (rc != 0)
		err_memory(e);
	else if (o->C == 0 && rep->folds == 0)
		rc = err_set(e, "C cannot be chosen: too few groups have both labels");
	else if (o->C == 0)
		rc = choose_C(p, d, &k, rep, e);
	fit.C = rep->C;
	fit.tolerance = p->gram != NULL ? dual_tolerance : primal_tolerance;
	if (rc == 0)
		rc = cross_validate(p, d->n, rep->folds, &rep->C, 1, held_out_tolerance,
		    rep->held_out, &fit, e);
	for (v = 0; rc == 0 && v < k.n; v++)
		add_log_prior_ratio(d, &k, v, rep->held_out);
	free(k.of);
	if (rc != 0)
		return -1;
	x->intercept = fit.intercept;
	x->log_prior_ratio = log((1 - rep->prior) / rep->prior);
	rep->objective = fit.objective;
	rep->gradient_norm = fit.gradient_norm;
	rep->iterations = fit.iterations;
	return 0;
}

int
density_ratio_fit_gram(struct gram *g, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct classifier_problem p = { .gram = g };

	return fit_problem(&p, d, o, x, rep, e);
}

static int
fit_dual(const struct features_source *s, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct density_ratio dual = { .coef = malloc(s->n * sizeof *dual.coef) };
	struct gram *g = gram_alloc(s->n, e);
	int rc = -1;

	if (dual.coef == NULL)
		err_memory(e);
	else if (g != NULL && gram_set_source(g, s, e) == 0 &&
	    density_ratio_fit_gram(g, d, o, &dual, rep, e) == 0)
		rc = features_combine(s, dual.coef, x->coef, e);
	x->intercept = dual.intercept;
	x->log_prior_ratio = dual.log_prior_ratio;
	gram_free(g);
	free(dual.coef);
	return rc;
}

static int
fit_primal(const struct features_source *s, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct classifier_problem p = { .features = features_alloc(s, e) };
	int rc;

	if (p.features == NULL)
		return -1;
	rc = fit_problem(&p, d, o, x, rep, e);
	/* the rows of p are centred */
	if (rc == 0)
		x->intercept -= cblas_ddot((int)s->size, p.features->mean, 1, x->coef, 1);
	features_free(p.features);
	return rc;
}

int
density_ratio_fit(const struct features_source *s, const struct fit_data *d,
    const struct fit_options *o, struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	double n = (double)s->n, size = (double)s->size, products = PRODUCTS + o->folds * PRODUCTS;

	if (o->C == 0)
		products = PRODUCTS + CANDIDATES * o->folds * PRODUCTS_OF_CHOICE;
	/*
	 * In multiplications: the inner products take n^2 size, and then a
	 * product with all of them n^2. A product with the rows takes 2 n size,
	 * to and fro.
	 */
	if (s->n <= SMALL || n * n * size + products * n * n < products * 2 * n * size)
		return fit_dual(s, d, o, x, rep, e);
	return fit_primal(s, d, o, x, rep, e);
}
