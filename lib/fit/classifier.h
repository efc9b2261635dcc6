/*
 * classifier - linear classifiers with an L2 penalty, to their optimum: logistic
 * regression, or a support vector machine with the squared hinge.
 *
 * Source: the paper's section 4, and scikit-learn's LogisticRegression, whose objective
 * this is (L from the loss: log(1 + exp(-m)) or max(0, 1 - m)^2):
 *   1/2 |w|^2 + C * sum_i L(s_i (w . phi_i + c)),  s_i = +-1, c free of penalty.
 * Newton's method, each step solved by conjugate gradients with c eliminated
 * exactly. Of the rows it needs phi itself (primal, best when they are more than
 * the features) or only their inner products (dual: w = sum_i alpha_i phi_i).
 *
 * Several fits to the same rows, with other C or other rows left out, are taken
 * together: what they need of the rows is one product of matrices for all of them.
 */
#ifndef ODESTEER_CLASSIFIER_H
#define ODESTEER_CLASSIFIER_H

#include <stddef.h>

#include "base/err.h"
#include "fit/data.h"
#include "fit/features.h"

struct classifier_problem {
	/* one of these three; with the latter two, all that hangs on the rows has the precision of floats */
	const double *rows;	/* primal: phi [n][size]; dual: inner products [n][n], size = n, lower triangle */
	const float *gram;	/* dual: inner products as features.h has them, size = n */
	struct features *phi;	/* primal: packed */
	int dual;
	size_t n, size;
	const int *label;	/* [n], 1 positive, 0 negative */
	enum loss loss;
};

struct classifier_fit {
	double C;		/* set these three */
	const unsigned char *out;	/* [n], 1: the row is left out; NULL: none is */
	double tolerance;	/* gradient's norm at the end over that at the start; 0: as small as it gets */
	double *coef;		/* [size] w, or alpha in the dual; the caller's memory; NULL: not wanted */
	double *f;		/* [n] w . phi_i + c, of the rows left out too; the caller's memory */
	double intercept;	/* c */
	double objective;	/* at the end */
	double gradient_norm;	/* of the objective, at the end */
	unsigned iterations;	/* Newton steps */
};

/*
 * Both labels must be among the rows each fit takes. 0, or -1: out of memory, or no
 * convergence within 100 Newton steps.
 */
int classifier_fit(const struct classifier_problem *p, struct classifier_fit *fit, size_t n_fit, struct err *e);

#endif
