/*
 * The baselines against the reference (tests/golden/baselines.json), and against themselves.
 *
 * The reference fits in double, ours to float activations: what a fit gives is near 1e-7 by that
 * alone. The arithmetic of each is therefore tested in double too, the fit's numbers in
 * its record being replaced by what the same functions make of the double rows.
 */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/dot.h"
#include "field/field.h"
#include "field/heldout.h"
#include "fit/classifier.h"
#include "fit/pca.h"
#include "fit/transport.h"
#include "golden.h"
#include "tap.h"

enum { D = 12, SIDE = 40, N = 2 * SIDE, ROWS = 6, PACKED = D * (D + 1) / 2 };

static double pos[SIDE * D], neg[SIDE * D], X[ROWS * D], T;
static float act[N * D];
static int label[N], group[N];
static const struct fit_data data = { act, label, group, N, D, 20, NULL };
static json_t *golden;

static void
setup(void)
{
	double *p, *n, *x;
	size_t i;

	golden = golden_load("tests/golden/baselines.json");
	p = golden_numbers(json_object_get(golden, "pos"), NULL);
	n = golden_numbers(json_object_get(golden, "neg"), NULL);
	x = golden_numbers(json_object_get(golden, "X"), NULL);
	T = json_number_value(json_object_get(golden, "T"));
	memcpy(pos, p, sizeof pos);
	memcpy(neg, n, sizeof neg);
	memcpy(X, x, sizeof X);
	for (i = 0; i < SIDE * D; i++) {
		act[i] = (float)pos[i];
		act[SIDE * D + i] = (float)neg[i];
	}
	for (i = 0; i < N; i++) {
		label[i] = i < SIDE;
		group[i] = (int)(i % 20);
	}
	free(p);
	free(n);
	free(x);
}

/* Returns the largest |a - b| / max(1, |b|). */
static double
deviation(const double *a, const double *b, size_t n)
{
	double worst = 0;
	size_t i;

	for (i = 0; i < n; i++)
		worst = fmax(worst, fabs(a[i] - b[i]) / fmax(1, fabs(b[i])));
	return worst;
}

/* A number of the reference's method; caller frees. */
static double *
reference(const char *method, const char *name)
{
	return golden_numbers(json_object_get(json_object_get(json_object_get(golden, "methods"), method), name),
	    NULL);
}

static struct field *
must_fit(const char *name, const struct fit_data *d, const struct fit_options *options, struct fit_report *rep)
{
	static double held_out[N];
	struct fit_options o;
	struct fit_report own;
	struct field *f;
	struct err e;

	fit_options_default(&o);
	if (options != NULL)
		o = *options;
	if (rep == NULL)
		rep = &own;
	memset(rep, 0, sizeof *rep);
	rep->held_out = held_out;
	if ((f = field_fit(field_find(name), d, &o, rep, &e)) == NULL) {
		printf("Bail out! %s: %s\n", name, e.text);
		exit(1);
	}
	return f;
}

static struct record *
must_save(const struct field *f)
{
	struct record *r = record_alloc();

	if (r == NULL || field_save(f, r) != 0) {
		printf("Bail out! field_save\n");
		exit(1);
	}
	return r;
}

static struct field *
must_load(const struct record *r)
{
	struct err e;
	struct field *f = field_load(r, D, &e);

	if (f == NULL) {
		printf("Bail out! field_load: %s\n", e.text);
		exit(1);
	}
	return f;
}

/* Moves x by T v, or by the map. */
static void
steer(const struct field *f, double *x, size_t n, double share)
{
	struct field_work *w = field_work_alloc(f);
	double *v = calloc(n * D, sizeof *v);
	size_t i;

	if (f->type->kind == FIELD_MAP)
		field_apply(f, w, x, n, share);
	else
		field_eval(f, w, x, n, NULL, v);
	for (i = 0; f->type->kind != FIELD_MAP && i < n * D; i++)
		x[i] += share * v[i];
	field_work_free(w);
	free(v);
}

/* Compares X steered by f with the reference's. */
static void
check_steered(const struct field *f, const char *method, const char *how, double most)
{
	double *want = reference(method, "steered"), x[ROWS * D], worst;

	memcpy(x, X, sizeof x);
	steer(f, x, ROWS, f->type->kind == FIELD_MAP ? 1 : T);
	worst = deviation(x, want, ROWS * D);
	ok(worst < most, "%s, %s: steered: %.1e", f->type->name, how, worst);
	free(want);
}

