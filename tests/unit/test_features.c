/*
 * The rows of a fit as features.h keeps them, against themselves in double; and fits with the
 * precision of floats against those with all digits, beyond the size up to which these are taken.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "fit/calibration.h"
#include "fit/density_ratio.h"
#include "fit/features.h"
#include "tap.h"

enum { N = 203, SIZE = 1237, MANY = 11 };	/* in no whole tiles, lanes, panels or vectors */

static double Phi[N * SIZE];

/* What no distribution made: uneven, of unlike scales, and something that all rows have in common. */
static void
make_rows(void)
{
	size_t i, j;

	for (i = 0; i < N; i++)
		for (j = 0; j < SIZE; j++)
			Phi[i * SIZE + j] = (double)(float)((0.1 + 0.3 * (double)(j % 13)) *
			    sin(2.385 * (double)(i * SIZE + j) + (double)(i * i % 17)) + (j == 7 ? 385 : 0.385) + (i % 5 < 2 ? 0.2 * cos((double)j) : 0));
}

static void *
work_alloc(const void *ctx, int exact)
{
	(void)ctx;
	(void)exact;
	return malloc(1);
}

static void
rows(const void *ctx, void *work, size_t first, size_t n, float *phi)
{
	size_t i;

	(void)ctx;
	(void)work;
	for (i = 0; i < n * SIZE; i++)
		phi[i] = (float)Phi[first * SIZE + i];
}

static struct features_source
source(size_t n, size_t block)
{
	return (struct features_source){ .n = n, .size = SIZE, .work_alloc = work_alloc, .work_free = free, .block = block,
	    .rows = rows };
}

static void *
have(void *p)
{
	if (p == NULL) {
		printf("Bail out! out of memory\n");
		exit(1);
	}
	return p;
}

/* phi_i - shift as the header defines them, the shift being the mean of the first 64 as floats */
static double *
centred(void)
{
	double *x = have(malloc(sizeof Phi)), mean[SIZE] = { 0 };
	size_t i, j;

	for (i = 0; i < 64; i++)
		for (j = 0; j < SIZE; j++)
			mean[j] += Phi[i * SIZE + j] / 64;
	for (i = 0; i < N; i++)
		for (j = 0; j < SIZE; j++)
			x[i * SIZE + j] = Phi[i * SIZE + j] - (double)(float)mean[j];
	return x;
}

/* The largest |a - b|, over the largest |b|. */
static double
off(const double *a, const double *b, size_t n)
{
	double worst = 0, most = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		worst = fmax(worst, fabs(a[i] - b[i]));
		most = fmax(most, fabs(b[i]));
	}
	return worst / most;
}

/*
 * The largest |a - b| of products with the rows of x, or its columns, in units of the
 * lengths of what is multiplied: 2^-17 is what packing may cost.
 */
static double
off_product(const double *a, const double *b, const double *x, int by_row, const double *v)
{
	int n = by_row ? N : SIZE, length = by_row ? SIZE : N, i;
	double worst = 0, norm = cblas_dnrm2(length, v, 1);

	for (i = 0; i < n; i++)
		worst = fmax(worst, fabs(a[i] - b[i]) / norm /
		    (by_row ? cblas_dnrm2(length, x + i * SIZE, 1) : cblas_dnrm2(length, x + i, SIZE)));
	return worst;
}

