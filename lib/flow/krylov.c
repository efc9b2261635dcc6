#include "flow/krylov.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/simd.h"

enum {
	MIN_DIM = 128,			/* below it a product costs as little as the rest */
	MIN_EVALUATIONS = 4,		/* of the field: a space costs about as many products */
	DIM = 8,			/* vectors in a space */
	SHARED = 4			/* of these, at most, powers of Q on q: q, Qq, ... */
};

/* The field in a space, in coordinates z of an orthonormal basis: h = z'Hz / |z|^2 + q.z / |z| + c. */
struct small {
	struct field base;
	double H[DIM][DIM], q[DIM], c;
};

/*
 * The space of one activation a. Its vectors u are the shared ones, then v_0 = a / |a| and those that Lanczos's
 * method gets from it. Those of each kind are orthonormal, but not those of both.
 */
struct space {
	float *v;			/* [DIM - shared][dim] */
	size_t n;			/* of all vectors */
	double norm;			/* |a| */
	double G[DIM][DIM], S[DIM][DIM];	/* u_i . u_j and u_i . Q u_j */
	double L[DIM][DIM];		/* lower triangle, G = LL': L^-1 u is the orthonormal basis */
	double way[DIM];		/* where a step of length T by the probe leads, from a, in that basis */
	double change;			/* of the way by the last vector, as a fraction of T */
};

enum verdict { REFUSED, OPEN, HELD };

struct krylov {
	const struct quadratic *form;
	struct quadratic_work *form_work;
	size_t dim;
	const struct solver *solver, *probe;
	unsigned steps;
	double T;
	struct small small;		/* of the space at hand */
	struct field_work *work;	/* of `small' */
	double *stages;			/* memory of a solver's step */
	/* the shared vectors, their products, and their inner products with these */
	float *p, *Qp;			/* [SHARED + 1][dim], [SHARED][dim] */
	double S[SHARED][SHARED];
	size_t shared;
	int closed;			/* Q leads nowhere else from them */
	struct space space[FIELD_BATCH];
	float *x, *Qx;			/* [FIELD_BATCH][dim] */
};

typedef double vector __attribute__((vector_size(DIM * sizeof(double)), aligned(sizeof(double)), may_alias));

static inline __attribute__((always_inline)) double
inner(const vector *x, const vector *y)
{
	vector p = *x * *y;

	return ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
}

SIMD_CLONES static void
small_eval(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	const struct small *f = (const struct small *)base;
	const vector *H = (const vector *)f->H, *q = (const vector *)f->q;
	size_t r, j;

	(void)work;
	for (r = 0; r < n; r++) {
		const vector *z = (const vector *)y + r;
		vector Hz = H[0] * (*z)[0];
		double scale, zHz, qz;

		for (j = 1; j < DIM; j++)
			Hz += H[j] * (*z)[j];
		scale = 1 / (sqrt(inner(z, z)) + 1e-12);
		zHz = inner(z, &Hz) * scale * scale;
		qz = inner(q, z) * scale;
		if (h != NULL)
			h[r] = zHz + qz + f->c;
		if (grad != NULL)
			((vector *)grad)[r] = scale * (2 * scale * Hz + *q - (2 * zHz + qz) * scale * *z);
	}
}

static const struct field_type small_type = {
	.name = "krylov",
	.kind = FIELD_UNIT_FLOW,
	.has_h = 1,
	.eval = small_eval,
};

int
krylov_fits(const struct field *f, const struct solver *s, unsigned steps)
{
	return f->quadratic != NULL && f->mean == NULL && f->dim >= MIN_DIM && s->step != NULL &&
	    steps * s->evaluations >= MIN_EVALUATIONS;
}

/* y += a x */
SIMD_CLONES static void
add_scaled(double a, const float *x, size_t dim, float *y)
{
	size_t i;

	for (i = 0; i < dim; i++)
		y[i] += (float)a * x[i];
}