/* A field read from a file gives the same bits, for any number of rows at a time. */
static void
check_saved(const struct field *f)
{
	enum { MANY = 19 };
	struct record *r = must_save(f);
	struct field *g = must_load(r);
	struct field_work *w = field_work_alloc(f), *wg = field_work_alloc(g);
	double a[MANY * D], b[MANY * D], c[MANY * D], h[2][MANY] = { { 0 } }, v[2][MANY * D];
	size_t i;

	for (i = 0; i < MANY * D; i++)
		a[i] = b[i] = c[i] = (double)act[7 * i % (N * D)] * 1.3 + 0.2385;
	memset(v, 0, sizeof v);
	if (f->type->has_h) {
		field_eval(f, w, a, MANY, h[0], NULL);
		for (i = 0; i < MANY; i++)
			field_eval(g, wg, a + i * D, 1, h[1] + i, NULL);
	}
	if (f->type->kind != FIELD_MAP) {
		field_eval(f, w, a, MANY, NULL, v[0]);
		for (i = 0; i < MANY; i++)
			field_eval(g, wg, a + i * D, 1, NULL, v[1] + i * D);
	} else {
		field_apply(f, w, b, MANY, 1);
		for (i = 0; i < MANY; i++)
			field_apply(g, wg, c + i * D, 1, 1);
		ok(memcmp(b, a, sizeof a) != 0, "%s moves something", f->type->name);
	}
	ok(memcmp(h[0], h[1], sizeof h[0]) == 0 && memcmp(v[0], v[1], sizeof v[0]) == 0 && memcmp(b, c, sizeof b) == 0,
	    "%s: saved, loaded, and row by row: the same", f->type->name);
	field_work_free(w);
	field_work_free(wg);
	field_free(g);
	record_free(r);
}

/* At the optimum over slope and intercept, the residuals of h sum to 0, and so do they along v. */
static void
check_h(const struct field *f, const struct fit_report *rep)
{
	struct field_work *w = field_work_alloc(f);
	double sum = 0, along = 0, v[D];
	size_t i, j;

	for (i = 0; i < N; i++) {
		double a[D], h, residual, x = 0;

		for (j = 0; j < D; j++)
			a[j] = (double)act[i * D + j];
		field_eval(f, w, a, 1, &h, v);
		for (j = 0; j < D; j++)
			x += a[j] * v[j];
		residual = 1 / (1 + exp(-h)) - label[i];	/* the prior ratio is 1 here */
		sum += residual;
		along += residual * x;
	}
	/* what is left along v is the penalty of a millionth */
	ok(fabs(sum) < 1e-6 && fabs(along) < 1e-4, "%s: h is the best along v: residuals %.1e, along v %.1e",
	    f->type->name, sum, along);
	ok(rep->folds > 0 && rep->auc > 0.4 && rep->auc < 1, "%s: held-out AUC %.3f", f->type->name, rep->auc);
	field_work_free(w);
}

/* Compares the fit's vector with the golden one, in double too. */
static void
check_vector(const char *name, const char *method, const double *exact)
{
	struct fit_report rep;
	struct field *f = must_fit(name, &data, NULL, &rep), *g;
	struct record *r = must_save(f);
	struct field_work *w = field_work_alloc(f);
	double *want = reference(method, "vector"), v[D], sign, worst;

	field_eval(f, w, X, 1, NULL, v);
	/* the sign of a component is LAPACK's in the reference */
	sign = cblas_ddot(D, v, 1, want, 1) < 0 ? -1 : 1;
	T *= sign;
	cblas_dscal(D, sign, want, 1);
	worst = deviation(v, want, D);
	ok(worst < 1e-6, "%s, of float activations: vector: %.1e", name, worst);
	check_steered(f, method, "of float activations", 1e-6);
	worst = deviation(exact, want, D);
	ok(worst < 1e-8, "%s, of doubles: vector: %.1e", name, worst);
	record_set_nums(r, "vector", exact, D);
	g = must_load(r);
	check_steered(g, method, "of doubles", 1e-8);
	T *= sign;
	check_saved(f);
	check_h(f, &rep);
	field_work_free(w);
	field_free(f);
	field_free(g);
	record_free(r);
	free(want);
}

static void
check_caa(void)
{
	double p[SIDE * D], n[SIDE * D], v[D], mean[D];
	size_t i;

	memcpy(p, pos, sizeof p);
	memcpy(n, neg, sizeof n);
	pca_centre(p, SIDE, D, v);
	pca_centre(n, SIDE, D, mean);
	for (i = 0; i < D; i++)
		v[i] -= mean[i];
	check_vector("caa", "CAA", v);
}

