#include "flow.h"

#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int
strength_parse(struct strength *s, const char *text)
{
	char *end;

	if (strcmp(text, "auto") == 0) {
		*s = (struct strength){ STRENGTH_AUTO, 0 };
		return 0;
	}
	errno = 0;
	s->value = strtod(text, &end);
	s->how = end != text && *end == 'r' ? STRENGTH_RELATIVE : STRENGTH_LENGTH;
	end += s->how == STRENGTH_RELATIVE;
	return end == text || *end != '\0' || errno == ERANGE || !isfinite(s->value) || s->value < 0 ? -1 : 0;
}

/* |v|: how fast a flow goes. A negative number: out of memory. */
static double
speed(const struct field *f)
{
	double *v, norm;

	if (f->type->kind != FIELD_CONSTANT_FLOW)
		return 1;
	if ((v = calloc(f->dim, sizeof *v)) == NULL)
		return -1;
	field_vector(f, v, NULL);
	norm = cblas_dnrm2((int)f->dim, v, 1);
	free(v);
	return norm;
}

int
strength_length(struct strength T, const struct barrier *b, double *length, struct err *e)
{
	double v = speed(b->field);

	if (v < 0)
		return err_memory(e);
	*length = T.value;
	switch (T.how) {
	case STRENGTH_UNSET:
		*length = b->field->type->kind == FIELD_UNIT_FLOW ? 5 : 1;
		break;
	case STRENGTH_LENGTH:
		break;
	case STRENGTH_RELATIVE:
		*length *= v > 0 ? b->act_norm / v : 0;
		break;
	case STRENGTH_AUTO:
		if (isnan(*length = b->T_auto))
			return err_set(e, "the barrier proposes no length: -T auto cannot be had of it");
		break;
	}
	return 0;
}

void
flow_options_default(struct flow_options *o)
{
	*o = (struct flow_options){ .T = { STRENGTH_UNSET, 0 }, .steps = 10, .solver = solver_find("euler"),
	    .tolerance = 1e-4, .until = -1 };
}

struct flow {
	const struct barrier *b;
	const struct solver *solver;
	struct field_work *work;
	double length, level;		/* T; h to stop at, infinity: none */
	double speed;			/* |v| */
	unsigned steps;
	double *y, *k, *tmp;		/* [panel][dim], [stages][panel][dim], [panel][dim] */
	double *start;			/* [dim] where a step began */
	void *adaptive;			/* the solver's state */
	size_t failed;			/* the row that flow_apply failed at */
};

/* T in the field's unit. */
static int
set_length(struct flow *f, struct strength T, struct err *e)
{
	const struct field_type *type = f->b->field->type;

	if (type->kind == FIELD_MAP) {
		f->length = T.how == STRENGTH_UNSET ? 1 : T.value;
		if ((T.how != STRENGTH_UNSET && T.how != STRENGTH_LENGTH) || f->length > 1)
			return err_set(e, "'%s' is a map, not a flow: its T is the share of the way, from 0 to 1",
			    type->name);
		return 0;
	}
	return strength_length(T, f->b, &f->length, e);
}

/* The level of h that --until names. */
static int
set_level(struct flow *f, double until, struct err *e)
{
	const struct field_type *type = f->b->field->type;
	double at = until * (FIELD_QUANTILES - 1);
	size_t i = (size_t)fmin(fmax(at, 0), FIELD_QUANTILES - 2);

	f->level = INFINITY;
	if (until < 0)
		return 0;
	if (type->kind == FIELD_MAP)
		return err_set(e, "'%s' is a map, not a flow: it cannot stop on the way", type->name);
	f->level = f->b->quantile[i] + (at - (double)i) * (f->b->quantile[i + 1] - f->b->quantile[i]);
	return isnan(f->level) ? err_set(e, "the barrier does not know the positives' h: no level to stop at") : 0;
}

/* What was chosen must matter. */
static int
check_given(const struct field_type *type, const struct flow_options *o, struct err *e)
{
	static const struct {
		const char *name;
		unsigned bit;
	} of_flows[] = { { "-n", FLOW_STEPS }, { "-s", FLOW_SOLVER }, { "--tolerance", FLOW_TOLERANCE } };
	size_t i;

	for (i = 0; type->kind == FIELD_MAP && i < sizeof of_flows / sizeof *of_flows; i++)
		if (o->given & of_flows[i].bit)
			return err_set(e, "'%s' is a map, not a flow: it has no use for %s", type->name, of_flows[i].name);
	if (o->solver->adapt != NULL && o->given & FLOW_STEPS)
		return err_set(e, "'%s' chooses its own steps: it has no use for -n", o->solver->name);
	if (o->solver->adapt == NULL && o->given & FLOW_TOLERANCE)
		return err_set(e, "'%s' takes equal steps: it has no use for --tolerance", o->solver->name);
	return 0;
}

struct flow *
flow_alloc(const struct barrier *b, const struct flow_options *o, struct err *e)
{
	struct flow *f = calloc(1, sizeof *f);
	size_t size = FIELD_PANEL * b->field->dim;

	if (f == NULL)
		goto memory;
	f->b = b;
	f->solver = o->solver;
	f->steps = o->steps;
	if (check_given(b->field->type, o, e) != 0 || set_length(f, o->T, e) != 0 ||
	    set_level(f, o->until, e) != 0) {
		flow_free(f);
		return NULL;
	}
	if ((f->speed = speed(b->field)) < 0)
		goto memory;
	f->work = field_work_alloc(b->field);
	f->y = calloc(size, sizeof *f->y);
	f->k = calloc(f->solver->stages * size + 1, sizeof *f->k);
	f->tmp = calloc(size, sizeof *f->tmp);
	f->start = calloc(b->field->dim, sizeof *f->start);
	if (f->work == NULL || f->y == NULL || f->k == NULL || f->tmp == NULL || f->start == NULL ||
	    (f->solver->adapt != NULL && b->field->type->kind != FIELD_MAP &&
	     (f->adaptive = f->solver->adapt_alloc(f->solver, b->field->dim, o->tolerance)) == NULL))
		goto memory;
	return f;
memory:
	err_memory(e);
	flow_free(f);
	return NULL;
}

