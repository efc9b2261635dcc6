/*
 * polysketch is compared with the reference (tests/golden/polysketch_*.json), and polykernel with its
 * definition. test_contract.c tests what all fields have in common.
 */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "fields.h"
#include "fit/calibration.h"
#include "fit/classifier.h"
/* included, because its features and its two kinds of evaluation are static */
#include "../../lib/field/polysketch.c"

extern const struct field_type field_polykernel;

/* Returns a field with the reference's hashes and coefficients. */
static struct polysketch *
golden_field(const json_t *g)
{
	const json_t *p = json_object_get(g, "params");
	size_t dim = (size_t)json_integer_value(json_object_get(g, "d")), i, n;
	double *index = golden_numbers(json_object_get(g, "index"), NULL);
	double *sign = golden_numbers(json_object_get(g, "sign"), NULL);
	double *coef = golden_numbers(json_object_get(g, "coef"), &n);
	struct err e;
	struct polysketch *f = (struct polysketch *)field_alloc(&field_polysketch, dim, &e);

	f->degree = (unsigned)json_integer_value(json_object_get(p, "degree"));
	f->n = n;
	f->gamma = json_number_value(json_object_get(p, "gamma"));
	f->coef0 = json_number_value(json_object_get(p, "coef0"));
	f->ext = dim + (f->coef0 > 0);
	f->index = calloc(f->degree * f->ext, sizeof *f->index);
	f->sign = calloc(f->degree * f->ext, sizeof *f->sign);
	for (i = 0; i < f->degree * f->ext; i++) {
		f->index[i] = (int)index[i];
		f->sign[i] = (int)sign[i];
	}
	f->base.ratio.coef = coef;
	f->base.ratio.intercept = json_number_value(json_object_get(g, "intercept"));
	f->base.ratio.log_prior_ratio = log(json_number_value(json_object_get(g, "prior_ratio")));
	make_quadratic(f);
	free(index);
	free(sign);
	return f;
}

/* Sets phi[rows][n] as a fit computes them. */
static void
single_features(const struct polysketch *f, const double *a, size_t rows, float *phi)
{
	float *act = malloc(rows * f->base.dim * sizeof *act);
	struct feature_input input = { f, act };
	void *work = feature_work_alloc(&input);
	size_t i;

	for (i = 0; i < rows * f->base.dim; i++)
		act[i] = (float)a[i];
	make_features(&input, work, 0, rows, phi);
	feature_work_free(work);
	free(act);
}

/* Sets phi[rows][n] by the transforms of h: feature j is h with w = (0, .., 1, .., 0). */
static void
double_features(const struct polysketch *f, const double *a, size_t rows, double *phi)
{
	struct polysketch unit = *f;
	struct work *k;
	size_t i, j;

	unit.base.quadratic = NULL;
	unit.base.ratio.coef = calloc(f->n, sizeof *unit.base.ratio.coef);
	for (j = 0; j < f->n; j++) {
		unit.base.ratio.coef[j] = 1;
		k = work_alloc(&unit.base);
		for (i = 0; i < rows; i++) {
			extend(&unit, a + i * f->base.dim, k->xe);
			phi[i * f->n + j] = eval_transform(k);
		}
		work_free(k);
		unit.base.ratio.coef[j] = 0;
	}
	free(unit.base.ratio.coef);
}

/* A fit to the reference's rows has an objective no worse than the reference's, and similar coefficients. */
static void
check_fit(const char *name, struct polysketch *f, const json_t *g)
{
	enum { ROWS = 120, MOST = 64 };
	static float phi[ROWS * MOST];
	static double a[ROWS * MOST];
	size_t d = f->base.dim, n_pos, n_neg, i, j;
	double *pos = golden_numbers(json_object_get(g, "pos"), &n_pos);
	double *neg = golden_numbers(json_object_get(g, "neg"), &n_neg);
	double *coef = f->base.ratio.coef, theirs = cblas_ddot((int)f->n, coef, 1, coef, 1) / 2;
	double w[MOST], held_out[ROWS];
	int label[ROWS], group[ROWS];
	struct fit_data data = { NULL, label, group, ROWS, d, 10, NULL };
	struct features_source source = { .n = ROWS, .size = f->n, .matrix = phi };
	struct density_ratio x = { .coef = w };
	struct fit_report rep = { .held_out = held_out };
	struct fit_options o;
	struct err e;

	fit_options_default(&o);
	memcpy(a, pos, n_pos * sizeof *a);
	memcpy(a + n_pos, neg, n_neg * sizeof *a);
	single_features(f, a, ROWS, phi);
	for (i = 0; i < ROWS; i++) {
		double value = f->base.ratio.intercept;

		label[i] = i < n_pos / d;
		group[i] = (int)(i % 10);
		for (j = 0; j < f->n; j++)
			value += f->base.ratio.coef[j] * (double)phi[i * f->n + j];
		theirs += log1p(exp(label[i] ? -value : value));
	}
	if (ok(density_ratio_fit(&source, &data, &o, &x, &rep, &e) == 0, "%s: fit", name)) {
		calibration_report(&data, &rep);
		ok(rep.objective < theirs * (1 + 1e-12) && rep.objective > theirs * (1 - 1e-4),
		    "%s: objective %.9g, the reference's %.9g", name, rep.objective, theirs);
		ok(rep.gradient_norm < 1e-9, "%s: gradient %.1e", name, rep.gradient_norm);
		ok(fabs(x.log_prior_ratio - f->base.ratio.log_prior_ratio) < 1e-14, "%s: log((1 - pi) / pi)", name);
		ok(rep.auc > 0.4 && rep.auc < 1 && rep.n_positive == n_pos / d && rep.n_negative == n_neg / d,
		    "%s: held-out AUC %.3f, %zu positives", name, rep.auc, rep.n_positive);
	}
	free(pos);
	free(neg);
}