/* Scales v[dim] to length one. Returns the length it had. */
static double
normalise(float *v, size_t dim)
{
	double length = sqrt(dot_single(v, v, dim));
	size_t i;

	for (i = 0; length > 0 && i < dim; i++)
		v[i] *= (float)(1 / length);
	return length;
}

/*
 * Sets v_n to the part of product[dim] that is orthogonal to v_0 .. v_{n-1}, at length one. Returns the length of the
 * part; 0: it is no more than rounding.
 */
static double
append(float *v, size_t n, const float *product, size_t dim)
{
	float *next = v + n * dim;
	double all = sqrt(dot_single(product, product, dim)), length;
	size_t i;
	int k;

	memcpy(next, product, dim * sizeof *next);
	/* twice: the rounding errors of large parts are large */
	for (k = 0; k < 2; k++)
		for (i = 0; i < n; i++)
			add_scaled(-dot_single(next, v + i * dim, dim), v + i * dim, dim, next);
	length = normalise(next, dim);
	return length > 1e-4 * all ? length : 0;
}

/* Sets p, Qp, S, shared, closed and the small field's q. */
static void
share(struct krylov *k)
{
	size_t dim = k->dim, i, j;

	for (i = 0; i < dim; i++)
		k->p[i] = (float)k->form->q[i];
	k->small.q[0] = normalise(k->p, dim);
	k->closed = k->small.q[0] == 0;
	while (!k->closed && k->shared < SHARED) {
		float *product = k->Qp + k->shared * dim;

		quadratic_multiply(k->form, k->form_work, k->p + k->shared * dim, 1, product);
		k->shared++;
		k->closed = append(k->p, k->shared, product, dim) == 0;
	}
	for (i = 0; i < k->shared; i++)
		for (j = 0; j < k->shared; j++)
			k->S[i][j] = dot_single(k->p + i * dim, k->Qp + j * dim, dim);
}

struct krylov *
krylov_alloc(const struct field *f, const struct solver *s, unsigned steps, double T)
{
	struct krylov *k = calloc(1, sizeof *k);
	size_t i;

	if (k == NULL)
		return NULL;
	k->form = f->quadratic;
	k->dim = f->dim;
	k->solver = s;
	k->probe = solver_find("rk4");
	k->steps = steps;
	k->T = T;
	k->small.base = (struct field){ .type = &small_type, .dim = DIM };
	k->small.c = f->quadratic->c;
	k->form_work = quadratic_work_alloc(f->quadratic);
	k->work = field_work_alloc(&k->small.base);
	k->stages = calloc((s->stages + k->probe->stages + 1) * DIM, sizeof *k->stages);
	k->p = calloc((SHARED + 1) * k->dim, sizeof *k->p);
	k->Qp = calloc(SHARED * k->dim, sizeof *k->Qp);
	k->x = calloc(FIELD_BATCH * k->dim, sizeof *k->x);
	k->Qx = calloc(FIELD_BATCH * k->dim, sizeof *k->Qx);
	if (k->form_work == NULL || k->work == NULL || k->stages == NULL || k->p == NULL || k->Qp == NULL ||
	    k->x == NULL || k->Qx == NULL)
		goto fail;
	share(k);
	for (i = 0; i < FIELD_BATCH; i++)
		if ((k->space[i].v = calloc((DIM - k->shared) * k->dim, sizeof(float))) == NULL)
			goto fail;
	return k;
fail:
	krylov_free(k);
	return NULL;
}

void
krylov_free(struct krylov *k)
{
	size_t i;

	if (k == NULL)
		return;
	quadratic_work_free(k->form_work);
	field_work_free(k->work);
	free(k->stages);
	free(k->p);
	free(k->Qp);
	for (i = 0; i < FIELD_BATCH; i++)
		free(k->space[i].v);
	free(k->x);
	free(k->Qx);
	free(k);
}

/* Solves Lx = b for x[n], which is b before. */
static void
solve(double L[DIM][DIM], size_t n, double *x)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < i; j++)
			x[i] -= L[i][j] * x[j];
		x[i] /= L[i][i];
	}
}

