/*
 * rkf45, rkck, rk8pd - GSL's embedded Runge-Kutta rules, which choose their
 * steps.
 *
 * Source: gsl_odeiv2. A step is as long as keeps the estimated error of each
 * coordinate below the tolerance (gsl_odeiv2_control_y_new(tolerance, 0)).
 */
#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flow/solver.h"

enum { MAX_STEPS = 100000 };

struct adaptive {
	gsl_odeiv2_step *step;
	gsl_odeiv2_control *control;
	gsl_odeiv2_evolve *evolve;
	double *start;			/* [dim], y before a step */
	double *error;			/* [dim], for GSL */
};

static void
adapt_free(void *state)
{
	struct adaptive *a = state;

	if (a == NULL)
		return;
	gsl_odeiv2_evolve_free(a->evolve);
	gsl_odeiv2_control_free(a->control);
	gsl_odeiv2_step_free(a->step);
	free(a->start);
	free(a->error);
	free(a);
}

static void *
adapt_alloc(const struct solver *s, size_t dim, double tolerance)
{
	struct adaptive *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	a->step = gsl_odeiv2_step_alloc(*(const gsl_odeiv2_step_type *const *)s->data, dim);
	a->control = gsl_odeiv2_control_y_new(tolerance, 0);
	a->evolve = gsl_odeiv2_evolve_alloc(dim);
	a->start = calloc(dim, sizeof *a->start);
	a->error = calloc(dim, sizeof *a->error);
	if (a->step == NULL || a->control == NULL || a->evolve == NULL || a->start == NULL ||
	    a->error == NULL) {
		adapt_free(a);
		return NULL;
	}
	return a;
}

static int
derivative(double t, const double y[], double dydt[], void *ctx)
{
	struct trajectory *p = ctx;

	(void)t;
	field_eval(p->f, p->w, y, 1, NULL, dydt);
	return GSL_SUCCESS;
}

/* What partial_step needs to redo the last step, of length dt from t. */
struct partial {
	struct adaptive *a;
	struct trajectory *p;
	gsl_odeiv2_system *system;
	double t, dt;
};

static double
partial_step(void *ctx, double fraction)
{
	struct partial *s = ctx;
	double h;

	memcpy(s->p->y, s->a->start, s->p->f->dim * sizeof *s->p->y);
	gsl_odeiv2_step_reset(s->a->step);
	gsl_odeiv2_step_apply(s->a->step, s->t, fraction * s->dt, s->p->y, s->a->error, NULL, NULL,
	    s->system);
	field_eval(s->p->f, s->p->w, s->p->y, 1, &h, NULL);
	return h;
}

static int
adapt(void *state, struct trajectory *p, struct err *e)
{
	struct adaptive *a = state;
	gsl_odeiv2_system system = { derivative, NULL, p->f->dim, p };
	double t = 0, dt = p->T / 10, before, h, h_before = -INFINITY;

	p->length = 0;
	p->steps = 0;
	gsl_odeiv2_step_reset(a->step);
	gsl_odeiv2_evolve_reset(a->evolve);
	if (isfinite(p->level))
		field_eval(p->f, p->w, p->y, 1, &h_before, NULL);
	while (fabs(t) < fabs(p->T)) {
		if (p->steps++ == MAX_STEPS)
			return err_set(e, "more than %d steps: the tolerance is too small for the "
			    "field", MAX_STEPS);
		before = t;
		memcpy(a->start, p->y, p->f->dim * sizeof *a->start);
		if (gsl_odeiv2_evolve_apply(a->evolve, a->control, a->step, &system, &t, p->T, &dt,
		    p->y) != GSL_SUCCESS)
			return err_set(e,
			    "the step has become too small: the field is not smooth there");
		if (!isfinite(p->level))
			continue;
		field_eval(p->f, p->w, p->y, 1, &h, NULL);
		if (h >= p->level) {
			struct partial s = { a, p, &system, before, t - before };

			t = before + s.dt *
			    solver_crossing(partial_step, &s, h_before, h, p->level);
			break;
		}
		h_before = h;
	}
	p->length = fabs(t);
	return 0;
}

#define ADAPTIVE(NAME, ORDER, ABOUT) \
	const struct solver solver_##NAME = { \
		.name = #NAME, \
		.about = ABOUT, \
		.order = ORDER, \
		.adapt_alloc = adapt_alloc, \
		.adapt_free = adapt_free, \
		.adapt = adapt, \
		.data = &gsl_odeiv2_step_##NAME, \
	}

ADAPTIVE(rkf45, 5, "Runge-Kutta-Fehlberg of order 4 and 5, adaptive (GSL)");
ADAPTIVE(rkck, 5, "Runge-Kutta-Cash-Karp of order 4 and 5, adaptive (GSL)");
ADAPTIVE(rk8pd, 8, "Runge-Kutta-Prince-Dormand of order 8 and 9, adaptive (GSL)");
