/*
 * The classifiers: logistic regression against the optimum of scikit-learn
 * (tests/golden/logistic.json), the squared hinge against its own definition, and several fits
 * at once against one by one.
 */
#include <math.h>
#include <string.h>

#include "fit/classifier.h"
#include "golden.h"
#include "tap.h"

enum { N = 120, P = 30, FITS = 6 };

static double Z[N * P], gram[N * N];
static int label[N];
static const char *const way[] = { "primal", "dual" };

static struct classifier_problem
problem(int dual, enum loss loss)
{
	return (struct classifier_problem){ .rows = dual ? gram : Z, .dual = dual, .n = N, .size = dual ? N : P,
	    .label = label, .loss = loss };
}

static void
must_fit(const struct classifier_problem *p, struct classifier_fit *fit, size_t n)
{
	struct err e;

	if (classifier_fit(p, fit, n, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
}

/* w[P] of a fit: in the dual the rows' sum with its coefficients */
static void
weights(int dual, const double *coef, double *w)
{
	int i, j;

	for (j = 0; j < P; j++) {
		w[j] = dual ? 0 : coef[j];
		for (i = 0; dual && i < N; i++)
			w[j] += coef[i] * Z[i * P + j];
	}
}

static double
farthest(const double *a, const double *b, size_t n)
{
	double worst = 0;
	size_t i;

	for (i = 0; i < n; i++)
		worst = fmax(worst, fabs(a[i] - b[i]));
	return worst;
}

static void
check_golden(double C, const json_t *golden, int dual)
{
	struct classifier_problem p = problem(dual, LOSS_LOGISTIC);
	double coef[N], f[N], w[P], *want = golden_numbers(json_object_get(golden, "coef"), NULL), worst;
	double objective = json_number_value(json_object_get(golden, "objective"));
	double intercept = json_number_value(json_object_get(golden, "intercept"));
	struct classifier_fit fit = { .C = C, .coef = coef, .f = f };

	must_fit(&p, &fit, 1);
	weights(dual, coef, w);
	worst = farthest(w, want, P);
	ok(fabs(fit.objective / objective - 1) < 1e-12, "C = %g, %s: objective off by %.1e", C, way[dual],
	    fit.objective / objective - 1);
	/* the golden optimum itself is known to no more: its objective lies above ours */
	ok(worst < 1e-5 && fabs(fit.intercept - intercept) < 1e-5,
	    "C = %g, %s: coefficients off by %.1e, intercept by %.1e, gradient %.1e, %u steps", C, way[dual],
	    worst, fabs(fit.intercept - intercept), fit.gradient_norm, fit.iterations);
	free(want);
}

/* A row left out must count for nothing, and still get its f. */
static void
check_out(int dual, enum loss loss)
{
	unsigned char out[N] = { 0 };
	struct classifier_problem p = problem(dual, loss), q = problem(0, loss);
	double coef[N], f[N], coef2[P], f2[N], far, far_out = 0;
	struct classifier_fit a = { .C = 2.385, .out = out, .coef = coef, .f = f };
	struct classifier_fit b = { .C = 2.385, .coef = coef2, .f = f2 };
	int i, j;

	for (i = 80; i < N; i++)
		out[i] = 1;
	q.n = 80;
	must_fit(&p, &a, 1);
	must_fit(&q, &b, 1);
	far = farthest(f, f2, 80);
	for (i = 80; i < N; i++) {
		double value = b.intercept;

		for (j = 0; j < P; j++)
			value += coef2[j] * Z[i * P + j];
		far_out = fmax(far_out, fabs(value - f[i]));
	}
	ok(fabs(a.objective / b.objective - 1) < 1e-12 && far < 1e-7 && far_out < 1e-7,
	    "%s, loss %d: leaving rows out is fitting without them: off by %.1e, those left out by %.1e",
	    way[dual], (int)loss, far, far_out);
}

/* Fits that share nothing but the rows: other C, other rows left out, other tolerances. */
static void
check_several(int dual, enum loss loss)
{
	static unsigned char out[FITS][N];
	struct classifier_problem p = problem(dual, loss);
	static double coef[FITS][N], f[FITS][N], coef1[N], f1[N];
	struct classifier_fit many[FITS], one;
	double worst = 0, objective = 0;
	size_t k, i;

	for (k = 0; k < FITS; k++) {
		for (i = 0; i < N; i++)
			out[k][i] = k > 0 && i % FITS == k;
		many[k] = (struct classifier_fit){ .C = 0.01 * pow(4, (double)k), .out = k > 0 ? out[k] : NULL,
		    .tolerance = k == 3 ? 1e-4 : 0, .coef = k == 2 ? NULL : coef[k], .f = f[k] };
	}
	must_fit(&p, many, FITS);
	for (k = 0; k < FITS; k++) {
		one = many[k];
		one.coef = coef1;
		one.f = f1;
		must_fit(&p, &one, 1);
		/* a fit that stops early stops where it does by its last digits */
		if (k == 3) {
			ok(many[k].gradient_norm > 1e-9 && farthest(f[k], f1, N) < 1e-6 &&
			    many[k].iterations <= many[4].iterations,
			    "%s, loss %d: a tolerance ends it early, at gradient %.1e", way[dual], (int)loss,
			    many[k].gradient_norm);
			continue;
		}
		worst = fmax(worst, farthest(f[k], f1, N));
		if (k != 2 && !dual)	/* alpha is only known as far as the rows tell it */
			worst = fmax(worst, farthest(coef[k], coef1, P));
		objective = fmax(objective, fabs(many[k].objective / one.objective - 1));
	}
	ok(worst < 1e-7 && objective < 1e-12, "%s, loss %d: %d at once are one by one: off by %.1e, objectives by %.1e",
	    way[dual], (int)loss, FITS, worst, objective);
}

/* The objective by its definition, at any w and c. */
static double
objective_at(enum loss loss, double C, const double *rows, const int *y, size_t n, size_t size, const double *w,
    double c)
{
	double sum = 0, m, value = 0;
	size_t i, j;

	for (i = 0; i < n; i++) {
		for (m = c, j = 0; j < size; j++)
			m += w[j] * rows[i * size + j];
		m *= y[i] ? 1 : -1;
		sum += loss == LOSS_LOGISTIC ? log1p(exp(-m)) : m < 1 ? (1 - m) * (1 - m) : 0;
	}
	for (j = 0; j < size; j++)
		value += w[j] * w[j] / 2;
	return value + C * sum;
}

/* |dE/dw_j|, or of c for j = P, by a central difference */
static double
slope(double C, const double *w, double c, int j)
{
	double v[P + 1], d = 1e-4, side[2];
	int k;

	memcpy(v, w, P * sizeof *v);
	v[P] = c;
	for (k = 0; k < 2; k++) {
		v[j] += k == 0 ? d : -2 * d;
		side[k] = objective_at(LOSS_SQUARED_HINGE, C, Z, label, N, P, v, v[P]);
	}
	return fabs(side[0] - side[1]) / (2 * d);
}

/* At the optimum no central difference of the objective is anything but 0. */
static void
check_gradient(int dual, double C)
{
	struct classifier_problem p = problem(dual, LOSS_SQUARED_HINGE);
	double coef[N], f[N], w[P], at, worst = 0, start = 0, zero[P] = { 0 };
	struct classifier_fit fit = { .C = C, .coef = coef, .f = f };
	int j;

	must_fit(&p, &fit, 1);
	weights(dual, coef, w);
	at = objective_at(LOSS_SQUARED_HINGE, C, Z, label, N, P, w, fit.intercept);
	for (j = 0; j <= P; j++) {
		worst = fmax(worst, slope(C, w, fit.intercept, j));
		start = fmax(start, slope(C, zero, 0, j));
	}
	ok(fabs(fit.objective / at - 1) < 1e-12, "squared hinge, C = %g, %s: the objective is the one defined", C, way[dual]);
	ok(worst < 1e-6 * start, "its gradient by central differences: %.1e, from %.1e at 0; its own: %.1e, %u steps",
	    worst, start, fit.gradient_norm, fit.iterations);
}

/* Two rows, solved by hand: 3 positive, 1 negative; c = -2 w, then w = 4 C / (1 + 4 C). */
static void
check_by_hand(void)
{
	static const double rows[] = { 3, 1 }, inner[] = { 9, 0, 3, 1 };
	static const int y[] = { 1, 0 };
	int dual;

	for (dual = 0; dual < 2; dual++) {
		struct classifier_problem p = { .rows = dual ? inner : rows, .dual = dual, .n = 2, .size = dual ? 2 : 1,
		    .label = y, .loss = LOSS_SQUARED_HINGE };
		double C = 2.385, coef[2], f[2], want = 4 * C / (1 + 4 * C), w;
		struct classifier_fit fit = { .C = C, .coef = coef, .f = f };

		must_fit(&p, &fit, 1);
		w = dual ? 3 * coef[0] + coef[1] : coef[0];
		ok(fabs(w - want) < 1e-12 && fabs(fit.intercept + 2 * want) < 1e-12,
		    "squared hinge by hand, %s: w off by %.1e, c by %.1e", way[dual], w - want, fit.intercept + 2 * want);
	}
}

/* Far apart, 4 positives among 20: the losses are flat on most rows. Against plain gradient descent. */
static void
check_descent(enum loss loss, double C)
{
	enum { ROWS = 20, SIZE = 3, PASSES = 400000 };
	double rows[ROWS * SIZE], w[SIZE] = { 0 }, c = 0, L = 1, coef[SIZE], f[ROWS], theirs;
	int y[ROWS], i, j, k;
	struct classifier_problem p = { .rows = rows, .n = ROWS, .size = SIZE, .label = y, .loss = loss };
	struct classifier_fit fit = { .C = C, .coef = coef, .f = f };

	for (i = 0; i < ROWS; i++) {
		y[i] = i % 5 == 2;
		for (j = 0; j < SIZE; j++) {
			rows[i * SIZE + j] = (y[i] ? 2.385 : -1) + 0.9 * sin(2.385 * i + 1.7 * j * j + 0.3);
			L += C * 2 * rows[i * SIZE + j] * rows[i * SIZE + j];
		}
		L += 2 * C;
	}
	for (k = 0; k < PASSES; k++) {
		double g[SIZE], gc = 0;

		memcpy(g, w, sizeof g);
		for (i = 0; i < ROWS; i++) {
			double s = y[i] ? 1 : -1, m = c, r;

			for (j = 0; j < SIZE; j++)
				m += w[j] * rows[i * SIZE + j];
			m *= s;
			r = loss == LOSS_LOGISTIC ? -s / (1 + exp(m)) : m < 1 ? -2 * s * (1 - m) : 0;
			for (j = 0; j < SIZE; j++)
				g[j] += C * r * rows[i * SIZE + j];
			gc += C * r;
		}
		for (j = 0; j < SIZE; j++)
			w[j] -= g[j] / L;
		c -= gc / L;
	}
	theirs = objective_at(loss, C, rows, y, ROWS, SIZE, w, c);
	must_fit(&p, &fit, 1);
	ok(fit.objective <= theirs * (1 + 1e-14) && farthest(w, coef, SIZE) < 1e-6 && fabs(c - fit.intercept) < 1e-6,
	    "loss %d, C = %g, uneven and far apart: w off gradient descent's by %.1e, c by %.1e, objective %.1e below, %u steps",
	    (int)loss, C, farthest(w, coef, SIZE), fabs(c - fit.intercept), theirs - fit.objective, fit.iterations);
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
			check_golden(json_number_value(json_object_get(fit, "C")), fit, k);
	}
	for (k = 0; k < 2; k++) {
		check_out(k, LOSS_LOGISTIC);
		check_out(k, LOSS_SQUARED_HINGE);
		check_several(k, LOSS_LOGISTIC);
		check_several(k, LOSS_SQUARED_HINGE);
		check_gradient(k, 0.02385);
		check_gradient(k, 23.85);
	}
	check_by_hand();
	check_descent(LOSS_SQUARED_HINGE, 2.385);
	check_descent(LOSS_LOGISTIC, 2.385);
	free(z);
	free(y);
	json_decref(golden);
	return tap_done();
}