static void
check_repe(void)
{
	double diff[SIDE * D], v[D], along = 0;
	struct err e;
	size_t i, j;

	for (i = 0; i < SIDE * D; i++)
		diff[i] = pos[i] - neg[i];
	pca_component(diff, SIDE, D, v, &e);
	for (i = 0; i < SIDE; i++)
		for (j = 0; j < D; j++)
			along += (pos[i * D + j] - neg[i * D + j]) * v[j];
	for (j = 0; along < 0 && j < D; j++)
		v[j] = -v[j];
	check_vector("repe", "RepE", v);
}

/* Checks the eigenvector of the covariance for both ways to compute it. */
static void
check_component(size_t n)
{
	double rows[SIDE * D], v[D], Cv[D] = { 0 }, value = 0, worst = 0, total = 0;
	struct err e;
	size_t i, j;

	memcpy(rows, pos, sizeof rows);
	if (!ok(pca_component(rows, n, D, v, &e) == 0, "the component of %zu rows of %d", n, D))
		return;
	for (i = 0; i < n; i++) {
		double x = cblas_ddot(D, rows + i * D, 1, v, 1);

		cblas_daxpy(D, x, rows + i * D, 1, Cv, 1);
		total += cblas_ddot(D, rows + i * D, 1, rows + i * D, 1);
	}
	value = cblas_ddot(D, Cv, 1, v, 1);
	for (j = 0; j < D; j++)
		worst = fmax(worst, fabs(Cv[j] - value * v[j]) / value);
	ok(worst < 1e-12 && value > total / (double)n && fabs(cblas_dnrm2(D, v, 1) - 1) < 1e-14,
	    "is an eigenvector, of %.2f of the variance: %.1e", value / total, worst);
}

/* Vectors of small singular values are orthogonal to the others, and those of rounding errors are left out. */
static void
check_leading(size_t n)
{
	double rows[SIDE * D], V[D * D], worst = 0;
	size_t k = D, i, j;
	struct err e;
	int rc;

	for (i = 0; i < n; i++)
		for (j = 0; j < D; j++)
			rows[i * D + j] = pos[i * D + j] * pow(10, -0.7 * (double)j) + 100;
	rc = pca_leading(rows, n, D, V, &k, &e);
	if (!ok(rc == 0 && k > 3 && k < 8, "%zu vectors of %zu rows", k, n))
		return;
	for (i = 0; i < k; i++)
		for (j = 0; j <= i; j++)
			worst = fmax(worst, fabs(dot(V + i * D, V + j * D, D) - (i == j)));
	ok(worst < 1e-14, "they are orthonormal to %.1e", worst);
}

/*
 * The reference stops where no coordinate of the gradient of its objective, ours over N, exceeds
 * scikit-learn's 1e-4. Of its weights only the direction is known: they are taken at the best
 * length and intercept. Ours must be no worse, and theirs be within their tolerance.
 */
