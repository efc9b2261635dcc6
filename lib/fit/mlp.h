/*
 * mlp - a network of linear layers one after the other, with an activation
 * function between them and none at the end (a multilayer perceptron).
 */
#ifndef ODESTEER_MLP_H
#define ODESTEER_MLP_H

#include "fit/net.h"

enum { MLP_LAYERS = 4 };	/* at most */

enum mlp_activation { MLP_RELU, MLP_GELU };

struct mlp {
	unsigned n;			/* layers */
	struct net_linear layer[MLP_LAYERS];
	enum mlp_activation activation;
	size_t size;			/* number of parameters */
};

/* Returns a network with n layers of these widths[n + 1], input to output. */
struct mlp mlp(const size_t *widths, unsigned n, enum mlp_activation activation);
/* Draws all parameters as net_linear_draw does. */
void mlp_draw(const struct mlp *m, double *p, gsl_rng *rng);
/* Returns the number of doubles that mlp_forward needs for n rows. */
size_t mlp_work_size(const struct mlp *m, size_t n);
/* Sets y[n][out] at x[n][in], and work for mlp_backward. */
void mlp_forward(const struct mlp *m, const double *p, const double *x, size_t n, double *y,
    double *work, unsigned threads);
/*
 * Given dy[n][out], adds to grad[size] and sets dx[n][in]. Both may be NULL. x
 * and work are those of mlp_forward.
 */
void mlp_backward(const struct mlp *m, const double *p, const double *x, const double *dy, size_t n,
    double *grad, double *dx, double *work, unsigned threads);

#endif
