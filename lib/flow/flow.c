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
	*o = (struct flow_options){ .T = { STRENGTH_UNSET, 0 },
	    .solver = solver_find("euler"), .tolerance = 1e-4, .until = -1, .threads = 1 };
}

/* The state of one thread. */
struct worker {
	struct field_work *work;	/* for steps */
	struct field_work *exact;	/* for the h that is reported */
	struct krylov *krylov;		/* NULL: krylov_fits says no */
	void *adaptive;			/* the solver's state, or NULL */
	double *y;			/* [FIELD_BATCH][dim] */
	double *mem;			/* [stages + 1][FIELD_BATCH][dim], for steps */
	double *start;			/* [dim], y before a step */
	size_t failed;			/* row that failed, or their number; err says why */
	struct err err;
};

struct flow {
	const struct barrier *b;
	const struct field *field;	/* b's */
	const struct solver *solver;
	double length;			/* T */
	double level;			/* h to stop at; infinity: none */
	double speed;			/* see field_speed */
	unsigned steps;
	struct worker *worker;
	unsigned workers;
	size_t failed;			/* row at which flow_apply failed */
};

int
flow_level(const struct barrier *b, double q, const char *option, double *level, struct err *e)
{
	double at = q * (FIT_QUANTILES - 1);
	size_t i = (size_t)fmin(at, FIT_QUANTILES - 2);
	const double *quantile = &b->quantile[i];

	if (!b->field->type->has_h)
		return err_set(e, "%s: '%s' has no h", option, b->field->type->name);
	*level = quantile[0] + (at - (double)i) * (quantile[1] - quantile[0]);
	if (isnan(*level))
		return err_set(e, "%s: this barrier stores no quantiles of h (no groups were held "
		    "out of its fit)", option);
	return 0;
}

/* Sets f->level. Returns 0, or -1 with a message in e. */
static int
set_level(struct flow *f, double until, struct err *e)
{
	const struct field_type *type = f->b->field->type;

	f->level = INFINITY;
	if (until < 0)
		return 0;
	if (type->kind == FIELD_MAP)
		return err_set(e, "'%s' is a map, not a flow: it has no path to stop on",
		    type->name);
	if (f->length < 0 && type->has_h)
		return err_set(e,
		    "a negative T leads away from the positives: --until has no effect");
	return flow_level(f->b, until, "--until", &f->level, e);
}

/* Refuses options that would have no effect. */
static int
check_given(const struct field_type *type, const struct flow_options *o, struct err *e)
{
	static const struct {
		const char *name;
		unsigned bit;
	} of_flows[] = {
		{ "-n", FLOW_STEPS }, { "-s", FLOW_SOLVER }, { "--tolerance", FLOW_TOLERANCE }
	};
	size_t i;

	for (i = 0; i < sizeof of_flows / sizeof *of_flows; i++) {
		if (!(o->given & of_flows[i].bit))
			continue;
		if (type->kind == FIELD_MAP)
			return err_set(e, "'%s' is a map, not a flow: %s has no effect", type->name,
			    of_flows[i].name);
		if (type->kind == FIELD_CONSTANT_FLOW)
			return err_set(e, "'%s' is one vector, so that all paths are straight: %s "
			    "has no effect", type->name, of_flows[i].name);
	}
	if (o->solver->adapt != NULL && o->given & FLOW_STEPS)
		return err_set(e, "'%s' chooses its own steps: -n has no effect", o->solver->name);
	if (o->solver->adapt == NULL && o->given & FLOW_TOLERANCE)
		return err_set(e, "'%s' takes equal steps: --tolerance has no effect",
		    o->solver->name);
	return 0;
}

/* Returns whether every activation takes the same steps. */
static int
has_equal_steps(const struct flow *f)
{
	return f->solver->adapt == NULL && !isfinite(f->level);
}

static void
worker_release(const struct flow *f, struct worker *w)
{
	field_work_free(w->work);
	field_work_free(w->exact);
	krylov_free(w->krylov);
	if (w->adaptive != NULL)
		f->solver->adapt_free(w->adaptive);
	free(w->y);
	free(w->mem);
	free(w->start);
}

/* Returns 0, or -1 if out of memory. Either way, call worker_release. */
static int
worker_init(const struct flow *f, struct worker *w, double tolerance)
{
	size_t dim = f->field->dim, size = FIELD_BATCH * dim;
	/* rounding errors of single precision would be taken for curvature */
	int exact = f->solver->adapt != NULL && tolerance < 1e-6;

	w->work = exact ? field_work_alloc(f->field) : field_work_alloc_single(f->field);
	w->exact = field_work_alloc(f->field);
	w->y = calloc(size, sizeof *w->y);
	w->mem = calloc((f->solver->stages + 1) * size, sizeof *w->mem);
	w->start = calloc(dim, sizeof *w->start);
	if (w->work == NULL || w->exact == NULL || w->y == NULL || w->mem == NULL ||
	    w->start == NULL)
		return -1;
	if (f->field->type->kind == FIELD_MAP)
		return 0;
	if (f->solver->adapt != NULL) {
		w->adaptive = f->solver->adapt_alloc(f->solver, dim, tolerance);
		return w->adaptive != NULL ? 0 : -1;
	}
	if (!has_equal_steps(f) || !krylov_fits(f->field, f->solver, f->steps))
		return 0;
	w->krylov = krylov_alloc(f->field, f->solver, f->steps, f->length);
	return w->krylov != NULL ? 0 : -1;
}

