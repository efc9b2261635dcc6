/*
 * Let A = I + C Phi' D Phi with D = diag(p_i (1 - p_i)) be the Hessian in w. With
 * c eliminated D becomes D~ = D - D 1 1' D / (1' D 1), and Newton's step solves
 *   (I + C Phi' D~ Phi) d = -(g - C Phi' D 1 g_c / (1' D 1)),  g = w + C Phi' r,
 *   r_i = p_i - y_i, g_c = sum r_i,  dc = -(g_c + 1' D Phi d) / (1' D 1).
 * A vector of feature space is kept as itself (primal) or by its coefficients
 * over the rows (dual); either way with its image Phi v. In the dual, Phi' u has
 * the coefficients u, and the inner product of v and v' is v . (Phi v').
 */
#include "logistic.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NEWTON = 100, MAX_CG = 1000, MAX_HALVINGS = 40 };

/* A vector of feature space and its image. */
struct element {
	double *v;		/* [size] */
	double *image;		/* [n] */
};

struct state {
	const struct logistic_problem *p;
	struct element w, g, d, q, s;	/* iterate, gradient, step; direction and residual of CG */
	double *r, *weight, *u;	/* [n]: p - y, D's diagonal, scratch */
	double total;		/* 1' D 1 */
	double c, r_sum;
};

static void
image(const struct state *t, struct element *x)
{
	const struct logistic_problem *p = t->p;

	if (p->dual)
		cblas_dsymv(CblasRowMajor, CblasLower, (int)p->n, 1, p->rows, (int)p->n, x->v, 1, 0, x->image, 1);
	else
		cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)p->n, (int)p->size, 1, p->rows, (int)p->size,
		    x->v, 1, 0, x->image, 1);
}

/* y += a Phi' u */
static void
pull_back(const struct state *t, double a, const double *u, double *y)
{
	const struct logistic_problem *p = t->p;

	if (p->dual)
		cblas_daxpy((int)p->n, a, u, 1, y, 1);
	else
		cblas_dgemv(CblasRowMajor, CblasTrans, (int)p->n, (int)p->size, a, p->rows, (int)p->size,
		    u, 1, 1, y, 1);
}

/* The inner product; y's image is used in the dual. */
static double
dot(const struct state *t, const struct element *x, const struct element *y)
{
	return cblas_ddot((int)t->p->size, x->v, 1, t->p->dual ? y->image : y->v, 1);
}

static double
log1pexp(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static int
taken(const struct state *t, size_t i)
{
	return t->p->out == NULL || !t->p->out[i];
}

/* The losses' sum at w + a d, with the image of d and its share of c. */
static double
loss(const struct state *t, double a, double dc)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < t->p->n; i++) {
		double f = t->w.image[i] + t->c + a * (t->d.image[i] + dc);

		if (taken(t, i))
			sum += log1pexp(t->p->label[i] ? -f : f);
	}
	return sum;
}

/* r, D and the gradient (with its image) at the iterate. Returns the gradient's norm. */
static double
differentiate(struct state *t)
{
	const struct logistic_problem *p = t->p;
	size_t i;

	t->r_sum = t->total = 0;
	for (i = 0; i < p->n; i++) {
		double f = t->w.image[i] + t->c, q = 1 / (1 + exp(-fabs(f)));

		t->r[i] = taken(t, i) ? (f > 0 ? q : 1 - q) - p->label[i] : 0;
		t->weight[i] = taken(t, i) ? q * (1 - q) : 0;
		t->r_sum += t->r[i];
		t->total += t->weight[i];
	}
	memcpy(t->g.v, t->w.v, p->size * sizeof *t->g.v);
	pull_back(t, p->C, t->r, t->g.v);
	image(t, &t->g);
	/* the intercept's part of the gradient is C r_sum */
	return sqrt(fmax(0, dot(t, &t->g, &t->g)) + p->C * p->C * t->r_sum * t->r_sum);
}

/* u = D~ x for a vector x over the rows */
static void
apply_weight(struct state *t, const double *x)
{
	double mean = cblas_ddot((int)t->p->n, t->weight, 1, x, 1) / t->total;
	size_t i;

	for (i = 0; i < t->p->n; i++)
		t->u[i] = t->weight[i] * (x[i] - mean);
}

