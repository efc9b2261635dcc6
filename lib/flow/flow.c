#include "flow/flow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/parallel.h"
#include "flow/krylov.h"

void
flow_options_default(struct flow_options *o)
{
	*o = (struct flow_options){ .T = { STRENGTH_UNSET, 0 }, .steps = 10, .solver = solver_find("euler"),
	    .tolerance = 1e-4, .until = -1, .threads = 1 };
}

/* What it takes to follow one field. */
struct way {
	const struct field *field;
	struct field_work *work, *exact;	/* of steps; of the h that is reported */
	double *k, *tmp;		/* [stages][panel][dim], [panel][dim] */
	double *start;			/* [dim] where a step began */
	void *adaptive;			/* the solver's state */
};

/* What one thread needs. */
struct lane {
	struct way whole;		/* along the barrier's field */
	struct krylov *subspace;	/* NULL: the field is not one for it */
	struct way small[FIELD_BATCH];	/* along the fields in it, */
	struct way joined;		/* several at a time */
	double *y;			/* [panel][dim] */
	size_t failed;			/* the row that failed, of those it was given */
	struct err err;
};

struct flow {
	const struct barrier *b;
	const struct solver *solver;
	double length, level;		/* T, signed; h to stop at, infinity: none */
	double speed;			/* |v| */
	unsigned steps;
	struct lane *lane;
	unsigned lanes;
	size_t failed;			/* the row that flow_apply failed at */
};

