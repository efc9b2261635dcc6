/*
 * Tests the layers of networks and their training. Every gradient is compared with central differences,
 * training with a problem whose answer is known.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/mlp.h"
#include "fit/train.h"
#include "tap.h"

enum { MOST = 400000 };

/* A function of p[] or x[] whose derivative is tested: sum of weight[i] times output i. */
struct probe {
	double (*value)(const struct probe *t);
	double *at;			/* [n], what varies */
	size_t n;
	const void *layer;
	double *p, *x, *running;
	size_t rows;
};

static double weight[MOST], out[MOST], work[MOST];

/* Sets x to uneven numbers. */
static void
uneven(double *x, size_t n, double phase)
{
	size_t i;

	for (i = 0; i < n; i++)
		x[i] = sin(2.385 * (double)i + phase) + 0.3 * cos((double)(i * i % 101) + phase);
}

static double
weigh(size_t n)
{
	return cblas_ddot((int)n, weight, 1, out, 1);
}

/* Returns how far grad[n] is from central differences, of its greatest number; not all are tried. */
static double
off_by(const struct probe *t, const double *grad)
{
	double worst = 0, size = 0, here, up, down, h = 1e-5;
	size_t i, step = t->n / 60 + 1;

	for (i = 0; i < t->n; i++)
		size = fmax(size, fabs(grad[i]));
	for (i = 0; i < t->n; i += step) {
		here = t->at[i];
		t->at[i] = here + h;
		up = t->value(t);
		t->at[i] = here - h;
		down = t->value(t);
		t->at[i] = here;
		worst = fmax(worst, fabs((up - down) / (2 * h) - grad[i]));
	}
	/* a gradient of zeros would agree with a function that does not depend on anything */
	return size > 0 ? worst / size : 1;
}

static double
linear_value(const struct probe *t)
{
	const struct net_linear *l = t->layer;

	net_linear_forward(l, t->p, t->x, t->rows, out, 1);
	return weigh(t->rows * l->out);
}

static void
check_linear(size_t in, size_t width)
{
	enum { ROWS = 40 };
	size_t size = 3;		/* other parameters come first */
	struct net_linear l = net_linear(in, width, &size);
	double *p = malloc(size * sizeof *p), *grad = calloc(size, sizeof *grad), *x = malloc(ROWS * in * sizeof *x);
	double *dx = malloc(ROWS * in * sizeof *dx), by_p, by_x, worst = 0, y;
	struct probe t = { .value = linear_value, .layer = &l, .p = p, .x = x, .rows = ROWS };
	size_t i, j, k, same;

	uneven(p, size, 0.1);
	uneven(x, ROWS * in, 0.7);
	net_linear_forward(&l, p, x, ROWS, out, 1);
	for (i = 0; i < ROWS; i++)
		for (k = 0; k < width; k++) {
			y = p[3 + in * width + k];
			for (j = 0; j < in; j++)
				y += x[i * in + j] * p[3 + k * in + j];
			worst = fmax(worst, fabs(out[i * width + k] - y));
		}
	ok(worst < 1e-12 && size == 3 + (in + 1) * width, "%zu to %zu: y = x W' + b: %.1e", in, width, worst);
	memcpy(work, out, ROWS * width * sizeof *out);
	net_linear_forward(&l, p, x, ROWS, out, 2);
	same = memcmp(work, out, ROWS * width * sizeof *out) == 0;
	net_linear_backward(&l, p, x, weight, ROWS, grad, dx, 1);
	t.at = p + 3;
	t.n = size - 3;
	by_p = off_by(&t, grad + 3);
	t.at = x;
	t.n = ROWS * in;
	by_x = off_by(&t, dx);
	ok(by_p < 1e-7 && by_x < 1e-7, "the gradients are central differences: by p %.1e, by x %.1e", by_p, by_x);
	ok(grad[0] == 0 && grad[1] == 0 && grad[2] == 0, "other parameters have no gradient");
	memcpy(work, grad, size * sizeof *grad);
	memcpy(work + size, dx, ROWS * in * sizeof *dx);
	memset(grad, 0, size * sizeof *grad);
	net_linear_backward(&l, p, x, weight, ROWS, grad, dx, 2);
	ok(same && memcmp(work, grad, size * sizeof *grad) == 0 && memcmp(work + size, dx, ROWS * in * sizeof *dx) == 0,
	    "two threads give the same bytes");
	net_linear_backward(&l, p, x, weight, ROWS, grad, NULL, 1);
	for (worst = 0, i = 3; i < size; i++)
		worst = fmax(worst, fabs(grad[i] - 2 * work[i]));
	ok(worst < 1e-12, "a second gradient is added to the first: %.1e", worst);
	free(p);
	free(grad);
	free(x);
	free(dx);
}

