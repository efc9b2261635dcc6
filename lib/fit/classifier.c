/*
 * Newton's method. Let r be the first and D the second derivatives of the
 * losses. The gradient is w + C Phi' r in w and C 1' r in c. With c eliminated,
 * a Newton step (d, dc) solves
 *   (I + C Phi' D~ Phi) d = -g,  D~ = D - D 1 1' D / (1' D 1),
 *   g = w + C Phi' (r - D 1 (1' r) / (1' D 1)),
 *   dc = -(1' r + 1' D Phi d) / (1' D 1).
 * None of this changes if the same vector is added to each row. At the optimum,
 * 1' r = 0.
 *
 * A vector v of feature space is kept as itself (primal) or as its coefficients
 * over the rows (dual), in both cases with its image Phi v. In the dual the
 * coefficients of Phi' u are u, and the inner product of v and v' is that of
 * v's coefficients with the image of v'.
 *
 * Conjugate gradients find d. Products are with the residual s only; those with
 * the direction q = s + beta q follow by the same recurrence. So one product
 * gives both |s|, which needs an image in the dual, and the step along q.
 *
 * All fits take their steps together, and share each product.
 */
#include "fit/classifier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/log1pexp.h"
#include "base/simd.h"

enum {
	TOGETHER = 30,		/* fits: six values of C by five folds */
	MAX_NEWTON = 300, MAX_CG = 1000, MAX_HALVINGS = 40
};

/* A vector of feature space. The arrays are adjacent in memory. */
struct vector {
	double *v;		/* [size] */
	double *image;		/* [n], Phi v */
	double *back;		/* [size], Phi' D Phi v; only of q and s */
};

struct state {
	const struct classifier_problem *p;
	struct classifier_fit *fit;
	int n, size;
	double *memory;
	struct vector w, g, d;	/* weights, reduced gradient, step */
	struct vector q, s;	/* direction and residual of the conjugate gradients */
	double *weight;		/* [n], D; 0 for held-out rows */
	double *u;		/* [n], r - D 1 (1' r) / (1' D 1) */
	double *weight_back;	/* [size], Phi' D 1 */
	double r_sum, weight_sum;	/* 1' r, 1' D 1 */
	double c;
	double first_norm, norm;	/* of (g, C 1' r), at the start and now */
	double last_objective;
	double expected;	/* decrease of the objective in the last step, to first order */
	double ss, last_ss, first_ss;	/* |s|^2: now, one step ago, at the first step */
	double accuracy;	/* of d: the final |s| over the first */
};

/* The fits that are made together. */
struct batch {
	const struct classifier_problem *p;
	struct state t[TOGETHER];
	struct state *active[TOGETHER];		/* the fits that have not converged */
	struct state *unsolved[TOGETHER];	/* the active fits whose step is not found yet */
	/* the arguments of a product */
	const double *from[2 * TOGETHER], *weight[TOGETHER];
	double *to[2 * TOGETHER], *image[TOGETHER];
};

/* Sets y[n] = a x + b y. BLAS would round by the processor that it runs on. */
SIMD_CLONES static void
combine(int n, double a, const double *restrict x, double b, double *restrict y)
{
	int i;

	for (i = 0; i < n; i++)
		y[i] = a * x[i] + b * y[i];
}

/* Returns the inner product of x and y. In the dual it needs the image of y. */
static double
inner(const struct state *t, const struct vector *x, const struct vector *y)
{
	return dot(x->v, t->p->gram != NULL ? y->image : y->v, (size_t)t->size);
}

/* Adds a times a vector to another one, and its image to the other's. */
static void
add(const struct state *t, double a, const struct vector *from, struct vector *to)
{
	combine(t->size + t->n, a, from->v, 1, to->v);
}

/* Returns whether row i is left out of the fit. */
static int
is_held_out(const struct state *t, int i)
{
	int held_out = t->fit->held_out;

	return held_out != CLASSIFIER_NO_FOLD && t->p->fold[i] == (unsigned)held_out;
}