/* T in the field's unit. */
static int
set_length(struct flow *f, struct strength T, struct err *e)
{
	const struct field_type *type = f->b->field->type;

	if (type->kind == FIELD_MAP) {
		f->length = T.how == STRENGTH_UNSET ? 1 : T.value;
		if ((T.how != STRENGTH_UNSET && T.how != STRENGTH_LENGTH) || f->length < 0 || f->length > 1)
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
	double at = until * (FIT_QUANTILES - 1);
	size_t i = (size_t)fmin(fmax(at, 0), FIT_QUANTILES - 2);

	f->level = INFINITY;
	if (until < 0)
		return 0;
	if (type->kind == FIELD_MAP)
		return err_set(e, "'%s' is a map, not a flow: it cannot stop on the way", type->name);
	if (f->length < 0)
		return err_set(e, "a flow of negative length leads away from the positives: it has no use for --until");
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

static void
way_release(const struct flow *f, struct way *w)
{
	field_work_free(w->work);
	field_work_free(w->exact);
	if (w->adaptive != NULL)
		f->solver->adapt_free(w->adaptive);
	free(w->k);
	free(w->tmp);
	free(w->start);
}

static int
way_init(const struct flow *f, struct way *w, const struct field *field, double tolerance)
{
	size_t size = FIELD_BATCH * field->dim;

	w->field = field;
	w->work = field_work_alloc_single(field);
	w->exact = field_work_alloc(field);
	w->k = calloc(f->solver->stages * size + 1, sizeof *w->k);
	w->tmp = calloc(size, sizeof *w->tmp);
	w->start = calloc(field->dim, sizeof *w->start);
	if (f->solver->adapt != NULL && field->type->kind != FIELD_MAP &&
	    (w->adaptive = f->solver->adapt_alloc(f->solver, field->dim, tolerance)) == NULL)
		return -1;
	return w->work == NULL || w->exact == NULL || w->k == NULL || w->tmp == NULL || w->start == NULL ? -1 : 0;
}

/* The subspace costs some products, and so do few steps. */
static int
wants_subspace(const struct flow *f)
{
	return krylov_fits(f->b->field) && (f->solver->adapt != NULL || isfinite(f->level) ||
	    f->steps * f->solver->evaluations > 3);
}

/* Are steps the same for all activations? */
static int
in_step(const struct flow *f)
{
	return f->solver->adapt == NULL && !isfinite(f->level);
}

static int
lane_init(const struct flow *f, struct lane *l, double tolerance)
{
	const struct field *field = f->b->field;
	size_t i;

	if ((l->y = calloc(FIELD_BATCH * field->dim, sizeof *l->y)) == NULL ||
	    way_init(f, &l->whole, field, tolerance) != 0)
		return -1;
	if (!wants_subspace(f))
		return 0;
	if ((l->subspace = krylov_alloc(field)) == NULL)
		return -1;
	for (i = 0; i < FIELD_BATCH; i++)
		if (way_init(f, &l->small[i], krylov_field(l->subspace, i), tolerance) != 0)
			return -1;
	return in_step(f) ? way_init(f, &l->joined, krylov_joined(l->subspace), tolerance) : 0;
}

struct flow *
flow_alloc(const struct barrier *b, const struct flow_options *o, struct err *e)
{
	struct flow *f = calloc(1, sizeof *f);
	unsigned t;

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
	if ((f->speed = field_speed(b->field)) < 0 || (f->lane = calloc(o->threads, sizeof *f->lane)) == NULL)
		goto memory;
	for (t = 0; t < o->threads; t++) {
		f->lanes++;
		if (lane_init(f, &f->lane[t], o->tolerance) != 0)
			goto memory;
	}
	return f;
memory:
	err_memory(e);
	flow_free(f);
	return NULL;
}

void
flow_free(struct flow *f)
{
	unsigned t, i;

	if (f == NULL)
		return;
	for (t = 0; t < f->lanes; t++) {
		way_release(f, &f->lane[t].whole);
		for (i = 0; i < FIELD_BATCH; i++)
			way_release(f, &f->lane[t].small[i]);
		way_release(f, &f->lane[t].joined);
		krylov_free(f->lane[t].subspace);
		free(f->lane[t].y);
	}
	free(f->lane);
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

/* A share of a step from w->start. */
struct again {
	const struct solver *solver;
	struct way *w;
	double *y, dt;
};

static double
again(void *ctx, double share)
{
	struct again *g = ctx;
	struct way *w = g->w;
	double h;

	memcpy(g->y, w->start, w->field->dim * sizeof *g->y);
	g->solver->step(w->field, w->work, g->y, 1, share * g->dt, w->k, w->tmp);
	field_eval(w->field, w->work, g->y, 1, &h, NULL);
	return h;
}

/* Fixed steps of one activation until h reaches the level. */
static void
steps_until(const struct flow *f, struct way *w, double *y, double h, struct flow_result *r)
{
	double dt = f->length / f->steps, next;

	while (r->steps < f->steps) {
		memcpy(w->start, y, w->field->dim * sizeof *y);
		f->solver->step(w->field, w->work, y, 1, dt, w->k, w->tmp);
		field_eval(w->field, w->work, y, 1, &next, NULL);
		r->steps++;
		if (next >= f->level) {
			struct again g = { f->solver, w, y, dt };

			r->length += f->speed * fabs(dt) * solver_land(again, &g, h, next, f->level);
			return;
		}
		r->length += f->speed * fabs(dt);
		h = next;
	}
}

/* What has to be done one activation at a time: stops, and steps of its own choice. */
static int
follow_one(const struct flow *f, struct way *w, double *y, struct flow_result *r, struct err *e)
{
	struct trajectory p = { .f = w->field, .w = w->work, .y = y, .T = f->length, .level = f->level };
	double h = -INFINITY;

	r->length = 0;
	r->steps = 0;
	if (isfinite(f->level))
		field_eval(w->field, w->work, y, 1, &h, NULL);
	if (h >= f->level)
		return 0;
	if (w->adaptive == NULL) {
		steps_until(f, w, y, h, r);
		return 0;
	}
	if (f->solver->adapt(w->adaptive, &p, e) != 0)
		return -1;
	r->length = f->speed * p.length;
	r->steps = p.steps;
	return 0;
}

static void
density(struct way *w, const double *y, size_t n, int after, struct flow_result *r)
{
	double h[FIELD_BATCH];
	size_t i;

	if (w->field->type->has_h)
		field_eval(w->field, w->exact, y, n, h, NULL);
	for (i = 0; i < n; i++)
		*(after ? &r[i].h_after : &r[i].h_before) = w->field->type->has_h ? h[i] : NAN;
}

/* A map may leave an activation where it is. */
static void
map(const struct flow *f, struct way *w, double *y, size_t n, struct flow_result *r)
{
	size_t dim = w->field->dim, i, j;

	memcpy(w->tmp, y, n * dim * sizeof *y);
	field_apply(w->field, w->work, y, n, f->length);
	for (i = 0; i < n; i++) {
		double *way = w->tmp + i * dim;

		for (j = 0; j < dim; j++)
			way[j] -= y[i * dim + j];
		r[i].length = sqrt(dot(way, way, dim));
		r[i].steps = r[i].length > 0;
	}
}

static void
equal_steps(const struct flow *f, struct way *w, double *y, size_t n)
{
	unsigned step;

	for (step = 0; step < f->steps; step++)
		f->solver->step(w->field, w->work, y, n, f->length / f->steps, w->k, w->tmp);
}

static void
all_steps(const struct flow *f, struct flow_result *r)
{
	r->length = f->speed * fabs(f->length);
	r->steps = f->steps;
}

/* y[n][dim] along the way's field, or mapped, n <= FIELD_BATCH; -1: *failed of them did */
static int
follow(const struct flow *f, struct way *w, double *y, size_t n, struct flow_result *r, int with_h, size_t *failed,
    struct err *e)
{
	size_t i;

	if (with_h)
		density(w, y, n, 0, r);
	if (w->field->type->kind == FIELD_MAP) {
		map(f, w, y, n, r);
	} else if (in_step(f)) {
		equal_steps(f, w, y, n);
		for (i = 0; i < n; i++)
			all_steps(f, r + i);
	} else {
		for (i = 0; i < n; i++)
			if (follow_one(f, w, y + i * w->field->dim, &r[i], e) != 0) {
				*failed = i;
				return -1;
			}
	}
	if (with_h)
		density(w, y, n, 1, r);
	return 0;
}

/* Activations which[n] of those in the subspace, at z, by steps that are the same for all. */
static void
follow_joined(const struct flow *f, struct lane *l, const size_t *which, size_t n, double *z, struct flow_result *r,
    int with_h)
{
	double y[KRYLOV_DIM * KRYLOV_LANES];
	size_t i, m;

	for (i = 0; with_h && i < n; i++)
		density(&l->small[which[i]], z + which[i] * KRYLOV_DIM, 1, 0, r + which[i]);
	for (i = 0; i < n; i += m) {
		m = n - i < KRYLOV_LANES ? n - i : KRYLOV_LANES;
		/* one alone is faster, by the same operations */
		if (m == 1) {
			equal_steps(f, &l->small[which[i]], z + which[i] * KRYLOV_DIM, 1);
			continue;
		}
		krylov_join(l->subspace, which + i, m, z, y);
		equal_steps(f, &l->joined, y, 1);
		krylov_part(y, which + i, m, z);
	}
	for (i = 0; i < n; i++)
		all_steps(f, r + which[i]);
	for (i = 0; with_h && i < n; i++)
		density(&l->small[which[i]], z + which[i] * KRYLOV_DIM, 1, 1, r + which[i]);
}

/* Up to FIELD_BATCH activations in l->y. */
static int
move(const struct flow *f, struct lane *l, size_t n, struct flow_result *r, int with_h, size_t *failed)
{
	size_t dim = f->b->field->dim, which[FIELD_BATCH], joined = 0, i, nowhere;
	double z[FIELD_BATCH * KRYLOV_DIM];
	int inside[FIELD_BATCH];

	if (l->subspace == NULL)
		return follow(f, &l->whole, l->y, n, r, with_h, failed, &l->err);
	krylov_enter(l->subspace, l->y, n, f->length, z, inside);
	for (i = 0; i < n; i++) {
		*failed = i;
		if (inside[i] && in_step(f))
			which[joined++] = i;
		else if (follow(f, inside[i] ? &l->small[i] : &l->whole,
		    inside[i] ? z + i * KRYLOV_DIM : l->y + i * dim, 1, r + i, with_h, &nowhere, &l->err) != 0)
			return -1;
	}
	follow_joined(f, l, which, joined, z, r, with_h);
	for (i = 0; i < n; i++)
		if (inside[i])
			krylov_leave(l->subspace, i, z + i * KRYLOV_DIM, l->y + i * dim);
	return 0;
}

static int
lane_apply(const struct flow *f, struct lane *l, float *act, size_t n, struct flow_result *result, int with_h)
{
	struct flow_result r[FIELD_BATCH];
	size_t dim = f->b->field->dim, i, j, m;

	for (i = 0; i < n; i += m) {
		size_t failed = 0;

		m = n - i < FIELD_BATCH ? n - i : FIELD_BATCH;
		for (j = 0; j < m * dim; j++)
			l->y[j] = (double)act[i * dim + j];
		if (move(f, l, m, r, with_h, &failed) != 0) {
			l->failed = i + failed;
			return -1;
		}
		if (result != NULL)
			memcpy(result + i, r, m * sizeof *r);
		for (j = 0; j < m * dim; j++) {
			act[i * dim + j] = (float)l->y[j];
			if (!isfinite(act[i * dim + j])) {
				l->failed = i + j / dim;
				return err_set(&l->err, "the activation is not finite once steered");
			}
		}
	}
	return 0;
}

/* Activations for all lanes. */
struct load {
	struct flow *f;
	float *act;
	size_t n, share;		/* of a lane */
	struct flow_result *result;
	int with_h;
};

static void
carry(void *ctx, unsigned t, unsigned lanes)
{
	const struct load *d = ctx;
	size_t from = t * d->share < d->n ? t * d->share : d->n, n = d->n - from < d->share ? d->n - from : d->share;

	(void)lanes;
	d->f->lane[t].failed = d->n;
	lane_apply(d->f, &d->f->lane[t], d->act + from * d->f->b->field->dim, n,
	    d->result != NULL ? d->result + from : NULL, d->with_h);
}

int
flow_apply(struct flow *f, float *act, size_t n, struct flow_result *result, int with_h, struct err *e)
{
	unsigned lanes = n < f->lanes ? n > 0 ? (unsigned)n : 1 : f->lanes, t;
	struct load d = { f, act, n, (n + lanes - 1) / lanes, result, with_h };

	parallel_run(carry, &d, lanes);
	for (t = 0; t < lanes; t++)
		if (f->lane[t].failed < n) {
			*e = f->lane[t].err;
			f->failed = t * d.share + f->lane[t].failed;
			return -1;
		}
	return 0;
}