static void
check_iti(void)
{
	struct fit_report rep;
	struct field *f = must_fit("iti", &data, NULL, &rep), *g;
	struct record *r = must_save(f);
	struct field_work *w = field_work_alloc(f);
	struct err e;
	double *want = reference("ITI", "vector"), rows[N * D], line[N], v[D], alpha[N], coef[D] = { 0 };
	double one[N], value[N], gradient[D], worst, along = 0;
	struct gram *gram = gram_alloc(N, &e);
	struct classifier_problem p = { .gram = gram, .label = label };
	struct classifier_fit ours = { .C = 1, .held_out = CLASSIFIER_NO_FOLD, .coef = alpha };
	struct classifier_fit theirs = { .C = 1, .held_out = CLASSIFIER_NO_FOLD, .coef = one, .f = value };
	size_t i;

	memcpy(rows, pos, sizeof pos);
	memcpy(rows + SIDE * D, neg, sizeof neg);
	for (i = 0; i < N; i++)
		line[i] = cblas_ddot(D, rows + i * D, 1, want, 1);
	gram_set(gram, rows, D, 1);
	if (!ok(classifier_fit(&p, &ours, 1, &e) == 0, "iti, of doubles: fit"))
		return;
	for (i = 0; i < N; i++)
		cblas_daxpy(D, alpha[i], rows + i * D, 1, coef, 1);
	gram_set(gram, line, 1, 1);
	if (!ok(classifier_fit(&p, &theirs, 1, &e) == 0, "iti: fit along the reference's vector"))
		return;
	for (i = 0; i < N; i++)
		along += one[i] * line[i];
	gram_free(gram);
	ok(ours.objective <= theirs.objective && ours.objective > theirs.objective * (1 - 1e-6),
	    "iti: objective %.12g, the reference's at best %.12g", ours.objective, theirs.objective);
	for (i = 0; i < D; i++)
		gradient[i] = along * want[i];
	for (i = 0; i < N; i++)
		cblas_daxpy(D, 1 / (1 + exp(-value[i])) - label[i], rows + i * D, 1, gradient, 1);
	worst = fabs(gradient[cblas_idamax(D, gradient, 1)]) / N;
	ok(worst < 1e-4 && ours.gradient_norm / N < 1e-9, "iti: gradient over rows %.1e, the reference's %.1e",
	    ours.gradient_norm / N, worst);
	field_eval(f, w, X, 1, NULL, v);
	worst = deviation(v, want, D);
	ok(worst < 2e-3, "iti, of float activations: vector: %.1e", worst);
	check_steered(f, "ITI", "of float activations", 4e-3);
	record_set_nums(r, "w", coef, D);
	g = must_load(r);
	check_steered(g, "ITI", "of doubles", 4e-3);
	cblas_dscal(D, 1 / cblas_dnrm2(D, coef, 1), coef, 1);
	worst = deviation(v, coef, D);
	ok(worst < 1e-6, "iti: floats instead of doubles: vector: %.1e", worst);
	ok(fabs(rep.objective / ours.objective - 1) < 1e-6 && rep.folds > 0, "iti: held-out AUC %.3f", rep.auc);
	check_saved(f);
	field_work_free(w);
	field_free(f);
	field_free(g);
	record_free(r);
	free(want);
}

/* T is the share of the way. */
static void
check_share(const struct field *f)
{
	double none[ROWS * D], half[ROWS * D], whole[ROWS * D], worst = 0;
	size_t i;

	memcpy(none, X, sizeof none);
	memcpy(half, X, sizeof half);
	memcpy(whole, X, sizeof whole);
	steer(f, none, ROWS, 0);
	steer(f, half, ROWS, 0.5);
	steer(f, whole, ROWS, 1);
	for (i = 0; i < ROWS * D; i++)
		worst = fmax(worst, fabs(half[i] - (X[i] + whole[i]) / 2));
	ok(memcmp(none, X, sizeof none) == 0, "%s: T = 0 leaves all as it is", f->type->name);
	ok(worst < 1e-14 && memcmp(whole, X, sizeof whole) != 0, "%s: T = 0.5 is half way: %.1e", f->type->name, worst);
}

static void
check_linact(void)
{
	struct field *f = must_fit("linact", &data, NULL, NULL), *g;
	struct record *r = must_save(f);
	double *scale = reference("LinAcT", "w"), *shift = reference("LinAcT", "b"), a[D], b[D], s[SIDE], t[SIDE];
	double *got, worst;
	size_t n, i, j;
	struct err e;

	for (j = 0; j < D; j++) {
		for (i = 0; i < SIDE; i++) {
			s[i] = neg[i * D + j];
			t[i] = pos[i * D + j];
		}
		transport_1d(s, t, SIDE, &a[j], &b[j]);
	}
	worst = deviation(a, scale, D);
	ok(worst < 1e-8, "linact, of doubles: w: %.1e", worst);
	worst = deviation(b, shift, D);
	ok(worst < 1e-8, "linact, of doubles: b: %.1e", worst);
	if (ok(record_get_nums(r, "scale", &got, &n, &e) == 0 && n == D, "linact: scale")) {
		worst = deviation(got, scale, D);
		ok(worst < 1e-6, "linact, of float activations: w: %.1e", worst);
		free(got);
	}
	check_steered(f, "LinAcT", "of float activations", 1e-6);
	record_set_nums(r, "scale", a, D);
	record_set_nums(r, "shift", b, D);
	g = must_load(r);
	check_steered(g, "LinAcT", "of doubles", 1e-8);
	check_saved(f);
	check_share(f);
	field_free(f);
	field_free(g);
	record_free(r);
	free(scale);
	free(shift);
}

