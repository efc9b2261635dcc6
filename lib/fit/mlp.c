#include "fit/mlp.h"

struct mlp
mlp(const size_t *widths, unsigned n, enum mlp_activation activation)
{
	struct mlp m = { .n = n, .activation = activation };
	unsigned k;

	for (k = 0; k < n; k++)
		m.layer[k] = net_linear(widths[k], widths[k + 1], &m.size);
	return m;
}

void
mlp_draw(const struct mlp *m, double *p, gsl_rng *rng)
{
	unsigned k;

	for (k = 0; k < m->n; k++)
		net_linear_draw(&m->layer[k], p, rng);
}

/*
 * The numbers of one hidden layer in work, each [n][out]: before and after its
 * activation function, and delta, the derivative of the loss, first by after,
 * then by before.
 */
struct hidden {
	double *before, *after, *delta;
	size_t size;			/* n out */
};

/* Finds those of layer k, of n rows. */
static struct hidden
hidden_at(const struct mlp *m, double *work, size_t n, unsigned k)
{
	struct hidden h;
	unsigned i;

	for (i = 0; i < k; i++)
		work += 3 * n * m->layer[i].out;
	h.size = n * m->layer[k].out;
	h.before = work;
	h.after = work + h.size;
	h.delta = work + 2 * h.size;
	return h;
}

size_t
mlp_work_size(const struct mlp *m, size_t n)
{
	size_t size = 0;
	unsigned k;

	for (k = 0; k + 1 < m->n; k++)
		size += 3 * n * m->layer[k].out;
	return size;
}

void
mlp_forward(const struct mlp *m, const double *p, const double *x, size_t n, double *y,
    double *work, unsigned threads)
{
	unsigned k;

	for (k = 0; k + 1 < m->n; k++) {
		struct hidden h = hidden_at(m, work, n, k);

		net_linear_forward(&m->layer[k], p, x, n, h.before, threads);
		if (m->activation == MLP_RELU)
			net_relu_forward(h.before, h.size, h.after);
		else
			net_gelu_forward(h.before, h.size, h.after);
		x = h.after;
	}
	net_linear_forward(&m->layer[k], p, x, n, y, threads);
}

void
mlp_backward(const struct mlp *m, const double *p, const double *x, const double *dy, size_t n,
    double *grad, double *dx, double *work, unsigned threads)
{
	unsigned k;

	for (k = m->n - 1; k > 0; k--) {
		struct hidden h = hidden_at(m, work, n, k - 1);

		net_linear_backward(&m->layer[k], p, h.after, dy, n, grad, h.delta, threads);
		if (m->activation == MLP_RELU)
			net_relu_backward(h.after, h.size, h.delta);
		else
			net_gelu_backward(h.before, h.size, h.delta);
		dy = h.delta;
	}
	net_linear_backward(&m->layer[0], p, x, dy, n, grad, dx, threads);
}
