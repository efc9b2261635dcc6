/* The logistic regression against the optimum of scikit-learn (tests/golden/logistic.json). */
#include <math.h>
#include <string.h>

#include "golden.h"
#include "logistic.h"
#include "tap.h"

enum { N = 120, P = 30 };

static double Z[N * P], gram[N * N];
static int label[N];

static void
check(double C, const json_t *golden, int dual)
{
	struct logistic_problem p = { .rows = dual ? gram : Z, .dual = dual, .n = N, .size = dual ? N : P,
	    .label = label, .C = C };
	double coef[N], f[N], w[P] = { 0 }, *want = golden_numbers(json_object_get(golden, "coef"), NULL);
	double objective = json_number_value(json_object_get(golden, "objective"));
	double intercept = json_number_value(json_object_get(golden, "intercept"));
	struct logistic_fit fit = { .coef = coef, .f = f };
	double worst = 0;
	struct err e;
	int i, j;

	if (logistic_fit(&p, &fit, &e) != 0) {
		ok(0, "C = %g: %s", C, e.text);
		return;
	}
	for (j = 0; j < P; j++) {
		for (i = 0; dual && i < N; i++)
			w[j] += coef[i] * Z[i * P + j];
		worst = fmax(worst, fabs((dual ? w[j] : coef[j]) - want[j]));
	}
	ok(fabs(fit.objective / objective - 1) < 1e-12, "C = %g, %s: objective off by %.1e", C,
	    dual ? "dual" : "primal", fit.objective / objective - 1);
	/* the golden optimum itself is known to no more: its objective lies above ours */
	ok(worst < 1e-5 && fabs(fit.intercept - intercept) < 1e-5,
	    "C = %g, %s: coefficients off by %.1e, intercept by %.1e, gradient %.1e, %u steps", C,
	    dual ? "dual" : "primal", worst, fabs(fit.intercept - intercept), fit.gradient_norm,
	    fit.iterations);
	free(want);
}

/* A row left out must count for nothing, and still get its f. */
static void
check_out(int dual)
{
	unsigned char out[N] = { 0 };
	struct logistic_problem p = { .rows = dual ? gram : Z, .dual = dual, .n = N, .size = dual ? N : P,
	    .label = label, .out = out, .C = 2.385 }, q;
	double coef[N], f[N], coef2[P], f2[N], far = 0;
	struct logistic_fit a = { .coef = coef, .f = f }, b = { .coef = coef2, .f = f2 };
	struct err e;
	int i;

	for (i = 80; i < N; i++)
		out[i] = 1;
	q = (struct logistic_problem){ .rows = Z, .n = 80, .size = P, .label = label, .C = p.C };
	if (!ok(logistic_fit(&p, &a, &e) == 0 && logistic_fit(&q, &b, &e) == 0, "fits with rows left out"))
		return;
	for (i = 0; i < 80; i++)
		far = fmax(far, fabs(f[i] - f2[i]));
	ok(fabs(a.objective / b.objective - 1) < 1e-12 && far < 1e-7,
	    "%s: leaving rows out is fitting without them: off by %.1e", dual ? "dual" : "primal", far);
}

int
main(void)
{
	json_t *golden = golden_load("tests/golden/logistic.json"), *fits = json_object_get(golden, "fits");
	double *z = golden_numbers(json_object_get(golden, "Z"), NULL);
	double *y = golden_numbers(json_object_get(golden, "y"), NULL);
	int i, j, k;

	memcpy(Z, z, sizeof Z);
	for (i = 0; i < N; i++)
		label[i] = y[i] > 0;
	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++)
			for (k = 0; k < P; k++)
				gram[i * N + j] += Z[i * P + k] * Z[j * P + k];
	for (i = 0; i < (int)json_array_size(fits); i++) {
		const json_t *fit = json_array_get(fits, (size_t)i);

		for (k = 0; k < 2; k++)
			check(json_number_value(json_object_get(fit, "C")), fit, k);
	}
	check_out(0);
	check_out(1);
	free(z);
	free(y);
	json_decref(golden);
	return tap_done();
}