/* Returns the sum of the losses at w + a d, c + a dc. */
static double
loss_at(const struct state *t, double a, double dc)
{
	const struct classifier_problem *p = t->p;
	double sum = 0, m;
	int i;

	for (i = 0; i < t->n; i++) {
		if (is_held_out(t, i))
			continue;
		m = t->w.image[i] + t->c + a * (t->d.image[i] + dc);
		if (p->share != NULL) {
			sum += log1pexp(m) - p->share[i] * m;
			continue;
		}
		if (!p->label[i])
			m = -m;
		if (p->loss == LOSS_LOGISTIC)
			sum += log1pexp(-m);
		else if (m < 1)
			sum += (1 - m) * (1 - m);
	}
	return sum;
}

/* Sets *r and *weight to the first and second derivative of the loss at f. */
static void
derivatives(enum loss loss, int label, double f, double *r, double *weight)
{
	double s = label ? 1 : -1, m = s * f, q;

	if (loss == LOSS_LOGISTIC) {
		q = logistic(fabs(f));
		*r = (f > 0 ? q : 1 - q) - label;
		*weight = q * (1 - q);
	} else {
		*r = m < 1 ? -2 * s * (1 - m) : 0;
		*weight = m < 1 ? 2 : 0;
	}
}

/* Sets weight, u and the sums at the present w and c. */
static void
differentiate(struct state *t)
{
	double f;
	int i;

	t->r_sum = t->weight_sum = 0;
	for (i = 0; i < t->n; i++) {
		if (is_held_out(t, i))
			continue;
		f = t->w.image[i] + t->c;
		derivatives(t->p->loss, t->p->share != NULL ? 0 : t->p->label[i], f, &t->u[i],
		    &t->weight[i]);
		if (t->p->share != NULL)
			t->u[i] -= t->p->share[i];
		t->r_sum += t->u[i];
		t->weight_sum += t->weight[i];
	}
	if (t->weight_sum > 0)
		combine(t->n, -t->r_sum / t->weight_sum, t->weight, 1, t->u);
}

/* Sets g and weight_back of the first count active fits. */
static void
set_gradients(struct batch *b, size_t count)
{
	size_t k, size = (size_t)b->t->size;

	for (k = 0; k < count; k++) {
		struct state *t = b->active[k];

		differentiate(t);
		b->from[2 * k] = t->u;
		b->to[2 * k] = t->g.v;
		b->from[2 * k + 1] = t->weight;
		b->to[2 * k + 1] = t->weight_back;
	}
	if (b->p->gram == NULL)
		features_multiply(b->p->features, NULL, NULL, b->from, b->to, 2 * count);
	for (k = 0; b->p->gram != NULL && k < 2 * count; k++)
		memcpy(b->to[k], b->from[k], size * sizeof **b->to);
	for (k = 0; k < count; k++) {
		struct state *t = b->active[k];

		combine(t->size, 1, t->w.v, t->fit->C, t->g.v);
		b->from[k] = t->g.v;
		b->image[k] = t->g.image;
	}
	if (b->p->gram != NULL)
		gram_multiply(b->p->gram, b->from, count, b->image);
}

/* Sets image and back of the residuals of the first count unsolved fits. */
static void
multiply_residuals(struct batch *b, size_t count)
{
	size_t k;
	int i;

	for (k = 0; k < count; k++) {
		struct state *t = b->unsolved[k];

		b->from[k] = t->s.v;
		b->weight[k] = t->weight;
		b->image[k] = t->s.image;
		b->to[k] = t->s.back;
	}
	if (b->p->gram == NULL) {
		features_multiply(b->p->features, b->from, b->image, b->weight, b->to, count);
		return;
	}
	gram_multiply(b->p->gram, b->from, count, b->image);
	for (k = 0; k < count; k++)
		for (i = 0; i < b->t->n; i++)
			b->to[k][i] = b->weight[k][i] * b->image[k][i];
}

/*
 * Starts the search for a Newton step at d = 0, where s is the right-hand side.
 */
static void
begin_step(struct state *t)
{
	double progress = t->norm / t->first_norm;
	int i;

	/*
	 * more digits as the fit converges, but no more than the tolerance asks
	 * for
	 */
	t->accuracy = fmax(fmin(0.1, progress), 0.3 * t->fit->tolerance / progress);
	t->ss = t->first_ss = 0;
	memset(t->d.v, 0, (size_t)(t->size + t->n) * sizeof *t->d.v);
	for (i = 0; i < t->size; i++)
		t->s.v[i] = -t->g.v[i];
}

