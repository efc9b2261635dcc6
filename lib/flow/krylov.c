#include "flow/krylov.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/simd.h"

enum {
	MIN_DIM = 128,		/* of activations; below, products are cheap */
	MIN_EVALUATIONS = 4,	/* of the field; a space costs about 3 */
	DIM = 8,		/* vectors in a space, at most */
	SHARED = 4		/* of these, from the powers of Q on q, at most */
};

/*
 * The field in a space with vectors u_0, u_1, ..., as a function of
 * coefficients z: a = sum_j z_j u_j. The vectors are not orthonormal, so it
 * needs their inner products G[i][j] = u_i . u_j. Row j of M has the
 * coefficients of Q u_j, and S[j][i] = u_i . Q u_j.
 */
struct small {
	struct field base;
	double G[DIM][DIM], M[DIM][DIM], S[DIM][DIM];
	double length;			/* q = length u_0 */
	double c;
};

/*
 * The space of one activation a. Its vectors are the shared ones, then its own:
 * v_0 = a / |a| and the next Lanczos vectors of Q. Each kind is orthonormal.
 */
struct space {
	float *v;			/* [DIM - shared][dim], its own vectors */
	size_t n;			/* number of vectors, with the shared ones */
	double norm;			/* |a| */
	double G[DIM][DIM], M[DIM][DIM];
};

/* A space that is OPEN needs another vector; one that is HELD has the path. */
enum verdict { REFUSED, OPEN, HELD };

struct krylov {
	const struct quadratic *form;
	struct quadratic_work *form_work;
	size_t dim;
	const struct solver *solver, *probe;
	unsigned steps;
	double T;
	struct small small;		/* the field in one space, see project */
	struct field_work *work;	/* for it */
	double *mem;			/* for a solver's step */
	/* the shared vectors: the Lanczos vectors of Q from q */
	float *p;			/* [SHARED + 1][dim] */
	double M[SHARED][SHARED];	/* their part of every space's M */
	size_t shared;			/* their number */
	int closed;			/* whether Q maps their span to itself */
	struct space space[FIELD_BATCH];
	float *x, *Qx;			/* [FIELD_BATCH][dim], for products */
};

/* Half of DIM numbers: two are a row of a matrix. */
typedef double vector
    __attribute__((vector_size(DIM / 2 * sizeof(double)), aligned(sizeof(double)), may_alias));

/* Sets sum[2] to z_0 X_0 + z_1 X_1 + ..., where X_j is row j. */
static inline __attribute__((always_inline)) void
combine(const double X[DIM][DIM], const double *z, vector *sum)
{
	const vector *x = (const vector *)X;
	size_t j;

	sum[0] = x[0] * z[0];
	sum[1] = x[1] * z[0];
	for (j = 1; j < DIM; j++) {
		sum[0] += x[2 * j] * z[j];
		sum[1] += x[2 * j + 1] * z[j];
	}
}

/* Returns x . y. */
static inline __attribute__((always_inline)) double
inner(const vector *x, const vector *y)
{
	vector p = x[0] * y[0] + x[1] * y[1];

	return (p[0] + p[2]) + (p[1] + p[3]);
}

/*
 * A field_type's eval, except that it sets grad to the unit vector v itself:
 * field.c cannot compute a norm in coefficients. With x = z / |a|, the gradient
 * in x is g = 2Mx + q, and |g|^2 = g . Gg; v is its part orthogonal to x, at
 * length one.
 */
SIMD_CLONES static void
small_eval(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	const struct small *f = (const struct small *)base;
	size_t r, i;

	(void)work;
	for (r = 0; r < n; r++) {
		const vector *z = (const vector *)(y + r * DIM);
		const vector *G_0 = (const vector *)f->G, q[2] = { { f->length } };
		vector Gz[2], Sz[2], g[2], *v;
		double scale, zSz, qz, along, square, factor;

		combine(f->G, y + r * DIM, Gz);
		combine(f->S, y + r * DIM, Sz);
		scale = 1 / (sqrt(inner(z, Gz)) + 1e-12);
		zSz = inner(z, Sz) * scale * scale;
		qz = inner(q, Gz) * scale;
		if (h != NULL)
			h[r] = zSz + qz + f->c;
		if (grad == NULL)
			continue;
		/* g, and Gg in place of Sz */
		combine(f->M, y + r * DIM, g);
		for (i = 0; i < 2; i++) {
			g[i] = 2 * scale * g[i] + q[i];
			Sz[i] = 2 * scale * Sz[i] + f->length * G_0[i];
		}
		along = 2 * zSz + qz;
		square = fmax(inner(g, Sz) - along * along, 0);
		factor = scale / (scale * sqrt(square) + 1e-10);
		v = (vector *)(grad + r * DIM);
		for (i = 0; i < 2; i++)
			v[i] = factor * (g[i] - along * scale * z[i]);
	}
}

