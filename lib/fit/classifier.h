/*
 * classifier - linear classifiers with an L2 penalty: logistic regression, or a
 * support vector machine with the squared hinge loss.
 *
 * A fit to the rows phi_i minimises, over the weights w and the intercept c,
 *   1/2 |w|^2 + C sum_i L(s_i f_i),  f_i = w . phi_i + c,
 * where s_i = +1 or -1 are the labels and L(x) is log(1 + exp(-x)) or
 * max(0, 1 - x)^2. There is no penalty on c.
 * Source: section 4 of the paper; the objective is that of scikit-learn's
 * LogisticRegression.
 *
 * It needs either the rows (primal: in single precision, of centred rows), or
 * only their inner products (dual: w = sum_i alpha_i phi_i, in double
 * precision). Several fits to the same rows are made together, because a
 * product with several vectors reads the rows only once.
 */
#ifndef ODESTEER_CLASSIFIER_H
#define ODESTEER_CLASSIFIER_H

#include <stddef.h>

#include "base/err.h"
#include "fit/data.h"
#include "fit/features.h"
#include "fit/gram.h"

struct classifier_problem {
	struct features *features;	/* the rows; NULL for a dual fit */
	struct gram *gram;		/* their inner products; NULL for a primal fit */
	const int *label;		/* [n], 1 positive, 0 negative */
	/*
	 * [n], 0 to 1, how much of row i is positive: the rest is negative. In
	 * place of label, for LOSS_LOGISTIC only; or NULL.
	 */
	const double *share;
	const unsigned *fold;		/* [n], of each row; NULL if no fit leaves a fold out */
	enum loss loss;
};

enum { CLASSIFIER_NO_FOLD = -1 };

struct classifier_fit {
	/* set by the caller */
	double C;
	int held_out;		/* the fold to leave out, or CLASSIFIER_NO_FOLD */
	/*
	 * the fit ends at this fraction of the first |gradient|; one to
	 * features also if its objective is within 1e-12 of the least
	 */
	double tolerance;
	double *coef;		/* gets w[size], or alpha[n] of a dual fit; may be NULL */
	double *f;		/* [n], gets f_i of the held-out rows, or of all; may be NULL */
	/* set by classifier_fit */
	double intercept;	/* c; of the centred rows in a primal fit */
	double objective;
	double gradient_norm;
	unsigned iterations;	/* of Newton's method */
};

/*
 * Makes n_fit fits; the rows of each must have both labels. Returns 0, or -1
 * with a message in e if memory runs out, a fit does not converge, or shares go
 * with another loss than LOSS_LOGISTIC.
 */
int classifier_fit(const struct classifier_problem *p, struct classifier_fit *fit, size_t n_fit,
    struct err *e);

#endif
