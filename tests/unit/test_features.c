/*
 * The rows of a fit and their inner products are compared with the same in double, and fits to the rows,
 * in single precision, with fits to the inner products, in double.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "fit/calibration.h"
#include "fit/classifier.h"
#include "fit/density_ratio.h"
#include "tap.h"

enum { N = 403, SIZE = 1237, MANY = 13 };	/* not multiples of tiles, panels, bands or vectors */

static double Phi[N * SIZE];	/* made to be floats */
static unsigned open_works;

/* Makes uneven numbers of different scales, with a part that all rows have in common. */
static void
make_numbers(void)
{
	size_t i, j;

	for (i = 0; i < N; i++)
		for (j = 0; j < SIZE; j++) {
			double x = sin(2.385 * (double)(i * SIZE + j) + (double)(i * i % 17));

			x = (0.1 + 0.3 * (double)(j % 13)) * x + (j == 7 ? 385 : 0.385);
			x += i % 5 < 2 ? 0.2 * cos((double)j) : 0;
			Phi[i * SIZE + j] = (double)(float)x;
		}
}

static void *
work_alloc(const void *ctx)
{
	open_works++;
	return (void *)ctx;
}

static void
work_free(void *work)
{
	(void)work;
	open_works--;
}

static void
rows(const void *ctx, void *work, size_t first, size_t n, float *phi)
{
	size_t i;

	if (work != ctx)
		abort();
	for (i = 0; i < n * SIZE; i++)
		phi[i] = (float)Phi[first * SIZE + i];
}

static const struct features_source source = { .n = N, .size = SIZE, .ctx = Phi, .work_alloc = work_alloc,
    .work_free = work_free, .rows = rows };

/* Sets phi_i - m as the header defines it. */
static double *
centred(void)
{
	double *x = need(malloc(sizeof Phi)), mean[SIZE] = { 0 };
	size_t i, j;

	for (i = 0; i < N; i++)
		for (j = 0; j < SIZE; j++)
			mean[j] += Phi[i * SIZE + j] / N;
	for (i = 0; i < N; i++)
		for (j = 0; j < SIZE; j++)
			x[i * SIZE + j] = Phi[i * SIZE + j] - mean[j];
	return x;
}

/* Returns the largest |a - b|, divided by the largest |b|. */
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
 * Returns the largest |a - b| of products of v with the rows of x, or with its columns, divided by the
 * lengths of the factors.
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

static double
variance_of(const double *x)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < N * SIZE; i++)
		sum += x[i] * x[i] / N;
	return sum;
}

static void
check_rows(const double *x)
{
	static double v[MANY][SIZE], u[MANY][N], image[MANY][N], back[MANY][SIZE], again[MANY][SIZE];
	static double one[N], want[SIZE];
	const double *from[MANY], *by[MANY];
	double *to[MANY], *at[MANY], worst_image = 0, worst_back = 0, worst_pull = 0;
	struct err e;
	struct features *f = need(features_alloc(&source, &e));
	size_t i, j, k;

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
	features_multiply(f, from, at, by, to, MANY);
	memcpy(again, back, sizeof back);
	for (k = 0; k < MANY; k++) {
		double weighted[N];

		cblas_dgemv(CblasRowMajor, CblasNoTrans, N, SIZE, 1, x, SIZE, v[k], 1, 0, one, 1);
		worst_image = fmax(worst_image, off_product(image[k], one, x, 1, v[k]));
		/* of the image as computed, so that its error counts once */
		for (i = 0; i < N; i++)
			weighted[i] = u[k][i] * image[k][i];
		cblas_dgemv(CblasRowMajor, CblasTrans, N, SIZE, 1, x, SIZE, weighted, 1, 0, want, 1);
		worst_back = fmax(worst_back, off_product(back[k], want, x, 0, weighted));
	}
	ok(worst_image < 2e-7 && worst_back < 2e-7, "rows: Phi v off by %.1e, Phi' of it by %.1e", worst_image,
	    worst_back);
	features_multiply(f, from, at, by, to, MANY);
	ok(memcmp(again, back, sizeof back) == 0, "rows: the same products again");
	features_multiply(f, NULL, NULL, by, to, MANY);
	for (k = 0; k < MANY; k++) {
		cblas_dgemv(CblasRowMajor, CblasTrans, N, SIZE, 1, x, SIZE, u[k], 1, 0, want, 1);
		worst_pull = fmax(worst_pull, off_product(back[k], want, x, 0, u[k]));
	}
	ok(worst_pull < 2e-7, "rows: Phi' u off by %.1e", worst_pull);
	ok(fabs(features_variance(f) / variance_of(x) - 1) < 1e-6, "rows: variance off by %.1e",
	    features_variance(f) / variance_of(x) - 1);
	for (j = 0; j < SIZE; j++)
		want[j] = Phi[j] - x[j];
	ok(off(f->mean, want, SIZE) < 1e-12 && open_works == 0, "rows: their mean off by %.1e",
	    off(f->mean, want, SIZE));
	features_free(f);
}

/* Compares a matrix, computed by its products with unit vectors, with want[N][N]. */
static double
off_gram(struct gram *g, const double *want)
{
	double *got = need(calloc(N * N, sizeof *got)), *unit = need(calloc(N * N, sizeof *unit)), worst;
	const double **v = need(calloc(N, sizeof *v));
	double **image = need(calloc(N, sizeof *image));
	size_t i;

	for (i = 0; i < N; i++) {
		unit[i * N + i] = 1;
		v[i] = unit + i * N;
		image[i] = got + i * N;
	}
	gram_multiply(g, v, N, image);
	worst = off(got, want, N * N);
	free(got);
	free(unit);
	free(v);
	free(image);
	return worst;
}

