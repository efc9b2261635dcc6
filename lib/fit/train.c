#include "fit/train.h"

#include <float.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/parallel.h"
#include "base/simd.h"
#include "fit/folds.h"
#include "stream/wire.h"

enum {
	SMALL = 1 << 18,	/* parameters that are not worth a second thread */
	PACKED = 5,		/* bytes of a float32 in msgpack */
	REST = 1 << 20		/* bytes that everything else in a barrier may take */
};

static const double BETA1 = 0.9, BETA2 = 0.999, ADAM_EPS = 1e-8;

/* One step of Adam. */
struct move {
	struct adam *a;
	double *p;
	const double *grad;
	size_t size;
	double keep;			/* factor of p */
	double rate, scale;		/* p -= rate m / (sqrt(v) scale + epsilon) */
};

SIMD_CLONES static void
adam_range(double *restrict p, const double *restrict grad, double *restrict m, double *restrict v,
    size_t n, double keep, double rate, double scale)
{
	size_t i;

	for (i = 0; i < n; i++) {
		m[i] = BETA1 * m[i] + (1 - BETA1) * grad[i];
		v[i] = BETA2 * v[i] + (1 - BETA2) * grad[i] * grad[i];
		p[i] = keep * p[i] - rate * m[i] / (sqrt(v[i]) * scale + ADAM_EPS);
	}
}

static void
adam_part(void *ctx, unsigned part, unsigned parts)
{
	const struct move *t = ctx;
	size_t first = t->size * part / parts, end = t->size * (part + 1) / parts;

	adam_range(t->p + first, t->grad + first, t->a->m + first, t->a->v + first, end - first,
	    t->keep, t->rate, t->scale);
}

void
adam_step(struct adam *a, double *p, const double *grad, size_t size, double rate, unsigned threads)
{
	double t = (double)++a->steps;
	struct move move = { a, p, grad, size, 1 - rate * a->decay, rate / (1 - pow(BETA1, t)),
		1 / sqrt(1 - pow(BETA2, t)) };

	if (threads > 1 && size > SMALL)
		parallel_run(adam_part, &move, threads);
	else
		adam_part(&move, 0, 1);
}

double
train_clip(double *grad, size_t size, double most)
{
	double norm = sqrt(dot(grad, grad, size)), factor = most / (norm + 1e-6);
	size_t i;

	for (i = 0; factor < 1 && i < size; i++)
		grad[i] *= factor;
	return norm;
}

double
train_linear_schedule(size_t step, size_t steps)
{
	size_t rise = (steps + 19) / 20;

	return step < rise ? (double)step / (double)rise :
	    (double)(steps - step) / (double)(steps - rise);
}

/* The state of a training. */
struct run {
	const struct training *t;
	struct adam adam;
	double *grad;			/* [size] */
	double *best;			/* [size + n_running], the parameters to keep */
	size_t *order;			/* [n + n_held], examples */
	size_t batches;			/* in an epoch */
};

/* Runs one epoch. Returns the mean of its batches' losses. */
static double
run_epoch(struct run *r, unsigned epoch, unsigned epochs)
{
	const struct training *t = r->t;
	size_t k, first, end, step, steps = epochs * r->batches;
	double sum = 0;

	gsl_ran_shuffle(t->rng, r->order, t->n, sizeof *r->order);
	for (k = 0; k < r->batches; k++) {
		/* of equal size, so that none is too small for a variance */
		first = t->n * k / r->batches;
		end = t->n * (k + 1) / r->batches;
		memset(r->grad, 0, t->size * sizeof *r->grad);
		sum += (double)(end - first) *
		    t->loss(t->ctx, t->p, r->order + first, end - first, r->grad);
		if (t->clip > 0)
			train_clip(r->grad, t->size, t->clip);
		step = (epoch - 1) * r->batches + k;
		adam_step(&r->adam, t->p, r->grad, t->size,
		    t->rate * (t->schedule != NULL ? t->schedule(step, steps) : 1), t->threads);
	}
	return sum / (double)t->n;
}

/* Returns how good the parameters are on all examples that were held out. */
static struct train_score
validate(const struct run *r)
{
	const struct training *t = r->t;
	size_t i, n, end = t->n + t->n_held;
	struct train_score all = { 0, 0 }, some;

	for (i = t->n; i < end; i += n) {
		n = end - i < t->held_batch ? end - i : t->held_batch;
		some = t->validate(t->ctx, t->p, r->order + i, n);
		all.wrong += some.wrong;
		all.loss += some.loss * (double)n / (double)t->n_held;
	}
	return all;
}

static int
is_better(const struct train_score *a, const struct train_score *b)
{
	return a->wrong < b->wrong || (a->wrong == b->wrong && a->loss < b->loss);
}

