/*
 * rkf45, rkck, rk8pd - GSL's embedded Runge-Kutta rules, which choose their
 * steps.
 *
 * Source: gsl_odeiv2. A step is as long as keeps the estimated error of each
 * coordinate below the tolerance, as with gsl_odeiv2_control_y_new(tolerance,
 * 0).
 */
#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flow/solver.h"

enum { MAX_STEPS = 100000 };

/*
 * What gsl_odeiv2_control_y_new allocates, though it crashes if it cannot. The
 * library exports it, but its header does not declare it.
 */
extern const gsl_odeiv2_control_type *gsl_odeiv2_control_standard;

struct adaptive {
	gsl_odeiv2_step *step;
	gsl_odeiv2_control *control;
	gsl_odeiv2_evolve *evolve;
	gsl_odeiv2_system system;	/* params: the struct trajectory */
	double t, dt;			/* beginning and length of the last step */
	double *start;			/* [dim], y before it */
	double *error;			/* [dim], for GSL */
};

static int
derivative(double t, const double y[], double dydt[], void *ctx)
{
	struct trajectory *p = ctx;

	(void)t;
	field_eval(p->f, p->w, y, 1, NULL, dydt);
	return GSL_SUCCESS;
}

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
	a->control = gsl_odeiv2_control_alloc(gsl_odeiv2_control_standard);
	a->evolve = gsl_odeiv2_evolve_alloc(dim);
	a->system = (gsl_odeiv2_system){ derivative, NULL, dim, NULL };
	a->start = calloc(dim, sizeof *a->start);
	a->error = calloc(dim, sizeof *a->error);
	if (a->step == NULL || a->control == NULL || a->evolve == NULL || a->start == NULL ||
	    a->error == NULL) {
		adapt_free(a);
		return NULL;
	}
	gsl_odeiv2_control_init(a->control, tolerance, 0, 1, 0);
	return a;
}

/* Redoes a fraction of the last step. Returns h after it. */
static double
partial_step(void *ctx, double fraction)
{
	struct adaptive *a = ctx;
	struct trajectory *p = a->system.params;
	double h;

	memcpy(p->y, a->start, p->f->dim * sizeof *p->y);
	gsl_odeiv2_step_reset(a->step);
	gsl_odeiv2_step_apply(a->step, a->t, fraction * a->dt, p->y, a->error, NULL, NULL,
	    &a->system);
	field_eval(p->f, p->w, p->y, 1, &h, NULL);
	return h;
}

static int
adapt(void *state, struct trajectory *p, struct err *e)
{
	struct adaptive *a = state;
	double t = 0, dt = p->T / 10, h, h_before = -INFINITY;

	a->system.params = p;
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
		a->t = t;
		memcpy(a->start, p->y, p->f->dim * sizeof *a->start);
		if (gsl_odeiv2_evolve_apply(a->evolve, a->control, a->step, &a->system, &t, p->T,
		    &dt, p->y) != GSL_SUCCESS)
			return err_set(e,
			    "the step has become too small: the field is not smooth there");
		if (!isfinite(p->level))
			continue;
		field_eval(p->f, p->w, p->y, 1, &h, NULL);
		if (h >= p->level) {
			a->dt = t - a->t;
			t = a->t + a->dt *
			    solver_crossing(partial_step, a, h_before, h, p->level);
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
