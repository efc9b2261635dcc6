#include "flow/solver.h"

#include <string.h>

extern const struct solver solver_euler;
extern const struct solver solver_midpoint;
extern const struct solver solver_rk4;
extern const struct solver solver_rk4_38;
extern const struct solver solver_rkf45;
extern const struct solver solver_rkck;
extern const struct solver solver_rk8pd;

static const struct solver *const table[] = {
	&solver_euler,
	&solver_midpoint,
	&solver_rk4,
	&solver_rk4_38,
	&solver_rkf45,
	&solver_rkck,
	&solver_rk8pd,
	NULL
};

const struct solver *const *
solver_table(void)
{
	return table;
}

const struct solver *
solver_find(const char *name)
{
	size_t i;

	for (i = 0; table[i] != NULL; i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

/*
 * Alternates regula falsi and bisection: h is smooth along a step but may not
 * be monotone.
 */
double
solver_crossing(double (*step)(void *ctx, double fraction), void *ctx, double h_begin,
    double h_end, double level)
{
	double lo = 0, hi = 1, h_lo = h_begin, h_hi = h_end;
	int bisect = 0;

	while (hi - lo > 1e-3) {
		double fraction = (lo + hi) / 2, h;

		if (!bisect && h_hi > h_lo)
			fraction = lo + (hi - lo) * (level - h_lo) / (h_hi - h_lo);
		/* a guess at an end of the bracket would not shrink it */
		if (fraction - lo < 5e-4)
			fraction = lo + 5e-4;
		if (hi - fraction < 5e-4)
			fraction = hi - 5e-4;
		h = step(ctx, fraction);
		if (h >= level) {
			hi = fraction;
			h_hi = h;
		} else {
			lo = fraction;
			h_lo = h;
		}
		bisect = !bisect;
	}
	step(ctx, hi);
	return hi;
}
