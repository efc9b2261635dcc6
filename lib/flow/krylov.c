#include "flow/krylov.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "base/simd.h"
#include "flow/solver.h"

enum {
	SMALL = 128,			/* numbers in an activation below which the field itself is as fast */
	K = KRYLOV_DIM, SHARED = KRYLOV_SHARED, LANES = KRYLOV_LANES
};

/* h = z'Hz / |z|^2 + q.z / |z| + c */
struct small {
	struct field base;
	double H[K][K], q[K], c;
};

/* Several of these side by side, without c. */
struct joined {
	struct field base;
	double H[K][K][LANES], q[K][LANES];
};

/* Orthonormal v_0.. with Q v_j = below_{j-1} v_{j-1} + on_j v_j + below_j v_{j+1}: Lanczos. */
struct chain {
	float *v;			/* [max][dim] */
	double on[K], below[K];
	size_t n;			/* v_0 .. v_{n-1} are there, products of all but the last */
};

/* One activation's. */
struct inner {
	struct small field;
	struct field_work *work;
	struct chain a;
	double start;			/* |a| */
	double C[SHARED + 1][K];	/* inner products of q's chain and a's */
	double R[SHARED][SHARED];	/* see reduce */
	size_t n_own;			/* vectors of a's chain in the subspace */
	/* the way that the subspace leads, as weights of the chains' vectors: with so many, and with one less */
	double own[2][K], shared[2][SHARED];
	double off;			/* how far apart these are, of T */
};

struct krylov {
	const struct field *f;
	struct quadratic_work *work;
	size_t dim;
	const struct solver *probe;	/* what `holds' goes its step with */
	double length;			/* of q */
	struct chain q;
	size_t n_shared;		/* vectors of q's chain in the subspace: those that have products */
	int closed;			/* these are all there are */
	struct inner *in;		/* [FIELD_BATCH] */
	struct joined joined;
	float *x, *Qx;			/* [FIELD_BATCH][dim] */
};

typedef double lane __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double)), may_alias));

/* x . y of K numbers, in two lanes each */
static inline __attribute__((always_inline)) double
dot_of(const lane *x, const lane *y)
{
	lane p = x[0] * y[0];

	p += x[1] * y[1];
	return (p[0] + p[2]) + (p[1] + p[3]);
}

/* The same sum of LANES activations. */
static inline __attribute__((always_inline)) void
sums(const lane *x, const lane *y, lane *to)
{
	lane p[K];
	size_t i;

	for (i = 0; i < K; i++)
		p[i] = x[i] * y[i];
	*to = ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
}

static inline __attribute__((always_inline)) void
roots(lane *x)
{
	size_t l;

	for (l = 0; l < LANES; l++)
		(*x)[l] = sqrt((*x)[l]);
}

/*
 * h but for c, u = 2 Hz / |z| + q - along z, which is grad h times |z|, and 1 / |z|: of one activation, whose K numbers
 * are two lanes, and of LANES of them, a number of each in a lane. Operation for operation the same, so that the
 * numbers are.
 */
static inline __attribute__((always_inline)) double
alone(const struct small *f, const double *at, double *h, lane *u)
{
	const lane *H = (const lane *)&f->H, *q = (const lane *)&f->q, *z = (const lane *)at;
	double scale, zHz, qz, along;
	size_t j;

	u[0] = H[0] * at[0];
	u[1] = H[1] * at[0];
	for (j = 1; j < K; j++) {
		u[0] += H[2 * j] * at[j];
		u[1] += H[2 * j + 1] * at[j];
	}
	scale = 1 / (sqrt(dot_of(z, z)) + 1e-12);
	zHz = dot_of(z, u) * scale;
	qz = dot_of(q, z);
	*h = (zHz + qz) * scale;
	along = (2 * zHz + qz) * scale * scale;
	for (j = 0; j < 2; j++)
		u[j] = 2 * scale * u[j] + q[j] - along * z[j];
	return scale;
}

