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
	struct field base;
	double *v;		/* [dim] */
	double slope, intercept, log_prior_ratio;
};

/*
 * Allocates `size' bytes for a struct constant, or a struct that begins with
 * one, with a slope of 1 and the rest zero. Returns NULL with a message in e.
 */
void *constant_alloc(const struct field_type *type, size_t size, size_t dim, struct err *e);

/*
 * Sets v, intercept and log_prior_ratio of f by a classifier on the
 * activations, with o->C and o->loss. Returns 0, or -1 with a message in e.
 */
int constant_regress(struct constant *f, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e);
/*
 * Allocates a field and fits it by constant_regress. Returns NULL with a
 * message in e.
 */
struct field *constant_fit(const struct field_type *type, const struct fit_data *d,
    const struct fit_options *o, struct fit_report *rep, struct err *e);
/*
 * Allocates a field, whose v[d->dim] `vector' sets, and fits h along v. vector
 * gets zeros and returns 0, or -1 with a message in e. Returns NULL with a
 * message in e.
 */
struct constant *constant_fit_along(const struct field_type *type,
    int (*vector)(double *v, const struct fit_data *d, const struct fit_options *o, struct err *e),
    const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e);

/* Members of field_type. */
int constant_save(const struct field *f, struct record *r);
struct field *constant_load(const struct field_type *type, const struct record *r, size_t dim,
    struct err *e);
void constant_free(struct field *f);	/* NULL is fine */
void constant_eval(const struct field *f, void *w, const double *y, size_t n, double *h,
    double *grad);
/*
 * Loads a field as constant_load does, into `size' bytes as constant_alloc
 * does.
 */
struct field *constant_load_sized(const struct field_type *type, size_t size,
    const struct record *r, size_t dim, struct err *e);

/* The members that all types share whose field is a struct constant alone. */
#define CONSTANT_FIELD \
	.has_h = 1, \
	.one_vector = 1, \
	.save = constant_save, \
	.load = constant_load, \
	.free = constant_free, \
	.eval = constant_eval

#endif
