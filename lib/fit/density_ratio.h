/*
 * density_ratio - estimates the log-density ratio of positives and negatives,
 *   h = w . phi + c + log((1 - pi) / pi),  pi = the fraction of positives,
 * with a classifier (section 4 of the paper).
 */
#ifndef ODESTEER_DENSITY_RATIO_H
#define ODESTEER_DENSITY_RATIO_H

#include "base/err.h"
#include "fit/data.h"
#include "fit/features.h"
#include "fit/gram.h"

struct density_ratio {
	double *coef;		/* w[size], or alpha[n]: w = sum_i alpha[i] phi_i; the caller's */
	double intercept;	/* c */
	double log_prior_ratio;	/* log((1 - pi) / pi) */
};

/*
 * Fits x to the features that s makes of the rows of d; x->coef gets w. The fit
 * uses the features or their inner products, whichever is faster.
 *
 * The C of the classifier is o->C, or, if that is 0, the one of ten values for
 * which h has the least log-loss on held-out rows. The values are evenly spaced
 * in log C, from 1/100 to 100 divided by the variance of the features. They are
 * tried in ascending order: the first six, then two at a time until the last
 * two were worse than an earlier one.
 *
 * If o->folds > 0, rep->held_out[d->n], the caller's memory, gets h of each row
 * from a fit to the rows of the other folds (folds.h). Also sets the counts, C,
 * C_at_end, objective, gradient_norm, iterations and folds of rep. Returns 0,
 * or -1 with a message in e.
 */
int density_ratio_fit(const struct features_source *s, const struct fit_data *d,
    const struct fit_options *o, struct density_ratio *x, struct fit_report *rep, struct err *e);
/*
 * Does the same with g, inner products or values of a kernel, which the caller
 * has set. x->coef gets alpha.
 */
int density_ratio_fit_gram(struct gram *g, const struct fit_data *d, const struct fit_options *o,
    struct density_ratio *x, struct fit_report *rep, struct err *e);

#endif
