/*
 * krylov - the flow of a quadratic field in the few numbers it moves in.
 *
 * With h = x'Qx + q.x + c, x = a / |a|, the way of an activation a, by any solver and any number of
 * steps, stays in a plus the span of Q's powers on a and on q. It bends little, so that a few of
 * them hold it to rounding: a Krylov space, in which the field is one of the same form of
 * KRYLOV_DIM numbers. One product with Q is paid for each power of a, and none for steps.
 *
 * Source: Lanczos 1950; Saad, Iterative Methods for Sparse Linear Systems, 6.6; the reduction of
 * this field is ours.
 */
#ifndef ODESTEER_KRYLOV_H
#define ODESTEER_KRYLOV_H

#include "field/field.h"

enum {
	KRYLOV_SHARED = 4,		/* powers of Q on q, itself included, at most; the rest are of Q on the activation */
	KRYLOV_DIM = 8,
	KRYLOV_LANES = 4		/* activations that go their ways side by side */
};
/* The way may be off by so much of its length: ten steps of Euler's rule are off hundreds of times as much. */
#define KRYLOV_ERROR 1e-5

struct krylov;

/* Is a flow along f one that this can do, and large enough for it to gain? */
int krylov_fits(const struct field *f);
/* For up to FIELD_BATCH activations at a time; f is borrowed. NULL: out of memory. */
struct krylov *krylov_alloc(const struct field *f);
void krylov_free(struct krylov *s);			/* NULL is fine */
/* The field in the subspace of activation i < FIELD_BATCH, the same struct for every activation that is there. */
const struct field *krylov_field(const struct krylov *s, size_t i);
/*
 * The subspaces for ways of length |T|, against the field where T < 0, from a[n][dim], n <= FIELD_BATCH; z[n][KRYLOV_DIM] gets where the
 * activations are in them. inside[i] = 0: the way would be off by more than KRYLOV_ERROR |T|, by
 * how fast it converges: follow the field itself. The same for an activation whatever its neighbours.
 */
void krylov_enter(struct krylov *s, const double *a, size_t n, double T, double *z, int *inside);
/*
 * The fields of up to KRYLOV_LANES activations as one, without an h: which[n] of those that are inside, whose z
 * become joined[KRYLOV_DIM][KRYLOV_LANES], until the next are joined; and back.
 */
const struct field *krylov_joined(const struct krylov *s);
void krylov_join(struct krylov *s, const size_t *which, size_t n, const double *z, double *joined);
void krylov_part(const double *joined, const size_t *which, size_t n, double *z);
/* Activation i, a[dim] as krylov_enter had it, goes the way that z[KRYLOV_DIM] has gone. */
void krylov_leave(struct krylov *s, size_t i, const double *z, double *a);

#endif
