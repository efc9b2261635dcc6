/*
 * Let A = I + C Phi' D Phi with D the losses' second derivatives be the Hessian in w. With
 * c eliminated D becomes D~ = D - D 1 1' D / (1' D 1), and Newton's step solves
 *   (I + C Phi' D~ Phi) d = -(g - C Phi' D 1 g_c / (1' D 1)),  g = w + C Phi' r,
 *   r_i the losses' first derivatives, g_c = sum r_i,  dc = -(g_c + 1' D Phi d) / (1' D 1).
 * A vector of feature space is kept as itself (primal) or by its coefficients
 * over the rows (dual); either way with its image Phi v. In the dual, Phi' u has
 * the coefficients u, and the inner product of v and v' is v . (Phi v').
 *
 * CG asks for A times its residual s, and has A times its direction q from that by the same
 * recurrence as q from s: so a step goes through the rows once in the primal, too,
 * where Phi s and Phi' (D Phi s) come from one reading of them.
 *
 * All fits go step by step together. Between the products with Phi each does its
 * own arithmetic; a product is taken at once for all that still need it.
 */
#include "fit/classifier.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log1pexp.h"

enum { MAX_NEWTON = 100, MAX_CG = 1000, MAX_HALVINGS = 40 };

/* A vector of feature space and its image. */
struct element {
	double *v;		/* [size] */
	double *image;		/* [n] */
	double *back;		/* [size] Phi' (D image), of q and s; else NULL */
};

/* One fit on its way. */
struct state {
	const struct classifier_problem *p;
	struct classifier_fit *fit;
	struct element w, g, d, q, s;	/* iterate, gradient, step; direction and residual of CG */
	double *r, *weight, *u;	/* [n]: first and second derivatives, scratch */
	double *slant;		/* [size] Phi' D 1 */
	double total;		/* 1' D 1 */
	double c, r_sum;
	double last, first, norm;	/* the objective before; the gradient's norm at first and now */
	double promise;		/* by how much the last step was to make the objective less */
	double rho, rho_last, rho0, eta;	/* of CG: |s|^2 now, before and at first */
};

struct batch {
	const struct classifier_problem *p;
	struct state *t;	/* [n_fit] */
	size_t *active, *inner;	/* [n_fit] the fits that go on; those of them whose CG does */
	double *in, *out;	/* [2 n_fit][size or n] */
	float *in_f;		/* [n_fit][features_side(n)], for a Gram matrix of floats */
	const double **from, **by;	/* [2 n_fit] */
	double **image, **to;	/* [2 n_fit] */
};

/* to[k][size] = Phi' from[k][n] */
static void
pull_back(struct batch *b, size_t count)
{
	const struct classifier_problem *p = b->p;
	int n = (int)p->n, size = (int)p->size;
	size_t k;

	if (p->dual) {
		for (k = 0; k < count; k++)
			memcpy(b->to[k], b->from[k], p->n * sizeof **b->to);
	} else if (p->phi != NULL) {
		features_pull_back(p->phi, b->from, count, b->to);
	} else if (count == 1) {
		cblas_dgemv(CblasRowMajor, CblasTrans, n, size, 1, p->rows, size, b->from[0], 1, 0, b->to[0], 1);
	} else {
		for (k = 0; k < count; k++)
			memcpy(b->in + k * p->n, b->from[k], p->n * sizeof *b->in);
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)count, size, n, 1, b->in, n, p->rows,
		    size, 0, b->out, size);
		for (k = 0; k < count; k++)
			memcpy(b->to[k], b->out + k * p->size, p->size * sizeof *b->out);
	}
}

