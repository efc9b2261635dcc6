/*
 * field - one file per way to steer behind one vtable (struct field_type).
 *
 * A new method is one file in lib/field/ with one const struct field_type, and two
 * lines in field.c: its declaration and its place in the table. The contract tests
 * find it there.
 *
 * Most methods are flows: h, an estimate of the log-density ratio, and a vector
 * field v along which da/dt = v(a) is solved. Some are maps (linact, mimic): they
 * say where an activation goes, and there is no way there to follow.
 */
#ifndef ODESTEER_FIELD_H
#define ODESTEER_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "field/quadratic.h"
#include "fit/data.h"
#include "stream/record.h"

enum {
	FIELD_MAX_DEGREE = 16,
	FIELD_MAX_COMPONENTS = 1 << 24,
	FIELD_BATCH = 8		/* rows that eval and apply get at a time, at most */
};

/* The options a method has a use for. */
enum {
	FIELD_USES_C = 1,
	FIELD_USES_LOSS = 2,
	FIELD_USES_STANDARDISE = 4,
	FIELD_USES_DEGREE = 8,
	FIELD_USES_COMPONENTS = 16,
	FIELD_USES_GAMMA = 32,
	FIELD_USES_COEF0 = 64,
	FIELD_USES_SIGMA = 128,
	FIELD_USES_VECTOR = 256
};

struct field;
struct field_work;		/* memory for one caller; never shared by threads */

enum field_kind {
	FIELD_UNIT_FLOW,	/* v = grad h / (|grad h| + 1e-10) */
	FIELD_CONSTANT_FLOW,	/* v is one vector of any length: x + T v */
	FIELD_MAP		/* no v */
};

struct field_type {
	const char *name;	/* as given to -f */
	const char *about;	/* one line for -f help */
	enum field_kind kind;
	int has_h;		/* is there an estimate of the log-density ratio? */
	int one_vector;		/* is v the same everywhere? */
	unsigned uses;		/* FIELD_USES_... */
	int whole_batches;	/* eval and apply always get FIELD_BATCH rows: BLAS rounds by their number */
	/*
	 * Fits to rows already standardised. A type that can do better than being
	 * fitted anew for each fold sets rep->held_out and has_held_out itself.
	 */
	struct field *(*fit)(const struct fit_data *d, const struct fit_options *o,
	    struct fit_report *rep, struct err *e);
	int (*save)(const struct field *f, struct record *r);	/* 0, -1: out of memory */
	/* type: the one it is called of */
	struct field *(*load)(const struct field_type *type, const struct record *r, size_t dim,
	    struct err *e);
	void (*free)(struct field *f);
	/* memory for eval and apply; both NULL where none is needed */
	void *(*work_alloc)(const struct field *f);
	void (*work_free)(void *w);
	/*
	 * Flows: h[n] and grad[n][dim] = grad h (constant flows: v) at y[n][dim], n <= FIELD_BATCH; either
	 * may be NULL. Not called where the field has a quadratic with a Q.
	 */
	void (*eval)(const struct field *f, void *w, const double *y, size_t n, double *h,
	    double *grad);
	/* Maps: y[n][dim] become what they are mapped to, n <= FIELD_BATCH. */
	void (*apply)(const struct field *f, void *w, double *y, size_t n);
};

/* First member of every field: field_type.fit and .load set type, dim and perhaps quadratic, and leave the rest NULL. */
struct field {
	const struct field_type *type;
	size_t dim;
	double *mean, *isd;	/* [dim] y = (a - mean) * isd, or NULL: y = a; field.c's */
	struct quadratic *quadratic;	/* what h is a quadratic form by, or NULL; fit and load make it, field_free frees it */
};

const struct field_type *field_find(const char *name);		/* NULL: no such method */
const struct field_type *const *field_table(void);		/* NULL-terminated, static */

int field_save(const struct field *f, struct record *r);	/* with its name; 0, -1: out of memory */
struct field *field_load(const struct record *r, size_t dim, struct err *e);
void field_free(struct field *f);				/* NULL is fine */

struct field_work *field_work_alloc(const struct field *f);	/* NULL: out of memory */
struct field_work *field_work_alloc_single(const struct field *f);	/* field_eval is to 1e-6 with it, and faster */
void field_work_free(struct field_work *w);			/* NULL is fine */
/*
 * h[n] and v[n][dim] at the activations a[n][dim], double, row-major, any n; h or v may be
 * NULL. The same numbers for a row whatever its neighbours. Not for maps, unless v is NULL.
 */
void field_eval(const struct field *f, struct field_work *w, const double *a, size_t n, double *h,
    double *v);
/* v[dim] of a field that has the same everywhere. 0; -1: it has not, or memory ran out. */
int field_vector(const struct field *f, double *v, struct err *e);
/* |v|: how fast the flow goes; 1 of a unit flow. A negative number: out of memory. */
double field_speed(const struct field *f);
/* Maps: a[n][dim] go the share T of the way to where they are mapped. */
void field_apply(const struct field *f, struct field_work *w, double *a, size_t n, double T);

/* For the loads of lib/field/: what a record has under `name'. 0 (or the array), or -1 (NULL) with a message naming it. */
int field_load_number(const struct record *r, const char *name, double *v, struct err *e);
int field_load_positive(const struct record *r, const char *name, double *v, struct err *e);
int field_load_integer(const struct record *r, const char *name, int64_t least, int64_t most,
    int64_t *v, struct err *e);
/*
 * n numbers; malloc'ed, caller frees. As long as the file has it: take it before anything else is
 * allocated for numbers that only the file says.
 */
double *field_load_array(const struct record *r, const char *name, size_t n, struct err *e);

#endif
