/*
 * unet - a network v(x, t) for the velocity of a flow, shaped like a U: its
 * blocks get narrower, then wider again.
 *
 * The first UNET_DEPTH blocks each halve the width, which is dim at first. One
 * block keeps the width, and UNET_DEPTH more blocks each double it. A linear
 * layer comes last.
 *
 * The input x of a block is the output of the block before it, followed by an
 * embedding of t. Blocks that double the width also get, in between, the output
 * of the block that halved this width. The embedding has `time' numbers: the
 * sine and the cosine of t / 10000^(2j / time), for j from 0 to time / 2 - 1.
 * A block's output is
 *   relu(norm2(linear2(relu(norm1(linear1(x))))) + norm3(shortcut(x))).
 *
 * Source: Wang et al. 2025 (TruthFlow), and the authors' program.
 */
#ifndef ODESTEER_UNET_H
#define ODESTEER_UNET_H

#include "fit/net.h"

enum { UNET_DEPTH = 4 };

struct unet_block {
	size_t in, out;		/* widths */
	size_t at;		/* its part of work[] begins at n * at for n rows */
	struct net_linear linear1, linear2, shortcut;
	struct net_norm norm1, norm2, norm3;
};

struct unet {
	size_t dim, time;	/* numbers in x, and in the embedding of t */
	struct unet_block block[2 * UNET_DEPTH + 1];	/* first to last */
	struct net_linear final;
	/*
	 * p[] holds `size' parameters, which are trained, and then n_running
	 * means and variances, which are measured (see net_norm)
	 */
	size_t size, n_running;
	size_t columns;		/* numbers of work for one row */
};

/* Returns a network. time must be even. */
struct unet unet(size_t dim, size_t time);
/* Draws the initial parameters, and sets the means to 0 and variances to 1. */
void unet_draw(const struct unet *u, double *p, gsl_rng *rng);
/* Returns whether p has no negative variance. */
int unet_is_valid(const struct unet *u, const double *p);
/* Returns the size of work, in numbers, that the functions below need. */
size_t unet_work_size(const struct unet *u, size_t n);
/* Sets y[n][dim] to v(x[n][dim], t[n]), with the means and variances of p. */
void unet_forward(const struct unet *u, const double *p, const double *x, const double *t, size_t n,
    double *y, double *work, unsigned threads);
/*
 * Does the same with the means and variances of the n >= 2 rows, and updates
 * those of p as net_norm_train does.
 */
void unet_train(const struct unet *u, double *p, const double *x, const double *t, size_t n,
    double *y, double *work, unsigned threads);
/*
 * Adds the gradient of the loss to grad[size], given its derivative dy[n][dim]
 * and the work of the unet_train before.
 */
void unet_backward(const struct unet *u, const double *p, const double *dy, size_t n, double *grad,
    double *work, unsigned threads);

#endif
