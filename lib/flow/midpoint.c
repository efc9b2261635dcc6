/* midpoint - y + dt v(y + dt/2 v(y)). */
#include <string.h>

#include "flow/solver.h"

static void
step(const struct field *f, struct field_work *w, double *y, size_t n, double dt, double *k, double *tmp)
{
	field_eval(f, w, y, n, NULL, k);
	memcpy(tmp, y, n * f->dim * sizeof *tmp);
	solver_add(tmp, dt / 2, k, n, f->dim);
	field_eval(f, w, tmp, n, NULL, k);
	solver_add(y, dt, k, n, f->dim);
}

const struct solver solver_midpoint = {
	.name = "midpoint",
	.about = "explicit midpoint rule, order 2, two evaluations a step",
	.order = 2,
	.evaluations = 2,
	.stages = 1,
	.step = step,
};