/* image[k][n] = Phi from[k][size]; not of packed rows */
static void
image(struct batch *b, size_t count)
{
	const struct classifier_problem *p = b->p;
	int n = (int)p->n, size = (int)p->size;
	size_t k;

	if (p->gram != NULL) {
		size_t side = features_side(p->n), i;

		for (k = 0; k < count; k++)
			for (i = 0; i < p->n; i++)
				b->in_f[k * side + i] = (float)b->from[k][i];
		features_gram_image(p->gram, p->n, b->in_f, count, b->image);
		return;
	}
	if (count == 1 && p->dual) {
		cblas_dsymv(CblasRowMajor, CblasLower, n, 1, p->rows, n, b->from[0], 1, 0, b->image[0], 1);
		return;
	}
	if (count == 1) {
		cblas_dgemv(CblasRowMajor, CblasNoTrans, n, size, 1, p->rows, size, b->from[0], 1, 0, b->image[0], 1);
		return;
	}
	for (k = 0; k < count; k++)
		memcpy(b->in + k * p->size, b->from[k], p->size * sizeof *b->in);
	if (p->dual)
		cblas_dsymm(CblasRowMajor, CblasRight, CblasLower, (int)count, n, 1, p->rows, n, b->in, n, 0,
		    b->out, n);
	else
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, n, size, 1, b->in, size, p->rows,
		    size, 0, b->out, n);
	for (k = 0; k < count; k++)
		memcpy(b->image[k], b->out + k * p->n, p->n * sizeof *b->out);
}

/* The inner product; y's image is used in the dual. */
static double
dot(const struct state *t, const struct element *x, const struct element *y)
{
	return cblas_ddot((int)t->p->size, x->v, 1, t->p->dual ? y->image : y->v, 1);
}

/* to += a from, image and all but back */
static void
add(const struct state *t, double a, const struct element *from, struct element *to)
{
	cblas_daxpy((int)t->p->size, a, from->v, 1, to->v, 1);
	cblas_daxpy((int)t->p->n, a, from->image, 1, to->image, 1);
}

static int
taken(const struct state *t, size_t i)
{
	return t->fit->out == NULL || !t->fit->out[i];
}

/* The losses' sum at w + a d, with the image of d and its share of c. */
static double
loss_at(const struct state *t, double a, double dc)
{
	const struct classifier_problem *p = t->p;
	double sum = 0, m;
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (!taken(t, i))
			continue;
		m = t->w.image[i] + t->c + a * (t->d.image[i] + dc);
		if (!p->label[i])
			m = -m;
		sum += p->loss == LOSS_LOGISTIC ? log1pexp(-m) : m < 1 ? (1 - m) * (1 - m) : 0;
	}
	return sum;
}

/* First and second derivative of the loss at f. */
static void
derivatives(enum loss loss, int label, double f, double *r, double *weight)
{
	double s = label ? 1 : -1, m = s * f, q;

	if (loss == LOSS_LOGISTIC) {
		q = 1 / (1 + exp(-fabs(f)));
		*r = (f > 0 ? q : 1 - q) - label;
		*weight = q * (1 - q);
	} else {
		*r = m < 1 ? -2 * s * (1 - m) : 0;
		*weight = m < 1 ? 2 : 0;
	}
}

/* r and D at the iterate. */
static void
differentiate(struct state *t)
{
	const struct classifier_problem *p = t->p;
	size_t i;

	t->r_sum = t->total = 0;
	for (i = 0; i < p->n; i++) {
		t->r[i] = t->weight[i] = 0;
		if (taken(t, i))
			derivatives(p->loss, p->label[i], t->w.image[i] + t->c, &t->r[i], &t->weight[i]);
		t->r_sum += t->r[i];
		t->total += t->weight[i];
	}
}

/* Gradient and slant of the active fits. */
static void
gradients(struct batch *b, size_t count)
{
	size_t k;

	for (k = 0; k < count; k++) {
		struct state *t = &b->t[b->active[k]];

		differentiate(t);
		b->from[2 * k] = t->r;
		b->to[2 * k] = t->g.v;
		b->from[2 * k + 1] = t->weight;
		b->to[2 * k + 1] = t->slant;
	}
	pull_back(b, 2 * count);
	for (k = 0; k < count; k++) {
		struct state *t = &b->t[b->active[k]];

		cblas_dscal((int)b->p->size, t->fit->C, t->g.v, 1);
		cblas_daxpy((int)b->p->size, 1, t->w.v, 1, t->g.v, 1);
		b->from[k] = t->g.v;
		b->image[k] = t->g.image;
	}
	if (b->p->dual)
		image(b, count);
}

