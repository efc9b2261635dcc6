/*
 * The classifiers: logistic regression is compared with scikit-learn's optimum
 * (tests/golden/logistic.json), the squared hinge with its definition, and several fits at once with
 * single ones. The dual is in double; in the primal, rows and products with them are float, and the
 * tolerances are larger.
 */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "fit/classifier.h"
#include "golden.h"
#include "tap.h"

enum { N = 120, P = 30, FITS = 6 };

static double Z[N * P];
static int label[N];
static unsigned fold[N];
static const char *const kind[] = { "primal", "dual" };

/* Returns the problem of n rows of size numbers; release_problem frees it. */
static struct classifier_problem
make_problem(int dual, enum loss loss, const double *rows, const int *y, size_t n, size_t size)
{
	struct classifier_problem p = { .label = y, .fold = fold, .loss = loss };
	float single[N * P];
	struct features_source s = { .n = n, .size = size, .matrix = single };
	struct err e;
	size_t i;

	for (i = 0; i < n * size; i++)
		single[i] = (float)rows[i];
	if (dual) {
		p.gram = need(gram_alloc(n, &e));
		gram_set(p.gram, rows, size, 1);
	} else {
		p.features = need(features_alloc(&s, &e));
	}
	return p;
}

static void
release_problem(struct classifier_problem *p)
{
	features_free(p->features);
	gram_free(p->gram);
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

/* Sets w[size] of a fit; returns the intercept for rows that are not centred. */
static double
weights(const struct classifier_problem *p, const struct classifier_fit *fit, const double *rows, size_t n, size_t size,
    double *w)
{
	size_t i, j;

	if (p->gram == NULL) {
		memcpy(w, fit->coef, size * sizeof *w);
		return fit->intercept - cblas_ddot((int)size, p->features->mean, 1, w, 1);
	}
	for (j = 0; j < size; j++) {
		w[j] = 0;
		for (i = 0; i < n; i++)
			w[j] += fit->coef[i] * rows[i * size + j];
	}
	return fit->intercept;
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
	struct classifier_problem p = make_problem(dual, LOSS_LOGISTIC, Z, label, N, P);
	double coef[N], w[P], *want = golden_numbers(json_object_get(golden, "coef"), NULL), worst, c;
	double objective = json_number_value(json_object_get(golden, "objective"));
	double intercept = json_number_value(json_object_get(golden, "intercept"));
	struct classifier_fit fit = { .C = C, .held_out = CLASSIFIER_NO_FOLD, .coef = coef };

	must_fit(&p, &fit, 1);
	c = weights(&p, &fit, Z, N, P, w);
	worst = farthest(w, want, P);
	ok(fabs(fit.objective / objective - 1) < (dual ? 1e-12 : 1e-6), "C = %g, %s: objective off by %.1e", C,
	    kind[dual], fit.objective / objective - 1);
	/* the golden optimum is not more precise: its objective is above ours */
	ok(worst < 1e-5 && fabs(c - intercept) < 1e-5,
	    "C = %g, %s: coefficients off by %.1e, intercept by %.1e, gradient %.1e, %u steps", C, kind[dual], worst,
	    fabs(c - intercept), fit.gradient_norm, fit.iterations);
	free(want);
	release_problem(&p);
}

/* A row left out does not affect the fit, but gets its f. */
static void
check_out(int dual, enum loss loss)
{
	enum { FITTED = 80 };
	struct classifier_problem p = make_problem(dual, loss, Z, label, N, P);
	struct classifier_problem q = make_problem(1, loss, Z, label, FITTED, P);
	double coef[N], f[N], coef2[N], w[P], c, far = 0, limit = dual ? 1e-7 : 1e-4;
	struct classifier_fit a = { .C = 2.385, .held_out = 1, .coef = coef, .f = f };
	struct classifier_fit b = { .C = 2.385, .held_out = CLASSIFIER_NO_FOLD, .coef = coef2 };
	int i, j, others = 1;

	for (i = 0; i < N; i++) {
		fold[i] = i >= FITTED;
		f[i] = 385;
	}
	must_fit(&p, &a, 1);
	must_fit(&q, &b, 1);
	c = weights(&q, &b, Z, FITTED, P, w);
	for (i = 0; i < N; i++) {
		double value = c;

		for (j = 0; j < P; j++)
			value += w[j] * Z[i * P + j];
		if (i < FITTED)
			others &= f[i] == 385;
		else
			far = fmax(far, fabs(value - f[i]));
	}
	ok(fabs(a.objective / b.objective - 1) < (dual ? 1e-12 : 1e-6) && far < limit && others,
	    "%s, loss %d: leaving rows out is fitting without them: objective off by %.1e, those left out by %.1e",
	    kind[dual], (int)loss, a.objective / b.objective - 1, far);
	release_problem(&p);
	release_problem(&q);
}

/* Several fits with the same rows, but different C, rows left out and tolerances. */
static void
check_several(int dual, enum loss loss)
{
	struct classifier_problem p = make_problem(dual, loss, Z, label, N, P);
	static double coef[FITS][N], f[FITS][N], coef1[N], f1[N];
	struct classifier_fit many[FITS], one;
	double worst = 0, objective = 0, far;
	size_t k, i;

	for (i = 0; i < N; i++)
		fold[i] = (unsigned)(i % FITS);
	for (k = 0; k < FITS; k++)
		many[k] = (struct classifier_fit){ .C = 0.01 * pow(4, (double)k),
		    .held_out = k > 0 ? (int)k : CLASSIFIER_NO_FOLD, .tolerance = k == 3 ? 1e-4 : 0,
		    .coef = k == 2 ? NULL : coef[k], .f = k == 4 ? NULL : f[k] };
	must_fit(&p, many, FITS);
	for (k = 0; k < FITS; k++) {
		one = many[k];
		one.coef = coef1;
		one.f = f1;
		memcpy(f1, f[k], sizeof f1);
		must_fit(&p, &one, 1);
		/* it does not converge, so it has all rounding errors of its products */
		if (k == 3) {
			far = farthest(f[k], f1, N);
			ok(many[k].gradient_norm > 1e-9 && far < (dual ? 1e-12 : 1e-5) &&
			    many[k].iterations <= many[4].iterations,
			    "%s, loss %d: a tolerance ends it early, at gradient %.1e: off by %.1e", kind[dual],
			    (int)loss, many[k].gradient_norm, far);
			continue;
		}
		if (k != 4)
			worst = fmax(worst, farthest(f[k], f1, N));
		if (k != 2 && !dual)	/* alpha is determined only as far as the rows are independent */
			worst = fmax(worst, farthest(coef[k], coef1, P));
		objective = fmax(objective, fabs(many[k].objective / one.objective - 1));
	}
	ok(worst < (dual ? 1e-7 : 1e-4) && objective < (dual ? 1e-12 : 1e-6),
	    "%s, loss %d: %d at once are one by one: off by %.1e, objectives by %.1e", kind[dual], (int)loss, FITS,
	    worst, objective);
	release_problem(&p);
}

/* Makes more fits than run at once. */
static void
check_many(void)
{
	enum { MANY = 75 };
	struct classifier_problem p = make_problem(1, LOSS_LOGISTIC, Z, label, N, P);
	static struct classifier_fit fit[MANY];
	double worst = 0;
	size_t k;

	for (k = 0; k < MANY; k++)
		fit[k] = (struct classifier_fit){ .C = 0.1 * (double)(1 + k % 5), .held_out = CLASSIFIER_NO_FOLD };
	must_fit(&p, fit, MANY);
	for (k = 5; k < MANY; k++)
		worst = fmax(worst, fabs(fit[k].objective / fit[k % 5].objective - 1));
	ok(worst < 1e-13 && fit[0].objective < fit[1].objective, "%d fits: those of the same C agree: %.1e", MANY,
	    worst);
	release_problem(&p);
}

/* Returns the objective at w and c, computed from its definition. */
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
		if (loss == LOSS_LOGISTIC)
			sum += log1p(exp(-m));
		else if (m < 1)
			sum += (1 - m) * (1 - m);
	}
	for (j = 0; j < size; j++)
		value += w[j] * w[j] / 2;
	return value + C * sum;
}

