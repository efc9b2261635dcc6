/*
 * flow - moves activations along a barrier's vector field, or maps them.
 *
 * A flow solves da/dt = v(a) from t = 0 to T in steps, where v is the barrier's
 * vector field: for most, grad h / (|grad h| + 1e-10); see enum field_kind.
 *
 * Source: ODESteer (arXiv 2602.17560), section 4. New here: a flow may stop
 * where h reaches a level; activations that are above it already stay where
 * they are.
 */
#ifndef ODESTEER_FLOW_H
#define ODESTEER_FLOW_H

#include <stddef.h>

#include "base/err.h"
#include "field/barrier.h"
#include "flow/solver.h"
#include "flow/strength.h"

/* Options that have no effect on some flows. */
enum { FLOW_STEPS = 1, FLOW_SOLVER = 2, FLOW_TOLERANCE = 4 };

struct flow_options {
	struct strength T;
	unsigned steps;		/* number of equal steps; 0: that of the field */
	const struct solver *solver;
	double tolerance;	/* of adaptive solvers: absolute, per coordinate */
	/* stop at this quantile of the positives' held-out h; < 0: never */
	double until;
	unsigned threads;	/* > 0 */
	/* FLOW_... bits of the options that the user gave */
	unsigned given;
};

/* Sets *o to the field's own length and number of steps, by Euler's rule. */
void flow_options_default(struct flow_options *o);

/* The path of one activation. */
struct flow_result {
	/* h at both ends, if it was asked for; NaN: the field has no h */
	double h_before, h_after;
	/*
	 * distance along the path, or between its ends for maps and gradient
	 * flows, in units of activations
	 */
	double length;
	unsigned steps;		/* number of steps taken */
};

/*
 * Sets *level to the q-quantile, q in [0, 1], of the positives' held-out h,
 * interpolated between those that b stores. Returns 0, or -1 with a message in
 * e, which begins with the name of the option, if b has none.
 */
int flow_level(const struct barrier *b, double q, const char *option, double *level,
    struct err *e);

/* A flow and its memory. Only GSL's solvers allocate more in flow_apply. */
struct flow;

/*
 * Allocates a flow of barrier b, which is borrowed. Returns NULL with a message
 * in e if out of memory, if the barrier lacks what an option needs, or if an
 * option in o->given would have no effect.
 */
struct flow *flow_alloc(const struct barrier *b, const struct flow_options *o, struct err *e);
void flow_free(struct flow *f);		/* NULL is fine */

/* Returns T; for a map, the share of the way to the mapped point. */
double flow_length(const struct flow *f);

/*
 * Moves act[n][dim] in place and sets result[n], unless it is NULL; h_before
 * and h_after only if with_h. An activation gets the same bits whatever its
 * neighbours. Returns 0, or -1 with a message in e if a moved activation is not
 * finite or an adaptive solver failed; flow_failed says at which row.
 */
int flow_apply(struct flow *f, float *act, size_t n, struct flow_result *result, int with_h,
    struct err *e);
/* Returns the row, from 0, at which the last flow_apply failed. */
size_t flow_failed(const struct flow *f);

#endif