/* Image and back of the residuals of the fits whose CG goes on. */
static void
residuals(struct batch *b, size_t count)
{
	size_t k, i;

	for (k = 0; k < count; k++) {
		struct state *t = &b->t[b->inner[k]];

		b->from[k] = t->s.v;
		b->by[k] = t->weight;
		b->image[k] = t->s.image;
		b->to[k] = t->s.back;
	}
	if (b->p->phi != NULL) {
		features_normal(b->p->phi, b->from, b->by, count, b->image, b->to);
		return;
	}
	image(b, count);
	for (k = 0; k < count; k++) {
		struct state *t = &b->t[b->inner[k]];

		for (i = 0; i < b->p->n; i++)
			t->u[i] = t->weight[i] * t->s.image[i];
		b->from[k] = t->u;
	}
	pull_back(b, count);
}

/* Newton's step begins at nothing, its residual is s = -(g - C Phi' D 1 r_sum / total). */
static void
begin_step(struct state *t)
{
	double share = t->total > 0 ? t->fit->C * t->r_sum / t->total : 0;
	size_t i;

	/* no more digits than the tolerance asks for */
	t->eta = fmax(fmin(0.1, t->norm / t->first), 0.3 * t->fit->tolerance * t->first / t->norm);
	t->rho = t->rho0 = 0;
	memset(t->d.v, 0, t->p->size * sizeof *t->d.v);
	memset(t->d.image, 0, t->p->n * sizeof *t->d.image);
	for (i = 0; i < t->p->size; i++)
		t->s.v[i] = share * t->slant[i] - t->g.v[i];
}

/* Of the fits in b->inner those whose residual is not small enough yet. */
static size_t
unsolved(struct batch *b, size_t count)
{
	size_t k, left = 0;

	for (k = 0; k < count; k++) {
		struct state *t = &b->t[b->inner[k]];

		t->rho_last = t->rho;
		t->rho = dot(t, &t->s, &t->s);
		if (t->rho_last == 0)
			t->rho0 = t->rho;
		if (t->rho > (t->rho_last == 0 ? 0 : t->eta * t->eta * t->rho0))
			b->inner[left++] = b->inner[k];
	}
	return left;
}

/* One step of CG, up to the residual's products. */
static void
cg_step(struct state *t)
{
	int n = (int)t->p->n, size = (int)t->p->size;
	double turn = t->rho_last > 0 ? t->rho / t->rho_last : 0, mean, a;
	size_t i;

	for (i = 0; i < t->p->size; i++) {
		t->q.v[i] = t->s.v[i] + turn * t->q.v[i];
		t->q.back[i] = t->s.back[i] + turn * t->q.back[i];
	}
	for (i = 0; i < t->p->n; i++)
		t->q.image[i] = t->s.image[i] + turn * t->q.image[i];
	mean = t->total > 0 ? cblas_ddot(n, t->weight, 1, t->q.image, 1) / t->total : 0;
	for (i = 0; i < t->p->n; i++)
		t->u[i] = t->weight[i] * (t->q.image[i] - mean);
	a = t->rho / (dot(t, &t->q, &t->q) + t->fit->C * cblas_ddot(n, t->u, 1, t->q.image, 1));
	add(t, a, &t->q, &t->d);
	cblas_daxpy(size, -a, t->q.v, 1, t->s.v, 1);
	cblas_daxpy(size, -a * t->fit->C, t->q.back, 1, t->s.v, 1);
	cblas_daxpy(size, a * t->fit->C * mean, t->slant, 1, t->s.v, 1);
}