static void
check_golden(const char *name)
{
	char path[128];
	json_t *g;
	struct polysketch *f, plain;
	struct field_work *w;
	double *X, *phi, *h, *v, *got, worst;
	float *single;
	size_t size, rows, i;
	int quadratic;

	snprintf(path, sizeof path, "tests/golden/%s.json", name);
	g = golden_load(path);
	f = golden_field(g);
	X = golden_numbers(json_object_get(g, "X"), &size);
	rows = size / f->base.dim;
	phi = golden_numbers(json_object_get(g, "features"), NULL);
	h = golden_numbers(json_object_get(g, "log_density_ratio"), NULL);
	v = golden_numbers(json_object_get(g, "direction"), NULL);
	got = malloc((rows * f->n + size) * sizeof *got);

	plain = *f;
	plain.base.quadratic = NULL;
	double_features(f, X, rows, got);
	worst = deviation(got, phi, rows * f->n);
	ok(worst < 1e-12, "%s: features: %.1e", name, worst);
	single = malloc(rows * f->n * sizeof *single);
	single_features(f, X, rows, single);
	for (i = 0; i < rows * f->n; i++)
		got[i] = (double)single[i];
	free(single);
	worst = deviation(got, phi, rows * f->n);
	ok(worst < 1e-6, "%s: features of a fit: %.1e", name, worst);
	for (quadratic = 0; quadratic <= (f->base.quadratic != NULL); quadratic++) {
		const char *how = quadratic ? "as a quadratic form" : "by transforms";

		w = field_work_alloc(quadratic ? &f->base : &plain.base);
		field_eval(quadratic ? &f->base : &plain.base, w, X, rows, got, got + rows);
		worst = deviation(got, h, rows);
		ok(worst < 1e-12, "%s: log-density ratio %s: %.1e", name, how, worst);
		worst = deviation(got + rows, v, size);
		ok(worst < 1e-8, "%s: direction %s: %.1e", name, how, worst);
		field_work_free(w);
	}
	check_steered(name, &f->base, g, X, rows);
	check_fit(name, f, g);
	field_free(&f->base);
	free(X);
	free(phi);
	free(h);
	free(v);
	free(got);
	json_decref(g);
}

/* An Euler step of length s along a tangent of the sphere gives |a|^2 + s^2. */
static void
check_growth(const char *name, const struct field *f)
{
	struct field_work *w = field_work_alloc(f);
	const struct solver *euler = solver_find("euler");
	double a[MADE_DIM], mem[2 * MADE_DIM], n0, n1, s = 2.385;

	made_row(MADE_ROWS + 3, a);
	n0 = cblas_ddot(MADE_DIM, a, 1, a, 1);
	euler->step(euler, f, w, a, 1, s, mem);
	n1 = cblas_ddot(MADE_DIM, a, 1, a, 1);
	ok(fabs(n1 / (n0 + s * s) - 1) < 1e-9, "%s: an Euler step of length s takes |a|^2 to |a|^2 + s^2: %.1e", name,
	    n1 / (n0 + s * s) - 1);
	field_work_free(w);
}

static void
check_growths(void)
{
	static const char *const on_the_sphere[] = { "polysketch", "polykernel" };
	struct fit_options o;
	struct field *f;
	size_t i;

	fit_options_default(&o);
	o.gamma = 0.7;
	o.components = 50;
	for (i = 0; i < 2; i++)
		for (o.degree = 2; o.degree < 4; o.degree++) {
			f = made_field(on_the_sphere[i], &o, NULL);
			check_growth(on_the_sphere[i], f);
			field_free(f);
		}
}

/*
 * polykernel is compared with its definition: alpha from the kernel's values between the rows, and sums
 * over the rows. With degree 2 the field stores neither.
 */
