/*
 * field - the steering methods behind one vtable (struct field_type).
 *
 * To add a method, write a const struct field_type in a file of lib/field/, and
 * declare it and add it to the table in field.c. The contract tests then cover
 * it.
 *
 * Most methods are flows: they have h, an estimate of the log-density ratio,
 * and a vector field v along which da/dt = v(a) is solved. Some are maps, such
 * as linact: they say where an activation goes, but not along which path.
 */
#ifndef ODESTEER_FIELD_H
#define ODESTEER_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "field/quadratic.h"
#include "fit/density_ratio.h"
#include "stream/record.h"

enum {
	FIELD_MAX_DEGREE = 16,
	FIELD_MAX_COMPONENTS = 1 << 24,
	FIELD_BATCH = 8		/* the most rows that eval and apply get at a time */
};

/* The options that have an effect on a method. */
enum {
	FIELD_USES_C = 1,
	FIELD_USES_LOSS = 2,
	FIELD_USES_STANDARDISE = 4,
	FIELD_USES_DEGREE = 8,
	FIELD_USES_COMPONENTS = 16,
	FIELD_USES_GAMMA = 32,
	FIELD_USES_COEF0 = 64,
	FIELD_USES_SIGMA = 128,
	FIELD_USES_VECTOR = 256,
	FIELD_USES_KAPPA = 512,
	FIELD_USES_BETA = 1024,
	FIELD_USES_EPOCHS = 2048,
	FIELD_USES_RATE = 4096,
	FIELD_USES_LAYERS = 8192,
	FIELD_USES_RANK = 16384
};

struct field;

enum field_kind {
	FIELD_UNIT_FLOW,	/* v = grad h / (|grad h| + 1e-10) */
	FIELD_CONSTANT_FLOW,	/* v is one vector of any length */
	FIELD_GRADIENT_FLOW,	/* v = grad h, of any length */
	FIELD_MAP		/* no v */
};

struct field_type {
	const char *name;	/* as given to -f */
	const char *about;	/* one line for -f help */
	enum field_kind kind;
	int has_h;		/* whether it estimates the log-density ratio */
	int one_vector;		/* whether v is the same everywhere */
	/*
	 * The length T if none is given, and the greatest T of a map, whose
	 * least is 0. If they are 0: 5 for a unit flow, 1 for others.
	 */
	double T, T_most;
	unsigned steps;		/* flows: number of steps if none is given; 0: 10 */
	/*
	 * Maps: whether it is a sequence map, which moves all activations of a
	 * sequence by the displacement of the first one.
	 */
	int of_sequence;
	unsigned uses;		/* FIELD_USES_... bits */
	/*
	 * Whether eval and apply always get FIELD_BATCH rows, of which the last
	 * ones may be copies of the first. For types that multiply matrices by
	 * BLAS, which rounds a row differently among more rows.
	 */
	int whole_batches;
	size_t size;		/* bytes of a field, which begins with a struct field */
	/*
	 * Fits f to rows that are already standardised, and fills rep. May set
	 * rep->held_out and rep->folds; otherwise another field is fitted for
	 * each fold. Returns 0, or -1 with a message in e.
	 */
	int (*fit)(struct field *f, const struct fit_data *d, const struct fit_options *o,
	    struct fit_report *rep, struct err *e);
	/*
	 * Types that constant_fit_along fits: sets v[d->dim], which is zero.
	 * Returns 0, or -1 with a message in e.
	 */
	int (*vector)(double *v, const struct fit_data *d, const struct fit_options *o,
	    struct err *e);
	/* Writes f to r. Returns 0, or -1 if out of memory. */
	int (*save)(const struct field *f, struct record *r);
	/*
	 * Reads f from r. Returns 0, or -1 with a message in e that names what
	 * is missing or wrong.
	 */
	int (*load)(struct field *f, const struct record *r, struct err *e);
	/* Frees what f has beside a struct field; NULL: nothing. */
	void (*release)(struct field *f);
	/*
	 * Allocate and free the memory w of eval and apply; both NULL if none.
	 */
	void *(*work_alloc)(const struct field *f);
	void (*work_free)(void *w);
	/*
	 * Flows: sets h[n] and grad[n][dim] at y[n][dim], n <= FIELD_BATCH,
	 * where grad is grad h, and v for constant flows; h or grad may be
	 * NULL. Not called if the field has a quadratic without a sketch.
	 */
	void (*eval)(const struct field *f, void *w, const double *y, size_t n, double *h,
	    double *grad);
	/*
	 * Maps: moves y[n][dim], n <= FIELD_BATCH, by T times the way to the
	 * mapped points, 0 <= T <= field_T_most; on a sphere, the way is an
	 * angle.
	 */
	void (*apply)(const struct field *f, void *w, double *y, size_t n, double T);
};