void
flow_free(struct flow *f)
{
	if (f == NULL)
		return;
	field_work_free(f->work);
	if (f->adaptive != NULL)
		f->solver->adapt_free(f->adaptive);
	free(f->y);
	free(f->k);
	free(f->tmp);
	free(f->start);
	free(f);
}

double
flow_length(const struct flow *f)
{
	return f->length;
}

size_t
flow_failed(const struct flow *f)
{
	return f->failed;
}

/* A share of a step from f->start. */
struct again {
	struct flow *f;
	double *y, dt;
};

static double
again(void *ctx, double share)
{
	struct again *g = ctx;
	const struct field *field = g->f->b->field;
	double h;

	memcpy(g->y, g->f->start, field->dim * sizeof *g->y);
	g->f->solver->step(field, g->f->work, g->y, 1, share * g->dt, g->f->k, g->f->tmp);
	field_eval(field, g->f->work, g->y, 1, &h, NULL);
	return h;
}

/* Fixed steps of one activation until h reaches the level. */
static void
steps_until(struct flow *f, double *y, double h, struct flow_result *r)
{
	const struct field *field = f->b->field;
	double dt = f->length / f->steps, next;

	while (r->steps < f->steps) {
		memcpy(f->start, y, field->dim * sizeof *y);
		f->solver->step(field, f->work, y, 1, dt, f->k, f->tmp);
		field_eval(field, f->work, y, 1, &next, NULL);
		r->steps++;
		if (next >= f->level) {
			struct again g = { f, y, dt };

			r->length += f->speed * dt * solver_land(again, &g, h, next, f->level);
			return;
		}
		r->length += f->speed * dt;
		h = next;
	}
}

/* What has to be done one activation at a time: stops, and steps of its own choice. */
static int
follow_one(struct flow *f, double *y, struct flow_result *r, struct err *e)
{
	const struct field *field = f->b->field;
	struct path p = { .f = field, .w = f->work, .y = y, .T = f->length, .level = f->level };
	double h = -INFINITY;

	r->length = 0;
	r->steps = 0;
	if (isfinite(f->level))
		field_eval(field, f->work, y, 1, &h, NULL);
	if (h >= f->level)
		return 0;
	if (f->adaptive == NULL) {
		steps_until(f, y, h, r);
		return 0;
	}
	if (f->solver->adapt(f->adaptive, &p, e) != 0) {
		f->failed = (size_t)(y - f->y) / field->dim;
		return -1;
	}
	r->length = f->speed * p.length;
	r->steps = p.steps;
	return 0;
}

/* Up to FIELD_PANEL activations in f->y. */
static int
follow(struct flow *f, size_t n, struct flow_result *r, struct err *e)
{
	const struct field *field = f->b->field;
	unsigned step;
	size_t i;

	if (f->adaptive != NULL || isfinite(f->level)) {
		for (i = 0; i < n; i++)
			if (follow_one(f, f->y + i * field->dim, &r[i], e) != 0)
				return -1;
		return 0;
	}
	if (field->type->kind == FIELD_MAP) {
		memcpy(f->tmp, f->y, n * field->dim * sizeof *f->y);
		field_apply(field, f->work, f->y, n, f->length);
	} else {
		for (step = 0; step < f->steps; step++)
			f->solver->step(field, f->work, f->y, n, f->length / f->steps, f->k, f->tmp);
	}
	for (i = 0; i < n; i++) {
		r[i].length = f->speed * f->length;
		r[i].steps = f->steps;
		if (field->type->kind == FIELD_MAP) {
			/* which may leave an activation where it is */
			cblas_daxpy((int)field->dim, -1, f->y + i * field->dim, 1, f->tmp + i * field->dim, 1);
			r[i].length = cblas_dnrm2((int)field->dim, f->tmp + i * field->dim, 1);
			r[i].steps = r[i].length > 0;
		}
	}
	return 0;
}

static void
density(struct flow *f, size_t n, double *h)
{
	size_t i;

	if (f->b->field->type->has_h)
		field_eval(f->b->field, f->work, f->y, n, h, NULL);
	else
		for (i = 0; i < n; i++)
			h[i] = NAN;
}

int
flow_apply(struct flow *f, float *act, size_t n, struct flow_result *result, int with_h, struct err *e)
{
	struct flow_result r[FIELD_PANEL];
	double h[FIELD_PANEL];
	size_t dim = f->b->field->dim, i, j, m;

	for (i = 0; i < n; i += m) {
		m = n - i < FIELD_PANEL ? n - i : FIELD_PANEL;
		for (j = 0; j < m * dim; j++)
			f->y[j] = (double)act[i * dim + j];
		if (with_h) {
			density(f, m, h);
			for (j = 0; j < m; j++)
				r[j].h_before = h[j];
		}
		if (follow(f, m, r, e) != 0) {
			f->failed += i;
			return -1;
		}
		if (with_h) {
			density(f, m, h);
			for (j = 0; j < m; j++)
				r[j].h_after = h[j];
		}
		if (result != NULL)
			memcpy(result + i, r, m * sizeof *r);
		for (j = 0; j < m * dim; j++) {
			act[i * dim + j] = (float)f->y[j];
			if (!isfinite(act[i * dim + j])) {
				f->failed = i + j / dim;
				return err_set(e, "the activation is not finite once steered");
			}
		}
	}
	return 0;
}
