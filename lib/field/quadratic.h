/*
 * quadratic - fields whose h is a quadratic form of the activation's direction:
 *
 *   h(y) = x'Qx + q.x + c,   x = y / (|y| + 1e-12),   Q symmetric
 *
 * Q is a matrix, or given by some of its eigenvectors: Q = V' diag(lambda) V.
 *
 * polysketch and polykernel are of this form if their degree is 2. Their fit
 * and load describe the field by a struct quadratic; field.c evaluates it and
 * krylov.h shortens its flows.
 */
#ifndef ODESTEER_QUADRATIC_H
#define ODESTEER_QUADRATIC_H

#include <stddef.h>

#include "field/matrix.h"
#include "field/sketch.h"

struct quadratic {
	size_t dim;
	/* Q, or else V and lambda; all NULL: there is a sketch */
	double *Q;		/* [dim][dim] */
	double *V, *lambda;	/* [rank][dim], [rank] */
	size_t rank;
	double *q;		/* [dim] */
	double c;
	/* in single precision: Q or V, or else a sketch of Q */
	struct matrix *matrix;
	struct sketch *sketch;
};

/*
 * Allocates a form whose numbers are zero, without Q. Returns NULL if out of
 * memory.
 */
struct quadratic *quadratic_alloc(size_t dim);
/* Sets matrix from Q or V. Returns 0, or -1 if out of memory. */
int quadratic_set_single(struct quadratic *f);
void quadratic_free(struct quadratic *f);	/* and its members; NULL is fine */

/* Allocates the memory of the calls below, for one thread, or returns NULL. */
struct quadratic_work *quadratic_work_alloc(const struct quadratic *f);
void quadratic_work_free(struct quadratic_work *w);	/* NULL is fine */

/*
 * Sets h[n] and grad[n][dim] = grad h at y[n][dim], n <= FIELD_BATCH; either
 * may be NULL. If `single', by products in single precision, which are good to
 * 1e-6; otherwise by Q or V.
 */
void quadratic_eval(const struct quadratic *f, struct quadratic_work *w, const double *y,
    size_t n, double *h, double *grad, int single);
/* Sets Qx[n][dim] to Q x[n][dim], n <= FIELD_BATCH, in single precision. */
void quadratic_multiply(const struct quadratic *f, struct quadratic_work *w, const float *x,
    size_t n, float *Qx);

#endif