static void
check_mimic(void)
{
	struct fit_report rep;
	struct field *f = must_fit("mimic", &data, NULL, &rep), *g;
	struct record *r = must_save(f);
	struct field_work *w = field_work_alloc(f);
	double *A = reference("MiMiC", "A"), *B = reference("MiMiC", "B");
	double *positive = reference("MiMiC", "predict_positive"), *got, worst, prior = NAN;
	double p[SIDE * D], n[SIDE * D], a[D * D], b[D], packed[PACKED], h[ROWS];
	size_t i, j, k, n_got, same = 0;
	struct err e;

	memcpy(p, pos, sizeof p);
	memcpy(n, neg, sizeof n);
	ok(transport_gaussian(n, SIDE, p, SIDE, D, 1e-2, a, b, &e) == 0, "mimic, of doubles: transport");
	for (worst = 0, i = k = 0; i < D; i++)
		for (j = 0; j <= i; j++, k++) {
			packed[k] = a[i * D + j];
			worst = fmax(worst, deviation(packed + k, A + i * D + j, 1));
		}
	ok(worst < 1e-8, "mimic, of doubles: A: %.1e", worst);
	worst = deviation(b, B, D);
	ok(worst < 1e-8, "mimic, of doubles: B: %.1e", worst);
	if (ok(record_get_nums(r, "matrix", &got, &n_got, &e) == 0 && n_got == PACKED, "mimic: matrix")) {
		worst = deviation(got, packed, PACKED);
		ok(worst < 1e-5, "mimic, of float activations: A: %.1e", worst);
		free(got);
	}
	field_eval(f, w, X, ROWS, h, NULL);
	record_get_num(r, "log_prior_ratio", &prior);
	for (i = 0; i < ROWS; i++)
		same += (h[i] - prior > 0) == (positive[i] > 0);
	ok(same == ROWS, "mimic: %zu of %d predicted as by the reference", same, ROWS);
	check_steered(f, "MiMiC", "of float activations", 1e-5);
	record_set_nums(r, "matrix", packed, PACKED);
	record_set_nums(r, "shift", b, D);
	g = must_load(r);
	check_steered(g, "MiMiC", "of doubles", 1e-8);
	ok(rep.folds > 0 && rep.auc > 0.4 && rep.auc < 1, "mimic: held-out AUC %.3f", rep.auc);
	check_saved(f);
	check_share(f);
	field_work_free(w);
	field_free(f);
	field_free(g);
	record_free(r);
	free(A);
	free(B);
	free(positive);
}

/* Compares v with central differences of h, and h with a classifier on the rows. */
static void
check_linear(enum loss loss, int standardise)
{
	struct fit_options o;
	struct fit_report rep;
	struct field *f;
	struct field_work *w;
	double a[D], v[D], grad[D], up, down, length = 0, worst = 0;
	size_t i;

	fit_options_default(&o);
	o.loss = loss;
	o.standardise = standardise;
	f = must_fit("linear", &data, &o, &rep);
	w = field_work_alloc(f);
	for (i = 0; i < D; i++)
		a[i] = 1.7 * sin(2.385 * (double)i + 0.4) - 0.3;
	field_eval(f, w, a, 1, NULL, v);
	for (i = 0; i < D; i++) {
		double b[D];

		memcpy(b, a, sizeof b);
		b[i] = a[i] + 1e-4;
		field_eval(f, w, b, 1, &up, NULL);
		b[i] = a[i] - 1e-4;
		field_eval(f, w, b, 1, &down, NULL);
		grad[i] = (up - down) / 2e-4;
		length += grad[i] * grad[i];
	}
	for (i = 0; i < D; i++)
		worst = fmax(worst, fabs(grad[i] / sqrt(length) - v[i]));
	ok(worst < 1e-8 && (f->mean != NULL) == standardise,
	    "linear, loss %d, standardise %d: v is the gradient of h, to length one: %.1e, AUC %.3f", (int)loss,
	    standardise, worst, rep.auc);
	check_saved(f);
	field_work_free(w);
	field_free(f);
}

/* repe and linact ignore the surplus of one label; caa and mimic use it. */
static void
check_uneven(const char *name, int cut)
{
	/* positives are first: without the last negatives, and without the rows cut off to match */
	enum { LESS = SIDE - 7 };
	static float short_act[2 * LESS * D];
	static int short_label[2 * LESS], short_group[2 * LESS];
	struct fit_data uneven = { act, label, group, SIDE + LESS, D, 20, NULL };
	struct fit_data even = { short_act, short_label, short_group, 2 * LESS, D, 20, NULL };
	struct field *f, *g;
	double x[D], y[D];
	size_t i;

	memcpy(short_act, act, LESS * D * sizeof *act);
	memcpy(short_act + LESS * D, act + SIDE * D, LESS * D * sizeof *act);
	for (i = 0; i < 2 * LESS; i++) {
		short_label[i] = i < LESS;
		short_group[i] = (int)(i % 20);
	}
	f = must_fit(name, &uneven, NULL, NULL);
	g = must_fit(name, &even, NULL, NULL);
	memcpy(x, X + D, sizeof x);
	memcpy(y, X + D, sizeof y);
	steer(f, x, 1, 1);
	steer(g, y, 1, 1);
	ok((memcmp(x, y, sizeof x) == 0) == cut, "%s: 40 positives and 33 negatives are %scut to the shorter", name,
	    cut ? "" : "not ");
	field_free(f);
	field_free(g);
}

