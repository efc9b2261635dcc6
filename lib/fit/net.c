#include "fit/net.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/dot.h"
#include "base/log1pexp.h"
#include "base/parallel.h"

enum {
	PANEL = 96,			/* columns of a product that a thread makes at a time */
	SMALL = 1 << 23			/* multiplications that are not worth a second thread */
};

static const double NORM_EPS = 1e-5;

struct net_linear
net_linear(size_t in, size_t out, size_t *size)
{
	struct net_linear l = { in, out, *size, *size + in * out };

	*size += (in + 1) * out;
	return l;
}

void
net_linear_draw(const struct net_linear *l, double *p, gsl_rng *rng)
{
	double most = 1 / sqrt((double)l->in);
	size_t i;

	for (i = 0; i < l->in * l->out; i++)
		p[l->weight + i] = most * (2 * gsl_rng_uniform(rng) - 1);
	for (i = 0; i < l->out; i++)
		p[l->bias + i] = most * (2 * gsl_rng_uniform(rng) - 1);
}

/* A product of a layer, of which panel() computes some columns. */
struct product {
	const struct net_linear *l;
	const double *p, *x, *dy;
	double *to;		/* y, grad or dx */
	size_t n, columns;
	void (*panel)(const struct product *t, size_t first, size_t columns);
};

static void
product_part(void *ctx, unsigned part, unsigned parts)
{
	const struct product *t = ctx;
	size_t first;

	for (first = part * PANEL; first < t->columns; first += parts * PANEL)
		t->panel(t, first, t->columns - first < PANEL ? t->columns - first : PANEL);
}

static void
run_product(struct product *t, unsigned threads)
{
	size_t panels = (t->columns + PANEL - 1) / PANEL;

	if (threads <= 1) {
		product_part(t, 0, 1);
		return;
	}
	/* even one part by parallel_run, which keeps BLAS to one thread */
	if (t->n * t->l->in * t->l->out <= SMALL)
		threads = 1;
	parallel_run(product_part, t, threads < panels ? threads : (unsigned)panels);
}

/* Sets columns of y = x W' + b. */
static void
forward_panel(const struct product *t, size_t first, size_t columns)
{
	const struct net_linear *l = t->l;
	const double *W = t->p + l->weight + first * l->in, *b = t->p + l->bias + first;
	double *y = t->to + first;
	size_t i;

	for (i = 0; i < t->n; i++)
		memcpy(y + i * l->out, b, columns * sizeof *y);
	/* BLAS may round a product with one vector differently among others */
	for (i = 0; l->out == 1 && i < t->n; i++)
		y[i] += dot(W, t->x + i * l->in, l->in);
	if (l->out > 1)
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)t->n, (int)columns,
		    (int)l->in, 1, t->x, (int)l->in, W, (int)l->in, 1, y, (int)l->out);
}

void
net_linear_forward(const struct net_linear *l, const double *p, const double *x, size_t n,
    double *y, unsigned threads)
{
	struct product t = { l, p, x, NULL, y, n, l->out, forward_panel };

	run_product(&t, threads);
}

/* Adds dy' x to some rows of the gradient by W, and sums of dy to that by b. */
static void
gradient_panel(const struct product *t, size_t first, size_t columns)
{
	const struct net_linear *l = t->l;
	const double *dy = t->dy + first;
	size_t i, k;

	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)columns, (int)l->in, (int)t->n, 1,
	    dy, (int)l->out, t->x, (int)l->in, 1, t->to + l->weight + first * l->in, (int)l->in);
	for (i = 0; i < t->n; i++)
		for (k = 0; k < columns; k++)
			t->to[l->bias + first + k] += dy[i * l->out + k];
}

/* Sets columns of dx = dy W. */
static void
input_panel(const struct product *t, size_t first, size_t columns)
{
	const struct net_linear *l = t->l;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)t->n, (int)columns, (int)l->out,
	    1, t->dy, (int)l->out, t->p + l->weight + first, (int)l->in, 0, t->to + first,
	    (int)l->in);
}

void
net_linear_backward(const struct net_linear *l, const double *p, const double *x, const double *dy,
    size_t n, double *grad, double *dx, unsigned threads)
{
	struct product by_p = { l, p, x, dy, grad, n, l->out, gradient_panel };
	struct product by_x = { l, p, x, dy, dx, n, l->in, input_panel };

	if (grad != NULL)
		run_product(&by_p, threads);
	if (dx != NULL)
		run_product(&by_x, threads);
}