/* Goes along the step as far as the objective falls, if it does. */
static void
descend(struct state *t)
{
	const struct classifier_problem *p = t->p;
	double dc = t->total > 0 ? -(t->r_sum + cblas_ddot((int)p->n, t->weight, 1, t->d.image, 1)) / t->total : 0;
	double ww = dot(t, &t->w, &t->w), wd = dot(t, &t->w, &t->d), dd = dot(t, &t->d, &t->d);
	double slope = dot(t, &t->g, &t->d) + t->fit->C * t->r_sum * dc, a = 1;
	unsigned k;

	t->last = t->fit->objective;
	t->promise = -slope;
	for (k = 0; k < MAX_HALVINGS; k++, a /= 2) {
		double next = (ww + 2 * a * wd + a * a * dd) / 2 + t->fit->C * loss_at(t, a, dc);

		if (next <= t->last + 1e-4 * a * slope) {
			add(t, a, &t->d, &t->w);
			t->c += a * dc;
			t->fit->objective = next;
			return;
		}
	}
}

/* The gradients of the active fits, and those of them that are not at their optimum yet. */
static size_t
update(struct batch *b, size_t count, int first)
{
	size_t k, left = 0;

	gradients(b, count);
	for (k = 0; k < count; k++) {
		struct state *t = &b->t[b->active[k]];

		/* the intercept's part of the gradient is C r_sum */
		t->norm = sqrt(fmax(0, dot(t, &t->g, &t->g)) + t->fit->C * t->fit->C * t->r_sum * t->r_sum);
		if (first)
			t->first = t->norm;
		/* with no tolerance, on until rounding hides any way down: the optimum as doubles know it */
		if (t->norm > fmax(t->fit->tolerance, 1e-13) * t->first && t->fit->objective < t->last)
			b->active[left++] = b->active[k];
	}
	return left;
}

/* Newton's steps of the active fits, by CG. */
static void
solve(struct batch *b, size_t count)
{
	int dual = b->p->dual;
	size_t k;
	unsigned it;

	for (k = 0; k < count; k++) {
		b->inner[k] = b->active[k];
		begin_step(&b->t[b->active[k]]);
	}
	/* in the dual a residual's length is known only by its image */
	for (it = 0; it < MAX_CG && count > 0; it++) {
		if (!dual)
			count = unsolved(b, count);
		if (count > 0)
			residuals(b, count);
		if (dual)
			count = unsolved(b, count);
		for (k = 0; k < count; k++)
			cg_step(&b->t[b->inner[k]]);
	}
}

static int
state_init(struct state *t, const struct classifier_problem *p, struct classifier_fit *fit)
{
	struct element *x[] = { &t->w, &t->g, &t->d, &t->q, &t->s };
	size_t i;

	t->p = p;
	t->fit = fit;
	fit->iterations = 0;
	t->last = INFINITY;
	for (i = 0; i < sizeof x / sizeof *x; i++) {
		x[i]->v = calloc(p->size, sizeof *x[i]->v);
		if (x[i]->v == NULL)
			return -1;
		/* the gradient's is of use in the dual alone */
		if ((x[i] != &t->g || p->dual) && (x[i]->image = calloc(p->n, sizeof *x[i]->image)) == NULL)
			return -1;
	}
	t->r = calloc(p->n, sizeof *t->r);
	t->weight = calloc(p->n, sizeof *t->weight);
	t->u = calloc(p->n, sizeof *t->u);
	t->slant = calloc(p->size, sizeof *t->slant);
	t->q.back = calloc(p->size, sizeof *t->q.back);
	t->s.back = calloc(p->size, sizeof *t->s.back);
	return t->r == NULL || t->weight == NULL || t->u == NULL || t->slant == NULL || t->q.back == NULL ||
	    t->s.back == NULL ? -1 : 0;
}