static void
check_products(const double *x)
{
	struct features_source s = source(N, 5);
	static double v[MANY][SIZE], u[MANY][N], image[MANY][N], back[MANY][SIZE], alone[SIZE], one[N], want[SIZE];
	const double *from[MANY], *by[MANY];
	double *to[MANY], *at[MANY], worst_image = 0, worst_back = 0, worst_pull = 0, variance = 0, w[SIZE], shift;
	struct err e;
	struct features *f = have(features_pack(&s, &e));
	size_t i, j, k;
	int same = 1;

	for (k = 0; k < MANY; k++) {
		for (j = 0; j < SIZE; j++)
			v[k][j] = sin((double)(k * SIZE + j) * 1.7 + 0.3);
		for (i = 0; i < N; i++)
			u[k][i] = fabs(cos((double)(k * N + i) * 0.9));
		from[k] = v[k];
		by[k] = u[k];
		at[k] = image[k];
		to[k] = back[k];
	}
	features_normal(f, from, by, MANY, at, to);
	for (k = 0; k < MANY; k++) {
		double *own = one, *own_back = alone, weighted[N];

		cblas_dgemv(CblasRowMajor, CblasNoTrans, N, SIZE, 1, x, SIZE, v[k], 1, 0, one, 1);
		worst_image = fmax(worst_image, off_product(image[k], one, x, 1, v[k]));
		/* of the image as it came: what is off in it counts once */
		for (i = 0; i < N; i++)
			weighted[i] = u[k][i] * image[k][i];
		cblas_dgemv(CblasRowMajor, CblasTrans, N, SIZE, 1, x, SIZE, weighted, 1, 0, want, 1);
		worst_back = fmax(worst_back, off_product(back[k], want, x, 0, weighted));
		features_normal(f, from + k, by + k, 1, &own, &own_back);
		same &= memcmp(one, image[k], sizeof one) == 0 && memcmp(alone, back[k], sizeof alone) == 0;
	}
	ok(worst_image < ldexp(1, -17) && worst_back < ldexp(1, -17), "packed: Phi v off by %.1e, Phi' of it by %.1e",
	    worst_image, worst_back);
	ok(same, "a vector's products do not hang on the others");
	features_pull_back(f, by, MANY, to);
	for (k = 0; k < MANY; k++) {
		cblas_dgemv(CblasRowMajor, CblasTrans, N, SIZE, 1, x, SIZE, u[k], 1, 0, want, 1);
		worst_pull = fmax(worst_pull, off_product(back[k], want, x, 0, u[k]));
	}
	ok(worst_pull < ldexp(1, -17), "packed: Phi' u off by %.1e", worst_pull);
	for (j = 0; j < SIZE; j++) {
		double sum = 0, square = 0;

		for (i = 0; i < N; i++) {
			sum += x[i * SIZE + j] / N;
			square += x[i * SIZE + j] * x[i * SIZE + j] / N;
		}
		variance += square - sum * sum;
	}
	ok(fabs(features_variance(f) / variance - 1) < 1e-5, "variance off by %.1e", features_variance(f) / variance - 1);
	features_combine(&s, u[0], w, &shift, &e);
	cblas_dgemv(CblasRowMajor, CblasTrans, N, SIZE, 1, x, SIZE, u[0], 1, 0, want, 1);
	ok(off(w, want, SIZE) < 1e-12 && fabs(features_shift(f, w) / shift - 1) < 1e-12, "the rows' sum off by %.1e",
	    off(w, want, SIZE));
	for (i = 0; i < N; i++)
		one[i] = cblas_ddot(SIZE, w, 1, Phi + i * SIZE, 1) - cblas_ddot(SIZE, w, 1, x + i * SIZE, 1) - shift;
	ok(cblas_dasum(N, one, 1) < 1e-9 * fabs(shift) * N, "w . shift is what the shift takes: off by %.1e",
	    cblas_dasum(N, one, 1) / N);
	features_free(f);
}

static void
check_gram(const double *x)
{
	size_t side = features_side(N), i, j, k, block;
	float *gram = NULL, *v = have(calloc(MANY, side * sizeof *v));
	double *want = have(malloc(N * N * sizeof *want)), *got = have(malloc(N * N * sizeof *got));
	static double image[MANY][N], single[N];
	double *to[MANY], *one = single, worst = 0;
	struct err e;
	int same = 1;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, N, N, SIZE, 1, x, SIZE, x, SIZE, 0, want, N);
	for (block = 1; block < 100; block += 70) {
		struct features_source s = source(N, block);

		free(gram);
		gram = have(calloc(side, side * sizeof *gram));
		if (features_gram(&s, gram, &e) != 0)
			printf("Bail out! %s\n", e.text);
		for (i = 0; i < N; i++)
			for (j = 0; j < N; j++)
				got[i * N + j] = (double)gram[i * side + j];
		ok(off(got, want, N * N) < 1e-5, "inner products off by %.1e, rows made %zu at a time",
		    off(got, want, N * N), block);
	}
	for (k = 0; k < MANY; k++) {
		for (i = 0; i < N; i++)
			v[k * side + i] = (float)cos((double)(k * N + i));
		to[k] = image[k];
	}
	features_gram_image(gram, N, v, MANY, to);
	for (k = 0; k < MANY; k++) {
		double row[N];

		for (i = 0; i < N; i++) {
			row[i] = 0;
			for (j = 0; j < N; j++)
				row[i] += got[i * N + j] * (double)v[k * side + j];
		}
		worst = fmax(worst, off(image[k], row, N));
		features_gram_image(gram, N, v + k * side, 1, &one);
		same &= memcmp(one, image[k], sizeof single) == 0;
	}
	ok(worst < 1e-5 && same, "and their products with vectors, at once or one by one, by %.1e", worst);
	free(gram);
	free(v);
	free(want);
	free(got);
}

/* Too many for doubles; rows so many that one C is fitted to them packed, and several to inner products. */
enum { ROWS = 704, COLUMNS = 3301 };

static double
wide_number(size_t i, size_t j)
{
	size_t at = i * 31 + j * 17;

	return (j == 3 ? 2.385 : 0) + 0.05 * sin(0.37 * (double)(at % 9973) * (1 + 0.01 * (double)(at % 7))) +
	    (i % 5 < 2 && j % 50 == 0 ? 0.03 : 0);
}

