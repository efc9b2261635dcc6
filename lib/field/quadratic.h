/*
 * quadratic - fields whose h is a quadratic form of the activation's direction:
 *
 *   h(y) = x'Qx + q.x + c,   x = y / (|y| + 1e-12),   Q symmetric.
 *
 * A field_type's fit or load describes such a field by a struct quadratic, from
 * which field.c evaluates it and krylov.h shortens its flows.
 */
#ifndef ODESTEER_QUADRATIC_H
#define ODESTEER_QUADRATIC_H

#include <stddef.h>

#include "field/matrix.h"
#include "field/sketch.h"

struct quadratic {
	size_t dim;
	double *Q;		/* [dim][dim]; NULL: too large, only the type's eval has h in double */
	double *q;		/* [dim] */
	double c;
	/* Q in single precision, one of these */
	struct matrix *matrix;
	struct sketch *sketch;
};

/*
 * Allocates a form that is zero, with a Q if `dense` and without products. Returns NULL if out of
 * memory. quadratic_free releases all that it points to; NULL is fine.
 */
struct quadratic *quadratic_alloc(size_t dim, int dense);
void quadratic_free(struct quadratic *f);

/* Allocates memory for the calls below, for one caller. Returns NULL if out of memory. */
struct quadratic_work *quadratic_work_alloc(const struct quadratic *f);
void quadratic_work_free(struct quadratic_work *w);	/* NULL is fine */

/*
 * Sets h[n] and grad[n][dim] = grad h at y[n][dim], n <= FIELD_BATCH; either may be NULL. In double by
 * Q, or with products in single precision, good to 1e-6.
 */
void quadratic_eval(const struct quadratic *f, struct quadratic_work *w, const double *y,
    size_t n, double *h, double *grad, int single);
/* Sets Qx[n][dim] to the products of x[n][dim], n <= FIELD_BATCH, in single precision. */
void quadratic_multiply(const struct quadratic *f, struct quadratic_work *w, const float *x,
    size_t n, float *Qx);

#endif
