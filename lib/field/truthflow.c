/*
 * truthflow - a correction of its own for each sequence, from the activation at
 * the end of its prompt.
 *
 * A network learns the velocity of a flow from the activation x0 at the end of
 * a question to x1, the mean activation of a true answer minus that of a false
 * one. It is trained so that v(z, t) = x1 - x0 at z = t x1 + (1 - t) x0. The
 * correction is where the flow leads from x0 in the time from 0 to 1, projected
 * on the first right singular vectors of all x1, which are not centred. T times
 * the correction is added to all activations of the sequence.
 *
 * Source: Wang et al. 2025 (TruthFlow), and the authors' program. Validation
 * and early stopping are ours.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/parallel.h"
#include "field/field.h"
#include "fit/pairs.h"
#include "fit/pca.h"
#include "fit/train.h"
#include "fit/unet.h"

enum {
	TIME = 128,			/* numbers of the time, for the network */
	STEPS = 15,			/* of the explicit midpoint rule */
	BATCH = 136,			/* the most examples of a training step */
	TRAINING = 2000,		/* training steps, at most FIT_EPOCHS */
	RISE = 100,			/* training steps until the rate is full */
	TIMES = 4,			/* at which a pair held out is looked at */
	RANK = 20
};

static const double RATE = 1e-4, DECAY = 0.01, LEAST_FACTOR = 0.7;

struct truthflow {
	struct field base;
	struct unet net;
	double *p;		/* [net.size + net.n_running] */
	double *basis;		/* [rank][dim] orthonormal */
	size_t rank;
};

static void
release(struct field *base)
{
	struct truthflow *f = (struct truthflow *)base;

	free(f->p);
	free(f->basis);
}

/*
 * Returns the factor of the rate in a step: linear from 0 to 1 in the first
 * RISE steps, then half a cosine down towards 0, but not below LEAST_FACTOR.
 */
static double
schedule(size_t step, size_t steps)
{
	double done;

	if (step < RISE)
		return (double)step / RISE;
	done = (double)(step - RISE) / (double)(steps - RISE);
	return fmax(LEAST_FACTOR, (1 + cos(M_PI * done)) / 2);
}

/* The data and memory of the training. */
struct questions {
	const struct fit_data *d;
	const struct unet *net;
	struct pairs pairs;
	unsigned threads;
	gsl_rng *rng;
	double *z, *target, *y, *dy;	/* [BATCH][dim] */
	double t[BATCH];
	double *work;			/* of the network */
};

static void
questions_release(struct questions *q)
{
	gsl_rng_free(q->rng);
	free(q->pairs.pair);
	free(q->z);
	free(q->target);
	free(q->y);
	free(q->dy);
	free(q->work);
}

/* Returns 0, or -1 with a message in e. Either way, call questions_release. */
static int
questions_init(struct questions *q, const struct fit_data *d, const struct unet *net,
    const struct fit_options *o, struct err *e)
{
	size_t size = BATCH * d->dim;

	*q = (struct questions){ .d = d, .net = net, .threads = parallel_count() };
	if (pairs_split(&q->pairs, d, o, PAIR_FIRST, e) != 0)
		return -1;
	q->rng = gsl_rng_alloc(gsl_rng_mt19937);
	q->z = calloc(size, sizeof *q->z);
	q->target = calloc(size, sizeof *q->target);
	q->y = calloc(size, sizeof *q->y);
	q->dy = calloc(size, sizeof *q->dy);
	q->work = calloc(unet_work_size(net, BATCH), sizeof *q->work);
	if (q->rng == NULL || q->z == NULL || q->target == NULL || q->y == NULL ||
	    q->dy == NULL || q->work == NULL)
		return err_memory(e);
	gsl_rng_set(q->rng, (unsigned long)o->seed);
	return 0;
}

/* Sets x1[dim], the difference of a pair. */
static void
difference(const struct fit_data *d, struct pair k, double *x1)
{
	const float *positive = d->act + k.positive * d->dim;
	const float *negative = d->act + k.negative * d->dim;
	size_t j;

	for (j = 0; j < d->dim; j++)
		x1[j] = (double)positive[j] - (double)negative[j];
}

/* Sets row i of z, target and t for pair k at time t. */
static void
load_pair(struct questions *q, size_t i, struct pair k, double t)
{
	size_t dim = q->d->dim, j;
	const float *x0 = q->d->prompt + k.positive * dim;
	double *z = q->z + i * dim, *target = q->target + i * dim;

	difference(q->d, k, target);
	for (j = 0; j < dim; j++) {
		z[j] = t * target[j] + (1 - t) * (double)x0[j];
		target[j] -= (double)x0[j];
	}
	q->t[i] = t;
}