/* Solves L'x = b likewise. */
static void
solve_transposed(double L[DIM][DIM], size_t n, double *x)
{
	size_t i, j;

	for (i = n; i-- > 0; ) {
		for (j = i + 1; j < n; j++)
			x[i] -= L[j][i] * x[j];
		x[i] /= L[i][i];
	}
}

/* Factors G by Cholesky's method. Returns 0 if the vectors are not independent, or barely. */
static int
factor(struct space *s)
{
	size_t i, j, l;

	for (i = 0; i < s->n; i++)
		for (j = 0; j <= i; j++) {
			double g = s->G[i][j];

			for (l = 0; l < j; l++)
				g -= s->L[i][l] * s->L[j][l];
			/* what rounding made of the products is divided by this */
			if (i == j && g < 1e-2)
				return 0;
			s->L[i][j] = i == j ? sqrt(g) : g / s->L[j][j];
		}
	return 1;
}

/* Sets the small field's H = L^-1 S L^-T. */
static void
reduce(struct krylov *k, struct space *s)
{
	double half[DIM][DIM], (*H)[DIM] = k->small.H;
	size_t i, j;

	memset(H, 0, sizeof k->small.H);
	for (i = 0; i < s->n; i++) {
		memcpy(half[i], s->S[i], sizeof half[i]);
		solve(s->L, s->n, half[i]);
	}
	for (i = 0; i < s->n; i++) {
		for (j = 0; j < s->n; j++)
			H[i][j] = half[j][i];
		solve(s->L, s->n, H[i]);
	}
}

/* The activation in the basis. */
static void
start(const struct krylov *k, const struct space *s, double *z)
{
	size_t i;

	for (i = 0; i < DIM; i++)
		z[i] = i <= k->shared ? s->norm * s->L[k->shared][i] : 0;
}

/* Takes v_{n}, n - shared of them being there, which had `length' before it had length one, into the space. */
static void
add_vector(const struct krylov *k, struct space *s, double length)
{
	size_t dim = k->dim, n = s->n, i;
	const float *v = s->v + (n - k->shared) * dim;

	for (i = 0; i < n; i++)
		s->G[n][i] = s->S[n][i] = 0;
	for (i = 0; i < k->shared; i++) {
		s->G[n][i] = dot_single(v, k->p + i * dim, dim);
		s->S[n][i] = dot_single(v, k->Qp + i * dim, dim);
	}
	s->G[n][n] = 1;
	s->S[n][n] = 0;
	if (n > k->shared) {
		s->S[n][n - 1] = length;
		/* until its product is known; the last vector needs none, for it adds little but this */
		s->S[n][n] = s->S[n - 1][n - 1];
	}
	for (i = 0; i < n; i++)
		s->S[i][n] = s->S[n][i];
	s->n++;
}

/*
 * Does the space hold the path? A step of length T shows where that leads. Each vector improves the end by a larger
 * factor than the one before: what is still missing is less than the square of the last change over the change before.
 */
static int
holds(struct krylov *k, struct space *s)
{
	double from[DIM], z[DIM], before = s->change, sum = 0, last, last_but_one;
	size_t i;

	start(k, s, from);
	memcpy(z, from, sizeof z);
	k->probe->step(&k->small.base, k->work, z, 1, k->T, k->stages, k->stages + k->probe->stages * DIM);
	for (i = 0; i < DIM; i++) {
		double way = z[i] - from[i];

		sum += (way - s->way[i]) * (way - s->way[i]);
		z[i] = s->way[i] = way;
	}
	s->change = sqrt(sum) / fabs(k->T);
	if (s->n < k->shared + 3 || s->change > before || s->change * s->change > KRYLOV_ERROR * before)
		return 0;
	if (k->closed)
		return 1;
	/* the same of the shared vectors, by how much of the last two the way has */
	solve_transposed(s->L, s->n, z);
	last = z[k->shared - 1] / k->T;
	last_but_one = z[k->shared - 2] / k->T;
	return last * last <= KRYLOV_ERROR * fabs(last_but_one);
}

