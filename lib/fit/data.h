/*
 * data - what a fit is given, what a user may choose of it, and what it found.
 */
#ifndef ODESTEER_DATA_H
#define ODESTEER_DATA_H

#include <stddef.h>
#include <stdint.h>

enum {
	FIT_QUANTILES = 101,	/* of the positives' h: 0 %, 1 %, ... 100 % */
	FIT_BINS = 10		/* of the reliability table */
};

/* The rows of a fit: borrowed, row-major. */
struct fit_data {
	const float *act;	/* [n][dim] */
	const int *label;	/* [n], 1 positive, 0 negative */
	const int *group;	/* [n], numbers 0.. n_group-1: a question */
	size_t n, dim, n_group;
};

enum loss {
	LOSS_LOGISTIC,		/* log(1 + exp(-s f)) */
	LOSS_SQUARED_HINGE	/* max(0, 1 - s f)^2, a linear support vector machine */
};

/* What rff takes for sigma. */
enum sigma { SIGMA_MEDIAN, SIGMA_SCALE, SIGMA_NUMBER };

/* What a user may choose; the defaults (fit_options_default) are the paper's. */
struct fit_options {
	double C;		/* inverse regularisation, 1; 0: the best on held-out groups */
	enum loss loss;
	int standardise;	/* centre and scale the activations first */
	unsigned degree;	/* 2 */
	unsigned components;	/* n, bins of the sketch or random features, 8000 */
	double gamma;		/* 0.1 */
	double coef0;		/* 1 */
	enum sigma sigma;
	double sigma_value;	/* of SIGMA_NUMBER */
	const char *vector;	/* path of a GGUF control vector, for import */
	int block;		/* the activations', for import */
	uint64_t seed;		/* of hashes, signs, random features and folds, 32 bits */
	unsigned folds;		/* by group, of what is held out, 5; 0: nothing is */
};
void fit_options_default(struct fit_options *o);

/* What the fit found; stored in the barrier file and printed with -v. NaN: not to be had. */
struct fit_report {
	size_t n_positive, n_negative, n_group;
	double prior;		/* share of positives */
	double act_norm;	/* mean |a| */
	/* where a classifier is trained */
	double C;		/* the one taken */
	int C_at_end;		/* it was the least or the greatest of those tried */
	double objective;	/* at the end */
	double gradient_norm;	/* of the objective at the end */
	unsigned iterations;	/* Newton steps */
	/* on groups held out (density_ratio.h) */
	unsigned folds;		/* 0: nothing is held out */
	double *held_out;	/* [n] h of each row by a fit without its group; the caller's memory */
	int has_held_out;
	double auc, log_loss;
	double prior_log_loss;	/* of knowing the prior alone */
	double temperature;	/* h's log-odds divided by it have the least log-loss */
	double predicted[FIT_BINS], observed[FIT_BINS];	/* share of positives, bins of equal count */
	double quantile[FIT_QUANTILES];	/* of the positives' h */
};

/* Sets the counts of rows and groups, and the prior. */
void fit_report_count(struct fit_report *rep, const struct fit_data *d);

#endif