static double
norm_value(const struct probe *t)
{
	const struct net_norm *l = t->layer;
	double running[64], isd[32];

	memcpy(running, t->running, 2 * l->width * sizeof *running);
	net_norm_train(l, t->p, running, t->x, t->rows, out, work, isd);
	return weigh(t->rows * l->width);
}

static double
norm_running_value(const struct probe *t)
{
	const struct net_norm *l = t->layer;

	net_norm_forward(l, t->p, t->running, t->x, t->rows, out);
	return weigh(t->rows * l->width);
}

static void
check_norm(void)
{
	enum { WIDTH = 13, ROWS = 7, N = ROWS * WIDTH };
	size_t size = 2, n_running = 3, i, j;
	struct net_norm l = net_norm(WIDTH, &size, &n_running);
	double p[2 + 2 * WIDTH], running[3 + 2 * WIDTH], was[3 + 2 * WIDTH], x[N], y[N], unit[N], isd[WIDTH], dx[N];
	double grad[2 + 2 * WIDTH] = { 0 }, by_p, by_x, worst = 0, worst_running = 0;
	struct probe t = { .value = norm_value, .layer = &l, .p = p, .x = x, .running = running + 3, .rows = ROWS };

	l.mean -= 3;
	l.variance -= 3;
	net_norm_init(&l, p, running + 3);
	ok(size == 2 + 2 * WIDTH && n_running == 3 + 2 * WIDTH && p[l.scale] == 1 && p[l.shift] == 0 &&
	    running[3] == 0 && running[3 + WIDTH] == 1, "a norm begins as no change");
	uneven(p, size, 0.4);
	uneven(x, N, 1.3);
	uneven(running, 3 + 2 * WIDTH, 0.2);
	for (i = 0; i < WIDTH; i++)
		running[3 + WIDTH + i] = 0.5 + fabs(running[3 + WIDTH + i]);
	memcpy(was, running, sizeof was);
	net_norm_train(&l, p, running + 3, x, ROWS, y, unit, isd);
	for (j = 0; j < WIDTH; j++) {
		double mean = 0, square = 0;

		for (i = 0; i < ROWS; i++)
			mean += x[i * WIDTH + j] / ROWS;
		for (i = 0; i < ROWS; i++)
			square += pow(x[i * WIDTH + j] - mean, 2);
		for (i = 0; i < ROWS; i++)
			worst = fmax(worst, fabs(y[i * WIDTH + j] - (p[2 + WIDTH + j] + p[2 + j] *
			    (x[i * WIDTH + j] - mean) / sqrt(square / ROWS + 1e-5))));
		worst_running = fmax(worst_running, fabs(running[3 + j] - 0.9 * was[3 + j] - 0.1 * mean));
		worst_running = fmax(worst_running, fabs(running[3 + WIDTH + j] - 0.9 * was[3 + WIDTH + j] -
		    0.1 * square / (ROWS - 1)));
	}
	ok(worst < 1e-13 && worst_running < 1e-13, "norm: rows %.1e, running mean and variance %.1e", worst,
	    worst_running);
	net_norm_backward(&l, p, unit, isd, weight, ROWS, grad, dx);
	t.at = p + 2;
	t.n = 2 * WIDTH;
	by_p = off_by(&t, grad + 2);
	t.at = x;
	t.n = N;
	by_x = off_by(&t, dx);
	ok(by_p < 1e-7 && by_x < 1e-7, "its gradients are central differences: by p %.1e, by x %.1e", by_p, by_x);
	/* by running values each row is by itself: x + 1 moves y by scale / sqrt(variance + 1e-5) */
	t.value = norm_running_value;
	for (i = 0; i < N; i++)
		dx[i] = weight[i] * p[2 + i % WIDTH] / sqrt(running[3 + WIDTH + i % WIDTH] + 1e-5);
	worst = off_by(&t, dx);
	net_norm_forward(&l, p, running + 3, running + 3, 1, y);
	for (j = 0; j < WIDTH; j++)
		worst_running = fmax(worst_running, fabs(y[j] - p[2 + WIDTH + j]));
	ok(worst < 1e-8 && worst_running < 1e-13, "by running values: slope %.1e, at the mean it is the shift", worst);
}