/* Returns |dE/dw_j|, or |dE/dc| for j = P, as a central difference. */
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

/* At the optimum all central differences of the objective are 0. */
static void
check_gradient(int dual, double C)
{
	struct classifier_problem p = make_problem(dual, LOSS_SQUARED_HINGE, Z, label, N, P);
	double coef[N], w[P], at, worst = 0, start = 0, zero[P] = { 0 }, c;
	struct classifier_fit fit = { .C = C, .held_out = CLASSIFIER_NO_FOLD, .coef = coef };
	int j;

	must_fit(&p, &fit, 1);
	c = weights(&p, &fit, Z, N, P, w);
	at = objective_at(LOSS_SQUARED_HINGE, C, Z, label, N, P, w, c);
	for (j = 0; j <= P; j++) {
		worst = fmax(worst, slope(C, w, c, j));
		start = fmax(start, slope(C, zero, 0, j));
	}
	ok(fabs(fit.objective / at - 1) < (dual ? 1e-12 : 1e-6),
	    "squared hinge, C = %g, %s: the objective is the one defined", C, kind[dual]);
	ok(worst < (dual ? 1e-6 : 1e-5) * start,
	    "its gradient by central differences: %.1e, from %.1e at 0; its own: %.1e, %u steps", worst, start,
	    fit.gradient_norm, fit.iterations);
	release_problem(&p);
}

