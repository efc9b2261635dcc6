/*
 * constant - fields whose vector is the same everywhere, and whose h is affine in y:
 *   h(y) = slope (v . y) + intercept + log prior ratio.
 *
 * linear and iti are classifiers: v = w = grad h, the slope is 1 and not in the
 * file. caa, repe and import have a vector first, of any length, and get their h along it.
 * mimic is a map with such an h.
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
 * Of size bytes, zero but for base and a slope of 1: a struct constant, or one that begins with it.
 * NULL with a message: out of memory.
 */
void *constant_alloc(const struct field_type *type, size_t size, size_t dim, struct err *e);
void constant_free(struct field *f);	/* field_type's; NULL is fine */

/* v and the rest by a classifier on the activations, of o->C and o->loss. 0, -1. */
int constant_regress(struct constant *f, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e);
/* Allocates and fits a field by constant_regress. NULL with a message. */
struct field *constant_fit(const struct field_type *type, const struct fit_data *d,
    const struct fit_options *o, struct fit_report *rep, struct err *e);
/*
 * Allocates a field whose v[d->dim], zero before, `vector' sets (0, -1), and fits slope and intercept of h along it.
 * NULL with a message.
 */
struct constant *constant_fit_along(const struct field_type *type,
    int (*vector)(double *v, const struct fit_data *d, const struct fit_options *o, struct err *e),
    const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e);

/* field_type's */
int constant_save(const struct field *f, struct record *r);
struct field *constant_load(const struct field_type *type, const struct record *r, size_t dim,
    struct err *e);
void constant_eval(const struct field *f, void *w, const double *y, size_t n, double *h,
    double *grad);
/* constant_load for a struct of size bytes, as constant_alloc has it */
struct field *constant_load_sized(const struct field_type *type, size_t size,
    const struct record *r, size_t dim, struct err *e);

/* What the field_types have in common whose field is a struct constant and nothing more. */
#define CONSTANT_FIELD \
	.has_h = 1, \
	.one_vector = 1, \
	.save = constant_save, \
	.load = constant_load, \
	.free = constant_free, \
	.eval = constant_eval

#endif
