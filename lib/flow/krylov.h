/*
 * krylov - equal steps along a quadratic field, in the few dimensions needed.
 *
 * If h = x'Qx + q.x + c with x = a / |a|, every step from an activation a, by
 * any solver, stays in a plus the span of the powers of Q on a and on q. The
 * path bends little, so the first few powers suffice: they span a Krylov space
 * of 8 dimensions, in which the field has the same form. Each power of Q on a
 * costs one product with Q; steps in the space cost none.
 *
 * It pays for the activations of large models: ten Euler steps of the paper's
 * field take 0.09 ms at d = 4096, but 0.47 ms with one product per step.
 *
 * Source: Lanczos 1950; Saad, Iterative Methods for Sparse Linear Systems, 6.6.
 * The reduction of this field is ours.
 */
#ifndef ODESTEER_KRYLOV_H
#define ODESTEER_KRYLOV_H

#include "field/field.h"
#include "flow/solver.h"

/*
 * Bound on the error of a moved activation, as a fraction of |T|. It is
 * estimated, not proved. The error of ten Euler steps is hundreds of times
 * larger.
 */
#define KRYLOV_ERROR 1e-5

struct krylov;

/*
 * Returns whether krylov_move can do, and pays for, flows along f in `steps`
 * equal steps of solver s.
 */
int krylov_fits(const struct field *f, const struct solver *s, unsigned steps);
/*
 * Allocates the memory for flows of length T, of either sign, for which
 * krylov_fits. f is borrowed. Returns NULL if out of memory.
 */
struct krylov *krylov_alloc(const struct field *f, const struct solver *s, unsigned steps,
    double T);
void krylov_free(struct krylov *k);	/* NULL is fine */
/*
 * Moves in place those rows of y[n][dim], n <= FIELD_BATCH, whose path fits in
 * a Krylov space, and sets moved[i] to whether row i was one. For these, it
 * sets h_before[i] and h_after[i] to h at both ends. A row gets the same bits
 * whatever its neighbours.
 */
void krylov_move(struct krylov *k, double *y, size_t n, int *moved, double *h_before,
    double *h_after);

#endif
