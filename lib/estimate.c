#include "estimate.h"

#include <gsl/gsl_cblas.h>	/* gsl_randist.h brings it, and it excludes cblas.h */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "auc.h"
#include "logistic.h"

/* Deals the groups into folds: fold[n_group], caller frees. */
static unsigned *
deal(size_t n_group, unsigned folds, uint64_t seed)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	unsigned *fold = calloc(n_group, sizeof *fold);
	size_t i;

	if (rng != NULL && fold != NULL) {
		for (i = 0; i < n_group; i++)
			fold[i] = (unsigned)(i % folds);
		gsl_rng_set(rng, (unsigned long)seed);
		gsl_ran_shuffle(rng, fold, n_group, sizeof *fold);
	}
	if (rng != NULL)
		gsl_rng_free(rng);
	return fold;
}

static int
both_labels(const struct fit_data *d, const unsigned char *out)
{
	int seen[2] = { 0, 0 };
	size_t i;

	for (i = 0; i < d->n; i++)
		if (!out[i])
			seen[d->label[i]] = 1;
	return seen[0] && seen[1];
}

/* 0 with *result set (NaN: not to be had), or -1. */
static int
held_out_auc(struct logistic_problem p, const struct fit_data *d, const struct field_options *o,
    double *result, struct err *e)
{
	unsigned folds = o->folds < d->n_group ? o->folds : (unsigned)d->n_group, k;
	unsigned *fold = deal(d->n_group, folds, o->seed);
	unsigned char *out = calloc(d->n, 1);
	double *score = calloc(d->n, sizeof *score);
	struct logistic_fit fit = { 0 };
	int rc = -1;
	size_t i;

	*result = NAN;
	fit.coef = calloc(p.size, sizeof *fit.coef);
	fit.f = calloc(d->n, sizeof *fit.f);
	if (fold == NULL || out == NULL || score == NULL || fit.coef == NULL || fit.f == NULL) {
		err_memory(e);
		goto out;
	}
	p.out = out;
	for (k = 0; k < folds; k++) {
		for (i = 0; i < d->n; i++)
			out[i] = fold[d->group[i]] == k;
		if (!both_labels(d, out)) {
			rc = 0;
			goto out;
		}
		if (logistic_fit(&p, &fit, e) != 0)
			goto out;
		for (i = 0; i < d->n; i++)
			if (out[i])
				score[i] = fit.f[i];
	}
	*result = auc(score, d->label, NULL, d->n);
	rc = 0;
out:
	free(fold);
	free(out);
	free(score);
	free(fit.coef);
	free(fit.f);
	return rc;
}

int
estimate_fit(const double *phi, size_t size, const struct fit_data *d, const struct field_options *o,
    double *w, double *intercept, double *log_prior_ratio, struct fit_report *rep, struct err *e)
{
	struct logistic_problem p = { .rows = phi, .n = d->n, .size = size, .label = d->label, .C = o->C };
	struct logistic_fit fit = { 0 };
	double *gram = NULL;
	int rc = -1;
	size_t i;

	rep->n_positive = rep->n_negative = 0;
	for (i = 0; i < d->n; i++)
		(*(d->label[i] ? &rep->n_positive : &rep->n_negative))++;
	rep->n_group = d->n_group;
	rep->prior = (double)rep->n_positive / (double)d->n;
	/* the smaller problem: over the rows' inner products, or over the features */
	if (d->n < size) {
		if ((gram = calloc(d->n, d->n * sizeof *gram)) == NULL)
			goto memory;
		cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)d->n, (int)size, 1, phi, (int)size,
		    0, gram, (int)d->n);
		p.rows = gram;
		p.dual = 1;
		p.size = d->n;
	}
	fit.coef = calloc(p.size, sizeof *fit.coef);
	fit.f = calloc(d->n, sizeof *fit.f);
	if (fit.coef == NULL || fit.f == NULL)
		goto memory;
	if (logistic_fit(&p, &fit, e) != 0 || held_out_auc(p, d, o, &rep->auc, e) != 0)
		goto out;
	if (p.dual)
		cblas_dgemv(CblasRowMajor, CblasTrans, (int)d->n, (int)size, 1, phi, (int)size, fit.coef, 1,
		    0, w, 1);
	else
		memcpy(w, fit.coef, size * sizeof *w);
	*intercept = fit.intercept;
	*log_prior_ratio = log((1 - rep->prior) / rep->prior);
	rep->objective = fit.objective;
	rep->gradient_norm = fit.gradient_norm;
	rep->iterations = fit.iterations;
	rc = 0;
	goto out;
memory:
	err_memory(e);
out:
	free(gram);
	free(fit.coef);
	free(fit.f);
	return rc;
}