static void
check_gram(const double *x)
{
	double *want = need(malloc(N * N * sizeof *want)), alpha[N], w[SIZE], w_want[SIZE], worst;
	struct err e;
	struct gram *g = need(gram_alloc(N, &e));
	size_t i;

	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, N, N, SIZE, 1, Phi, SIZE, Phi, SIZE, 0, want, N);
	ok(gram_set_source(g, &source, &e) == 0 && open_works == 0, "inner products");
	worst = off_gram(g, want);
	ok(worst < 1e-14, "inner products: off by %.1e", worst);
	cblas_dscal(N * N, 2.385, want, 1);
	gram_set(g, Phi, SIZE, 2.385);
	worst = off_gram(g, want);
	ok(worst < 1e-14, "inner products of doubles, times a number: off by %.1e", worst);
	ok(fabs(gram_variance(g) / (2.385 * variance_of(x)) - 1) < 1e-9, "inner products: variance off by %.1e",
	    gram_variance(g) / (2.385 * variance_of(x)) - 1);
	for (i = 0; i < N; i++)
		alpha[i] = cos(1.3 * (double)i) + 0.2;
	cblas_dgemv(CblasRowMajor, CblasTrans, N, SIZE, 1, Phi, SIZE, alpha, 1, 0, w_want, 1);
	if (features_combine(&source, alpha, w, &e) != 0)
		printf("Bail out! %s\n", e.text);
	ok(off(w, w_want, SIZE) < 1e-12, "the rows' sum off by %.1e", off(w, w_want, SIZE));
	gram_free(g);
	free(want);
}

static double
wide_number(size_t i, size_t j)
{
	size_t at = i * 31 + j * 17;

	return (j == 3 ? 2.385 : 0) + 0.05 * sin(0.37 * (double)(at % 9973) * (1 + 0.01 * (double)(at % 7))) +
	    (i % 5 < 2 && j % 50 == 0 ? 0.03 : 0);
}

/* Compares a fit to rows, which are cheaper here, with one to inner products. */
static void
check_fit(size_t columns, double C)
{
	enum { ROWS = 704 };
	float *phi = need(malloc(ROWS * columns * sizeof *phi));
	struct features_source s = { .n = ROWS, .size = columns, .matrix = phi };
	static int label[ROWS], group[ROWS];
	struct fit_data d = { NULL, label, group, ROWS, columns, 50, NULL };
	double *w[2], *held_out[2];
	struct fit_report rep[2] = { { 0 }, { 0 } };
	struct fit_options o;
	struct density_ratio x[2];
	struct gram *g;
	struct err e;
	int rc[2];
	size_t i, j, k;

	for (i = 0; i < ROWS; i++) {
		label[i] = i % 5 < 2;
		group[i] = (int)(i % 50);
		for (j = 0; j < columns; j++)
			phi[i * columns + j] = (float)wide_number(i, j);
	}
	for (k = 0; k < 2; k++) {
		w[k] = need(calloc(columns, sizeof *w[k]));
		rep[k].held_out = held_out[k] = need(calloc(ROWS, sizeof *held_out[k]));
	}
	fit_options_default(&o);
	o.C = C;
	x[0].coef = w[0];
	rc[0] = density_ratio_fit(&s, &d, &o, &x[0], &rep[0], &e);
	g = need(gram_alloc(ROWS, &e));
	x[1].coef = need(calloc(ROWS, sizeof *x[1].coef));
	rc[1] = gram_set_source(g, &s, &e) != 0 ? -1 : density_ratio_fit_gram(g, &d, &o, &x[1], &rep[1], &e);
	if (ok(rc[0] == 0 && rc[1] == 0 && features_combine(&s, x[1].coef, w[1], &e) == 0,
	    "fits of %d x %zu, C = %g", ROWS, columns, C)) {
		calibration_report(&d, &rep[0]);
		calibration_report(&d, &rep[1]);
		ok(rep[0].objective != rep[1].objective && fabs(rep[0].objective / rep[1].objective - 1) < 1e-7 &&
		    fabs(rep[0].C / rep[1].C - 1) < 1e-5,
		    "in single precision the objective is off by %.1e, C by %.1e",
		    rep[0].objective / rep[1].objective - 1, rep[0].C / rep[1].C - 1);
		ok(off(w[0], w[1], columns) < 1e-3 &&
		    fabs(x[0].intercept - x[1].intercept) < 1e-3 * (1 + fabs(x[1].intercept)),
		    "w by %.1e, the intercept by %.1e", off(w[0], w[1], columns), x[0].intercept - x[1].intercept);
		ok(fabs(rep[0].auc - rep[1].auc) < 1e-4 && fabs(rep[0].log_loss - rep[1].log_loss) < 1e-4,
		    "AUC held out %.5f by %.1e, log-loss %.5f by %.1e", rep[1].auc, rep[0].auc - rep[1].auc,
		    rep[1].log_loss, rep[0].log_loss - rep[1].log_loss);
	}
	for (k = 0; k < 2; k++) {
		free(w[k]);
		free(held_out[k]);
	}
	free(x[1].coef);
	gram_free(g);
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

	make_numbers();
	x = centred();
	for (i = 1; i < 4; i += 2) {
		openblas_set_num_threads((int)i);
		check_rows(x);
		check_gram(x);
	}
	ok(parallel_count() == 3, "threads are OpenBLAS's");
	parallel_run(mark, seen, 8);
	for (i = 0; i < 8 && seen[i] == 8; i++)
		;
	ok(i == 8 && seen[8] == 0 && parallel_count() == 3,
	    "each of eight pieces is done, and OpenBLAS has its threads back");
	openblas_set_num_threads(2);
	check_fit(3301, 0.385);
	check_fit(140, 0);
	free(x);
	return tap_done();
}
