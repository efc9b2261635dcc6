/*
 * field - one file per estimator of h behind one vtable (struct field_type).
 *
 * A new method is one file in lib/field/ with one const struct field_type, and
 * one line in the table of field.c.
 */
#ifndef ODESTEER_FIELD_H
#define ODESTEER_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "record.h"

/* The rows of a fit: borrowed, row-major. */
struct fit_data {
	const float *act;	/* [n][dim] */
	const int *label;	/* [n], 1 positive, 0 negative */
	const int *group;	/* [n], numbers 0.. n_group-1: a question */
	size_t n, dim, n_group;
};

enum { FIELD_MAX_DEGREE = 16, FIELD_MAX_COMPONENTS = 1 << 24 };

/* What a user may choose; the defaults (field_options_default) are the paper's. */
struct field_options {
	double C;		/* inverse regularisation, 1 */
	unsigned degree;	/* 2 */
	size_t components;	/* n, bins of the sketch, 8000 */
	double gamma;		/* 0.1 */
	double coef0;		/* 1 */
	uint64_t seed;		/* of the hashes and signs */
	unsigned folds;		/* of the held-out AUC, 5 */
};
void field_options_default(struct field_options *o);

/* What the fit found; stored in the barrier file and printed with -v. */
struct fit_report {
	size_t n_positive, n_negative, n_group;
	double prior;		/* share of positives */
	double objective;	/* at the end */
	double gradient_norm;	/* of the objective at the end */
	unsigned iterations;	/* Newton steps */
	double auc;		/* held out by group (estimate.h); NaN: not to be had */
	double act_norm;	/* mean |a| */
};

struct field;
struct field_work;		/* memory for one caller; never shared by threads */

struct field_type {
	const char *name;	/* as given to -f */
	const char *about;	/* one line for -f help */
	struct field *(*fit)(const struct fit_data *d, const struct field_options *o,
	    struct fit_report *rep, struct err *e);
	int (*save)(const struct field *f, struct record *r);	/* 0, -1: out of memory */
	struct field *(*load)(const struct record *r, size_t dim, struct err *e);
	void (*free)(struct field *f);
	struct field_work *(*work_alloc)(const struct field *f, size_t rows);
	void (*work_free)(struct field_work *w);
	/*
	 * h[n] and the unit direction v[n][dim] = grad h/(|grad h| + 1e-10) at
	 * a[n][dim], double, row-major; n <= the work's rows; h or v may be NULL.
	 */
	void (*eval)(const struct field *f, struct field_work *w, const double *a, size_t n,
	    double *h, double *v);
};

/* First member of every field: field_type.fit and .load set it. */
struct field {
	const struct field_type *type;
	size_t dim;
};

const struct field_type *field_find(const char *name);		/* NULL: no such method */
const struct field_type *const *field_table(void);		/* NULL-terminated, static */

#endif