static void
check_kernel(unsigned degree)
{
	enum { N = MADE_ROWS, D = MADE_DIM, ROWS = 7 };
	struct fit_data d = made_data();
	static double x[N][D], alpha[N], c;
	struct gram *gram;
	struct classifier_problem p = { .label = d.label };
	struct classifier_fit fit = { .C = 2.385, .held_out = CLASSIFIER_NO_FOLD, .coef = alpha };
	struct fit_options o;
	struct fit_report rep;
	struct field *f;
	struct field_work *w;
	double a[ROWS * D], h[ROWS], v[ROWS * D], want[ROWS], want_v[ROWS * D], gamma = 0.7, coef0 = 0.385, worst;
	struct err e;
	size_t i, j, k, t;

	fit_options_default(&o);
	o.degree = degree;
	o.gamma = gamma;
	o.coef0 = coef0;
	o.C = fit.C;
	f = made_field("polykernel", &o, &rep);
	for (i = 0; i < N; i++)
		for (j = 0; j < D; j++)
			x[i][j] = (double)d.act[i * D + j];
	for (i = 0; i < N; i++)
		cblas_dscal(D, 1 / (cblas_dnrm2(D, x[i], 1) + 1e-12), x[i], 1);
	if ((p.gram = gram = gram_alloc(N, &e)) == NULL)
		printf("Bail out! %s\n", e.text);
	gram_set(gram, *x, D, gamma);
	for (i = 0; i < gram->count; i++)
		gram->values[i] = pow(gram->values[i] + coef0, degree);
	if (classifier_fit(&p, &fit, 1, &e) != 0)
		printf("Bail out! %s\n", e.text);
	c = fit.intercept;
	gram_free(gram);
	for (t = 0; t < ROWS; t++) {
		double *at = a + t * D, y[D], u[D] = { 0 }, norm;

		made_row(N + t, at);
		norm = cblas_dnrm2(D, at, 1) + 1e-12;
		for (k = 0; k < D; k++)
			y[k] = at[k] / norm;
		want[t] = c + log((1 - 0.4) / 0.4);
		for (i = 0; i < N; i++) {
			double base = gamma * cblas_ddot(D, x[i], 1, y, 1) + coef0;

			want[t] += alpha[i] * pow(base, degree);
			cblas_daxpy(D, alpha[i] * degree * pow(base, degree - 1) * gamma, x[i], 1, u, 1);
		}
		cblas_daxpy(D, -cblas_ddot(D, y, 1, u, 1), y, 1, u, 1);
		cblas_dscal(D, 1 / norm, u, 1);
		for (k = 0; k < D; k++)
			want_v[t * D + k] = u[k] / (cblas_dnrm2(D, u, 1) + 1e-10);
	}
	w = field_work_alloc(f);
	field_eval(f, w, a, ROWS, h, v);
	worst = deviation(h, want, ROWS);
	ok(worst < 1e-9, "polykernel, degree %u: h is the sum over the rows: %.1e", degree, worst);
	worst = deviation(v, want_v, ROWS * D);
	ok(worst < 1e-8, "polykernel, degree %u: and so is v: %.1e", degree, worst);
	ok(rep.gradient_norm < 1e-9 && fabs(rep.objective / fit.objective - 1) < 1e-12,
	    "polykernel, degree %u: objective off by %.1e, gradient %.1e", degree, rep.objective / fit.objective - 1,
	    rep.gradient_norm);
	field_work_free(w);
	field_free(f);
}

/*
 * polykernel of degree 2 keeps the leading eigenvectors of a quadratic form. The directions of the kernel itself come
 * from its values between the rows, as in check_kernel, and from sums over the rows.
 */
