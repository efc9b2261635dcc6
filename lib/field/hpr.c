/*
 * hpr - Householder pseudo-rotation: turns the activations that a linear probe
 * classifies as negative towards the positive side, by an angle that a network
 * predicts. Their norms stay the same.
 *
 * The probe classifies x by the sign of w . x. Let u = x / |x|, and let e be
 * the unit vector along w - (w . u) u, so that u and e span the plane of x and
 * w. A negative x becomes
 *   |x| (cos(T g) u + sin(T g) e),  g = pi / (1 + exp(-net(x))).
 * net has four linear layers, of output widths d/2, d/4, d/8 and 1, with GELU
 * between them.
 *
 * The source computes the same point from x and its reflection at the plane
 * w . x = 0. That divides by the sine of the angle between the two, which is
 * almost 0 next to the plane, and the norm is lost there.
 *
 * Source: Pham and Nguyen 2024, with the loss and settings of the authors'
 * program. T is ours, and so is the tie-break: of epochs whose probes make
 * equally many mistakes, the one with the least loss is kept.
 */
#include <cblas.h>
#include <gsl/gsl_math.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/log1pexp.h"
#include "base/parallel.h"
#include "field/direction.h"
#include "fit/mlp.h"
#include "fit/pairs.h"
#include "fit/train.h"

enum {
	BATCH = 16,		/* pairs */
	ROWS = 2 * BATCH,
	EPOCHS = 5,
	LAYERS = 4
};

static const double RATE = 5e-4, CLIP = 1, MOST_COSINE = 1 - 1e-7;

struct hpr {
	struct field base;
	struct mlp net;
	double *p;			/* [dim + net.size]: w, then the parameters of net */
};

static void
release(struct field *base)
{
	free(((struct hpr *)base)->p);
}

/* Sets net. */
static void
set_network(struct hpr *f, size_t dim)
{
	size_t widths[LAYERS + 1] = { dim, dim / 2, dim / 4, dim / 8, 1 }, k;

	for (k = 0; k < LAYERS; k++)
		if (widths[k] == 0)
			widths[k] = 1;
	f->net = mlp(widths, LAYERS, MLP_GELU);
}

/* The state of a training, beside the parameters. */
struct rotations {
	const struct hpr *f;
	const struct fit_data *d;
	unsigned threads;
	struct pairs pairs;
	double *x;			/* [ROWS][dim]: n positives, then their n negatives */
	double *work;			/* of mlp_forward */
	/* of the rows of x */
	double label[ROWS], logit[ROWS], dlogit[ROWS];
	double target[ROWS], out[ROWS], angle[ROWS], dangle[ROWS];
};

/* Sets x[d->dim] to a row. */
static void
load_row(const struct fit_data *d, size_t row, double *x)
{
	size_t j;

	for (j = 0; j < d->dim; j++)
		x[j] = (double)d->act[row * d->dim + j];
}

/*
 * Returns the angle between x[n] and y[n]. The cosine is bounded, as in the
 * authors' program, so the angle between equal vectors is 4e-4.
 */
static double
angle_between(const double *x, const double *y, size_t n)
{
	double lengths = sqrt(dot(x, x, n) * dot(y, y, n));
	double cosine = lengths > 0 ? dot(x, y, n) / lengths : 0;

	return acos(fmax(-MOST_COSINE, fmin(MOST_COSINE, cosine)));
}

/* Loads n pairs into x, label and target. */
static void
load_pairs(struct rotations *t, const size_t *example, size_t n)
{
	size_t dim = t->d->dim, i;

	for (i = 0; i < n; i++) {
		const struct pair *pair = &t->pairs.pair[example[i]];
		double *positive = t->x + i * dim, *negative = t->x + (n + i) * dim;

		load_row(t->d, pair->positive, positive);
		load_row(t->d, pair->negative, negative);
		t->label[i] = 1;
		t->label[n + i] = 0;
		t->target[i] = angle_between(positive, positive, dim);
		t->target[n + i] = angle_between(negative, positive, dim);
	}
}

/*
 * Sets logit, angle and their derivatives at the n rows that are loaded.
 * Returns the cross-entropy of the probe plus the squared error of the angle.
 */
static double
forward(struct rotations *t, const double *p, size_t n)
{
	const struct hpr *f = t->f;
	size_t dim = f->base.dim, i;

	for (i = 0; i < n; i++)
		t->logit[i] = dot(p, t->x + i * dim, dim);
	mlp_forward(&f->net, p + dim, t->x, n, t->out, t->work, t->threads);
	for (i = 0; i < n; i++)
		t->angle[i] = M_PI * logistic(t->out[i]);
	return net_cross_entropy(t->logit, t->label, n, t->dlogit) +
	    net_squared_error(t->angle, t->target, n, t->dangle);
}

/* Adds the gradient of forward's loss to grad. */
static void
backward(struct rotations *t, const double *p, size_t n, double *grad)
{
	const struct hpr *f = t->f;
	size_t dim = f->base.dim, i;

	for (i = 0; i < n; i++)
		cblas_daxpy((int)dim, t->dlogit[i], t->x + i * dim, 1, grad, 1);
	/* from the angle to the network's output */
	for (i = 0; i < n; i++)
		t->dangle[i] *= t->angle[i] * (1 - t->angle[i] / M_PI);
	mlp_backward(&f->net, p + dim, t->x, t->dangle, n, grad + dim, NULL, t->work, t->threads);
}