static double
relu_value(const struct probe *t)
{
	net_relu_forward(t->x, t->n, out);
	return weigh(t->n);
}

static double
gelu_value(const struct probe *t)
{
	net_gelu_forward(t->x, t->n, out);
	return weigh(t->n);
}

static double
squared_value(const struct probe *t)
{
	return net_squared_error(t->x, t->p, t->n, out);
}

static double
entropy_value(const struct probe *t)
{
	return net_cross_entropy(t->x, t->p, t->n, out);
}

static void
check_functions(void)
{
	enum { N = 50 };
	double x[N], target[N], d[N], y[N], worst;
	struct probe t = { .at = x, .n = N, .p = target, .x = x };
	size_t i;

	uneven(x, N, 0.4);
	for (i = 0; i < N; i++) {
		x[i] *= 3;
		target[i] = 0.5 + 0.5 * sin((double)i);
		y[i] = -(double)(i % 2);
	}
	net_relu_forward(x, N, y);
	memcpy(d, weight, sizeof d);
	net_relu_backward(y, N, d);
	t.value = relu_value;
	worst = off_by(&t, d);
	ok(worst < 1e-8 && y[0] == fmax(x[0], 0), "relu: %.1e", worst);
	memcpy(d, weight, sizeof d);
	net_gelu_backward(x, N, d);
	t.value = gelu_value;
	worst = off_by(&t, d);
	net_gelu_forward((double[]){ 1, -1, -40 }, 3, y);
	ok(worst < 1e-8 && fabs(y[0] - 0.841344746068543) < 1e-15 && fabs(y[1] + 0.158655253931457) < 1e-15 &&
	    fabs(y[2]) < 1e-300, "gelu is the exact one: %.1e", worst);
	t.value = squared_value;
	net_squared_error(x, target, N, d);
	worst = off_by(&t, d);
	ok(worst < 1e-8 && fabs(net_squared_error((double[]){ 1, 4 }, (double[]){ 2, 7 }, 2, y) - 5) < 1e-15,
	    "squared error: %.1e", worst);
	t.value = entropy_value;
	net_cross_entropy(x, target, N, d);
	worst = off_by(&t, d);
	ok(worst < 1e-8, "cross-entropy: %.1e", worst);
	ok(fabs(net_cross_entropy((double[]){ 800, -800 }, (double[]){ 0, 0 }, 2, y) - 400) < 1e-12 && y[0] == 0.5,
	    "and of a logit whose exponential overflows");
}

static double
mlp_value(const struct probe *t)
{
	const struct mlp *m = t->layer;
	static double own[MOST];

	mlp_forward(m, t->p, t->x, t->rows, out, own, 1);
	return weigh(t->rows * m->layer[m->n - 1].out);
}

static void
check_mlp(unsigned n, enum mlp_activation activation)
{
	enum { ROWS = 4 };
	static const size_t widths[] = { 9, 7, 11, 3, 2 };
	struct mlp m = mlp(widths, n, activation);
	double *p = malloc(m.size * sizeof *p), *grad = calloc(m.size, sizeof *grad), x[ROWS * 9], dx[ROWS * 9];
	double by_p, by_x;
	struct probe t = { .value = mlp_value, .layer = &m, .p = p, .x = x, .rows = ROWS };

	uneven(p, m.size, 0.2);
	uneven(x, ROWS * 9, 0.9);
	mlp_forward(&m, p, x, ROWS, out, work, 1);
	mlp_backward(&m, p, x, weight, ROWS, grad, dx, work, 1);
	t.at = p;
	t.n = m.size;
	by_p = off_by(&t, grad);
	t.at = x;
	t.n = ROWS * 9;
	by_x = off_by(&t, dx);
	ok(by_p < 1e-7 && by_x < 1e-7, "a network of %u layers, %s: gradients by p %.1e, by x %.1e", n,
	    activation == MLP_RELU ? "relu" : "gelu", by_p, by_x);
	free(p);
	free(grad);
}