static double
loss(void *ctx, double *p, const size_t *example, size_t n, double *grad)
{
	struct questions *q = ctx;
	double mean;
	size_t i;

	for (i = 0; i < n; i++)
		load_pair(q, i, q->pairs.pair[example[i]], gsl_rng_uniform(q->rng));
	unet_train(q->net, p, q->z, q->t, n, q->y, q->work, q->threads);
	mean = net_squared_error(q->y, q->target, n * q->d->dim, q->dy);
	unet_backward(q->net, p, q->dy, n, grad, q->work, q->threads);
	return mean;
}

/* The loss is the mean over TIMES evenly spaced times of each pair. */
static struct train_score
validate(void *ctx, const double *p, const size_t *example, size_t n)
{
	struct questions *q = ctx;
	size_t rows = n * TIMES, i;

	for (i = 0; i < rows; i++)
		load_pair(q, i, q->pairs.pair[example[i / TIMES]],
		    ((double)(i % TIMES) + 0.5) / TIMES);
	unet_forward(q->net, p, q->z, q->t, rows, q->y, q->work, q->threads);
	return (struct train_score){ 0,
		net_squared_error(q->y, q->target, rows * q->d->dim, q->dy) };
}

/* What find_basis works on. */
struct span {
	struct truthflow *f;
	const double *x;		/* [n][dim], the differences */
	size_t n;
	struct err *e;
	int rc;
};

/* Runs with one BLAS thread, so that the basis does not depend on -j. */
static void
find_basis(void *ctx, unsigned part, unsigned parts)
{
	struct span *s = ctx;

	(void)part, (void)parts;
	s->rc = pca_leading(s->x, s->n, s->f->base.dim, s->f->basis, &s->f->rank, s->e);
}

/*
 * Sets basis and rank of f: the first `rank` right singular vectors of
 * x[n][dim], or, if that is 0, RANK of them or all. Returns 0, or -1 with a
 * message in e.
 */
static int
set_basis(struct truthflow *f, const double *x, size_t n, size_t rank, struct err *e)
{
	struct span s = { f, x, n, e, 0 };

	f->rank = rank > 0 ? rank : RANK;
	if ((f->basis = calloc(f->rank, f->base.dim * sizeof *f->basis)) == NULL)
		return err_memory(e);
	parallel_run(find_basis, &s, 1);
	if (s.rc != 0)
		return -1;
	if (f->rank == 0)
		return err_set(e, "positives and negatives are the same: they have no difference");
	return f->rank >= rank ? 0 :
	    err_set(e, "the differences have only %zu directions, fewer than the %zu of --rank",
	    f->rank, rank);
}

/* Finds the basis of all pairs. Returns 0, or -1 with a message in e. */
static int
fit_basis(struct truthflow *f, const struct questions *q, size_t rank, struct err *e)
{
	size_t n = q->pairs.n, dim = q->d->dim, i;
	double *x = calloc(n, dim * sizeof *x);
	int rc;

	if (x == NULL)
		return err_memory(e);
	for (i = 0; i < n; i++)
		difference(q->d, q->pairs.pair[i], x + i * dim);
	rc = set_basis(f, x, n, rank, e);
	free(x);
	return rc;
}

/* Returns how many epochs of n examples make at least TRAINING steps. */
static unsigned
count_epochs(size_t n)
{
	size_t batches = (n + BATCH - 1) / BATCH;

	return (unsigned)((TRAINING + batches - 1) / batches);
}

static int
fit(struct field *base, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct truthflow *f = (struct truthflow *)base;
	struct questions q = { 0 };
	unsigned epochs;
	int rc = -1;

	if (d->prompt == NULL)
		return err_set(e, "'truthflow' needs the activations of prompts: "
		    "collect --at mean");
	f->net = unet(d->dim, TIME);
	/* a double of the basis takes less than two floats */
	if (train_check_size(base->type->name, d->dim, f->net.size + f->net.n_running +
	    2 * (o->rank > 0 ? o->rank : RANK) * d->dim, e) != 0 ||
	    questions_init(&q, d, &f->net, o, e) != 0 || fit_basis(f, &q, o->rank, e) != 0)
		goto out;
	if ((f->p = calloc(f->net.size + f->net.n_running, sizeof *f->p)) == NULL) {
		err_memory(e);
		goto out;
	}
	unet_draw(&f->net, f->p, q.rng);
	epochs = o->epochs != 0 ? o->epochs : count_epochs(q.pairs.n_fit);
	rc = train(&(struct training){ .p = f->p, .size = f->net.size,
	    .n_running = f->net.n_running, .n = q.pairs.n_fit,
	    .n_held = q.pairs.n - q.pairs.n_fit, .batch = BATCH, .held_batch = BATCH / TIMES,
	    .epochs = epochs, .patience = epochs / 10,
	    .rate = o->rate > 0 ? o->rate : RATE, .decay = DECAY, .schedule = schedule,
	    .rng = q.rng, .threads = q.threads, .ctx = &q, .loss = loss, .validate = validate,
	    .progress = o->progress }, &rep->curve, e);
out:
	questions_release(&q);
	return rc;
}

