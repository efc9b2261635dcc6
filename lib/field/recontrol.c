/*
 * recontrol - activations move along the gradient of a value network V(a),
 * which predicts the label: 1 for positives, 0 for negatives.
 *
 * V has three linear layers with ReLU between them, d to d to d to 1; two
 * layers are what the reference builds for steering, which differs from what it
 * trains. The loss is the mean of (V(a) - label)^2. The flow is da/dt = grad V,
 * of any length, and Euler steps of T / n are the source's gradient ascent with
 * n steps and this learning rate.
 *
 * Source: Kong et al. 2024 (RE-Control), with its loss for sequences of one
 * activation. Validation, batches and early stopping are ours.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/parallel.h"
#include "field/field.h"
#include "fit/mlp.h"
#include "fit/train.h"

enum {
	BATCH = 64,
	EPOCHS = 100,
	PATIENCE = 10,
	LEAST_LAYERS = 2, MOST_LAYERS = 3
};

static const double RATE = 1e-4;

struct recontrol {
	struct field base;
	struct mlp net;
	double *p;		/* [net.size] */
};

static void
release(struct field *base)
{
	free(((struct recontrol *)base)->p);
}

static struct mlp
value_network(size_t dim, unsigned layers)
{
	size_t widths[MOST_LAYERS + 1] = { dim, dim, dim };

	widths[layers] = 1;
	return mlp(widths, layers, MLP_RELU);
}

/* The state of a training, beside the parameters. */
struct values {
	const struct fit_data *d;
	const struct mlp *net;
	unsigned threads;
	int *held;		/* [d->n] (train_split) */
	size_t *row;		/* [d->n]: n_fit rows to fit to, then those held out */
	size_t n_fit;
	double *x;		/* [BATCH][dim] */
	double *work;		/* of mlp_forward */
	double y[BATCH], target[BATCH], dy[BATCH];
};

static void
values_release(struct values *t)
{
	free(t->held);
	free(t->row);
	free(t->x);
	free(t->work);
}

/* Returns 0, or -1 with a message in e. Either way, call values_release. */
static int
values_init(struct values *t, const struct fit_data *d, const struct mlp *net,
    const struct fit_options *o, struct err *e)
{
	size_t i, n = 0;
	int which;

	*t = (struct values){ .d = d, .net = net, .threads = parallel_count() };
	t->held = calloc(d->n, sizeof *t->held);
	t->row = calloc(d->n, sizeof *t->row);
	t->x = calloc(BATCH * d->dim, sizeof *t->x);
	t->work = calloc(mlp_work_size(net, BATCH), sizeof *t->work);
	if (t->held == NULL || t->row == NULL || t->x == NULL || t->work == NULL)
		return err_memory(e);
	if (train_split(d, o, t->held, e) != 0)
		return -1;
	for (which = 0; which <= 1; which++) {
		for (i = 0; i < d->n; i++)
			if (t->held[i] == which)
				t->row[n++] = i;
		if (which == 0)
			t->n_fit = n;
	}
	return 0;
}

/* Loads example[n] into x and target. */
static void
load_rows(struct values *t, const size_t *example, size_t n)
{
	size_t dim = t->d->dim, i, j;

	for (i = 0; i < n; i++) {
		size_t row = t->row[example[i]];

		for (j = 0; j < dim; j++)
			t->x[i * dim + j] = (double)t->d->act[row * dim + j];
		t->target[i] = t->d->label[row];
	}
}

/* Sets y and dy at the n rows that are loaded. Returns the loss. */
static double
forward(struct values *t, const double *p, size_t n)
{
	mlp_forward(t->net, p, t->x, n, t->y, t->work, t->threads);
	return net_squared_error(t->y, t->target, n, t->dy);
}

static double
loss(void *ctx, double *p, const size_t *example, size_t n, double *grad)
{
	struct values *t = ctx;
	double mean;

	load_rows(t, example, n);
	mean = forward(t, p, n);
	mlp_backward(t->net, p, t->x, t->dy, n, grad, NULL, t->work, t->threads);
	return mean;
}

static struct train_score
validate(void *ctx, const double *p, const size_t *example, size_t n)
{
	struct values *t = ctx;

	load_rows(t, example, n);
	return (struct train_score){ 0, forward(t, p, n) };
}

