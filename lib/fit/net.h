/*
 * net - the layers of small neural networks, in double precision.
 *
 * ggml trains networks too, but has no backward pass for GELU, sigmoid,
 * normalisation and concatenation, so these layers are our own.
 *
 * All parameters of a network are in one array p[], and their gradient is in
 * another, grad[]; a layer knows where its own are. A layer has a forward
 * function, and a backward one that gets the derivative of the loss by the
 * layer's output. Rows are examples: x[n][in] is row-major.
 *
 * Products are cut into panels whose size does not depend on the number of
 * threads that share them, so the numbers do not either.
 */
#ifndef ODESTEER_NET_H
#define ODESTEER_NET_H

#include <gsl/gsl_rng.h>
#include <stddef.h>

/* A linear layer: y = x W' + b. */
struct net_linear {
	size_t in, out;
	size_t weight;		/* where W[out][in] begins in p[] */
	size_t bias;		/* where b[out] begins; NET_NO_BIAS: b = 0 */
};
#define NET_NO_BIAS ((size_t)-1)

/*
 * Returns a layer whose parameters are at *size, and adds their number to it.
 */
struct net_linear net_linear(size_t in, size_t out, int has_bias, size_t *size);
/* Draws W and b uniformly from -1/sqrt(in) to 1/sqrt(in). */
void net_linear_draw(const struct net_linear *l, double *p, gsl_rng *rng);
/*
 * Sets y[n][out]. Up to that many threads share the work; one thread calls BLAS
 * as it is set, which is to one thread in parallel_run.
 */
void net_linear_forward(const struct net_linear *l, const double *p, const double *x, size_t n,
    double *y, unsigned threads);
/*
 * Adds to grad and sets dx[n][in], given dy[n][out]; grad or dx may be NULL.
 */
void net_linear_backward(const struct net_linear *l, const double *p, const double *x,
    const double *dy, size_t n, double *grad, double *dx, unsigned threads);

/*
 * Batch normalisation: y = scale (x - mean) / sqrt(variance + 1e-5) + shift,
 * each column by itself. Source: Ioffe and Szegedy 2015.
 */
struct net_norm {
	size_t width;
	size_t scale, shift;	/* where they are in p[], [width] each */
	size_t mean, variance;	/* where they are in running[], [width] each */
};

/*
 * Returns a layer whose scale and shift are at *size of the parameters, and
 * whose mean and variance at *n_running of running[], numbers that are measured
 * and not trained. Adds their numbers to both.
 */
struct net_norm net_norm(size_t width, size_t *size, size_t *n_running);
/* Sets scale and running variance to 1, shift and running mean to 0. */
void net_norm_init(const struct net_norm *l, double *p, double *running);
/* Sets y[n][width] by the running mean and variance. */
void net_norm_forward(const struct net_norm *l, const double *p, const double *running,
    const double *x, size_t n, double *y);
/*
 * Sets y[n][width] by the mean and the biased variance of the n >= 2 rows, and
 * moves the running ones a tenth of the way to the mean and the unbiased
 * variance. Sets unit[n][width] and isd[width], the rows before scale and shift
 * and the reciprocal standard deviations, for net_norm_backward.
 */
void net_norm_train(const struct net_norm *l, const double *p, double *running, const double *x,
    size_t n, double *y, double *unit, double *isd);
/* Adds to grad and sets dx[n][width]. dx may be dy. */
void net_norm_backward(const struct net_norm *l, const double *p, const double *unit,
    const double *isd, const double *dy, size_t n, double *grad, double *dx);

/*
 * Activation functions, of n numbers. The backward ones multiply dy[n] by the
 * derivative: net_relu_backward gets the function's result y, and
 * net_gelu_backward its argument x. y may be x in net_relu_forward.
 */
void net_relu_forward(const double *x, size_t n, double *y);
void net_relu_backward(const double *y, size_t n, double *dy);
/* GELU: x Phi(x), where Phi is the distribution function of N(0, 1). */
void net_gelu_forward(const double *x, size_t n, double *y);
void net_gelu_backward(const double *x, size_t n, double *dy);

/*
 * Losses, means over n numbers: of (y - target)^2, and of the cross-entropy of
 * 1 / (1 + exp(-logit)) and a target from 0 to 1. They set dy[n], or dlogit[n],
 * to the derivatives.
 */
double net_squared_error(const double *y, const double *target, size_t n, double *dy);
double net_cross_entropy(const double *logit, const double *target, size_t n, double *dlogit);

#endif
