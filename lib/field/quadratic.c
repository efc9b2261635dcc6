#include "field/quadratic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/simd.h"
#include "field/field.h"

struct quadratic_work {
	double *x, *u;			/* [FIELD_BATCH][dim], directions x and Qx */
	double *scratch;		/* for dot_symmetric */
	float *x_single, *u_single;	/* [FIELD_BATCH][dim], x and u */
	float *z_single;		/* [FIELD_BATCH][rank], V x */
	float *sketch;			/* for sketch_multiply */
};

struct quadratic *
quadratic_alloc(size_t dim)
{
	struct quadratic *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->dim = dim;
	if ((f->q = calloc(dim, sizeof *f->q)) != NULL)
		return f;
	quadratic_free(f);
	return NULL;
}

int
quadratic_set_single(struct quadratic *f)
{
	f->matrix = f->Q != NULL ? matrix_alloc(f->Q, f->dim, f->dim) :
	    matrix_alloc(f->V, f->rank, f->dim);
	return f->matrix != NULL ? 0 : -1;
}

void
quadratic_free(struct quadratic *f)
{
	if (f == NULL)
		return;
	free(f->Q);
	free(f->V);
	free(f->lambda);
	free(f->q);
	matrix_free(f->matrix);
	sketch_free(f->sketch);
	free(f);
}

void
quadratic_work_free(struct quadratic_work *w)
{
	if (w == NULL)
		return;
	free(w->x);
	free(w->u);
	free(w->scratch);
	free(w->x_single);
	free(w->u_single);
	free(w->z_single);
	free(w->sketch);
	free(w);
}

struct quadratic_work *
quadratic_work_alloc(const struct quadratic *f)
{
	struct quadratic_work *w = calloc(1, sizeof *w);
	size_t size = FIELD_BATCH * f->dim;

	if (w == NULL)
		return NULL;
	w->x = calloc(size, sizeof *w->x);
	w->u = calloc(size, sizeof *w->u);
	w->scratch = dot_scratch(f->dim);
	w->x_single = calloc(size, sizeof *w->x_single);
	w->u_single = calloc(size, sizeof *w->u_single);
	if (f->V != NULL)
		w->z_single = calloc(FIELD_BATCH * f->rank, sizeof *w->z_single);
	if (f->sketch != NULL)
		w->sketch = sketch_scratch(f->sketch);
	if (w->x != NULL && w->u != NULL && w->scratch != NULL && w->x_single != NULL &&
	    w->u_single != NULL && (w->z_single != NULL || f->V == NULL) &&
	    (w->sketch != NULL || f->sketch == NULL))
		return w;
	quadratic_work_free(w);
	return NULL;
}

void
quadratic_multiply(const struct quadratic *f, struct quadratic_work *w, const float *x, size_t n,
    float *Qx)
{
	size_t i;

	if (f->Q != NULL) {
		matrix_multiply(f->matrix, x, n, Qx);
	} else if (f->V != NULL) {
		matrix_multiply_transposed(f->matrix, x, n, w->z_single);
		for (i = 0; i < n * f->rank; i++)
			w->z_single[i] *= (float)f->lambda[i % f->rank];
		matrix_multiply(f->matrix, w->z_single, n, Qx);
	} else {
		for (i = 0; i < n; i++)
			sketch_multiply(f->sketch, x + i * f->dim, Qx + i * f->dim, w->sketch);
	}
}

/* Sets u[dim] to V' diag(lambda) V x. */
SIMD_CLONES static void
multiply_by_rank(const struct quadratic *f, const double *x, double *u)
{
	const double *v = f->V;
	size_t i, j;

	memset(u, 0, f->dim * sizeof *u);
	for (i = 0; i < f->rank; i++, v += f->dim) {
		double z = f->lambda[i] * dot(v, x, f->dim);

		for (j = 0; j < f->dim; j++)
			u[j] += z * v[j];
	}
}

/* Sets w->u[n][dim] to Q w->x[n][dim]. */
static void
multiply(const struct quadratic *f, struct quadratic_work *w, size_t n, int single)
{
	size_t dim = f->dim, i;

	if (single) {
		for (i = 0; i < n * dim; i++)
			w->x_single[i] = (float)w->x[i];
		quadratic_multiply(f, w, w->x_single, n, w->u_single);
		for (i = 0; i < n * dim; i++)
			w->u[i] = (double)w->u_single[i];
		return;
	}
	/*
	 * Q or V fits in cache: row by row is as fast as one product of all
	 * rows, and faster for few
	 */
	for (i = 0; i < n; i++)
		if (f->Q != NULL)
			dot_symmetric(f->Q, dim, w->x + i * dim, w->u + i * dim, w->scratch);
		else
			multiply_by_rank(f, w->x + i * dim, w->u + i * dim);
}

void
quadratic_eval(const struct quadratic *f, struct quadratic_work *w, const double *y, size_t n,
    double *h, double *grad, int single)
{
	size_t dim = f->dim, i, j;
	double scale[FIELD_BATCH];

	for (i = 0; i < n; i++) {
		scale[i] = 1 / (sqrt(dot(y + i * dim, y + i * dim, dim)) + 1e-12);
		for (j = 0; j < dim; j++)
			w->x[i * dim + j] = scale[i] * y[i * dim + j];
	}
	multiply(f, w, n, single);
	for (i = 0; i < n; i++) {
		double *x = w->x + i * dim, *u = w->u + i * dim, along;

		if (h != NULL)
			h[i] = dot(x, u, dim) + dot(x, f->q, dim) + f->c;
		if (grad == NULL)
			continue;
		for (j = 0; j < dim; j++)
			u[j] = 2 * u[j] + f->q[j];
		along = dot(x, u, dim);
		for (j = 0; j < dim; j++)
			grad[i * dim + j] = scale[i] * (u[j] - x[j] * along);
	}
}