static inline __attribute__((always_inline)) void
together(const struct joined *f, const lane *z, lane *u, lane *scale)
{
	const lane *H = (const lane *)&f->H, *q = (const lane *)&f->q;
	lane zz, zHz, qz, along;
	size_t i, j;

	for (i = 0; i < K; i++)
		u[i] = H[i] * z[0];
	for (j = 1; j < K; j++)
		for (i = 0; i < K; i++)
			u[i] += H[j * K + i] * z[j];
	sums(z, z, &zz);
	roots(&zz);
	*scale = 1 / (zz + 1e-12);
	sums(z, u, &zHz);
	zHz *= *scale;
	sums(q, z, &qz);
	along = (2 * zHz + qz) * *scale * *scale;
	for (i = 0; i < K; i++)
		u[i] = 2 * *scale * u[i] + q[i] - along * z[i];
}

SIMD_CLONES static void
small_eval(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	const struct small *f = (const struct small *)base;
	double value, scale;
	lane u[2];
	size_t r, i;

	(void)work;
	for (r = 0; r < n; r++) {
		scale = alone(f, y + r * K, &value, u);
		if (h != NULL)
			h[r] = value + f->c;
		for (i = 0; grad != NULL && i < 2; i++)
			((lane *)grad)[r * 2 + i] = scale * u[i];
	}
}

SIMD_CLONES static void
small_velocity(const struct field *base, const double *y, size_t n, double *v)
{
	const struct small *f = (const struct small *)base;
	double h, scale;
	lane u[2];
	size_t r, i;

	for (r = 0; r < n; r++) {
		scale = alone(f, y + r * K, &h, u);
		scale /= scale * sqrt(dot_of(u, u)) + 1e-10;
		for (i = 0; i < 2; i++)
			((lane *)v)[r * 2 + i] = scale * u[i];
	}
}

SIMD_CLONES static void
joined_velocity(const struct field *base, const double *y, size_t n, double *v)
{
	const struct joined *f = (const struct joined *)base;
	lane u[K], scale, length;
	size_t r, i;

	for (r = 0; r < n; r++) {
		together(f, (const lane *)y + r * K, u, &scale);
		sums(u, u, &length);
		roots(&length);
		scale /= scale * length + 1e-10;
		for (i = 0; i < K; i++)
			((lane *)v)[r * K + i] = scale * u[i];
	}
}

static const struct field_type small_type = {
	.name = "subspace",
	.kind = FIELD_UNIT_FLOW,
	.has_h = 1,
	.eval = small_eval,
	.velocity = small_velocity,
};

static const struct field_type joined_type = {
	.name = "subspaces",
	.kind = FIELD_UNIT_FLOW,
	.velocity = joined_velocity,
};

int
krylov_fits(const struct field *f)
{
	return f->quadratic != NULL && f->mean == NULL && f->dim >= SMALL;
}

/* y += a x */
SIMD_CLONES static void
add_scaled(double a, const float *x, size_t dim, float *y)
{
	size_t i;

	for (i = 0; i < dim; i++)
		y[i] += (float)a * x[i];
}

/* v[dim] to length one; the length it had */
static double
normalise(float *v, size_t dim)
{
	double length = sqrt(dot_single(v, v, dim));
	size_t i;

	for (i = 0; length > 0 && i < dim; i++)
		v[i] *= (float)(1 / length);
	return length;
}

/* One vector more, of the last one's product. 0: the space is closed, or as good as that. */
static int
chain_grow(struct chain *c, const float *product, size_t dim)
{
	float *next = c->v + c->n * dim;
	double length = sqrt(dot_single(product, product, dim));
	size_t i;
	int k;

	memcpy(next, product, dim * sizeof *next);
	c->on[c->n - 1] = dot_single(next, c->v + (c->n - 1) * dim, dim);
	/* twice, for once leaves what rounding makes of large parts */
	for (k = 0; k < 2; k++)
		for (i = 0; i < c->n; i++)
			add_scaled(-dot_single(next, c->v + i * dim, dim), c->v + i * dim, dim, next);
	c->below[c->n - 1] = normalise(next, dim);
	c->n++;
	return c->below[c->n - 2] > 1e-4 * length;
}

void
krylov_free(struct krylov *s)
{
	size_t i;

	if (s == NULL)
		return;
	quadratic_work_free(s->work);
	for (i = 0; s->in != NULL && i < FIELD_BATCH; i++) {
		field_work_free(s->in[i].work);
		free(s->in[i].a.v);
	}
	free(s->in);
	free(s->q.v);
	free(s->x);
	free(s->Qx);
	free(s);
}

