/*
 * train - fits the parameters of a network to examples: Adam on shuffled
 * batches, keeping the epoch that is best on examples held out.
 */
#ifndef ODESTEER_TRAIN_H
#define ODESTEER_TRAIN_H

#include <gsl/gsl_rng.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "fit/data.h"

/*
 * Adam, or AdamW if decay is not 0. beta1 is 0.9, beta2 0.999, and epsilon
 * 1e-8. Sources: Kingma and Ba 2015, Loshchilov and Hutter 2019.
 */
struct adam {
	double decay;		/* p is first multiplied by 1 - rate decay */
	uint64_t steps;		/* made so far */
	double *m, *v;		/* [size], moments of the gradient; zero at first */
};
/* Moves p[size] by one step at this rate. Results do not depend on threads. */
void adam_step(struct adam *a, double *p, const double *grad, size_t size, double rate,
    unsigned threads);

/* Scales grad[size] to a norm of at most `most'. Returns its norm before. */
double train_clip(double *grad, size_t size, double most);

/*
 * Returns a factor of the rate in a step, from 0 to steps - 1: linear from 0 to
 * 1 in the first ceil(steps / 20) steps, then linear down to 0.
 */
double train_linear_schedule(size_t step, size_t steps);

/* How good a network is on examples that were held out. */
struct train_score {
	size_t wrong;		/* number classified wrongly; 0: nothing is classified */
	double loss;		/* mean */
};

struct training {
	/*
	 * p[size] are trained. The n_running numbers after them are set by
	 * loss, such as the running means of net_norm.
	 */
	double *p;
	size_t size, n_running;
	size_t n, n_held;	/* examples of the fit, from 0 on, and held out, from n on */
	size_t batch;		/* the most of them in a step */
	size_t held_batch;	/* the most of them in a call of validate */
	unsigned epochs;	/* at most FIT_EPOCHS */
	unsigned patience;	/* stop after so many epochs without a better one; 0: never */
	double rate, decay;	/* of Adam */
	double clip;		/* the greatest norm of the gradient; 0: any */
	double (*schedule)(size_t step, size_t steps);	/* a factor of rate; NULL: 1 */
	gsl_rng *rng;		/* shuffles the examples */
	unsigned threads;	/* of adam_step */
	void *ctx;
	/*
	 * Returns the loss of the examples example[n], a mean, and adds its
	 * gradient to grad[size]. p is that of the struct.
	 */
	double (*loss)(void *ctx, double *p, const size_t *example, size_t n, double *grad);
	/*
	 * Returns how good p is on the examples example[n], which were held
	 * out. Fewer wrong are better, then less loss.
	 */
	struct train_score (*validate)(void *ctx, const double *p, const size_t *example,
	    size_t n);
	fit_progress_fn *progress;	/* NULL: none */
};

/*
 * Trains t->p, which the caller has set to the initial parameters, and sets
 * curve. t->p becomes the best epoch's, rounded to float32, as it is stored.
 * Returns 0, or -1 with a message in e if memory runs out, the fit diverges, or
 * the only step would have the rate 0.
 * A fit diverges if a number is not finite, or if the best epoch's loss on the
 * held-out examples is over ten times that of the initial parameters: where
 * there is little to learn, a sound fit may end a little above it.
 */
int train(const struct training *t, struct fit_curve *curve, struct err *e);

/*
 * Checks, before a network is trained, that a record can hold the n numbers
 * that this field has for activations of dim. Returns 0, or -1 with a message
 * in e.
 */
int train_check_size(const char *field, size_t dim, size_t n, struct err *e);

enum { TRAIN_PARTS = 10 };	/* of the groups: one is held out for validation */
/*
 * Divides the groups of d into TRAIN_PARTS parts, at random by o->seed. Sets
 * held[d->n] to 1 in the rows of one part, from 0 on, and to 0 in the others.
 * With fewer groups, the last parts are empty. Returns 0, or -1 if out of
 * memory.
 */
int train_hold_out(const struct fit_data *d, const struct fit_options *o, unsigned part, int *held);
/*
 * Holds out the first part such that its rows, and the others, have both
 * labels. Returns 0, or -1 with a message in e: out of memory, or there is no
 * such part.
 */
int train_split(const struct fit_data *d, const struct fit_options *o, int *held, struct err *e);

#endif