static void
batch_release(struct batch *b, size_t n_fit)
{
	size_t i, k;

	for (k = 0; b->t != NULL && k < n_fit; k++) {
		struct state *t = &b->t[k];
		struct element *x[] = { &t->w, &t->g, &t->d, &t->q, &t->s };

		for (i = 0; i < sizeof x / sizeof *x; i++) {
			free(x[i]->v);
			free(x[i]->image);
			free(x[i]->back);
		}
		free(t->r);
		free(t->weight);
		free(t->u);
		free(t->slant);
	}
	free(b->t);
	free(b->active);
	free(b->inner);
	free(b->in);
	free(b->out);
	free(b->in_f);
	free(b->from);
	free(b->by);
	free(b->image);
	free(b->to);
}

static int
batch_init(struct batch *b, const struct classifier_problem *p, struct classifier_fit *fit, size_t n_fit)
{
	size_t most = p->n > p->size ? p->n : p->size, k;

	memset(b, 0, sizeof *b);
	b->p = p;
	b->t = calloc(n_fit, sizeof *b->t);
	b->active = calloc(n_fit, sizeof *b->active);
	b->inner = calloc(n_fit, sizeof *b->inner);
	b->from = calloc(2 * n_fit, sizeof *b->from);
	b->by = calloc(2 * n_fit, sizeof *b->by);
	b->image = calloc(2 * n_fit, sizeof *b->image);
	b->to = calloc(2 * n_fit, sizeof *b->to);
	if (b->t == NULL || b->active == NULL || b->inner == NULL || b->from == NULL || b->by == NULL ||
	    b->image == NULL || b->to == NULL)
		return -1;
	if (p->rows != NULL) {
		b->in = calloc(2 * n_fit, most * sizeof *b->in);
		b->out = calloc(2 * n_fit, most * sizeof *b->out);
		if (b->in == NULL || b->out == NULL)
			return -1;
	} else if (p->gram != NULL && (b->in_f = calloc(n_fit, features_side(p->n) * sizeof *b->in_f)) == NULL) {
		return -1;
	}
	for (k = 0; k < n_fit; k++) {
		if (state_init(&b->t[k], p, &fit[k]) != 0)
			return -1;
		fit[k].objective = fit[k].C * loss_at(&b->t[k], 0, 0);
		b->active[k] = k;
	}
	return 0;
}

int
classifier_fit(const struct classifier_problem *p, struct classifier_fit *fit, size_t n_fit, struct err *e)
{
	struct batch b;
	int rc = -1;
	size_t count, i, k;

	if (batch_init(&b, p, fit, n_fit) != 0) {
		err_memory(e);
		goto out;
	}
	for (count = update(&b, n_fit, 1); count > 0; count = update(&b, count, 0)) {
		for (k = 0; k < count; k++)
			if (b.t[b.active[k]].fit->iterations++ == MAX_NEWTON) {
				err_set(e, "the classifier did not converge in %d steps (gradient %g)", MAX_NEWTON,
				    b.t[b.active[k]].norm);
				goto out;
			}
		solve(&b, count);
		for (k = 0; k < count; k++)
			descend(&b.t[b.active[k]]);
	}
	for (k = 0; k < n_fit; k++) {
		struct state *t = &b.t[k];

		/* an optimum, or no way down from somewhere else: numbers too great or too small for doubles? */
		if (!(t->norm <= fmax(1e-6, fit[k].tolerance) * t->first ||
		    (t->promise > 0 && t->promise <= 1e-6 * fit[k].objective))) {
			err_set(e, "the classifier did not converge: its gradient is %g, and no step makes it less",
			    t->norm);
			goto out;
		}
		if (fit[k].coef != NULL)
			memcpy(fit[k].coef, t->w.v, p->size * sizeof *fit[k].coef);
		for (i = 0; i < p->n; i++)
			fit[k].f[i] = t->w.image[i] + t->c;
		fit[k].intercept = t->c;
		fit[k].gradient_norm = t->norm;
	}
	rc = 0;
out:
	batch_release(&b, n_fit);
	return rc;
}