/* Labels that v separates: no finite slope is best, but the fit finds one. */
static void
check_parted(void)
{
	static float apart[N * D];
	struct fit_data d = data;
	struct field *f;
	struct record *r;
	double slope = NAN;
	size_t i;

	for (i = 0; i < N * D; i++)
		apart[i] = act[i] / 10 + (label[i / D] ? 1 : -1);
	d.act = apart;
	f = must_fit("caa", &d, NULL, NULL);
	r = must_save(f);
	record_get_num(r, "slope", &slope);
	ok(slope > 0 && isfinite(slope), "caa of labels that are far apart: slope %.3g", slope);
	field_free(f);
	record_free(r);
}

static void
check_refused(void)
{
	static const struct { const char *field, *broken, *message; } bad[] = {
		{ "linear", "w", "field 'w' is not an array of numbers" },
		{ "iti", "intercept", "field 'intercept' is not a number" },
		{ "caa", "vector", "field 'vector' is not an array of numbers" },
		{ "caa", "slope", "field 'slope' is not a number" },
		{ "repe", "log_prior_ratio", "field 'log_prior_ratio' is not a number" },
		{ "linact", "scale", "field 'scale' is not an array of numbers" },
		{ "linact", "shift", "field 'shift' is not an array of numbers" },
		{ "mimic", "w", "field 'w' is not an array of numbers" },
		{ "mimic", "matrix", "field 'matrix' is not an array of numbers" },
		{ "mimic", "shift", "field 'shift' is not an array of numbers" },
	};
	struct field *f, *g;
	struct record *r;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		f = must_fit(bad[i].field, &data, NULL, NULL);
		r = must_save(f);
		record_set_str(r, bad[i].broken, "x", 1);
		g = field_load(r, D, &e);
		ok(g == NULL && strcmp(e.text, bad[i].message) == 0, "%s: %s", bad[i].field, e.text);
		field_free(g);
		record_free(r);
		r = must_save(f);
		g = field_load(r, D + 1, &e);
		ok(g == NULL && strstr(e.text, " values, not ") != NULL, "%s of another dim: %s", bad[i].field, e.text);
		field_free(g);
		record_free(r);
		field_free(f);
	}
}

/* Equal activations: an error if there is no component, otherwise nothing moves far. */
static void
check_flat(void)
{
	static float flat[N * D];
	static double held_out[N];
	struct fit_data d = data;
	struct fit_options o;
	struct fit_report rep = { .held_out = held_out };
	struct field *f;
	struct err e;
	size_t i;

	for (i = 0; i < N * D; i++)
		flat[i] = 0.5f;
	d.act = flat;
	fit_options_default(&o);
	f = field_fit(field_find("repe"), &d, &o, &rep, &e);
	ok(f == NULL && strcmp(e.text, "no first principal component: all rows are equal") == 0, "repe: %s", e.text);
	field_free(f);
	f = field_fit(field_find("caa"), &d, &o, &rep, &e);
	ok(f == NULL && strcmp(e.text, "positives and negatives have the same mean") == 0, "caa: %s", e.text);
	field_free(f);
	field_free(must_fit("linact", &d, NULL, NULL));
	field_free(must_fit("mimic", &d, NULL, NULL));
}

int
main(void)
{
	setup();
	check_caa();
	check_repe();
	check_component(SIDE);
	check_component(5);
	check_leading(8);
	check_leading(SIDE);
	check_iti();
	check_linact();
	check_mimic();
	check_linear(LOSS_LOGISTIC, 0);
	check_linear(LOSS_LOGISTIC, 1);
	check_linear(LOSS_SQUARED_HINGE, 1);
	check_uneven("repe", 1);
	check_uneven("linact", 1);
	check_uneven("caa", 0);
	check_uneven("mimic", 0);
	check_parted();
	check_refused();
	check_flat();
	json_decref(golden);
	return tap_done();
}