/*
 * The first member of every field. fit and load get it with type and dim set
 * and the rest zero. They set ratio of types with an h, and quadratic if h is a
 * quadratic form. After a failure the caller frees it.
 */
struct field {
	const struct field_type *type;
	size_t dim;
	double *mean, *isd;	/* [dim], y = (a - mean) isd; NULL: y = a */
	/* coef: weights, alpha, or a vector; NULL: not needed */
	struct density_ratio ratio;
	struct quadratic *quadratic;	/* NULL: h is not a quadratic form */
	double speed;		/* of a gradient flow: the mean |v| at the fit's activations */
};

/* Returns the method of this name, or NULL. */
const struct field_type *field_find(const char *name);
/* Returns all methods: a static array that ends with NULL. */
const struct field_type *const *field_table(void);

/* Allocates a field without numbers. Returns NULL with a message in e. */
struct field *field_alloc(const struct field_type *type, size_t dim, struct err *e);
/* Writes f and its method's name to r. Returns 0, or -1 if out of memory. */
int field_save(const struct field *f, struct record *r);
/* Reads a field from r. Returns NULL with a message in e. */
struct field *field_load(const struct record *r, size_t dim, struct err *e);
void field_free(struct field *f);	/* NULL is fine */

/*
 * Allocates the memory of field_eval and field_apply for one thread. With the
 * second one, field_eval may multiply in single precision: v is good to 1e-6,
 * and steps are faster. Both return NULL if out of memory.
 */
struct field_work;
struct field_work *field_work_alloc(const struct field *f);
struct field_work *field_work_alloc_single(const struct field *f);
void field_work_free(struct field_work *w);	/* NULL is fine */

/*
 * Sets h[n] and v[n][dim] at the activations a[n][dim], for any n; h or v may
 * be NULL, and v must be for a map. A row gets the same bits whatever its
 * neighbours.
 */
void field_eval(const struct field *f, struct field_work *w, const double *a, size_t n, double *h,
    double *v);
/* Returns h at one activation a[dim] of floats, as they are stored. */
double field_h(const struct field *f, struct field_work *w, const float *a);
/*
 * Sets v[dim] to the vector of a field that is the same everywhere. Returns 0,
 * or -1 with a message in e if it is not.
 */
int field_vector(const struct field *f, double *v, struct err *e);
/* Returns the greatest T of a map. */
double field_T_most(const struct field_type *type);
/* Returns |v|, which is 1 for unit flows, or the speed of a gradient flow. */
double field_speed(const struct field *f);
/* Maps: moves a[n][dim], for any n, as the member `apply' does. */
void field_apply(const struct field *f, struct field_work *w, double *a, size_t n, double T);

/*
 * For the load functions of lib/field/: read the number `name' of r, any
 * number, a positive one, or an integer from least to most. They return 0, or
 * -1 with a message in e that names the number.
 */
int field_load_number(const struct record *r, const char *name, double *v, struct err *e);
int field_load_positive(const struct record *r, const char *name, double *v, struct err *e);
int field_load_integer(const struct record *r, const char *name, int64_t least, int64_t most,
    int64_t *v, struct err *e);
/* Reads the parameters of a polynomial kernel likewise. */
int field_load_polynomial(const struct record *r, unsigned *degree, double *gamma, double *coef0,
    struct err *e);
/*
 * Reads an array of n numbers, which the caller frees. Returns NULL with a
 * message in e. The array is no longer than the file, whatever n is: read it
 * before allocating anything else whose size only the file says.
 */
double *field_load_array(const struct record *r, const char *name, size_t n, struct err *e);

/*
 * Write intercept and log_prior_ratio of f to r, or read them. Return 0, or -1:
 * out of memory, or with a message in e.
 */
int field_save_offsets(const struct field *f, struct record *r);
int field_load_offsets(struct field *f, const struct record *r, struct err *e);

#endif