/* Returns the mean |grad V| over all rows. */
static double
mean_speed(struct values *t, const double *p)
{
	size_t dim = t->d->dim, example[BATCH], i, k, n;
	double one[BATCH], sum = 0;

	for (i = 0; i < t->d->n; i += n) {
		for (n = 0; n < BATCH && i + n < t->d->n; n++) {
			example[n] = i + n;
			one[n] = 1;
		}
		load_rows(t, example, n);
		forward(t, p, n);
		/* dx may replace the rows, which only grad would need */
		mlp_backward(t->net, p, t->x, one, n, NULL, t->x, t->work, t->threads);
		for (k = 0; k < n; k++)
			sum += sqrt(dot(t->x + k * dim, t->x + k * dim, dim));
	}
	return sum / (double)t->d->n;
}

static int
fit(struct field *base, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct recontrol *f = (struct recontrol *)base;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	struct values t = { 0 };
	int rc = -1;

	f->net = value_network(d->dim, o->layers != 0 ? o->layers : MOST_LAYERS);
	if (train_check_size(base->type->name, d->dim, f->net.size, e) != 0 ||
	    values_init(&t, d, &f->net, o, e) != 0)
		goto out;
	f->p = calloc(f->net.size, sizeof *f->p);
	if (rng == NULL || f->p == NULL) {
		err_memory(e);
		goto out;
	}
	gsl_rng_set(rng, (unsigned long)o->seed);
	mlp_draw(&f->net, f->p, rng);
	rc = train(&(struct training){ .p = f->p, .size = f->net.size, .n = t.n_fit,
	    .n_held = d->n - t.n_fit, .batch = BATCH, .held_batch = BATCH,
	    .epochs = o->epochs != 0 ? o->epochs : EPOCHS, .patience = PATIENCE,
	    .rate = o->rate > 0 ? o->rate : RATE, .rng = rng, .threads = t.threads, .ctx = &t,
	    .loss = loss, .validate = validate, .progress = o->progress }, &rep->curve, e);
	if (rc != 0)
		goto out;
	base->speed = mean_speed(&t, f->p);
	if (!(base->speed > 0))
		rc = err_set(e, "the value network is flat: it has no gradient to follow");
out:
	gsl_rng_free(rng);
	values_release(&t);
	return rc;
}

static int
save(const struct field *base, struct record *r)
{
	const struct recontrol *f = (const struct recontrol *)base;

	return record_set_int(r, "layers", f->net.n) != 0 ||
	    record_set_num(r, "speed", base->speed) != 0 ||
	    record_set_floats(r, "net", f->p, f->net.size) != 0 ? -1 : 0;
}

static int
load(struct field *base, const struct record *r, struct err *e)
{
	struct recontrol *f = (struct recontrol *)base;
	int64_t layers;

	if (field_load_integer(r, "layers", LEAST_LAYERS, MOST_LAYERS, &layers, e) != 0 ||
	    field_load_positive(r, "speed", &base->speed, e) != 0)
		return -1;
	f->net = value_network(base->dim, (unsigned)layers);
	return (f->p = field_load_array(r, "net", f->net.size, e)) != NULL ? 0 : -1;
}

/* The memory of eval. */
struct work {
	double one[FIELD_BATCH], V[FIELD_BATCH];
	double net[];		/* mlp_work_size of a batch */
};

static void *
work_alloc(const struct field *base)
{
	const struct recontrol *f = (const struct recontrol *)base;
	struct work *w = calloc(1, sizeof *w +
	    mlp_work_size(&f->net, FIELD_BATCH) * sizeof *w->net);
	size_t i;

	for (i = 0; w != NULL && i < FIELD_BATCH; i++)
		w->one[i] = 1;
	return w;
}

static void
eval(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	const struct recontrol *f = (const struct recontrol *)base;
	struct work *w = work;

	mlp_forward(&f->net, f->p, y, n, w->V, w->net, 1);
	if (h != NULL)
		memcpy(h, w->V, n * sizeof *h);
	if (grad != NULL)
		mlp_backward(&f->net, f->p, y, w->one, n, NULL, grad, w->net, 1);
}

const struct field_type field_recontrol = {
	.name = "recontrol",
	.about = "RE-Control: along the gradient of a network that predicts the label",
	.kind = FIELD_GRADIENT_FLOW,
	.T = 30,
	.steps = 30,
	.whole_batches = 1,
	.uses = FIELD_USES_EPOCHS | FIELD_USES_RATE | FIELD_USES_LAYERS,
	.size = sizeof(struct recontrol),
	.fit = fit,
	.save = save,
	.load = load,
	.release = release,
	.work_alloc = work_alloc,
	.work_free = free,
	.eval = eval,
};
