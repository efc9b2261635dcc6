/*
 * flow - activations moved along a barrier's vector field, or mapped.
 *
 * Source: ODESteer (arXiv 2602.17560), section 4: v = grad h / (|grad h| + 1e-10) is the
 * unit vector field, da/dt = v(a), t in [0, T], solved in steps. That it may stop
 * where h reaches a level, and leaves alone what is there already, is new here.
 */
#ifndef ODESTEER_FLOW_H
#define ODESTEER_FLOW_H

#include <stddef.h>

#include "base/err.h"
#include "field/barrier.h"
#include "flow/solver.h"
#include "flow/strength.h"

/* Options that not every flow has a use for. */
enum { FLOW_STEPS = 1, FLOW_SOLVER = 2, FLOW_TOLERANCE = 4 };

struct flow_options {
	struct strength T;
	unsigned steps;			/* of solvers with fixed steps */
	const struct solver *solver;
	double tolerance;		/* of adaptive solvers, absolute and in each coordinate */
	double until;			/* stop at this quantile of the positives' h, in [0, 1]; < 0: never */
	unsigned threads;		/* > 0 */
	unsigned given;			/* FLOW_... that a user chose: one that would have no effect is refused */
};
void flow_options_default(struct flow_options *o);

/* What became of one activation. */
struct flow_result {
	double h_before, h_after;	/* where asked for; NaN: the field has no h */
	double length;			/* distance gone, in activation units: |T| |v| unless it stopped before */
	unsigned steps;
};

/*
 * A flow and the memory it needs (no allocation happens in flow_apply, but for
 * what GSL's adaptive solvers do). The barrier is borrowed. NULL: out of memory, or options that
 * this field has no use for.
 */
struct flow;
struct flow *flow_alloc(const struct barrier *b, const struct flow_options *o, struct err *e);
void flow_free(struct flow *f);		/* NULL is fine */
double flow_length(const struct flow *f);	/* T; of a map the share of the way */
/*
 * Moves act[n][dim] in place; result[n] may be NULL, and
 * gets h at both ends only with_h. The same numbers for an activation whatever
 * its neighbours. 0, or -1 when a result is not finite or an adaptive solver failed;
 * flow_failed then tells at which row.
 */
int flow_apply(struct flow *f, float *act, size_t n, struct flow_result *result, int with_h,
    struct err *e);
size_t flow_failed(const struct flow *f);	/* of act, the first is 0 */

#endif
