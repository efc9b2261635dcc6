/*
 * dot is compared with sums in double, and must give the same bits wherever its arguments are in memory.
 * tests/kernels runs this under each kernel of OpenBLAS, and checks that the right one is used.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/dot.h"
#include "tap.h"

enum { MOST = 131, SHIFTS = 9 };

static double x[MOST], y[MOST], M[MOST * MOST];
static float xs[MOST], ys[MOST];

static void
make_numbers(void)
{
	size_t i, j;

	for (i = 0; i < MOST; i++) {
		xs[i] = (float)(x[i] = sin(2.385 * (double)(i * i)) + 0.3);
		ys[i] = (float)(y[i] = cos(1.7 * (double)i) - 0.2);
		for (j = 0; j <= i; j++)
			M[i * MOST + j] = M[j * MOST + i] = sin(0.77 * (double)(i * MOST + j));
	}
}

static void
check_dot(size_t n)
{
	double buffer[MOST + SHIFTS], want = dot(x, y, n), want_single = dot_single(xs, ys, n), sum = 0, sum_single = 0;
	float buffer_single[MOST + SHIFTS];
	int same = 1;
	size_t i;

	for (i = 0; i < n; i++) {
		sum += x[i] * y[i];
		sum_single += (double)xs[i] * (double)ys[i];
	}
	for (i = 0; i < SHIFTS; i++) {
		memcpy(buffer + i, x, n * sizeof *x);
		memcpy(buffer_single + i, xs, n * sizeof *xs);
		same &= dot(buffer + i, y, n) == want && dot(y, buffer + i, n) == want &&
		    dot_single(buffer_single + i, ys, n) == want_single &&
		    dot_single(ys, buffer_single + i, n) == want_single;
	}
	ok(fabs(sum - want) < 1e-13 && fabs(sum_single - want_single) < 1e-5 && same,
	    "%zu numbers: off by %.1e, single by %.1e, the same at every alignment", n, sum - want,
	    sum_single - want_single);
}

static void
check_symmetric(size_t dim)
{
	double *upper = calloc(dim * dim, sizeof *upper), *scratch = dot_scratch(dim);
	double in[MOST + SHIFTS], out[MOST + SHIFTS], want[MOST], worst = 0;
	int same = 1;
	size_t i, j;

	for (i = 0; i < dim; i++)
		memcpy(upper + i * dim + i, M + i * MOST + i, (dim - i) * sizeof *upper);
	dot_symmetric(upper, dim, x, want, scratch);
	for (i = 0; i < dim; i++) {
		double sum = 0;

		for (j = 0; j < dim; j++)
			sum += M[i * MOST + j] * x[j];
		worst = fmax(worst, fabs(sum - want[i]));
	}
	for (i = 0; i < SHIFTS; i++) {
		memcpy(in + i, x, dim * sizeof *x);
		dot_symmetric(upper, dim, in + i, out + SHIFTS - 1 - i, scratch);
		same &= memcmp(out + SHIFTS - 1 - i, want, dim * sizeof *want) == 0;
	}
	ok(worst < 1e-13 && same, "a symmetric matrix of %zu rows: off by %.1e, the same at every alignment",
	    dim, worst);
	free(upper);
	free(scratch);
}

int
main(void)
{
	static const size_t size[] = { 1, 2, 15, 16, 31, 32, 33, 63, MOST };
	const char *asked = getenv("OPENBLAS_CORETYPE"), *taken = openblas_get_corename();
	size_t i;

	ok(asked == NULL || strcasecmp(asked, taken) == 0, "OpenBLAS takes its kernels for %s, asked for %s", taken,
	    asked != NULL ? asked : "none");
	make_numbers();
	for (i = 0; i < sizeof size / sizeof *size; i++) {
		check_dot(size[i]);
		check_symmetric(size[i]);
	}
	return tap_done();
}