/* Newton's step into t->d (with its image), to a relative residual of eta. */
static void
solve(struct state *t, double eta)
{
	const struct logistic_problem *p = t->p;
	int size = (int)p->size, n = (int)p->n;
	double rho, rho0;
	unsigned it;

	memset(t->d.v, 0, p->size * sizeof *t->d.v);
	memset(t->d.image, 0, p->n * sizeof *t->d.image);
	/* residual s = -(g - C Phi' D 1 r_sum / total) */
	cblas_dcopy(size, t->g.v, 1, t->s.v, 1);
	cblas_dscal(size, -1, t->s.v, 1);
	pull_back(t, p->C * t->r_sum / t->total, t->weight, t->s.v);
	image(t, &t->s);
	cblas_dcopy(size, t->s.v, 1, t->q.v, 1);
	cblas_dcopy(n, t->s.image, 1, t->q.image, 1);
	rho = rho0 = dot(t, &t->s, &t->s);
	for (it = 0; it < MAX_CG && rho > eta * eta * rho0 && rho > 0; it++) {
		double curvature, a, last = rho;

		apply_weight(t, t->q.image);
		curvature = dot(t, &t->q, &t->q) + p->C * cblas_ddot(n, t->u, 1, t->q.image, 1);
		a = rho / curvature;
		cblas_daxpy(size, a, t->q.v, 1, t->d.v, 1);
		cblas_daxpy(n, a, t->q.image, 1, t->d.image, 1);
		cblas_daxpy(size, -a, t->q.v, 1, t->s.v, 1);
		pull_back(t, -a * p->C, t->u, t->s.v);
		image(t, &t->s);
		rho = dot(t, &t->s, &t->s);
		cblas_dscal(size, rho / last, t->q.v, 1);
		cblas_daxpy(size, 1, t->s.v, 1, t->q.v, 1);
		cblas_dscal(n, rho / last, t->q.image, 1);
		cblas_daxpy(n, 1, t->s.image, 1, t->q.image, 1);
	}
}

/* Goes along the step as far as the objective falls. Returns the new objective, or the old: no way down. */
static double
descend(struct state *t, double objective)
{
	const struct logistic_problem *p = t->p;
	double dc = -(t->r_sum + cblas_ddot((int)p->n, t->weight, 1, t->d.image, 1)) / t->total;
	double ww = dot(t, &t->w, &t->w), wd = dot(t, &t->w, &t->d), dd = dot(t, &t->d, &t->d);
	double slope = dot(t, &t->g, &t->d) + p->C * t->r_sum * dc, a = 1;
	unsigned k;

	for (k = 0; k < MAX_HALVINGS; k++, a /= 2) {
		double next = (ww + 2 * a * wd + a * a * dd) / 2 + p->C * loss(t, a, dc);

		if (next <= objective + 1e-4 * a * slope) {
			cblas_daxpy((int)p->size, a, t->d.v, 1, t->w.v, 1);
			cblas_daxpy((int)p->n, a, t->d.image, 1, t->w.image, 1);
			t->c += a * dc;
			return next;
		}
	}
	return objective;
}

static int
state_init(struct state *t, const struct logistic_problem *p, struct logistic_fit *fit)
{
	struct element *x[] = { &t->w, &t->g, &t->d, &t->q, &t->s };
	size_t i;

	memset(t, 0, sizeof *t);
	t->p = p;
	for (i = 0; i < sizeof x / sizeof *x; i++) {
		x[i]->v = calloc(p->size, sizeof *x[i]->v);
		x[i]->image = calloc(p->n, sizeof *x[i]->image);
		if (x[i]->v == NULL || x[i]->image == NULL)
			return -1;
	}
	t->r = calloc(p->n, sizeof *t->r);
	t->weight = calloc(p->n, sizeof *t->weight);
	t->u = calloc(p->n, sizeof *t->u);
	fit->iterations = 0;
	return t->r == NULL || t->weight == NULL || t->u == NULL ? -1 : 0;
}

static void
state_release(struct state *t)
{
	struct element *x[] = { &t->w, &t->g, &t->d, &t->q, &t->s };
	size_t i;

	for (i = 0; i < sizeof x / sizeof *x; i++) {
		free(x[i]->v);
		free(x[i]->image);
	}
	free(t->r);
	free(t->weight);
	free(t->u);
}

int
logistic_fit(const struct logistic_problem *p, struct logistic_fit *fit, struct err *e)
{
	double norm, first, objective, last = INFINITY;
	struct state t;
	int rc = -1;
	size_t i;

	if (state_init(&t, p, fit) != 0) {
		err_memory(e);
		goto out;
	}
	objective = p->C * loss(&t, 0, 0);
	first = norm = differentiate(&t);
	/* on until rounding hides any way down: that is the optimum as doubles know it */
	while (norm > 1e-13 * first && objective < last) {
		if (fit->iterations == MAX_NEWTON) {
			err_set(e, "the logistic regression did not converge in %d steps (gradient %g)",
			    MAX_NEWTON, norm);
			goto out;
		}
		fit->iterations++;
		solve(&t, fmin(0.1, norm / first));
		last = objective;
		objective = descend(&t, objective);
		norm = differentiate(&t);
	}
	memcpy(fit->coef, t.w.v, p->size * sizeof *fit->coef);
	for (i = 0; i < p->n; i++)
		fit->f[i] = t.w.image[i] + t.c;
	fit->intercept = t.c;
	fit->objective = objective;
	fit->gradient_norm = norm;
	rc = 0;
out:
	state_release(&t);
	return rc;
}
