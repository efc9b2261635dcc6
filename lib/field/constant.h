/*
 * constant - fields with one vector v, whose h is affine in the activation:
 *
 *   h(y) = slope (v . y) + intercept + log((1 - prior) / prior)
 *
 * linear and iti are classifiers: v is their weights, grad h, and the slope is
 * 1 and not in the file. caa, repe and import have a vector of any length, and
 * h is fitted along it. mimic is a map with the h of a classifier.
 */
#ifndef ODESTEER_FIELD_CONSTANT_H
#define ODESTEER_FIELD_CONSTANT_H

#include "field/field.h"

struct constant {
	struct field base;	/* ratio.coef is v */
	double slope;
};

/* Members of field_type. */
/*
 * Sets v, intercept and log_prior_ratio by a classifier on the activations,
 * with o->C, and o->loss if the type uses it.
 */
int constant_fit(struct field *f, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e);
/* Sets v by the type's member `vector', and fits h along it. */
int constant_fit_along(struct field *f, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e);
int constant_save(const struct field *f, struct record *r);
int constant_load(struct field *f, const struct record *r, struct err *e);
void constant_eval(const struct field *f, void *w, const double *y, size_t n, double *h,
    double *grad);

/* The members that all types share whose field is a struct constant alone. */
#define CONSTANT_FIELD \
	.has_h = 1, \
	.one_vector = 1, \
	.size = sizeof(struct constant), \
	.save = constant_save, \
	.load = constant_load, \
	.eval = constant_eval

#endif