/* q's chain: its products are made but once. */
static void
share(struct krylov *s)
{
	size_t i;

	for (i = 0; i < s->dim; i++)
		s->q.v[i] = (float)s->f->quadratic->q[i];
	s->length = normalise(s->q.v, s->dim);
	s->closed = !(s->length > 0);
	for (s->q.n = 1; !s->closed && s->n_shared < SHARED; s->n_shared++) {
		quadratic_multiply(s->f->quadratic, s->work, s->q.v + (s->q.n - 1) * s->dim, 1, s->Qx);
		s->closed = !chain_grow(&s->q, s->Qx, s->dim);
	}
}

struct krylov *
krylov_alloc(const struct field *f)
{
	struct krylov *s = calloc(1, sizeof *s);
	size_t i;

	if (s == NULL)
		return NULL;
	s->f = f;
	s->dim = f->dim;
	s->probe = solver_find("rk4");
	s->q.v = calloc((SHARED + 1) * s->dim, sizeof *s->q.v);
	s->x = calloc(FIELD_BATCH * s->dim, sizeof *s->x);
	s->Qx = calloc(FIELD_BATCH * s->dim, sizeof *s->Qx);
	s->in = calloc(FIELD_BATCH, sizeof *s->in);
	if (s->q.v == NULL || s->x == NULL || s->Qx == NULL || s->in == NULL ||
	    (s->work = quadratic_work_alloc(f->quadratic)) == NULL)
		goto fail;
	s->joined.base = (struct field){ .type = &joined_type, .dim = K * LANES };
	share(s);
	for (i = 0; i < FIELD_BATCH; i++) {
		struct inner *in = &s->in[i];

		in->field = (struct small){ .base = { .type = &small_type, .dim = K }, .c = f->quadratic->c };
		if ((in->work = field_work_alloc(&in->field.base)) == NULL ||
		    (in->a.v = calloc(K * s->dim, sizeof *in->a.v)) == NULL)
			goto fail;
	}
	return s;
fail:
	krylov_free(s);
	return NULL;
}

const struct field *
krylov_field(const struct krylov *s, size_t i)
{
	return &s->in[i].field.base;
}

const struct field *
krylov_joined(const struct krylov *s)
{
	return &s->joined.base;
}

void
krylov_join(struct krylov *s, const size_t *which, size_t n, const double *z, double *joined)
{
	struct joined *to = &s->joined;
	size_t l, i, j;

	memset(to->H, 0, sizeof to->H);
	memset(to->q, 0, sizeof to->q);
	memset(joined, 0, K * LANES * sizeof *joined);
	for (l = 0; l < n; l++) {
		const struct small *f = &s->in[which[l]].field;

		for (i = 0; i < K; i++) {
			for (j = 0; j < K; j++)
				to->H[i][j][l] = f->H[i][j];
			to->q[i][l] = f->q[i];
			joined[i * LANES + l] = z[which[l] * K + i];
		}
	}
}

void
krylov_part(const double *joined, const size_t *which, size_t n, double *z)
{
	size_t l, i;

	for (l = 0; l < n; l++)
		for (i = 0; i < K; i++)
			z[which[l] * K + i] = joined[i * LANES + l];
}

/* v_i . Q v_j */
static double
tridiagonal(const struct chain *c, size_t i, size_t j)
{
	return i == j ? c->on[i] : i + 1 == j ? c->below[i] : j + 1 == i ? c->below[j] : 0;
}

/* p_i . Q a_j by the recurrence of q's chain */
static double
mixed(const struct krylov *s, const struct inner *in, size_t i, size_t j)
{
	const struct chain *q = &s->q;

	return q->on[i] * in->C[i][j] + q->below[i] * in->C[i + 1][j] +
	    (i > 0 ? q->below[i - 1] * in->C[i - 1][j] : 0);
}