static const struct field_type small_type = {
	.name = "krylov",
	.kind = FIELD_CONSTANT_FLOW,	/* so that grad is taken for v */
	.has_h = 1,
	.eval = small_eval,
};

int
krylov_fits(const struct field *f, const struct solver *s, unsigned steps)
{
	return f->quadratic != NULL && f->mean == NULL && f->dim >= MIN_DIM && s->step != NULL &&
	    steps * s->stages >= MIN_EVALUATIONS;
}

/* Adds a x[dim] to y[dim]. */
SIMD_CLONES static void
add_single(double a, const float *x, size_t dim, float *y)
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
 * Sets v_n to the part of product[dim] that is orthogonal to v_0, ..., v_{n-1},
 * scaled to length one. Returns the length of that part, or 0 if it is lost in
 * rounding errors: then the vectors span a space that Q maps to itself.
 */
static double
append(float *v, size_t n, const float *product, size_t dim)
{
	float *next = v + n * dim;
	double all = sqrt(dot_single(product, product, dim)), length;
	size_t i;
	int k;

	memcpy(next, product, dim * sizeof *next);
	/*
	 * twice, because the first pass leaves rounding errors of large parts
	 */
	for (k = 0; k < 2; k++)
		for (i = 0; i < n; i++)
			add_single(-dot_single(next, v + i * dim, dim), v + i * dim, dim, next);
	length = normalise(next, dim);
	return length > 1e-4 * all ? length : 0;
}

/* Sets p, M, shared, closed and small.length. */
static void
make_shared(struct krylov *k)
{
	size_t dim = k->dim, i;

	for (i = 0; i < dim; i++)
		k->p[i] = (float)k->form->q[i];
	k->small.length = normalise(k->p, dim);
	k->closed = k->small.length == 0;
	for (i = 0; !k->closed && i < SHARED; i++) {
		double length;

		quadratic_multiply(k->form, k->form_work, k->p + i * dim, 1, k->Qx);
		k->M[i][i] = dot_single(k->p + i * dim, k->Qx, dim);
		length = append(k->p, i + 1, k->Qx, dim);
		if (i + 1 < SHARED)
			k->M[i][i + 1] = k->M[i + 1][i] = length;
		k->closed = length == 0;
	}
	k->shared = i;
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
	k->mem = calloc((s->stages + k->probe->stages + 1) * DIM, sizeof *k->mem);
	k->p = calloc((SHARED + 1) * k->dim, sizeof *k->p);
	k->x = calloc(FIELD_BATCH * k->dim, sizeof *k->x);
	k->Qx = calloc(FIELD_BATCH * k->dim, sizeof *k->Qx);
	if (k->form_work == NULL || k->work == NULL || k->mem == NULL || k->p == NULL ||
	    k->x == NULL || k->Qx == NULL)
		goto fail;
	make_shared(k);
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
	free(k->mem);
	free(k->p);
	for (i = 0; i < FIELD_BATCH; i++)
		free(k->space[i].v);
	free(k->x);
	free(k->Qx);
	free(k);
}

/* Sets k->small to the field in space s. */
static void
project(struct krylov *k, const struct space *s)
{
	struct small *f = &k->small;
	size_t i, j, l;

	memcpy(f->G, s->G, sizeof f->G);
	memcpy(f->M, s->M, sizeof f->M);
	memset(f->S, 0, sizeof f->S);
	for (j = 0; j < s->n; j++)
		for (l = 0; l < s->n; l++)
			for (i = 0; i < s->n; i++)
				f->S[j][i] += f->M[j][l] * f->G[l][i];
}

/*
 * Moves z by `steps' equal steps of solver, of length T in total, in the space
 * that was projected last. Returns h at the end.
 */