static void
wide_exact(const void *ctx, void *work, size_t first, size_t n, double *phi)
{
	size_t i, j;

	(void)ctx;
	(void)work;
	for (i = 0; i < n; i++)
		for (j = 0; j < COLUMNS; j++)
			phi[i * COLUMNS + j] = wide_number(first + i, j);
}

/* In the basis of all rows' numbers, but from the last to the first. */
static void
wide_rows(const void *ctx, void *work, size_t first, size_t n, float *phi)
{
	size_t i, j;

	(void)ctx;
	(void)work;
	for (i = 0; i < n; i++)
		for (j = 0; j < COLUMNS; j++)
			phi[i * COLUMNS + j] = (float)wide_number(first + i, COLUMNS - 1 - j);
}

static int
wide_turn(const void *ctx, double *w)
{
	size_t j;

	(void)ctx;
	for (j = 0; j < COLUMNS / 2; j++) {
		double kept = w[j];

		w[j] = w[COLUMNS - 1 - j];
		w[COLUMNS - 1 - j] = kept;
	}
	return 0;
}

static void
check_fit(double C)
{
	struct features_source s = { .n = ROWS, .size = COLUMNS, .work_alloc = work_alloc, .work_free = free, .block = 3,
	    .rows = wide_rows, .exact = wide_exact, .turn = wide_turn };
	static int label[ROWS], group[ROWS];
	struct fit_data d = { NULL, label, group, ROWS, COLUMNS, 50 };
	double *phi = have(malloc(ROWS * COLUMNS * sizeof *phi)), *w[2], *held_out[2];
	struct fit_report rep[2] = { { 0 }, { 0 } };
	struct fit_options o;
	struct density_ratio x[2];
	struct err e;
	int rc[2];
	size_t i, k;

	for (i = 0; i < ROWS; i++) {
		label[i] = i % 5 < 2;
		group[i] = (int)(i % 50);
	}
	for (k = 0; k < 2; k++) {
		x[k].coef = w[k] = have(calloc(COLUMNS, sizeof *w[k]));
		rep[k].held_out = held_out[k] = have(calloc(ROWS, sizeof *held_out[k]));
	}
	fit_options_default(&o);
	o.C = C;
	rc[0] = density_ratio_fit(&s, &d, &o, &x[0], &rep[0], &e);
	if (features_exact(&s, phi, &e) != 0)
		printf("Bail out! %s\n", e.text);
	rc[1] = density_ratio_fit_rows(phi, COLUMNS, &d, &o, &x[1], &rep[1], &e);
	if (ok(rc[0] == 0 && rc[1] == 0, "fits of %d x %d, C = %g", ROWS, COLUMNS, C)) {
		calibration_report(&d, &rep[0]);
		calibration_report(&d, &rep[1]);
		ok(fabs(rep[0].objective / rep[1].objective - 1) < 1e-7 && fabs(rep[0].C / rep[1].C - 1) < 1e-5,
		    "the objective of floats is off by %.1e, C by %.1e", rep[0].objective / rep[1].objective - 1,
		    rep[0].C / rep[1].C - 1);
		ok(off(w[0], w[1], COLUMNS) < 1e-3 && fabs(x[0].intercept - x[1].intercept) < 1e-3 * (1 + fabs(x[1].intercept)),
		    "w by %.1e, the intercept by %.1e", off(w[0], w[1], COLUMNS), x[0].intercept - x[1].intercept);
		ok(fabs(rep[0].auc - rep[1].auc) < 1e-4 && fabs(rep[0].log_loss - rep[1].log_loss) < 1e-4,
		    "AUC held out %.5f by %.1e, log-loss %.5f by %.1e", rep[1].auc, rep[0].auc - rep[1].auc,
		    rep[1].log_loss, rep[0].log_loss - rep[1].log_loss);
	}
	for (k = 0; k < 2; k++) {
		free(w[k]);
		free(held_out[k]);
	}
	free(phi);
}

static void
mark(void *ctx, unsigned i, unsigned n)
{
	unsigned *seen = ctx;

	seen[i] = n;
}

int
main(void)
{
	unsigned seen[9] = { 0 }, i;
	double *x;

	make_rows();
	x = centred();
	for (i = 1; i < 4; i += 2) {
		openblas_set_num_threads((int)i);
		check_products(x);
		check_gram(x);
	}
	ok(parallel_count() == 3, "threads are OpenBLAS's");
	parallel_run(mark, seen, 8);
	for (i = 0; i < 8 && seen[i] == 8; i++)
		;
	ok(i == 8 && seen[8] == 0 && parallel_count() == 3, "each of eight pieces is done, and OpenBLAS has its threads back");
	openblas_set_num_threads(2);
	check_fit(0.385);
	check_fit(0);
	free(x);
	return tap_done();
}
