/*
 * estimate - what the fields that are logistic regressions on features share: the
 * fit, the prior, and how well it does on questions held out.
 */
#ifndef ODESTEER_ESTIMATE_H
#define ODESTEER_ESTIMATE_H

#include "field.h"

/*
 * h = w . phi + c + log((1 - pi) / pi) (the paper's section 4) from phi[d->n][size],
 * row-major: w[size] and *intercept = c, *log_prior_ratio = log((1 - pi) / pi), and
 * the report but for act_norm.
 *
 * The held-out AUC: the groups are dealt into o->folds (or as many as there are
 * groups) by o->seed, each fold scored by a fit on the others, and the scores
 * of all rows taken together; NaN when a fold leaves one label only.
 * 0 or -1.
 */
int estimate_fit(const double *phi, size_t size, const struct fit_data *d, const struct field_options *o,
    double *w, double *intercept, double *log_prior_ratio, struct fit_report *rep, struct err *e);

#endif