/* Three steps of Adam with decay, done by hand in the order of the source. */
static void
check_adam(void)
{
	enum { N = 11, STEPS = 3 };
	double p[N], grad[N], m[N] = { 0 }, v[N] = { 0 }, own_p[N], own_m[N] = { 0 }, own_v[N] = { 0 }, worst = 0;
	double one[N] = { 0 }, norm;
	struct adam a = { .decay = 0.03, .m = m, .v = v };
	size_t i, k;

	uneven(p, N, 0.1);
	memcpy(own_p, p, sizeof p);
	for (k = 1; k <= STEPS; k++) {
		uneven(grad, N, (double)k);
		adam_step(&a, p, grad, N, 0.02, k == 2 ? 3 : 1);
		for (i = 0; i < N; i++) {
			own_m[i] = 0.9 * own_m[i] + 0.1 * grad[i];
			own_v[i] = 0.999 * own_v[i] + 0.001 * grad[i] * grad[i];
			own_p[i] -= 0.02 * 0.03 * own_p[i];
			own_p[i] -= 0.02 * (own_m[i] / (1 - pow(0.9, (double)k))) /
			    (sqrt(own_v[i] / (1 - pow(0.999, (double)k))) + 1e-8);
			worst = fmax(worst, fabs(p[i] - own_p[i]));
		}
	}
	ok(worst < 1e-14, "adam with decay, three steps: %.1e", worst);
	one[3] = 3;
	one[7] = -4;
	norm = train_clip(one, N, 10);
	ok(norm == 5 && one[3] == 3 && one[7] == -4, "a short gradient is not clipped");
	norm = train_clip(one, N, 2);
	ok(norm == 5 && fabs(one[3] - 1.2) < 1e-6 && fabs(one[7] + 1.6) < 1e-6, "a long one is scaled to the norm");
	ok(train_linear_schedule(0, 100) == 0 && train_linear_schedule(4, 100) == 0.8 &&
	    train_linear_schedule(5, 100) == 1 && fabs(train_linear_schedule(99, 100) - 1. / 95) < 1e-15 &&
	    train_linear_schedule(0, 1) == 0, "the rate rises in a twentieth of the steps, then falls");
}

/* Least squares: y = w . x + c, of which the last third of the examples is held out. */
enum { FIT_N = 90, FIT_D = 4 };
struct squares {
	struct net_linear l;
	double *p, x[FIT_N][FIT_D], y[FIT_N];
	unsigned calls, bad_call;	/* of loss; the one that returns NaN, 0: none */
	unsigned validated;		/* times */
	size_t held, most_held;		/* examples: in all, and at a time */
	const double *scripted;		/* validation losses, or NULL */
	size_t wrong;			/* but not after the second epoch */
	size_t smallest, greatest;	/* batches */
};

static double
squares_loss(void *ctx, double *p, const size_t *example, size_t n, double *grad)
{
	struct squares *s = ctx;
	double x[FIT_N * FIT_D], y[FIT_N], d[FIT_N], target[FIT_N], loss;
	size_t i;

	s->smallest = n < s->smallest ? n : s->smallest;
	s->greatest = n > s->greatest ? n : s->greatest;
	for (i = 0; i < n; i++) {
		memcpy(x + i * FIT_D, s->x[example[i]], sizeof *s->x);
		target[i] = s->y[example[i]];
	}
	net_linear_forward(&s->l, p, x, n, y, 1);
	loss = net_squared_error(y, target, n, d);
	net_linear_backward(&s->l, p, x, d, n, grad, NULL, 1);
	p[FIT_D + 1] += 1;		/* a running number: the steps made */
	return ++s->calls == s->bad_call ? NAN : loss;
}

static struct train_score
squares_validate(void *ctx, const double *p, const size_t *example, size_t n)
{
	struct squares *s = ctx;
	double y[FIT_N], d[FIT_N];
	struct train_score score = { 0, 0 };

	s->validated += example[0] == FIT_N * 2 / 3;
	s->held += n;
	s->most_held = n > s->most_held ? n : s->most_held;
	net_linear_forward(&s->l, p, s->x[example[0]], n, y, 1);
	score.loss = net_squared_error(y, s->y + example[0], n, d);
	if (s->scripted != NULL)
		score.loss = s->scripted[s->validated - 1];
	score.wrong = s->validated == 3 ? 0 : s->wrong;
	return score;
}

