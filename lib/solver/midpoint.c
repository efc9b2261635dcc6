/* midpoint - y + dt v(y + dt/2 v(y)). */
#include <cblas.h>

#include "solver.h"

static void
step(const struct field *f, struct field_work *w, double *y, size_t n, double dt, double *k, double *tmp)
{
	int size = (int)(n * f->dim);

	field_eval(f, w, y, n, NULL, k);
	cblas_dcopy(size, y, 1, tmp, 1);
	cblas_daxpy(size, dt / 2, k, 1, tmp, 1);
	field_eval(f, w, tmp, n, NULL, k);
	cblas_daxpy(size, dt, k, 1, y, 1);
}

const struct solver solver_midpoint = {
	.name = "midpoint",
	.about = "explicit midpoint rule, order 2, two evaluations a step",
	.order = 2,
	.stages = 1,
	.step = step,
};