static int
save(const struct field *base, struct record *r)
{
	const struct truthflow *f = (const struct truthflow *)base;

	return record_set_int(r, "rank", (int64_t)f->rank) != 0 ||
	    record_set_nums(r, "basis", f->basis, f->rank * base->dim) != 0 ||
	    record_set_floats(r, "net", f->p, f->net.size + f->net.n_running) != 0 ? -1 : 0;
}

/*
 * Returns whether the vectors of a basis are orthonormal, but for rounding to
 * float32, which files may hold.
 */
static int
is_orthonormal(const double *basis, size_t rank, size_t dim)
{
	size_t i, k;

	for (i = 0; i < rank; i++)
		for (k = 0; k <= i; k++)
			if (!(fabs(dot(basis + i * dim, basis + k * dim, dim) - (i == k)) < 1e-6))
				return 0;
	return 1;
}

static int
load(struct field *base, const struct record *r, struct err *e)
{
	struct truthflow *f = (struct truthflow *)base;
	int64_t rank, most = base->dim < FIT_RANK ? (int64_t)base->dim : FIT_RANK;

	if (field_load_integer(r, "rank", 1, most, &rank, e) != 0)
		return -1;
	f->rank = (size_t)rank;
	f->net = unet(base->dim, TIME);
	if ((f->basis = field_load_array(r, "basis", f->rank * base->dim, e)) == NULL ||
	    (f->p = field_load_array(r, "net", f->net.size + f->net.n_running, e)) == NULL)
		return -1;
	if (!is_orthonormal(f->basis, f->rank, base->dim))
		return err_set(e, "field 'basis' is not orthonormal");
	return unet_is_valid(&f->net, f->p) ? 0 : err_set(e, "field 'net' has a negative variance");
}

/* The memory of apply. */
struct work {
	double *z, *mid, *v;	/* [FIELD_BATCH][dim] */
	double net[];		/* unet_work_size of a batch, then these */
};

static void *
work_alloc(const struct field *base)
{
	const struct truthflow *f = (const struct truthflow *)base;
	size_t of_net = unet_work_size(&f->net, FIELD_BATCH), size = FIELD_BATCH * base->dim;
	struct work *w = calloc(1, sizeof *w + (of_net + 3 * size) * sizeof *w->net);

	if (w != NULL) {
		w->z = w->net + of_net;
		w->mid = w->z + size;
		w->v = w->mid + size;
	}
	return w;
}

/*
 * Moves z[n][dim], n <= FIELD_BATCH, along the flow of a network from t = 0 to
 * 1, by the explicit midpoint rule. mid and v have room for as many numbers.
 */
static void
follow(const struct unet *net, const double *p, double *z, size_t n, double *mid, double *v,
    double *work)
{
	const double h = 1.0 / STEPS;
	double t[FIELD_BATCH];
	size_t size = n * net->dim, i;
	int step, half;

	for (step = 0; step < STEPS; step++)
		for (half = 0; half <= 1; half++) {
			for (i = 0; i < n; i++)
				t[i] = (step + 0.5 * half) * h;
			unet_forward(net, p, half ? mid : z, t, n, v, work, 1);
			for (i = 0; i < size; i++)
				if (half)
					z[i] += h * v[i];
				else
					mid[i] = z[i] + h / 2 * v[i];
		}
}

static void
apply(const struct field *base, void *work, double *y, size_t n, double T)
{
	const struct truthflow *f = (const struct truthflow *)base;
	struct work *w = work;
	size_t dim = base->dim, i, j, k;

	memcpy(w->z, y, n * dim * sizeof *y);
	follow(&f->net, f->p, w->z, n, w->mid, w->v, w->net);
	for (i = 0; i < n; i++)
		for (k = 0; k < f->rank; k++) {
			const double *v = f->basis + k * dim;
			double share = T * dot(v, w->z + i * dim, dim);

			for (j = 0; j < dim; j++)
				y[i * dim + j] += share * v[j];
		}
}

const struct field_type field_truthflow = {
	.name = "truthflow",
	.about = "TruthFlow: a correction for each prompt, by flow matching",
	.kind = FIELD_MAP,
	.of_sequence = 1,
	.T = 1.5,
	.T_most = 10,
	.whole_batches = 1,
	.uses = FIELD_USES_EPOCHS | FIELD_USES_RATE | FIELD_USES_RANK,
	.size = sizeof(struct truthflow),
	.fit = fit,
	.save = save,
	.load = load,
	.release = release,
	.work_alloc = work_alloc,
	.work_free = free,
	.apply = apply,
};
