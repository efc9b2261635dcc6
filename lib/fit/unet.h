/*
 * unet - a velocity network v(x, t), shaped like a U.
 *
 * `depth` blocks halve the width, from dim on, another one keeps it, and
 * `depth` more double it again; each of these also gets the output of the block
 * on its level of the way down. All get t as the sines and cosines of
 * t / 10000^(2j / time). With its input x, a block's output is
 * relu(norm2(linear2(relu(norm1(linear1(x))))) + norm3(shortcut(x))).
 * A linear layer comes last.
 *
 * Source: Wang et al. 2025 (TruthFlow), and the authors' program.
 */
#ifndef ODESTEER_UNET_H
#define ODESTEER_UNET_H

#include "fit/net.h"

enum { UNET_DEPTH = 4 };

struct unet_block {
	size_t in, out;		/* widths */
	size_t at;		/* columns of the memory before its own */
	struct net_linear linear1, linear2, shortcut;
	struct net_norm norm1, norm2, norm3;
};

struct unet {
	size_t dim, time;	/* numbers in x, and in an embedding of t */
	struct unet_block block[2 * UNET_DEPTH + 1];	/* first to last */
	struct net_linear final;
	/* p[size] are trained; running[n_running] come after them */
	size_t size, n_running;
	size_t columns;		/* of the memory */
};

/* Returns a network; time is even. */
struct unet unet(size_t dim, size_t time);
/* Draws the initial p[size], and sets the running numbers after them. */
void unet_draw(const struct unet *u, double *p, gsl_rng *rng);
/* Returns whether no running variance is negative. */
int unet_is_valid(const struct unet *u, const double *p);
/* Returns how many numbers of memory the functions below need for n rows. */
size_t unet_work_size(const struct unet *u, size_t n);
/* Sets y[n][dim] to v(x[n][dim], t[n]), by the running numbers. */
void unet_forward(const struct unet *u, const double *p, const double *x, const double *t, size_t n,
    double *y, double *work, unsigned threads);
/* Does so by the means and variances of the n >= 2 rows; see net_norm_train. */
void unet_train(const struct unet *u, double *p, const double *x, const double *t, size_t n,
    double *y, double *work, unsigned threads);
/*
 * Adds to grad[size], given dy[n][dim] and the memory that unet_train has left.
 */
void unet_backward(const struct unet *u, const double *p, const double *dy, size_t n, double *grad,
    double *work, unsigned threads);

#endif