static void
check_rank(int standardise, size_t least, size_t most)
{
	enum { N = 300, D = 130, SAMPLE = 256 };
	static float act[N * D];
	static double x[N][D], held_out[N], alpha[N], isd[D];
	static int label[N], group[N];
	struct fit_data d = { act, label, group, N, D, N / 5, NULL };
	struct classifier_problem p = { .label = label };
	struct classifier_fit fit = { .C = 2.385, .held_out = CLASSIFIER_NO_FOLD, .coef = alpha };
	struct fit_report rep = { .held_out = held_out };
	struct fit_options o;
	struct field *f;
	struct field_work *w, *single;
	struct gram *g;
	struct err e;
	double sum = 0, worst = 0;
	size_t i, j, k, t;

	for (i = 0; i < N; i++) {
		for (j = 0; j < D; j++) {
			double a = 2 + 6 * fmod(43758.5453 * fabs(sin(2.385 * (double)(i * D + j))), 1);

			for (k = 1; k < 40; k++)
				a += 3 * sin(1.7 * (double)(k * i * i % 997)) * cos(0.91 * (double)(k * j)) / (double)k;
			act[i * D + j] = (float)((1 + 0.02 * (double)j) * (a + (i % 5 < 2 ? cos((double)j) : 0)));
		}
		label[i] = i % 5 < 2;
		group[i] = (int)(i / 5);
	}
	fit_options_default(&o);
	o.gamma = 1;
	o.coef0 = 0.385;
	o.C = fit.C;
	o.standardise = standardise;
	f = field_fit(&field_polykernel, &d, &o, &rep, &e);
	g = gram_alloc(N, &e);
	if (f == NULL || g == NULL)
		printf("Bail out! %s\n", e.text);
	for (i = 0; i < N; i++)
		for (j = 0; j < D; j++) {
			double a = (double)act[i * D + j];

			isd[j] = standardise ? f->isd[j] : 1;
			x[i][j] = standardise ? (double)(float)((a - f->mean[j]) * isd[j]) : a;
		}
	for (i = 0; i < N; i++)
		cblas_dscal(D, 1 / (cblas_dnrm2(D, x[i], 1) + 1e-12), x[i], 1);
	gram_set(g, *x, D, 1);
	for (i = 0; i < g->count; i++)
		g->values[i] = pow(g->values[i] + o.coef0, 2);
	p.gram = g;
	if (classifier_fit(&p, &fit, 1, &e) != 0)
		printf("Bail out! %s\n", e.text);
	w = field_work_alloc(f);
	single = field_work_alloc_single(f);
	for (t = 0; t < SAMPLE; t++) {
		const double *y = x[t * N / SAMPLE];
		double u[D] = { 0 }, a[D], v[D], v_single[D];

		for (i = 0; i < N; i++)
			cblas_daxpy(D, 2 * alpha[i] * (cblas_ddot(D, x[i], 1, y, 1) + o.coef0), x[i], 1, u, 1);
		cblas_daxpy(D, -cblas_ddot(D, y, 1, u, 1), y, 1, u, 1);
		for (j = 0; j < D; j++) {
			u[j] *= isd[j];
			a[j] = (double)act[t * N / SAMPLE * D + j];
		}
		cblas_dscal(D, 1 / cblas_dnrm2(D, u, 1), u, 1);
		field_eval(f, w, a, 1, NULL, v);
		field_eval(f, single, a, 1, NULL, v_single);
		worst = fmax(worst, deviation(v_single, v, D));
		cblas_daxpy(D, -1, u, 1, v, 1);
		sum += cblas_dnrm2(D, v, 1) / SAMPLE;
	}
	ok(rep.rank >= least && rep.rank <= most, "polykernel, standardised %d: %zu of %d eigenvectors", standardise,
	    rep.rank, D);
	ok(sum < 0.02 && fabs(sum - rep.direction_error) < 1e-6,
	    "polykernel, standardised %d: directions are off by %.5f, as reported but for %.1e", standardise, sum,
	    sum - rep.direction_error);
	ok(worst < 1e-5, "polykernel, standardised %d: v in single precision is off by %.1e", standardise, worst);
	field_work_free(w);
	field_work_free(single);
	field_free(f);
	gram_free(g);
}

/* A sketch with very many bins is close to the kernel. */
static void
check_limit(unsigned degree, size_t bins)
{
	struct fit_options o;
	struct field *exact, *sketched;
	struct field_work *w, *w2;
	double a[MADE_DIM], h[2], worst = 0;
	size_t i;

	fit_options_default(&o);
	o.gamma = 0.7;
	o.degree = degree;
	exact = made_field("polykernel", &o, NULL);
	o.components = bins;
	sketched = made_field("polysketch", &o, NULL);
	w = field_work_alloc(exact);
	w2 = field_work_alloc(sketched);
	for (i = 0; i < 10; i++) {
		made_row(MADE_ROWS + i, a);
		field_eval(exact, w, a, 1, &h[0], NULL);
		field_eval(sketched, w2, a, 1, &h[1], NULL);
		worst = fmax(worst, fabs(h[0] - h[1]));
	}
	ok(worst < 2e-3, "polysketch of degree %u and %zu bins, where few numbers meet, is polykernel: %.1e",
	    degree, bins, worst);
	field_work_free(w);
	field_work_free(w2);
	field_free(exact);
	field_free(sketched);
}

int
main(void)
{
	check_golden("polysketch_deg2");
	check_golden("polysketch_deg3_odd");
	check_golden("polysketch_nocoef0");
	check_growths();
	check_kernel(1);
	check_kernel(2);
	check_kernel(3);
	check_rank(0, 32, 32);
	check_rank(1, 48, 64);
	check_limit(2, 1 << 18);
	check_limit(2, (1 << 18) - 1);
	check_limit(3, 531441);	/* 3^12: odd, with a fast transform */
	return tap_done();
}