static const double truth[FIT_D + 1] = { 1.5, -0.5, 0.25, 2, 0.75 };

static void
squares_init(struct squares *s, double *p)
{
	size_t size = 0, i, k;

	memset(s, 0, sizeof *s);
	s->l = net_linear(FIT_D, 1, &size);
	s->p = p;
	s->smallest = FIT_N;
	memset(p, 0, (size + 1) * sizeof *p);
	for (i = 0; i < FIT_N; i++) {
		for (k = 0; k < FIT_D; k++)
			s->x[i][k] = sin(2.385 * (double)((i * FIT_D + k) * (i + 3 * k)));
		s->y[i] = cblas_ddot(FIT_D, truth, 1, s->x[i], 1) + truth[FIT_D];
	}
}

static unsigned told;
static const struct fit_curve *told_of;

static void
tell(unsigned epoch, unsigned epochs, double training, double validation)
{
	told += epoch == told_of->n && epochs == 200 && training == told_of->training[epoch - 1] &&
	    validation == told_of->validation[epoch - 1];
}

static int
train_squares(struct squares *s, uint64_t seed, unsigned epochs, unsigned patience, double rate, struct fit_curve *c,
    struct err *e)
{
	struct training t = { .p = s->p, .size = FIT_D + 1, .n_running = 1, .n = FIT_N * 2 / 3, .batch = 13,
		.n_held = FIT_N / 3, .held_batch = 7, .epochs = epochs, .patience = patience, .rate = rate,
		.rng = gsl_rng_alloc(gsl_rng_mt19937),
		.threads = 1, .ctx = s, .loss = squares_loss, .validate = squares_validate, .progress = tell };
	int rc;

	told_of = c;
	gsl_rng_set(t.rng, (unsigned long)seed);
	rc = train(&t, c, e);
	gsl_rng_free(t.rng);
	return rc;
}

static void
check_training(void)
{
	static const double worse[] = { 9, 4, 3, 5, 6, 4, 2, 2, 2 }, high[] = { 1, 20, 10.5, 30 };
	static struct fit_curve c, again;
	struct squares s;
	double p[FIT_D + 2], q[FIT_D + 2], worst = 0;
	struct err e;
	size_t i;
	int rc;

	squares_init(&s, p);
	if (!ok(train_squares(&s, 1, 200, 0, 0.05, &c, &e) == 0, "a training"))
		return;
	for (i = 0; i <= FIT_D; i++)
		worst = fmax(worst, fabs(p[i] - truth[i]));
	ok(worst < 1e-4 && c.n == 200 && c.validation[c.best - 1] < 1e-8 && c.training[0] > c.training[199],
	    "finds the line: off by %.1e, epoch %u of %u", worst, c.best, c.n);
	ok(told == 200, "its progress is told: %u times", told);
	ok(s.smallest == 12 && s.greatest == 12, "60 examples in batches of 12, none of them short");
	ok(s.validated == 201 && s.held == 201 * 30 && s.most_held == 7, "30 are held out, at most 7 at a time");
	ok(p[FIT_D + 1] == 5 * c.best, "the running numbers are those of the epoch that is kept");
	ok(p[0] == (double)(float)p[0] && p[1] == (double)(float)p[1], "parameters are rounded to float32");
	squares_init(&s, q);
	train_squares(&s, 1, 200, 0, 0.05, &again, &e);
	ok(memcmp(p, q, sizeof p) == 0 && memcmp(&c, &again, sizeof c) == 0, "the same seed gives the same");
	squares_init(&s, q);
	train_squares(&s, 2, 200, 0, 0.05, &again, &e);
	ok(memcmp(c.training, again.training, sizeof c.training) != 0, "another seed does not");

	squares_init(&s, p);
	s.scripted = worse;
	rc = train_squares(&s, 1, 8, 3, 0.05, &c, &e);
	ok(rc == 0 && c.n == 5 && c.best == 2 && p[FIT_D + 1] == 10,
	    "stops three epochs after the best, which is kept: %u of %u", c.best, c.n);
	squares_init(&s, p);
	s.scripted = worse;
	rc = train_squares(&s, 1, 8, 0, 0.05, &c, &e);
	ok(rc == 0 && c.n == 8 && c.best == 6,
	    "does not stop without a patience; of equal epochs, the first is kept: %u of %u", c.best, c.n);
	squares_init(&s, p);
	s.scripted = worse;
	s.wrong = 2;
	rc = train_squares(&s, 1, 8, 0, 0.05, &c, &e);
	ok(rc == 0 && c.best == 2, "an epoch with less that is wrong is better: %u", c.best);

	squares_init(&s, p);
	s.bad_call = 13;
	rc = train_squares(&s, 1, 8, 0, 0.05, &c, &e);
	ok(rc != 0 && strcmp(e.text,
	    "the fit diverged in epoch 3: the loss is not finite (a lower --rate may help)") == 0, "%s", e.text);
	squares_init(&s, p);
	s.scripted = high;
	rc = train_squares(&s, 1, 3, 0, 0.05, &c, &e);
	ok(rc != 0 && strcmp(e.text, "the fit diverged: the loss on held-out "
	    "groups was 1 before the first epoch, and is 10.5 after the best (a lower --rate may help)") == 0, "%s",
	    e.text);
	squares_init(&s, p);
	s.scripted = worse;
	rc = train_squares(&s, 1, 1, 0, 1e39, &c, &e);
	ok(rc != 0 && strcmp(e.text,
	    "the fit diverged in epoch 1: a weight is not finite (a lower --rate may help)") == 0, "%s", e.text);
	rc = train(&(struct training){ .n = 16, .batch = 16, .epochs = 1, .schedule = train_linear_schedule }, &c, &e);
	ok(rc != 0 && strcmp(e.text,
	    "the training would have one step, at the rate 0: more --epochs are needed") == 0, "%s", e.text);
}