/*
 * Removes the fits with a small enough residual from b->unsolved. Returns how
 * many are left.
 */
static size_t
drop_solved(struct batch *b, size_t count)
{
	size_t k, left = 0;

	for (k = 0; k < count; k++) {
		struct state *t = b->unsolved[k];

		t->last_ss = t->ss;
		t->ss = inner(t, &t->s, &t->s);
		if (t->last_ss == 0)
			t->first_ss = t->ss;
		if (t->ss > (t->last_ss == 0 ? 0 : t->accuracy * t->accuracy * t->first_ss))
			b->unsolved[left++] = t;
	}
	return left;
}

/* Takes one step of the conjugate gradients; the products of s must be set. */
static void
conjugate_step(struct state *t)
{
	double beta = t->last_ss > 0 ? t->ss / t->last_ss : 0, mean = 0, curvature = 0, a;
	int i;

	combine(2 * t->size + t->n, 1, t->s.v, beta, t->q.v);
	if (t->weight_sum > 0)
		mean = dot(t->weight, t->q.image, (size_t)t->n) / t->weight_sum;
	for (i = 0; i < t->n; i++)
		curvature += t->weight[i] * (t->q.image[i] - mean) * t->q.image[i];
	a = t->ss / (inner(t, &t->q, &t->q) + t->fit->C * curvature);
	add(t, a, &t->q, &t->d);
	combine(t->size, -a, t->q.v, 1, t->s.v);
	combine(t->size, -a * t->fit->C, t->q.back, 1, t->s.v);
	combine(t->size, a * t->fit->C * mean, t->weight_back, 1, t->s.v);
}

/* Finds the Newton steps of the first count active fits. */
static void
find_steps(struct batch *b, size_t count)
{
	int dual = b->p->gram != NULL;
	size_t k;
	unsigned it;

	for (k = 0; k < count; k++) {
		b->unsolved[k] = b->active[k];
		begin_step(b->active[k]);
	}
	/* in the dual, |s| is known only after the product with s */
	for (it = 0; it < MAX_CG && count > 0; it++) {
		if (!dual)
			count = drop_solved(b, count);
		if (count > 0)
			multiply_residuals(b, count);
		if (dual)
			count = drop_solved(b, count);
		for (k = 0; k < count; k++)
			conjugate_step(b->unsolved[k]);
	}
}

/*
 * Takes the step, halved until the objective falls enough. Does nothing if it
 * never does.
 */
static void
descend(struct state *t)
{
	double ww = inner(t, &t->w, &t->w), wd = inner(t, &t->w, &t->d);
	double dd = inner(t, &t->d, &t->d);
	double C = t->fit->C, slope = inner(t, &t->g, &t->d), dc = 0, a = 1;
	unsigned k;

	if (t->weight_sum > 0) {
		dc = -(t->r_sum + dot(t->weight, t->d.image, (size_t)t->n)) / t->weight_sum;
		slope -= C * t->r_sum * t->r_sum / t->weight_sum;
	}
	t->last_objective = t->fit->objective;
	t->expected = -slope;
	for (k = 0; k < MAX_HALVINGS; k++, a /= 2) {
		double next = (ww + 2 * a * wd + a * a * dd) / 2 + C * loss_at(t, a, dc);

		if (next <= t->last_objective + 1e-4 * a * slope) {
			add(t, a, &t->d, &t->w);
			t->c += a * dc;
			t->fit->objective = next;
			return;
		}
	}
}

/*
 * Sets the gradients of the first count active fits, and removes those that
 * have converged. Returns how many are left.
 */
static size_t
drop_converged(struct batch *b, size_t count, int at_start)
{
	size_t k, left = 0;

	set_gradients(b, count);
	for (k = 0; k < count; k++) {
		struct state *t = b->active[k];

		t->norm = hypot(sqrt(fmax(0, inner(t, &t->g, &t->g))), t->fit->C * t->r_sum);
		if (at_start)
			t->first_norm = t->norm;
		/* the objective is at most norm^2 / 2 above the least one */
		if (b->p->gram == NULL && t->norm * t->norm / 2 < 1e-12 * t->fit->objective)
			continue;
		/*
		 * the last step may have made no progress: then rounding hides
		 * any further one
		 */
		if (t->norm > fmax(t->fit->tolerance, 1e-13) * t->first_norm &&
		    t->fit->objective < t->last_objective)
			b->active[left++] = t;
	}
	return left;
}