static double
loss(void *ctx, double *p, const size_t *example, size_t n, double *grad)
{
	struct rotations *t = ctx;
	double sum;

	load_pairs(t, example, n);
	sum = forward(t, p, 2 * n);
	backward(t, p, 2 * n, grad);
	return sum;
}

static struct train_score
validate(void *ctx, const double *p, const size_t *example, size_t n)
{
	struct rotations *t = ctx;
	struct train_score s = { 0, 0 };
	size_t i;

	load_pairs(t, example, n);
	s.loss = forward(t, p, 2 * n);
	for (i = 0; i < 2 * n; i++)
		s.wrong += (t->logit[i] > 0) != (t->label[i] > 0);
	return s;
}

/* Returns 0, or -1 with a message in e. Either way, call rotations_release. */
static int
rotations_init(struct rotations *t, const struct hpr *f, const struct fit_data *d,
    const struct fit_options *o, struct err *e)
{
	*t = (struct rotations){ .f = f, .d = d, .threads = parallel_count() };
	t->x = calloc(ROWS * d->dim, sizeof *t->x);
	t->work = calloc(mlp_work_size(&f->net, ROWS), sizeof *t->work);
	if (t->x == NULL || t->work == NULL)
		return err_memory(e);
	return pairs_split(&t->pairs, d, o, PAIR_ALL, e);
}

static void
rotations_release(struct rotations *t)
{
	free(t->pairs.pair);
	free(t->x);
	free(t->work);
}

static int
fit(struct field *base, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct hpr *f = (struct hpr *)base;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct rotations t = { 0 };
	size_t size, i;
	int rc = -1;

	set_network(f, d->dim);
	size = d->dim + f->net.size;
	if (train_check_size(base->type->name, d->dim, size, e) != 0 ||
	    rotations_init(&t, f, d, o, e) != 0)
		goto out;
	f->p = calloc(size, sizeof *f->p);
	if (rng == NULL || f->p == NULL) {
		err_memory(e);
		goto out;
	}
	gsl_rng_set(rng, (unsigned long)o->seed);
	for (i = 0; i < d->dim; i++)
		f->p[i] = (2 * gsl_rng_uniform(rng) - 1) / sqrt((double)d->dim);
	mlp_draw(&f->net, f->p + d->dim, rng);
	rc = train(&(struct training){ .p = f->p, .size = size, .n = t.pairs.n_fit,
	    .n_held = t.pairs.n - t.pairs.n_fit, .batch = BATCH, .held_batch = BATCH,
	    .epochs = o->epochs != 0 ? o->epochs : EPOCHS, .rate = o->rate > 0 ? o->rate : RATE,
	    .clip = CLIP, .schedule = train_linear_schedule, .rng = rng, .threads = t.threads,
	    .ctx = &t, .loss = loss, .validate = validate, .progress = o->progress },
	    &rep->curve, e);
out:
	gsl_rng_free(rng);
	rotations_release(&t);
	return rc;
}

static int
save(const struct field *base, struct record *r)
{
	const struct hpr *f = (const struct hpr *)base;

	return record_set_floats(r, "w", f->p, base->dim) != 0 ||
	    record_set_floats(r, "net", f->p + base->dim, f->net.size) != 0 ? -1 : 0;
}

static int
load(struct field *base, const struct record *r, struct err *e)
{
	struct hpr *f = (struct hpr *)base;
	size_t dim = base->dim;
	double *net, *both;

	set_network(f, dim);
	if ((f->p = field_load_array(r, "w", dim, e)) == NULL ||
	    (net = field_load_array(r, "net", f->net.size, e)) == NULL)
		return -1;
	if ((both = realloc(f->p, (dim + f->net.size) * sizeof *both)) != NULL) {
		f->p = both;
		memcpy(both + dim, net, f->net.size * sizeof *net);
	}
	free(net);
	return both != NULL ? 0 : err_memory(e);
}

/* The memory of apply. */
struct work {
	double out[FIELD_BATCH];
	double *e;		/* [dim] */
	double net[];		/* mlp_work_size of a batch, then e's */
};

static void *
work_alloc(const struct field *base)
{
	const struct hpr *f = (const struct hpr *)base;
	size_t size = mlp_work_size(&f->net, FIELD_BATCH);
	struct work *w = calloc(1, sizeof *w + (size + base->dim) * sizeof *w->net);

	if (w != NULL)
		w->e = w->net + size;
	return w;
}

static void
apply(const struct field *base, void *work, double *y, size_t n, double T)
{
	const struct hpr *f = (const struct hpr *)base;
	size_t dim = base->dim, i;
	struct work *w = work;
	int negative[FIELD_BATCH], any = 0;

	for (i = 0; i < n; i++) {
		negative[i] = !(dot(f->p, y + i * dim, dim) > 0);
		any |= negative[i];
	}
	if (!any)
		return;
	mlp_forward(&f->net, f->p + dim, y, n, w->out, w->net, 1);
	for (i = 0; i < n; i++)
		if (negative[i])
			direction_rotate(y + i * dim, f->p, dim, T * M_PI * logistic(w->out[i]),
			    w->e);
}

const struct field_type field_hpr = {
	.name = "hpr",
	.about = "Householder pseudo-rotation: negatives turn by an angle that a network predicts",
	.kind = FIELD_MAP,
	.whole_batches = 1,
	.uses = FIELD_USES_EPOCHS | FIELD_USES_RATE,
	.size = sizeof(struct hpr),
	.fit = fit,
	.save = save,
	.load = load,
	.release = release,
	.work_alloc = work_alloc,
	.work_free = free,
	.apply = apply,
};