struct net_norm
net_norm(size_t width, size_t *size, size_t *n_running)
{
	struct net_norm l = { .width = width, .scale = *size, .shift = *size + width };

	l.mean = *n_running;
	l.variance = *n_running + width;
	*size += 2 * width;
	*n_running += 2 * width;
	return l;
}

void
net_norm_init(const struct net_norm *l, double *p, double *running)
{
	size_t j;

	for (j = 0; j < l->width; j++) {
		p[l->scale + j] = running[l->variance + j] = 1;
		p[l->shift + j] = running[l->mean + j] = 0;
	}
}

void
net_norm_forward(const struct net_norm *l, const double *p, const double *running, const double *x,
    size_t n, double *y)
{
	size_t i, j;

	for (j = 0; j < l->width; j++) {
		double factor = p[l->scale + j] / sqrt(running[l->variance + j] + NORM_EPS);

		for (i = j; i < n * l->width; i += l->width)
			y[i] = factor * (x[i] - running[l->mean + j]) + p[l->shift + j];
	}
}

void
net_norm_train(const struct net_norm *l, const double *p, double *running, const double *x,
    size_t n, double *y, double *unit, double *isd)
{
	size_t end = n * l->width, i, j;

	for (j = 0; j < l->width; j++) {
		double mean = 0, square = 0;
		double *now = running + l->mean + j, *spread = running + l->variance + j;

		for (i = j; i < end; i += l->width)
			mean += x[i] / (double)n;
		for (i = j; i < end; i += l->width)
			square += (x[i] - mean) * (x[i] - mean);
		isd[j] = 1 / sqrt(square / (double)n + NORM_EPS);
		for (i = j; i < end; i += l->width) {
			unit[i] = (x[i] - mean) * isd[j];
			y[i] = p[l->scale + j] * unit[i] + p[l->shift + j];
		}
		*now = 0.9 * *now + 0.1 * mean;
		*spread = 0.9 * *spread + 0.1 * square / (double)(n - 1);
	}
}

/*
 * dx = scale isd (dy - mean(dy) - unit mean(dy unit)), with means over the rows
 */
void
net_norm_backward(const struct net_norm *l, const double *p, const double *unit, const double *isd,
    const double *dy, size_t n, double *grad, double *dx)
{
	size_t end = n * l->width, i, j;

	for (j = 0; j < l->width; j++) {
		double sum = 0, along = 0;

		for (i = j; i < end; i += l->width) {
			sum += dy[i];
			along += dy[i] * unit[i];
		}
		grad[l->scale + j] += along;
		grad[l->shift + j] += sum;
		for (i = j; i < end; i += l->width)
			dx[i] = p[l->scale + j] * isd[j] *
			    (dy[i] - (sum + unit[i] * along) / (double)n);
	}
}

void
net_relu_forward(const double *x, size_t n, double *y)
{
	size_t i;

	for (i = 0; i < n; i++)
		y[i] = x[i] > 0 ? x[i] : 0;
}

void
net_relu_backward(const double *y, size_t n, double *dy)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!(y[i] > 0))
			dy[i] = 0;
}

/* Returns Phi(x), the distribution function of N(0, 1). */
static double
normal_cdf(double x)
{
	return 0.5 * erfc(-x * M_SQRT1_2);
}

void
net_gelu_forward(const double *x, size_t n, double *y)
{
	size_t i;

	for (i = 0; i < n; i++)
		y[i] = x[i] * normal_cdf(x[i]);
}

void
net_gelu_backward(const double *x, size_t n, double *dy)
{
	const double root = 1 / sqrt(2 * M_PI);
	size_t i;

	for (i = 0; i < n; i++)
		dy[i] *= normal_cdf(x[i]) + x[i] * root * exp(-0.5 * x[i] * x[i]);
}

double
net_squared_error(const double *y, const double *target, size_t n, double *dy)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		double off = y[i] - target[i];

		sum += off * off;
		dy[i] = 2 * off / (double)n;
	}
	return sum / (double)n;
}

double
net_cross_entropy(const double *logit, const double *target, size_t n, double *dlogit)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		sum += log1pexp(logit[i]) - target[i] * logit[i];
		dlogit[i] = (logistic(logit[i]) - target[i]) / (double)n;
	}
	return sum / (double)n;
}