/* R with R'R = 1 - CC' by Cholesky, and its inverse. 0: a's vectors and q's are not independent. */
static int
factor(struct inner *in, size_t m, double inverse[SHARED][SHARED])
{
	size_t i, j, k;

	for (i = 0; i < m; i++)
		for (j = i; j < m; j++) {
			double g = i == j;

			for (k = 0; k < in->n_own; k++)
				g -= in->C[i][k] * in->C[j][k];
			for (k = 0; k < i; k++)
				g -= in->R[k][i] * in->R[k][j];
			/* what rounding made of the products is divided by this */
			if (i == j && g < 1e-2)
				return 0;
			in->R[i][j] = i == j ? sqrt(g) : g / in->R[i][i];
		}
	for (j = 0; j < m; j++)
		for (i = j + 1; i-- > 0; ) {
			double g = i == j;

			for (k = i + 1; k <= j; k++)
				g -= in->R[i][k] * inverse[k][j];
			inverse[i][j] = g / in->R[i][i];
		}
	return 1;
}

/*
 * The field in all vectors of a's chain and the shared ones of q's, A and P with A'A = 1, P'P = 1,
 * P'A = C: with P - AC' = P~ R the vectors [A, P~] are orthonormal. The last entry of A'QA would
 * take one more product, for a fraction of the accuracy that it brings as a vector: the entry before stands
 * for it. 0: the vectors are not independent.
 */
static int
reduce(const struct krylov *s, struct inner *in)
{
	size_t n = in->n_own = in->a.n, m = s->n_shared, i, j, k;
	double inverse[SHARED][SHARED], B[SHARED][K], T[SHARED][SHARED], half[SHARED][SHARED];
	struct small *f = &in->field;

	if (!factor(in, m, inverse))
		return 0;
	memset(f->H, 0, sizeof f->H);
	memset(f->q, 0, sizeof f->q);
	in->a.on[n - 1] = n > 1 ? in->a.on[n - 2] : 0;
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			f->H[i][j] = tridiagonal(&in->a, i, j);
	/* B = (P - AC')'QA, T = (P - AC')'Q(P - AC') */
	for (i = 0; i < m; i++)
		for (j = 0; j < n; j++) {
			B[i][j] = mixed(s, in, i, j);
			for (k = 0; k < n; k++)
				B[i][j] -= in->C[i][k] * f->H[k][j];
		}
	for (i = 0; i < m; i++)
		for (j = 0; j < m; j++) {
			T[i][j] = tridiagonal(&s->q, i, j);
			for (k = 0; k < n; k++)
				T[i][j] -= B[i][k] * in->C[j][k] + in->C[i][k] * mixed(s, in, j, k);
		}
	/* the shared part of H: B and T with R^-1 from the left, T with it from the right as well */
	for (i = 0; i < m; i++)
		for (j = 0; j < m; j++) {
			half[i][j] = 0;
			for (k = 0; k <= j; k++)
				half[i][j] += T[i][k] * inverse[k][j];
		}
	for (i = 0; i < m; i++)
		for (k = 0; k <= i; k++) {
			for (j = 0; j < n; j++)
				f->H[n + i][j] += inverse[k][i] * B[k][j];
			for (j = 0; j < m; j++)
				f->H[n + i][n + j] += inverse[k][i] * half[k][j];
		}
	for (i = 0; i < m; i++)
		for (j = 0; j < n; j++)
			f->H[j][n + i] = f->H[n + i][j];
	/* q = length p_0, and p_0 = A C_0' + p~_0 R_00 */
	for (j = 0; j < n && m > 0; j++)
		f->q[j] = s->length * in->C[0][j];
	if (m > 0)
		f->q[n] = s->length * in->R[0][0];
	return 1;
}

/* The way to z as weights of the chains' vectors. */
static void
weights(const struct krylov *s, const struct inner *in, const double *z, double *own, double *shared)
{
	size_t i, k;

	for (i = s->n_shared; i-- > 0; ) {
		double g = z[in->n_own + i];

		for (k = i + 1; k < s->n_shared; k++)
			g -= in->R[i][k] * shared[k];
		shared[i] = g / in->R[i][i];
	}
	for (i = 0; i < in->n_own; i++) {
		own[i] = z[i] - (i == 0 ? in->start : 0);
		for (k = 0; k < s->n_shared; k++)
			own[i] -= in->C[k][i] * shared[k];
	}
}

/* How far apart the two ways that are known lead. */
static double
apart(const struct krylov *s, const struct inner *in)
{
	double own[K], shared[SHARED], sum = 0;
	size_t i, j;

	for (j = 0; j < K; j++) {
		own[j] = in->own[0][j] - in->own[1][j];
		sum += own[j] * own[j];
	}
	for (i = 0; i < s->n_shared; i++) {
		shared[i] = in->shared[0][i] - in->shared[1][i];
		sum += shared[i] * shared[i];
		for (j = 0; j < in->n_own; j++)
			sum += 2 * shared[i] * in->C[i][j] * own[j];
	}
	return sqrt(fmax(sum, 0));
}

