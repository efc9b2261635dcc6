/* euler - y + dt v(y): the paper's, section 4. */
#include "flow/solver.h"

static void
step(const struct field *f, struct field_work *w, double *y, size_t n, double dt, double *k, double *tmp)
{
	(void)tmp;
	field_eval(f, w, y, n, NULL, k);
	solver_add(y, dt, k, n, f->dim);
}

const struct solver solver_euler = {
	.name = "euler",
	.about = "explicit Euler, order 1, one evaluation a step (the paper's)",
	.order = 1,
	.evaluations = 1,
	.stages = 1,
	.step = step,
};