/* Two rows, solved by hand: 3 positive, 1 negative; c = -2 w, then w = 4 C / (1 + 4 C). */
static void
check_by_hand(void)
{
	static const double rows[] = { 3, 1 };
	static const int y[] = { 1, 0 };
	int dual;

	for (dual = 0; dual < 2; dual++) {
		struct classifier_problem p = make_problem(dual, LOSS_SQUARED_HINGE, rows, y, 2, 1);
		double C = 2.385, coef[2], want = 4 * C / (1 + 4 * C), w, c, limit = dual ? 1e-12 : 1e-6;
		struct classifier_fit fit = { .C = C, .held_out = CLASSIFIER_NO_FOLD, .coef = coef };

		must_fit(&p, &fit, 1);
		c = weights(&p, &fit, rows, 2, 1, &w);
		ok(fabs(w - want) < limit && fabs(c + 2 * want) < limit,
		    "squared hinge by hand, %s: w off by %.1e, c by %.1e", kind[dual], w - want, c + 2 * want);
		release_problem(&p);
	}
}

/* 4 of 20 rows are positive and far away, so most losses are flat; compared with plain gradient descent. */
static void
check_descent(int dual, enum loss loss, double C)
{
	enum { ROWS = 20, SIZE = 3, PASSES = 400000 };
	double rows[ROWS * SIZE], w[SIZE] = { 0 }, c = 0, L = 1, coef[ROWS], ours[SIZE], theirs, our_c;
	int y[ROWS], i, j, k;
	struct classifier_problem p;
	struct classifier_fit fit = { .C = C, .held_out = CLASSIFIER_NO_FOLD, .coef = coef };

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
			if (loss == LOSS_LOGISTIC)
				r = -s / (1 + exp(m));
			else
				r = m < 1 ? -2 * s * (1 - m) : 0;
			for (j = 0; j < SIZE; j++)
				g[j] += C * r * rows[i * SIZE + j];
			gc += C * r;
		}
		for (j = 0; j < SIZE; j++)
			w[j] -= g[j] / L;
		c -= gc / L;
	}
	theirs = objective_at(loss, C, rows, y, ROWS, SIZE, w, c);
	p = make_problem(dual, loss, rows, y, ROWS, SIZE);
	must_fit(&p, &fit, 1);
	our_c = weights(&p, &fit, rows, ROWS, SIZE, ours);
	ok(fit.objective <= theirs * (1 + (dual ? 1e-14 : 1e-6)) && farthest(w, ours, SIZE) < (dual ? 1e-6 : 1e-5) &&
	    fabs(c - our_c) < (dual ? 1e-6 : 1e-5),
	    "%s, loss %d, C = %g, uneven and far apart: w off gradient descent's by %.1e, c by %.1e, "
	    "%.1e below, %u steps",
	    kind[dual], (int)loss, C, farthest(w, ours, SIZE), fabs(c - our_c), theirs - fit.objective, fit.iterations);
	release_problem(&p);
}

int
main(void)
{
	json_t *golden = golden_load("tests/golden/logistic.json"), *fits = json_object_get(golden, "fits");
	double *z = golden_numbers(json_object_get(golden, "Z"), NULL);
	double *y = golden_numbers(json_object_get(golden, "y"), NULL);
	int i, k;

	memcpy(Z, z, sizeof Z);
	for (i = 0; i < N; i++)
		label[i] = y[i] > 0;
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
		check_descent(k, LOSS_SQUARED_HINGE, 2.385);
		check_descent(k, LOSS_LOGISTIC, 2.385);
	}
	check_many();
	check_by_hand();
	free(z);
	free(y);
	json_decref(golden);
	return tap_done();
}
