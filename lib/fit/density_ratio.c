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
 * its gradient.
 */
static const double dual_tolerance = 1e-10, primal_tolerance = 1e-6;

/*
 * Sets score[m][n] to f of each row, from fits with each of C[m] to the rows of
 * the other folds. Returns 0, or -1 with a message in e.
 */
static int
cross_validate(const struct classifier_problem *p, size_t n, unsigned n_fold, const double *C,
    size_t m, double *score, struct err *e)
{
	struct classifier_fit *fit = calloc(m * n_fold, sizeof *fit);
	size_t i;
	int rc;

	if (fit == NULL)
		return err_memory(e);
	for (i = 0; i < m * n_fold; i++) {
		fit[i].C = C[i / n_fold];
		fit[i].held_out = (int)(i % n_fold);
		fit[i].tolerance = choice_tolerance;
		fit[i].f = score + i / n_fold * n;
	}
	rc = classifier_fit(p, fit, m * n_fold, e);
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
		rc = cross_validate(p, d->n, k->n, C + from, to - from, score, e);
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
 * Makes the fit to all rows and those without each fold, all with rep->C.
 * Returns 0, or -1 with a message in e.
 */
static int
fit_all(const struct classifier_problem *p, const struct fit_data *d, const struct folds *k,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct classifier_fit *fit = calloc(k->n + 1, sizeof *fit), *all = &fit[k->n];
	unsigned i;
	size_t j;
	int rc;

	if (fit == NULL)
		return err_memory(e);
	for (i = 0; i <= k->n; i++) {
		fit[i].C = rep->C;
		fit[i].held_out = (int)i;
		fit[i].tolerance = held_out_tolerance;
		fit[i].f = rep->held_out;
	}
	all->held_out = CLASSIFIER_NO_FOLD;
	all->tolerance = p->gram != NULL ? dual_tolerance : primal_tolerance;
	all->coef = x->coef;
	all->f = NULL;
	rc = classifier_fit(p, fit, k->n + 1, e);
	x->intercept = all->intercept;
	x->log_prior_ratio = log((1 - rep->prior) / rep->prior);
	rep->objective = all->objective;
	rep->gradient_norm = all->gradient_norm;
	rep->iterations = all->iterations;
	free(fit);
	for (j = 0; k->n > 0 && j < d->n; j++)
		rep->held_out[j] += x->log_prior_ratio;
	rep->has_held_out = k->n > 0;
	rep->folds = k->n;
	return rc;
}

/*
 * Fits x to the rows of p, whose other members it sets. The intercept is that
 * of centred rows. Returns 0, or -1 with a message in e.
 */
static int
fit_problem(struct classifier_problem *p, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct folds k;
	int assigned = folds_assign(&k, d, o), rc = 0;

	fit_report_count(rep, d);
	rep->C = o->C;
	rep->C_at_end = 0;
	p->label = d->label;
	p->loss = o->loss;
	p->fold = k.of;
	if (!assigned)
		k.n = 0;
	if (assigned < 0)
		rc = err_memory(e);
	else if (o->C == 0 && !assigned)
		rc = err_set(e, "C cannot be chosen: too few groups have both labels");
	else if (o->C == 0)
		rc = choose_C(p, d, &k, rep, e);
	if (rc == 0)
		rc = fit_all(p, d, &k, x, rep, e);
	folds_release(&k);
	return rc;
}

int
density_ratio_fit_gram(struct gram *g, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e)
{
	struct classifier_problem p = { .gram = g };

	gram_centre(g);
	if (fit_problem(&p, d, o, x, rep, e) != 0)
		return -1;
	x->intercept -= gram_uncentre(g, x->coef);
	return 0;
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
	if ((rc = fit_problem(&p, d, o, x, rep, e)) == 0)
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
