/*
 * solver - one file per integrator of da/dt = v(a) behind one vtable.
 *
 * A new solver is one file in lib/flow/ with one const struct solver, and two
 * lines in solver.c: its declaration and its place in the table. The contract tests
 * find it there.
 *
 * Source: the paper's section 4 (euler, ten steps). rk4 is the classical rule, rk4-3/8
 * Kutta's 3/8 rule, which the reference implementation calls rk4. The adaptive ones are
 * GSL's.
 */
#ifndef ODESTEER_SOLVER_H
#define ODESTEER_SOLVER_H

#include <stddef.h>

#include "base/err.h"
#include "field/field.h"

/* One activation on its way, for adaptive solvers. */
struct trajectory {
	const struct field *f;
	struct field_work *w;
	double *y;		/* [dim] moved in place */
	double T;		/* negative: against the field */
	double level;		/* stop where h is this much; infinity: never */
	double length;		/* set: way gone */
	unsigned steps;		/* set: steps taken */
};

struct solver {
	const char *name;	/* as given to -s */
	const char *about;	/* one line for -s help */
	unsigned order;		/* of the global error */
	unsigned stages;	/* evaluations of v in a step, where steps are fixed */
	/*
	 * Fixed steps: moves y[n][dim] by one of length dt, n <= FIELD_BATCH. mem: stages + 1 blocks of
	 * [n][dim]. NULL where steps are adaptive.
	 */
	void (*step)(const struct solver *s, const struct field *f, struct field_work *w, double *y,
	    size_t n, double dt, double *mem);
	/* Adaptive: a state for dim numbers (NULL: out of memory), and the way of one activation. */
	void *(*adapt_alloc)(const struct solver *s, size_t dim, double tolerance);
	void (*adapt_free)(void *state);
	int (*adapt)(void *state, struct trajectory *p, struct err *e);	/* 0, -1 */
	const void *data;	/* the file's own */
};

const struct solver *solver_find(const char *name);		/* NULL: no such solver */
const struct solver *const *solver_table(void);			/* NULL-terminated, static */

/*
 * Finds the fraction of a step, in (0, 1], at which h first reaches `level`, to 1/1000 of the step and
 * on the far side of the level; h at its full length, h_end, must be >= level. step(ctx, f) does the step
 * from its start, scaled by f, and returns h; the last one done is that of the fraction returned.
 */
double solver_crossing(double (*step)(void *ctx, double fraction), void *ctx, double h_begin,
    double h_end, double level);

#endif