/* Starts a fit at w = 0, c = 0. Returns 0, or -1 if out of memory. */
static int
state_init(struct state *t, const struct classifier_problem *p, struct classifier_fit *fit)
{
	struct vector *x[] = { &t->w, &t->g, &t->d, &t->q, &t->s };
	size_t n = p->gram != NULL ? p->gram->n : p->features->n, i;
	size_t size = p->gram != NULL ? n : p->features->size;
	double *to;

	*t = (struct state){ .p = p, .fit = fit, .last_objective = INFINITY };
	t->n = (int)n;
	t->size = (int)size;
	if ((t->memory = to = calloc(8 * size + 7 * n, sizeof *to)) == NULL)
		return -1;
	for (i = 0; i < 5; i++) {
		x[i]->v = to;
		x[i]->image = to + size;
		to += size + n;
		if (i >= 3) {
			x[i]->back = to;
			to += size;
		}
	}
	t->weight_back = to;
	t->u = to + size;
	t->weight = t->u + n;
	fit->iterations = 0;
	fit->objective = fit->C * loss_at(t, 0, 0);
	return 0;
}

/*
 * Sets the results of a fit. Returns 0, or -1 with a message in e if it has no
 * optimum.
 */
static int
finish(const struct state *t, struct err *e)
{
	struct classifier_fit *fit = t->fit;
	int i;

	/*
	 * no progress far from an optimum: numbers are too great or too small
	 * for doubles
	 */
	if (!(t->norm <= fmax(1e-6, fit->tolerance) * t->first_norm ||
	    (t->expected > 0 && t->expected <= 1e-6 * fit->objective)))
		return err_set(e, "the classifier did not converge: its gradient is %g, "
		    "and no step reduces it", t->norm);
	fit->intercept = t->c;
	fit->gradient_norm = t->norm;
	if (fit->coef != NULL)
		memcpy(fit->coef, t->w.v, (size_t)t->size * sizeof *fit->coef);
	for (i = 0; fit->f != NULL && i < t->n; i++)
		if (fit->held_out == CLASSIFIER_NO_FOLD || is_held_out(t, i))
			fit->f[i] = t->w.image[i] + t->c;
	return 0;
}

/* Makes up to TOGETHER fits. Returns 0, or -1 with a message in e. */
static int
fit_together(const struct classifier_problem *p, struct classifier_fit *fit, size_t n_fit,
    struct err *e)
{
	struct batch b = { .p = p };
	size_t count, k;
	int rc = 0;

	for (k = 0; rc == 0 && k < n_fit; k++) {
		b.active[k] = &b.t[k];
		if (state_init(&b.t[k], p, &fit[k]) != 0)
			rc = err_memory(e);
	}
	if (rc != 0)
		goto out;
	count = drop_converged(&b, n_fit, 1);
	while (count > 0) {
		for (k = 0; k < count; k++)
			if (b.active[k]->fit->iterations++ == MAX_NEWTON) {
				rc = err_set(e, "the classifier did not converge in %d steps "
				    "(gradient %g)", MAX_NEWTON, b.active[k]->norm);
				goto out;
			}
		find_steps(&b, count);
		for (k = 0; k < count; k++)
			descend(b.active[k]);
		count = drop_converged(&b, count, 0);
	}
	for (k = 0; rc == 0 && k < n_fit; k++)
		rc = finish(&b.t[k], e);
out:
	for (k = 0; k < n_fit; k++)
		free(b.t[k].memory);
	return rc;
}

int
classifier_fit(const struct classifier_problem *p, struct classifier_fit *fit, size_t n_fit,
    struct err *e)
{
	size_t first, n;
	int rc = 0;

	if (p->share != NULL && p->loss != LOSS_LOGISTIC)
		return err_set(e, "only the logistic loss fits to shares of a label");
	for (first = 0; rc == 0 && first < n_fit; first += n) {
		n = n_fit - first < TOGETHER ? n_fit - first : TOGETHER;
		rc = fit_together(p, fit + first, n, e);
	}
	return rc;
}
