/*
 * rk4 and rk4-3/8 - Runge-Kutta of order 4 by their tableaux (Kutta 1901; Hairer,
 * Norsett, Wanner, Solving Ordinary Differential Equations I, table II.1.2). The
 * reference implementation's rk4 is the 3/8 rule.
 */
#include <string.h>

#include "flow/solver.h"

enum { STAGES = 4 };

struct tableau {
	double a[STAGES][STAGES - 1];
	double b[STAGES];
};

static const struct tableau classical = {
	{ { 0 }, { 0.5 }, { 0, 0.5 }, { 0, 0, 1 } },
	{ 1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6 }
};
static const struct tableau three_eighths = {
	{ { 0 }, { 1.0 / 3 }, { -1.0 / 3, 1 }, { 1, -1, 1 } },
	{ 1.0 / 8, 3.0 / 8, 3.0 / 8, 1.0 / 8 }
};

static void
step(const struct tableau *t, const struct field *f, struct field_work *w, double *y, size_t n, double dt,
    double *k, double *tmp)
{
	size_t size = n * f->dim, i, j;

	for (i = 0; i < STAGES; i++) {
		memcpy(tmp, y, size * sizeof *tmp);
		for (j = 0; j < i; j++)
			if (t->a[i][j] != 0)
				solver_add(tmp, dt * t->a[i][j], k + j * size, n, f->dim);
		field_eval(f, w, tmp, n, NULL, k + i * size);
	}
	for (i = 0; i < STAGES; i++)
		solver_add(y, dt * t->b[i], k + i * size, n, f->dim);
}

static void
step_classical(const struct field *f, struct field_work *w, double *y, size_t n, double dt, double *k,
    double *tmp)
{
	step(&classical, f, w, y, n, dt, k, tmp);
}

static void
step_three_eighths(const struct field *f, struct field_work *w, double *y, size_t n, double dt, double *k,
    double *tmp)
{
	step(&three_eighths, f, w, y, n, dt, k, tmp);
}

const struct solver solver_rk4 = {
	.name = "rk4",
	.about = "the classical Runge-Kutta rule, order 4, four evaluations a step",
	.order = 4,
	.evaluations = STAGES,
	.stages = STAGES,
	.step = step_classical,
};

const struct solver solver_rk4_38 = {
	.name = "rk4-3/8",
	.about = "Kutta's 3/8 rule, order 4 (what the reference implementation calls rk4)",
	.order = 4,
	.evaluations = STAGES,
	.stages = STAGES,
	.step = step_three_eighths,
};
