/*
 * logistic - logistic regression with an L2 penalty, to its optimum.
 *
 * Source: the paper's section 4, and scikit-learn's LogisticRegression, whose objective
 * this is:
 *   1/2 |w|^2 + C * sum_i log(1 + exp(-s_i (w . phi_i + c))),  s_i = +-1, c free of penalty.
 * Newton's method, each step solved by conjugate gradients with c eliminated
 * exactly. Of the rows it needs phi itself (primal, best when they are more than
 * the features) or only their inner products (dual: w = sum_i alpha_i phi_i).
 */
#ifndef ODESTEER_LOGISTIC_H
#define ODESTEER_LOGISTIC_H

#include <stddef.h>

#include "err.h"

struct logistic_problem {
	const double *rows;	/* primal: phi [n][size]; dual: inner products [n][n], size = n */
	int dual;
	size_t n, size;
	const int *label;	/* [n], 1 positive, 0 negative */
	const unsigned char *out;	/* [n], 1: the row is left out; NULL: none is */
	double C;
};

struct logistic_fit {
	double *coef;		/* [size] w, or alpha in the dual; the caller's memory */
	double *f;		/* [n] w . phi_i + c, of the rows left out too; the caller's memory */
	double intercept;	/* c */
	double objective;	/* at the end */
	double gradient_norm;	/* of the objective, at the end */
	unsigned iterations;	/* Newton steps */
};

/*
 * Both labels must be among the rows taken. 0, or -1: out of memory, or no
 * convergence within 100 Newton steps.
 */
int logistic_fit(const struct logistic_problem *p, struct logistic_fit *fit, struct err *e);

#endif
