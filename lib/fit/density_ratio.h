/*
 * density_ratio - what fits have in common: classifiers on features or inner products, the
 * choice of C, and how well an estimate of h does on questions held out.
 *
 * Groups are dealt into o->folds (or as many as there are groups) by o->seed; each
 * fold's rows get their h from a fit without any row of the fold's groups.
 */
#ifndef ODESTEER_DENSITY_RATIO_H
#define ODESTEER_DENSITY_RATIO_H

#include "base/err.h"
#include "fit/data.h"
#include "fit/features.h"

enum {
	DENSITY_RATIO_CS = 10,	/* values of C that are tried for C = 0 */
	/*
	 * As many features of all rows together get all digits of doubles; these 16 MB lie in a cache or
	 * close to one, and a fit to them takes no time that anybody notices. More have the
	 * precision of floats: the objective is good to 1e-7.
	 */
	DENSITY_RATIO_EXACT = 1 << 21
};

/* h = f + log((1 - pi) / pi), f being what the classifier says (the paper's section 4) */
struct density_ratio {
	double *coef;		/* the caller's memory: [size] of features, [n] alpha over the rows */
	double intercept;
	double log_prior_ratio;
};

/*
 * From features, those of a source or phi[d->n][size], row-major: w[size]. From inner products
 * gram[d->n][d->n] (its lower triangle is used), or as features.h has them: alpha[d->n]. All fill rep->C, objective,
 * gradient_norm, iterations, held_out. With o->C = 0, C is that whose log-loss on held-out groups is least, of up
 * to DENSITY_RATIO_CS values, spread evenly in log C from 1/100 to 100 over the features' variance: none is tried behind
 * two that did worse than one before. 0, -1.
 */
int density_ratio_fit_rows(const double *phi, size_t size, const struct fit_data *d,
    const struct fit_options *o, struct density_ratio *x, struct fit_report *rep, struct err *e);
int density_ratio_fit(const struct features_source *s, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e);
int density_ratio_fit_gram(const double *gram, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e);

int density_ratio_fit_gram_single(const float *gram, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e);

#endif
