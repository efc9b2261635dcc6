/*
 * euler, midpoint, rk4, rk4-3/8 - explicit Runge-Kutta rules by their tableaux:
 *
 *   k_i = v(y + dt sum_{j<i} a_ij k_j),   y <- y + dt sum_i b_i k_i
 *
 * Source: Kutta 1901; Hairer, Norsett, Wanner, Solving Ordinary Differential
 * Equations I, table II.1.2.
 */
#include <string.h>

#include "base/simd.h"
#include "flow/solver.h"

enum { MAX_STAGES = 4 };

struct tableau {
	double a[MAX_STAGES][MAX_STAGES - 1];
	double b[MAX_STAGES];
};

/*
 * Adds a k[n] to y[n]. Not by BLAS, which rounds the end of an array
 * differently, so that a row's bits would depend on its neighbours.
 */
SIMD_CLONES static void
add_stage(double *y, double a, const double *k, size_t n)
{
	size_t i;

	#pragma omp simd
	for (i = 0; i < n; i++)
		y[i] += a * k[i];
}

static void
step(const struct solver *s, const struct field *f, struct field_work *w, double *y, size_t n,
    double dt, double *mem)
{
	const struct tableau *t = s->data;
	size_t size = n * f->dim, i, j;
	double *k = mem + size;

	for (i = 0; i < s->stages; i++) {
		memcpy(mem, y, size * sizeof *y);
		for (j = 0; j < i; j++)
			if (t->a[i][j] != 0)
				add_stage(mem, dt * t->a[i][j], k + j * size, size);
		field_eval(f, w, mem, n, NULL, k + i * size);
	}
	for (i = 0; i < s->stages; i++)
		if (t->b[i] != 0)
			add_stage(y, dt * t->b[i], k + i * size, size);
}

const struct solver solver_euler = {
	.name = "euler",
	.about = "explicit Euler, order 1, one evaluation a step (the paper's)",
	.order = 1,
	.stages = 1,
	.step = step,
	.data = &(const struct tableau){ { { 0 } }, { 1 } },
};

const struct solver solver_midpoint = {
	.name = "midpoint",
	.about = "explicit midpoint rule, order 2, two evaluations a step",
	.order = 2,
	.stages = 2,
	.step = step,
	.data = &(const struct tableau){ { { 0 }, { 0.5 } }, { 0, 1 } },
};

const struct solver solver_rk4 = {
	.name = "rk4",
	.about = "the classical Runge-Kutta rule, order 4, four evaluations a step",
	.order = 4,
	.stages = 4,
	.step = step,
	.data = &(const struct tableau){
		{ { 0 }, { 0.5 }, { 0, 0.5 }, { 0, 0, 1 } },
		{ 1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6 }
	},
};

const struct solver solver_rk4_38 = {
	.name = "rk4-3/8",
	.about = "Kutta's 3/8 rule, order 4 (what the reference implementation calls rk4)",
	.order = 4,
	.stages = 4,
	.step = step,
	.data = &(const struct tableau){
		{ { 0 }, { 1.0 / 3 }, { -1.0 / 3, 1 }, { 1, -1, 1 } },
		{ 1.0 / 8, 3.0 / 8, 3.0 / 8, 1.0 / 8 }
	},
};
