/*
 * data - the input of a fit, its options, and its report.
 */
#ifndef ODESTEER_DATA_H
#define ODESTEER_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	FIT_QUANTILES = 101,	/* 0 %, 1 %, ..., 100 % */
	FIT_BINS = 10,		/* rows of the reliability table */
	FIT_EPOCHS = 2000,	/* the most epochs of a network's training */
	FIT_RANK = 256		/* the most directions that truthflow corrects */
};

/* Labelled activations. The arrays belong to the caller. */
struct fit_data {
	const float *act;	/* [n][dim] */
	const int *label;	/* [n], 1 positive, 0 negative */
	const int *group;	/* [n], 0 to n_group - 1: the question a row answers */
	size_t n, dim, n_group;
	/* [n][dim], activations at the ends of the rows' prompts, or NULL */
	const float *prompt;
};

enum loss {
	LOSS_LOGISTIC,		/* log(1 + exp(-s f)), logistic regression */
	LOSS_SQUARED_HINGE	/* max(0, 1 - s f)^2, a linear support vector machine */
};

/* The width sigma of the Gaussian kernel of rff. */
enum sigma {
	SIGMA_MEDIAN,		/* median distance between rows, over sqrt(2) */
	SIGMA_SCALE,		/* sqrt(dim / 2) times the deviation of all numbers */
	SIGMA_NUMBER		/* sigma_value */
};

/* A function that is called after each epoch of a network, with its losses. */
typedef void fit_progress_fn(unsigned epoch, unsigned epochs, double training, double validation);

/* The options of all methods; in brackets the defaults, those of the paper. */
struct fit_options {
	double C;		/* inverse regularisation; 0: choose it (density_ratio.h) [1] */
	enum loss loss;		/* [LOSS_LOGISTIC] */
	int standardise;	/* centre and scale the activations first [0] */
	unsigned degree;	/* of the polynomial [2] */
	unsigned components;	/* bins of the sketch, or random features [8000] */
	double gamma, coef0;	/* the kernel is (gamma x . y + coef0)^degree [0.1, 1] */
	enum sigma sigma;	/* [SIGMA_MEDIAN] */
	double sigma_value;	/* for SIGMA_NUMBER */
	double kappa, beta;	/* of spherical [20, -0.15] */
	const char *vector;	/* for import: path of a GGUF control vector */
	int block;		/* for import: the block of the activations */
	uint64_t seed;		/* of hashes, random features, networks and folds; 32 bits [0] */
	unsigned folds;		/* 0: hold nothing out [5] */
	/* of methods that train a network; 0: the method's own [0] */
	unsigned epochs;	/* at most FIT_EPOCHS */
	double rate;		/* learning rate */
	unsigned layers;
	unsigned rank;		/* of truthflow, at most FIT_RANK; 0: its own number [0] */
	fit_progress_fn *progress;	/* NULL: none [NULL] */
};
/* Sets all options to their defaults. */
void fit_options_default(struct fit_options *o);

/* The losses of a network after each epoch of its training, from the first. */
struct fit_curve {
	unsigned n;		/* epochs made; 0: no network was trained */
	unsigned best;		/* the epoch that was kept, from 1 to n */
	double training[FIT_EPOCHS], validation[FIT_EPOCHS];
};

/*
 * The results of a fit, which `fitbarrier -v` prints and the barrier file
 * stores. NaN: cannot be computed.
 */
struct fit_report {
	size_t n_positive, n_negative, n_group;
	double prior;		/* fraction of positives */
	double act_norm;	/* mean |a| */
	/* of the classifier, for methods that train one */
	double C;		/* the C of the fit */
	int C_at_end;		/* 1: it is the least or greatest of those that were tried */
	double objective;
	double gradient_norm;	/* of the objective, at the end */
	unsigned iterations;	/* Newton steps */
	/*
	 * of polykernel's quadratic form: the eigenvectors kept, and the mean
	 * |v' - v| over rows, where v' is the direction with these alone
	 */
	size_t rank;
	double direction_error;
	/* on held-out groups */
	unsigned folds;		/* 0: none, and held_out is not set */
	double *held_out;	/* [n], h of each row from a fit without its fold; the caller's */
	double auc, log_loss;
	double prior_log_loss;	/* log-loss of always predicting the prior */
	double temperature;	/* dividing the log-odds by it minimises the log-loss */
	/* reliability table: fraction of positives in bins of equal count */
	double predicted[FIT_BINS], observed[FIT_BINS];
	double quantile[FIT_QUANTILES];	/* of h of the positives */
	struct fit_curve curve;
};

/*
 * Sets v[d->dim], which holds zeros, to the mean of the positives minus that of
 * the negatives. Both labels must be there. Returns 0, or -1 with a message in
 * e: the means are equal but for the rounding of the activations.
 */
int fit_mean_difference(const struct fit_data *d, double *v, struct err *e);
/* Sets the counts and the prior of rep. */
void fit_report_count(struct fit_report *rep, const struct fit_data *d);

#endif
