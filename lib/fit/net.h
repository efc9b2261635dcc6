/*
 * net - the layers of small neural networks, in double precision.
 *
 * The layers are not ggml's, which has no backward pass for GELU, sigmoid,
 * normalisation and concatenation.
 *
 * The parameters of all layers of a network are in one array p[], and the
 * gradient of the loss by them is in an array grad[] of the same order. Each
 * layer stores the index of its own parameters. An example is a row of a
 * matrix such as x[n][in], which is row-major.
 *
 * A layer's forward function computes its output y from its input x. Its
 * backward function gets dy, the derivative of the loss by y. It adds the
 * derivative by the layer's parameters to grad, and sets dx, the derivative by
 * x.
 *
 * Results do not depend on the number of threads, because matrix products are
 * divided into panels of a fixed size.
 */
#ifndef ODESTEER_NET_H
#define ODESTEER_NET_H

#include <gsl/gsl_rng.h>
#include <stddef.h>

/* A linear layer: y = x W' + b. */
struct net_linear {
	size_t in, out;
	size_t weight;		/* where W[out][in] begins in p[] */
	size_t bias;		/* where b[out] begins */
};

/*
 * Returns a layer whose parameters begin at p[*size], and adds their number to
 * *size.
 */
struct net_linear net_linear(size_t in, size_t out, size_t *size);
/* Draws W and b uniformly from -1/sqrt(in) to 1/sqrt(in). */
void net_linear_draw(const struct net_linear *l, double *p, gsl_rng *rng);
/*
 * Sets y[n][out], with up to so many threads. If it is 1, the calling
 * thread calls BLAS, which may use threads of its own.
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
 * Returns a layer whose scale and shift begin at p[*size], and whose mean and
 * variance, which are measured and not trained, begin at running[*n_running].
 * Adds their numbers to *size and *n_running.
 */
struct net_norm net_norm(size_t width, size_t *size, size_t *n_running);
/* Sets scale and running variance to 1, shift and running mean to 0. */
void net_norm_init(const struct net_norm *l, double *p, double *running);
/* Sets y[n][width], with the running mean and variance. */
void net_norm_forward(const struct net_norm *l, const double *p, const double *running,
    const double *x, size_t n, double *y);
/*
 * Sets y[n][width], with the mean and the biased variance of the n >= 2 rows.
 * Moves the running mean and variance a tenth of the way to the rows' mean and
 * unbiased variance. For net_norm_backward, sets unit[n][width] to the rows
 * before scale and shift, and isd[width] to the reciprocal standard deviations.
 */
void net_norm_train(const struct net_norm *l, const double *p, double *running, const double *x,
    size_t n, double *y, double *unit, double *isd);
/* Adds to grad and sets dx[n][width]. dx may be dy. */
void net_norm_backward(const struct net_norm *l, const double *p, const double *unit,
    const double *isd, const double *dy, size_t n, double *grad, double *dx);

/*
 * Activation functions. The forward ones set y[n] to the function of x[n]. The
 * backward ones multiply dy[n] by its derivative, which net_relu_backward
 * computes from y and net_gelu_backward from x.
 */
/* ReLU: max(0, x). y may be x. */
void net_relu_forward(const double *x, size_t n, double *y);
void net_relu_backward(const double *y, size_t n, double *dy);
/* GELU: x Phi(x), where Phi is the distribution function of N(0, 1). */
void net_gelu_forward(const double *x, size_t n, double *y);
void net_gelu_backward(const double *x, size_t n, double *dy);

/*
 * Return a loss, the mean over n numbers, and set dy[n] or dlogit[n] to its
 * derivative by y or logit. net_squared_error's is the mean of (y - target)^2,
 * and net_cross_entropy's that of the cross-entropy between a target from 0 to
 * 1 and the probability 1 / (1 + exp(-logit)).
 */
double net_squared_error(const double *y, const double *target, size_t n, double *dy);
double net_cross_entropy(const double *logit, const double *target, size_t n, double *dlogit);

#endif
