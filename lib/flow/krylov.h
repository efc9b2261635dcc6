/*
 * krylov - flows along a quadratic field in the few dimensions that they stay in.
 *
 * With h = x'Qx + q.x + c, x = a / |a|, any number of steps of any solver from an activation a stay
 * in a plus the span of the powers of Q on a and on q. The path bends little, so the first few
 * powers hold it to rounding: they span a Krylov space, in which the field has the same form with
 * 8 numbers. One product with Q is needed for each power of Q on a, and none for steps.
 *
 * It pays at the size of real models: ten Euler steps of the paper's field at d = 4096 take
 * 0.09 ms, and 0.47 ms by a product for each step.
 *
 * Source: Lanczos 1950; Saad, Iterative Methods for Sparse Linear Systems, 6.6; the reduction of
 * this field is ours.
 */
#ifndef ODESTEER_KRYLOV_H
#define ODESTEER_KRYLOV_H

#include "field/field.h"
#include "flow/solver.h"

/* A row is moved only if its error, estimated, is below this fraction of |T|; ten Euler steps are off by hundreds of times as much. */
#define KRYLOV_ERROR 1e-5

struct krylov;

/* Returns whether `steps` equal steps of solver s along f can be done so, and faster than by the field itself. */
int krylov_fits(const struct field *f, const struct solver *s, unsigned steps);
/*
 * Allocates the memory for flows of length T, of either sign, in `steps` equal steps of solver s along f, which
 * fits. f is borrowed. Returns NULL if out of memory. krylov_free: NULL is fine.
 */
struct krylov *krylov_alloc(const struct field *f, const struct solver *s, unsigned steps,
    double T);
void krylov_free(struct krylov *k);
/*
 * Moves those rows of y[n][dim], n <= FIELD_BATCH, whose path a Krylov space holds, in place. Sets moved[i] to whether row
 * i was moved; for a row that was, h_before[i] and h_after[i] to h at both ends. The same numbers for a
 * row whatever its neighbours.
 */
void krylov_move(struct krylov *k, double *y, size_t n, int *moved, double *h_before,
    double *h_after);

#endif
