/*
 * solver - one file per integrator behind one vtable: fixed steps of da/dt = v(a).
 *
 * Source: the paper's section 4 (euler, ten steps). rk4 is the classical rule, rk4-3/8
 * Kutta's 3/8 rule, which the reference implementation calls rk4.
 */
#ifndef ODESTEER_SOLVER_H
#define ODESTEER_SOLVER_H

#include <stddef.h>

#include "field.h"

struct solver {
	const char *name;	/* as given to -s */
	const char *about;	/* one line for -s help */
	unsigned order;		/* of the global error */
	unsigned stages;	/* evaluations of v in a step, and vectors of memory for each row */
	/*
	 * One step of length dt for y[n][dim] in place. k: stages blocks of
	 * [n][dim]; tmp: one more.
	 */
	void (*step)(const struct field *f, struct field_work *w, double *y, size_t n, double dt,
	    double *k, double *tmp);
};

const struct solver *solver_find(const char *name);		/* NULL: no such solver */
const struct solver *const *solver_table(void);			/* NULL-terminated, static */

#endif