/* Rounds p[n] to float32. Returns whether all numbers are finite. */
static int
round_all(double *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!(fabs(p[i]) <= FLT_MAX))
			return 0;
		p[i] = (double)(float)p[i];
	}
	return 1;
}

static int
diverged(struct err *e, unsigned epoch, const char *what)
{
	return err_set(e, "the fit diverged in epoch %u: %s is not finite (a lower --rate may "
	    "help)", epoch, what);
}

/* Runs all epochs. Returns 0, or -1 with a message in e. */
static int
run_epochs(struct run *r, struct fit_curve *c, struct err *e)
{
	const struct training *t = r->t;
	size_t bytes = (t->size + t->n_running) * sizeof *t->p;
	struct train_score first = validate(r), now, best = { SIZE_MAX, INFINITY };

	for (c->n = c->best = 0; c->n < t->epochs;) {
		double training = run_epoch(r, c->n + 1, t->epochs);

		now = validate(r);
		if (!isfinite(training) || !isfinite(now.loss))
			return diverged(e, c->n + 1, "the loss");
		c->training[c->n] = training;
		c->validation[c->n++] = now.loss;
		if (is_better(&now, &best)) {
			best = now;
			c->best = c->n;
			memcpy(r->best, t->p, bytes);
		}
		if (t->progress != NULL)
			t->progress(c->n, t->epochs, training, now.loss);
		if (t->patience > 0 && c->n - c->best >= t->patience)
			break;
	}
	memcpy(t->p, r->best, bytes);
	if (!round_all(t->p, t->size + t->n_running))
		return diverged(e, c->best, "a weight");
	if (best.loss > 10 * first.loss)
		return err_set(e, "the fit diverged: the loss on held-out groups was %.3g before "
		    "the first epoch, and is %.3g after the best (a lower --rate may help)",
		    first.loss, best.loss);
	return 0;
}

int
train(const struct training *t, struct fit_curve *curve, struct err *e)
{
	struct run r = { .t = t, .batches = (t->n + t->batch - 1) / t->batch };
	int rc;
	size_t i;

	if (t->schedule != NULL && t->epochs * r.batches == 1 && t->schedule(0, 1) == 0)
		return err_set(e, "the training would have one step, at the rate 0: more --epochs "
		    "are needed");
	r.adam.decay = t->decay;
	r.adam.m = calloc(t->size, sizeof *r.adam.m);
	r.adam.v = calloc(t->size, sizeof *r.adam.v);
	r.grad = calloc(t->size, sizeof *r.grad);
	r.best = calloc(t->size + t->n_running, sizeof *r.best);
	r.order = calloc(t->n + t->n_held, sizeof *r.order);
	if (r.adam.m == NULL || r.adam.v == NULL || r.grad == NULL || r.best == NULL ||
	    r.order == NULL) {
		rc = err_memory(e);
		goto out;
	}
	for (i = 0; i < t->n + t->n_held; i++)
		r.order[i] = i;
	rc = run_epochs(&r, curve, e);
out:
	free(r.adam.m);
	free(r.adam.v);
	free(r.grad);
	free(r.best);
	free(r.order);
	return rc;
}

int
train_check_size(const char *field, size_t dim, size_t n, struct err *e)
{
	if (n <= (WIRE_LIMIT - REST) / PACKED)
		return 0;
	return err_set(e, "the barrier of '%s' would have %zu MiB at dim %zu: more than the %d MiB "
	    "of a record", field, (n * PACKED + REST) >> 20, dim, WIRE_LIMIT >> 20);
}

int
train_hold_out(const struct fit_data *d, const struct fit_options *o, unsigned part, int *held)
{
	struct fit_options own = *o;
	struct folds k;
	int rc;
	size_t i;

	own.folds = TRAIN_PARTS;
	rc = folds_assign(&k, d, &own);
	for (i = 0; rc == 0 && i < d->n; i++)
		held[i] = k.of[i] == part;
	free(k.of);
	return rc;
}

/* Returns whether the rows held out, and the others, have both labels. */
static int
is_split(const struct fit_data *d, const int *held)
{
	int seen[2][2] = { { 0, 0 }, { 0, 0 } };
	size_t i;

	for (i = 0; i < d->n; i++)
		seen[held[i]][d->label[i] != 0] = 1;
	return seen[0][0] && seen[0][1] && seen[1][0] && seen[1][1];
}

int
train_split(const struct fit_data *d, const struct fit_options *o, int *held, struct err *e)
{
	unsigned part;

	for (part = 0; part < TRAIN_PARTS; part++) {
		if (train_hold_out(d, o, part, held) != 0)
			return err_memory(e);
		if (is_split(d, held))
			return 0;
	}
	return err_set(e, "no tenth of the groups can be held out: both it and the others must "
	    "have both labels");
}
