/*
 * solver - integrators of da/dt = v(a) behind one vtable.
 *
 * To add a solver, write a const struct solver in a file of lib/flow/, and
 * declare it and add it to the table in solver.c. The contract tests then cover
 * it.
 *
 * Source: the paper's section 4 (euler, ten steps). rk4 is the classical rule;
 * rk4-3/8 is Kutta's 3/8 rule, which the reference implementation calls rk4.
 * The adaptive solvers are GSL's.
 */
#ifndef ODESTEER_SOLVER_H
#define ODESTEER_SOLVER_H

#include <stddef.h>

#include "base/err.h"
#include "field/field.h"

/* The path of one activation, for adaptive solvers. */
struct trajectory {
	const struct field *f;
	struct field_work *w;
	double *y;		/* [dim], moved in place */
	double T;		/* negative: against the field */
	double level;		/* stop where h reaches it; infinity: never */
	double length;		/* set to the length of the path */
	unsigned steps;		/* set to the number of steps */
};

struct solver {
	const char *name;	/* as given to -s */
	const char *about;	/* one line for -s help */
	unsigned order;		/* of the global error */
	unsigned stages;	/* evaluations of v per step; adaptive: 0 */
	/*
	 * Moves y[n][dim], n <= FIELD_BATCH, by one step of length dt. mem has
	 * room for (stages + 1) n dim numbers. NULL for adaptive solvers.
	 */
	void (*step)(const struct solver *s, const struct field *f, struct field_work *w, double *y,
	    size_t n, double dt, double *mem);
	/*
	 * Adaptive solvers: allocates a state for paths of dim numbers, or
	 * returns NULL if out of memory; frees it; follows path p with it.
	 * adapt returns 0, or -1 with a message in e.
	 */
	void *(*adapt_alloc)(const struct solver *s, size_t dim, double tolerance);
	void (*adapt_free)(void *state);
	int (*adapt)(void *state, struct trajectory *p, struct err *e);
	const void *data;	/* constants of the solver's own file */
};

/* Returns the solver of this name, or NULL. */
const struct solver *solver_find(const char *name);
/* Returns all solvers: a static array that ends with NULL. */
const struct solver *const *solver_table(void);

/*
 * Finds the fraction of a step, in (0, 1], at which h first reaches `level`,
 * and returns it. step(ctx, f) redoes the step from its start, scaled by f, and
 * returns h; its last call is for the fraction returned. h is h_begin < level
 * before the step and h_end >= level after the whole step. The fraction is
 * exact to 1/1000, and h there is not below the level.
 */
double solver_crossing(double (*step)(void *ctx, double fraction), void *ctx, double h_begin,
    double h_end, double level);

#endif