struct flow *
flow_alloc(const struct barrier *b, const struct flow_options *o, struct err *e)
{
	struct flow *f = calloc(1, sizeof *f);

	if (f == NULL)
		goto memory;
	f->b = b;
	f->field = b->field;
	f->solver = o->solver;
	f->steps = o->steps > 0 ? o->steps : b->field->type->steps;
	if (f->steps == 0)
		f->steps = 10;
	if (check_given(b->field->type, o, e) != 0 ||
	    strength_length(o->T, b, &f->length, e) != 0 || set_level(f, o->until, e) != 0) {
		flow_free(f);
		return NULL;
	}
	f->speed = field_speed(b->field);
	f->worker = calloc(o->threads, sizeof *f->worker);
	if (f->worker == NULL)
		goto memory;
	while (f->workers < o->threads)
		if (worker_init(f, &f->worker[f->workers++], o->tolerance) != 0)
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
	unsigned t;

	if (f == NULL)
		return;
	for (t = 0; t < f->workers; t++)
		worker_release(f, &f->worker[t]);
	free(f->worker);
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

/* What partial_step needs to redo a step of y[dim] from w->start. */
struct partial {
	const struct flow *f;
	struct worker *w;
	double *y;
};

static double
partial_step(void *ctx, double fraction)
{
	struct partial *p = ctx;
	const struct flow *f = p->f;
	const struct field *field = f->field;
	struct worker *w = p->w;
	double h;

	memcpy(p->y, w->start, field->dim * sizeof *p->y);
	f->solver->step(f->solver, field, w->work, p->y, 1, fraction * f->length / f->steps,
	    w->mem);
	field_eval(field, w->work, p->y, 1, &h, NULL);
	return h;
}

/*
 * Moves y[dim] by equal steps until h reaches the level. h is its value before,
 * below the level.
 */
static void
move_until(const struct flow *f, struct worker *w, double *y, double h, struct flow_result *r)
{
	struct partial p = { f, w, y };
	double step = f->speed * fabs(f->length / f->steps), next;

	while (r->steps < f->steps) {
		memcpy(w->start, y, f->field->dim * sizeof *y);
		next = partial_step(&p, 1);
		r->steps++;
		if (next >= f->level) {
			r->length += step * solver_crossing(partial_step, &p, h, next, f->level);
			return;
		}
		r->length += step;
		h = next;
	}
}

/*
 * Moves one activation y[dim] by a flow that may stop, or whose solver is
 * adaptive. Returns 0, or -1 with a message in w->err.
 */
static int
move_one(const struct flow *f, struct worker *w, double *y, struct flow_result *r)
{
	struct trajectory t = {
		.f = f->field, .w = w->work, .y = y, .T = f->length, .level = f->level
	};
	double h = -INFINITY;

	r->length = 0;
	r->steps = 0;
	if (isfinite(f->level))
		field_eval(f->field, w->work, y, 1, &h, NULL);
	if (h >= f->level)
		return 0;
	if (w->adaptive == NULL) {
		move_until(f, w, y, h, r);
		return 0;
	}
	if (f->solver->adapt(w->adaptive, &t, &w->err) != 0)
		return -1;
	r->length = f->speed * t.length;
	r->steps = t.steps;
	return 0;
}

/* Moves y[n][dim] by equal steps. */
static void
move_together(const struct flow *f, struct worker *w, double *y, size_t n)
{
	unsigned step;

	for (step = 0; step < f->steps; step++)
		f->solver->step(f->solver, f->field, w->work, y, n, f->length / f->steps,
		    w->mem);
}

/* Sets h[n] to h at y[n][dim], or to NaN if the field has none. */
static void
report_h(const struct flow *f, struct worker *w, const double *y, size_t n, double *h)
{
	size_t i;

	for (i = 0; i < n; i++)
		h[i] = NAN;
	if (f->field->type->has_h)
		field_eval(f->field, w->exact, y, n, h, NULL);
}

/*
 * Moves y[n][dim], n <= FIELD_BATCH, along the field or by the map. Sets length
 * and steps of r if steps differ from row to row, and before[n] and after[n] to
 * h at both ends, if with_h. Returns the number of rows moved; if it is less
 * than n, the next row failed for the reason in w->err.
 */
static size_t
move_rows(const struct flow *f, struct worker *w, double *y, size_t n, struct flow_result *r,
    double *before, double *after, int with_h)
{
	size_t i;

	if (with_h)
		report_h(f, w, y, n, before);
	if (f->field->type->kind == FIELD_MAP)
		field_apply(f->field, w->work, y, n, f->length);
	else if (has_equal_steps(f))
		move_together(f, w, y, n);
	else
		for (i = 0; i < n; i++)
			if (move_one(f, w, y + i * f->field->dim, &r[i]) != 0)
				return i;
	if (with_h)
		report_h(f, w, y, n, after);
	return n;
}

/* Moves w->y[n][dim] likewise, by krylov_move where it can, and sets r[n]. */
static size_t
move_batch(const struct flow *f, struct worker *w, size_t n, struct flow_result *r, int with_h)
{
	double before[FIELD_BATCH], after[FIELD_BATCH];
	int moved[FIELD_BATCH] = { 0 };
	size_t i, m, done;

	for (i = 0; i < n; i++) {
		r[i].length = f->speed * fabs(f->length);
		r[i].steps = f->steps;
	}
	if (w->krylov != NULL)
		krylov_move(w->krylov, w->y, n, moved, before, after);
	for (i = 0; i < n; i += m) {
		for (m = 1; i + m < n && moved[i + m] == moved[i]; m++)
			;
		done = moved[i] ? m : move_rows(f, w, w->y + i * f->field->dim, m, r + i,
		    before + i, after + i, with_h);
		if (done < m)
			return i + done;
	}
	for (i = 0; with_h && i < n; i++) {
		r[i].h_before = before[i];
		r[i].h_after = after[i];
	}
	return n;
}

/*
 * Sets r->length to the distance of y[dim] from act[dim], where it was. An
 * activation that a map leaves where it is takes no step.
 */
static void
measure(const struct flow *f, const float *act, const double *y, struct flow_result *r)
{
	double sum = 0;
	size_t j;

	for (j = 0; j < f->field->dim; j++)
		sum += (y[j] - (double)act[j]) * (y[j] - (double)act[j]);
	r->length = sqrt(sum);
	if (f->field->type->kind == FIELD_MAP)
		r->steps = r->length > 0;
}

/* Moves act[n][dim]. Returns the number of rows moved, as move_rows does. */
static size_t
worker_apply(const struct flow *f, struct worker *w, float *act, size_t n,
    struct flow_result *result, int with_h)
{
	struct flow_result r[FIELD_BATCH];
	size_t dim = f->field->dim, i, j, m, done;
	enum field_kind kind = f->field->type->kind;
	int straight = kind == FIELD_MAP || kind == FIELD_GRADIENT_FLOW;

	for (i = 0; i < n; i += m) {
		m = n - i < FIELD_BATCH ? n - i : FIELD_BATCH;
		for (j = 0; j < m * dim; j++)
			w->y[j] = (double)act[i * dim + j];
		if ((done = move_batch(f, w, m, r, with_h)) < m)
			return i + done;
		for (j = 0; straight && j < m; j++)
			measure(f, act + (i + j) * dim, w->y + j * dim, &r[j]);
		if (result != NULL)
			memcpy(result + i, r, m * sizeof *r);
		for (j = 0; j < m * dim; j++) {
			act[i * dim + j] = (float)w->y[j];
			if (!isfinite(act[i * dim + j])) {
				err_set(&w->err, "the activation is not finite once steered");
				return i + j / dim;
			}
		}
	}
	return n;
}

/* The rows of one flow_apply. */
struct job {
	struct flow *f;
	float *act;
	size_t n;
	struct flow_result *result;
	int with_h;
};

/* Moves part t of the rows. */
static void
run(void *ctx, unsigned t, unsigned workers)
{
	const struct job *j = ctx;
	struct worker *w = &j->f->worker[t];
	size_t from = j->n * t / workers, n = j->n * (t + 1) / workers - from, moved;

	moved = worker_apply(j->f, w, j->act + from * j->f->field->dim, n,
	    j->result != NULL ? j->result + from : NULL, j->with_h);
	w->failed = moved < n ? from + moved : j->n;
}

int
flow_apply(struct flow *f, float *act, size_t n, struct flow_result *result, int with_h,
    struct err *e)
{
	unsigned workers = n < f->workers ? (unsigned)n : f->workers, t;
	struct job j = { f, act, n, result, with_h };

	if (n == 0)
		return 0;
	parallel_run(run, &j, workers);
	for (t = 0; t < workers; t++)
		if (f->worker[t].failed < n) {
			*e = f->worker[t].err;
			f->failed = f->worker[t].failed;
			return -1;
		}
	return 0;
}