static void
check_split(void)
{
	enum { N = 63, GROUPS = 21 };
	int label[N], group[N], of[N], seen[GROUPS], mixed = 0, left[2] = { 0, 0 };
	struct fit_data d = { NULL, label, group, N, 1, GROUPS, NULL };
	struct fit_options o;
	struct err e;
	size_t i, held = 0, good = 0, bad = 0;
	int rc;

	fit_options_default(&o);
	for (i = 0; i < N; i++) {
		label[i] = i % 3 == 0;
		group[i] = (int)(i % GROUPS);
	}
	memset(seen, -1, sizeof seen);
	if (!ok(train_split(&d, &o, of, &e) == 0, "a split"))
		return;
	for (i = 0; i < N; i++) {
		mixed += seen[group[i]] >= 0 && seen[group[i]] != of[i];
		seen[group[i]] = of[i];
		left[label[i]] += !of[i];
	}
	for (i = 0; i < GROUPS; i++)
		held += seen[i] == 1;
	ok(mixed == 0 && held >= 2 && held <= 3 && left[0] > 0 && left[1] > 0,
	    "whole groups are held out: %zu of %d", held, GROUPS);
	d.n_group = 2;
	for (i = 0; i < N; i++)
		group[i] = label[i];
	rc = train_split(&d, &o, of, &e);
	ok(rc != 0 && strcmp(e.text, "no tenth of the groups can be held out: "
	    "both it and the others must have both labels") == 0, "%s", e.text);
	/* of the only two groups with positives, one must be held out */
	d.n_group = GROUPS;
	for (o.seed = 0; o.seed < 20; o.seed++) {
		for (i = 0; i < N; i++) {
			group[i] = (int)(i % GROUPS);
			label[i] = i % GROUPS < 2;
		}
		if (train_split(&d, &o, of, &e) != 0)
			continue;
		good += of[0] != of[1];
		bad += of[0] == of[1];
	}
	ok(good > 0 && bad == 0, "positives are on both sides in %zu of 20 splits, and the others are refused", good);
}

int
main(void)
{
	openblas_set_num_threads(1);
	uneven(weight, MOST, 3.1);
	check_linear(5, 7);
	check_linear(6, 1);
	check_linear(500, 430);		/* several panels, and worth two threads */
	check_norm();
	check_functions();
	check_mlp(2, MLP_RELU);
	check_mlp(4, MLP_GELU);
	check_mlp(1, MLP_RELU);
	check_adam();
	check_training();
	check_split();
	return tap_done();
}