/*
 * Does the subspace hold a way of length T? One step of order 4 shows where that leads to. Each vector makes the
 * way better by a larger factor than the one before: what is still missing is less than the last gain squared over
 * that before.
 */
static int
holds(const struct krylov *s, struct inner *in, double T)
{
	double z[K] = { in->start }, mem[5 * K], before = in->off, last, last_but_one;
	size_t end = in->n_own + s->n_shared;

	s->probe->step(&in->field.base, in->work, z, 1, T, mem, mem + 4 * K);
	memset(in->own[in->n_own % 2], 0, sizeof in->own[0]);
	weights(s, in, z, in->own[in->n_own % 2], in->shared[in->n_own % 2]);
	T = fabs(T);
	in->off = apart(s, in) / T;
	if (in->n_own < 3 || in->off > before || in->off * in->off > KRYLOV_ERROR * before)
		return 0;
	if (s->closed)
		return 1;
	last = z[end - 1] / T;
	last_but_one = fabs(z[end - 2]) / T;
	return last * last <= KRYLOV_ERROR * last_but_one;
}

/* The activation alone. 0: it stays, or goes so far that what it does in one step says nothing. */
static int
begin(const struct krylov *s, struct inner *in, const double *a, double T)
{
	size_t i;

	for (i = 0; i < s->dim; i++)
		in->a.v[i] = (float)a[i];
	in->start = normalise(in->a.v, s->dim);
	in->a.n = 1;
	memset(in->own, 0, sizeof in->own);
	memset(in->shared, 0, sizeof in->shared);
	in->off = 1;
	return T != 0 && fabs(T) <= in->start;
}

/* -1: not to be had; 0: more vectors are needed; 1: done */
static int
judge(const struct krylov *s, struct inner *in, double T)
{
	size_t newest = in->a.n - 1, i;

	for (i = 0; i < s->q.n; i++)
		in->C[i][newest] = dot_single(s->q.v + i * s->dim, in->a.v + newest * s->dim, s->dim);
	return !reduce(s, in) ? -1 : holds(s, in, T) ? 1 : in->a.n == K - s->n_shared ? -1 : 0;
}

void
krylov_enter(struct krylov *s, const double *a, size_t n, double T, double *z, int *inside)
{
	size_t dim = s->dim, open[FIELD_BATCH], left = 0, still, i, k;

	for (i = 0; i < n; i++)
		if ((inside[i] = begin(s, &s->in[i], a + i * dim, T) ? judge(s, &s->in[i], T) : -1) == 0)
			open[left++] = i;
	for (; left > 0; left = still) {
		for (k = 0; k < left; k++) {
			const struct chain *c = &s->in[open[k]].a;

			memcpy(s->x + k * dim, c->v + (c->n - 1) * dim, dim * sizeof *s->x);
		}
		quadratic_multiply(s->f->quadratic, s->work, s->x, left, s->Qx);
		for (still = k = 0; k < left; k++) {
			struct inner *in = &s->in[i = open[k]];

			inside[i] = chain_grow(&in->a, s->Qx + k * dim, dim) ? judge(s, in, T) : -1;
			if (inside[i] == 0)
				open[still++] = i;
		}
	}
	for (i = 0; i < n; i++) {
		inside[i] = inside[i] > 0;
		memset(z + i * K, 0, K * sizeof *z);
		z[i * K] = s->in[i].start;
	}
}

void
krylov_leave(struct krylov *s, size_t i, const double *z, double *a)
{
	const struct inner *in = &s->in[i];
	double own[K], shared[SHARED];
	size_t dim = s->dim, j;
	float *way = s->x;

	weights(s, in, z, own, shared);
	memset(way, 0, dim * sizeof *way);
	for (j = 0; j < in->n_own; j++)
		add_scaled(own[j], in->a.v + j * dim, dim, way);
	for (j = 0; j < s->n_shared; j++)
		add_scaled(shared[j], s->q.v + j * dim, dim, way);
	for (j = 0; j < dim; j++)
		a[j] += (double)way[j];
}