static double
step(struct krylov *k, const struct solver *solver, unsigned steps, double *z)
{
	double h;
	unsigned i;

	for (i = 0; i < steps; i++)
		solver->step(solver, &k->small.base, k->work, z, 1, k->T / steps, k->mem);
	field_eval(&k->small.base, k->work, z, 1, &h, NULL);
	return h;
}

/*
 * Returns whether n vectors of one kind are enough, by their coefficients z[n]
 * at the end of a path of length T. Each coefficient is smaller than the one
 * before, by a ratio that itself decreases: the next would be less than the
 * square of the last over the last but one. A tenth of KRYLOV_ERROR allows for
 * the entry of M that add_vector guesses.
 */
static int
converges(const double *z, size_t n, double T)
{
	double last = fabs(z[n - 1] / T), before = fabs(z[n - 2] / T);

	return last <= before && 10 * last * last <= KRYLOV_ERROR * before;
}

/*
 * Returns whether space s has the path, judged by four steps of length T / 4.
 * One step of length T was too coarse near the mean norm: with coef0 = 0, ends
 * were off by up to 6e-3 T.
 */
static int
holds(struct krylov *k, struct space *s)
{
	double z[DIM] = { 0 };
	size_t own = s->n - k->shared;

	if (own < 3)
		return 0;
	z[k->shared] = s->norm;
	project(k, s);
	step(k, k->probe, 4, z);
	return converges(z + k->shared, own, k->T) && (k->closed || converges(z, k->shared, k->T));
}

/* Returns the last of the space's own vectors. */
static float *
last_vector(const struct krylov *k, const struct space *s)
{
	return s->v + (s->n - k->shared - 1) * k->dim;
}

/*
 * Counts the vector that was written after the last one of space s. `length' is
 * its length before it was normalised; of v_0 it is not needed.
 */
static enum verdict
add_vector(struct krylov *k, struct space *s, double length)
{
	size_t n = s->n++, i;
	const float *v = last_vector(k, s);

	for (i = 0; i < k->shared; i++)
		s->G[i][n] = s->G[n][i] = dot_single(v, k->p + i * k->dim, k->dim);
	s->G[n][n] = 1;
	if (n > k->shared) {
		s->M[n][n - 1] = s->M[n - 1][n] = length;
		/*
		 * a guess, until extend knows its product; the last vector gets
		 * none
		 */
		s->M[n][n] = s->M[n - 1][n - 1];
	}
	if (holds(k, s))
		return HELD;
	return s->n < DIM ? OPEN : REFUSED;
}

/*
 * Begins the space of a[dim]. Refuses T = 0, and a T of more than |a|, for
 * which four steps say little about the path.
 */
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
	memset(s->M, 0, sizeof s->M);
	for (i = 0; i < k->shared; i++) {
		s->G[i][i] = 1;
		memcpy(s->M[i], k->M[i], sizeof k->M[i]);
	}
	s->n = k->shared;
	return add_vector(k, s, 0);
}

/* Adds the next Lanczos vector to s, from the product of its last vector. */
static enum verdict
extend(struct krylov *k, struct space *s, const float *product)
{
	double length;

	s->M[s->n - 1][s->n - 1] = dot_single(product, last_vector(k, s), k->dim);
	length = append(s->v, s->n - k->shared, product, k->dim);
	return length > 0 ? add_vector(k, s, length) : REFUSED;
}

/*
 * Moves a[dim] in its space s, which was projected last. Sets h at both ends.
 */
static void
follow(struct krylov *k, struct space *s, double *a, double *h_before, double *h_after)
{
	double z[DIM] = { 0 };
	float *path = k->x;
	size_t dim = k->dim, i;

	z[k->shared] = s->norm;
	*h_before = step(k, k->solver, 0, z);
	*h_after = step(k, k->solver, k->steps, z);
	z[k->shared] -= s->norm;
	memset(path, 0, dim * sizeof *path);
	for (i = 0; i < k->shared; i++)
		add_single(z[i], k->p + i * dim, dim, path);
	for (; i < s->n; i++)
		add_single(z[i], s->v + (i - k->shared) * dim, dim, path);
	for (i = 0; i < dim; i++)
		a[i] += (double)path[i];
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
			if (verdict[i] == OPEN)
				memcpy(k->x + open++ * dim, last_vector(k, &k->space[i]),
				    dim * sizeof *k->x);
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