static enum verdict
judge(struct krylov *k, struct space *s)
{
	if (!factor(s))
		return REFUSED;
	reduce(k, s);
	if (holds(k, s))
		return HELD;
	return s->n < DIM ? OPEN : REFUSED;
}

/* Begins the space of a[dim]. An activation that stays, or goes so far that one step says nothing, is refused. */
static enum verdict
begin(struct krylov *k, struct space *s, const double *a)
{
	size_t i;

	for (i = 0; i < k->dim; i++)
		s->v[i] = (float)a[i];
	s->norm = normalise(s->v, k->dim);
	if (k->T == 0 || fabs(k->T) > s->norm)
		return REFUSED;
	memset(s->G, 0, sizeof s->G);
	for (s->n = 0; s->n < k->shared; s->n++) {
		s->G[s->n][s->n] = 1;
		memcpy(s->S[s->n], k->S[s->n], sizeof k->S[s->n]);
	}
	memset(s->way, 0, sizeof s->way);
	s->change = 1;
	add_vector(k, s, 0);
	return judge(k, s);
}

/* Extends the space by the product of its last vector. */
static enum verdict
extend(struct krylov *k, struct space *s, const float *product)
{
	size_t own = s->n - k->shared;
	double length;

	s->S[s->n - 1][s->n - 1] = dot_single(product, s->v + (own - 1) * k->dim, k->dim);
	length = append(s->v, own, product, k->dim);
	if (length == 0)
		return REFUSED;
	add_vector(k, s, length);
	return judge(k, s);
}

/* Moves a[dim] in the space that was judged last. */
static void
follow(struct krylov *k, struct space *s, double *a, double *h_before, double *h_after)
{
	double from[DIM], z[DIM];
	float *way = k->x;
	size_t dim = k->dim, i;
	unsigned step;

	start(k, s, from);
	memcpy(z, from, sizeof z);
	field_eval(&k->small.base, k->work, z, 1, h_before, NULL);
	for (step = 0; step < k->steps; step++)
		k->solver->step(&k->small.base, k->work, z, 1, k->T / k->steps, k->stages,
		    k->stages + k->solver->stages * DIM);
	field_eval(&k->small.base, k->work, z, 1, h_after, NULL);
	for (i = 0; i < DIM; i++)
		z[i] -= from[i];
	solve_transposed(s->L, s->n, z);
	memset(way, 0, dim * sizeof *way);
	for (i = 0; i < s->n; i++)
		add_scaled(z[i], i < k->shared ? k->p + i * dim : s->v + (i - k->shared) * dim, dim, way);
	for (i = 0; i < dim; i++)
		a[i] += (double)way[i];
}

void
krylov_move(struct krylov *k, double *y, size_t n, int *moved, double *h_before, double *h_after)
{
	enum verdict verdict[FIELD_BATCH];
	size_t dim = k->dim, open, i;

	for (i = 0; i < n; i++)
		verdict[i] = begin(k, &k->space[i], y + i * dim);
	do {
		for (open = i = 0; i < n; i++)
			if (verdict[i] == OPEN) {
				const struct space *s = &k->space[i];

				memcpy(k->x + open++ * dim, s->v + (s->n - k->shared - 1) * dim, dim * sizeof *k->x);
			}
		quadratic_multiply(k->form, k->form_work, k->x, open, k->Qx);
		for (open = i = 0; i < n; i++) {
			if (verdict[i] != OPEN)
				continue;
			verdict[i] = extend(k, &k->space[i], k->Qx + open++ * dim);
			if (verdict[i] == HELD)
				follow(k, &k->space[i], y + i * dim, &h_before[i], &h_after[i]);
		}
	} while (open > 0);
	for (i = 0; i < n; i++)
		moved[i] = verdict[i] == HELD;
}
