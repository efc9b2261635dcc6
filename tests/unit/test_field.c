/*
 * polysketch and the solvers against the reference (tests/golden/polysketch_*.json), and
 * against themselves: gradient, growth of the norm, order.
 */
#include <math.h>
#include <string.h>

#include "golden.h"
#include "tap.h"
/* the file itself: features and the two ways to evaluate are its own business */
#include "../../lib/field/polysketch.c"
#include "barrier.h"

/* A field with the reference's hashes and coefficients. */
static struct polysketch *
golden_field(const json_t *g)
{
	const json_t *p = json_object_get(g, "params");
	size_t dim = (size_t)json_integer_value(json_object_get(g, "d")), i, n;
	double *index = golden_numbers(json_object_get(g, "index"), NULL);
	double *sign = golden_numbers(json_object_get(g, "sign"), NULL);
	double *coef = golden_numbers(json_object_get(g, "coef"), &n);
	struct polysketch *f = polysketch_alloc(dim, (unsigned)json_integer_value(json_object_get(p, "degree")),
	    n, json_number_value(json_object_get(p, "gamma")), json_number_value(json_object_get(p, "coef0")));

	for (i = 0; i < f->degree * f->ext; i++) {
		f->index[i] = (int)index[i];
		f->sign[i] = (int)sign[i];
	}
	memcpy(f->w, coef, n * sizeof *coef);
	f->intercept = json_number_value(json_object_get(g, "intercept"));
	f->log_prior_ratio = log(json_number_value(json_object_get(g, "prior_ratio")));
	make_quadratic(f);
	free(index);
	free(sign);
	free(coef);
	return f;
}

/* The largest |a - b| / max(1, |b|). */
static double
deviation(const double *a, const double *b, size_t n)
{
	double worst = 0;
	size_t i;

	for (i = 0; i < n; i++)
		worst = fmax(worst, fabs(a[i] - b[i]) / fmax(1, fabs(b[i])));
	return worst;
}

static void
check_steered(const char *name, struct polysketch *f, const json_t *g, const double *X, size_t rows)
{
	const json_t *runs = json_object_get(g, "steered"), *run;
	struct barrier b = { .field = &f->base, .act_norm = 1 };
	size_t size = rows * f->base.dim, i, k;
	struct err e;

	json_array_foreach(runs, k, run) {
		const char *solver = json_string_value(json_object_get(run, "solver"));
		struct strength T = { json_number_value(json_object_get(run, "T")), 0 };
		unsigned steps = (unsigned)json_integer_value(json_object_get(run, "steps"));
		double *Y = golden_numbers(json_object_get(run, "Y"), NULL), worst;
		const struct solver *s = solver_find(strcmp(solver, "rk4") == 0 ? "rk4-3/8" : solver);
		struct field_work *w = work_alloc(&f->base, rows);
		double *y = malloc(size * sizeof *y), *mem = malloc(5 * size * sizeof *mem);
		float *act = malloc(size * sizeof *act);
		struct flow *flow = flow_alloc(&b, T, steps, s, rows);

		memcpy(y, X, size * sizeof *y);
		for (i = 0; i < steps; i++)
			s->step(&f->base, w, y, rows, T.value / steps, mem, mem + 4 * size);
		worst = deviation(y, Y, size);
		ok(worst < 1e-8, "%s: %s, T = %g, %u steps: %.1e", name, s->name, T.value, steps, worst);
		/* what the tools do: the ends are float */
		for (i = 0; i < size; i++)
			act[i] = (float)X[i];
		if (ok(flow_apply(flow, act, rows, NULL, NULL, &e) == 0, "%s: flow_apply", name)) {
			for (i = 0; i < size; i++)
				y[i] = (double)act[i];
			worst = deviation(y, Y, size);
			ok(worst < 1e-5, "%s: the same as a flow of floats: %.1e", name, worst);
		}
		flow_free(flow);
		work_free(w);
		free(act);
		free(y);
		free(mem);
		free(Y);
	}
}

/* The fit on the reference's rows: no worse than its coefficients, and close to them. */
static void
check_fit(const char *name, struct polysketch *f, const json_t *g)
{
	enum { ROWS = 120, MOST = 64 };
	static double phi[ROWS * MOST];
	static float act[ROWS * MOST];
	size_t d = f->base.dim, n_pos, n_neg, i, j;
	double *pos = golden_numbers(json_object_get(g, "pos"), &n_pos);
	double *neg = golden_numbers(json_object_get(g, "neg"), &n_neg);
	double w[MOST], c, prior, theirs = cblas_ddot((int)f->n, f->w, 1, f->w, 1) / 2;
	int label[ROWS], group[ROWS];
	struct fit_data data = { act, label, group, ROWS, d, 10 };
	struct field_options o;
	struct fit_report rep;
	struct polysketch plain = *f;
	struct field_work *k;
	struct err e;

	field_options_default(&o);
	plain.M = NULL;
	k = work_alloc(&plain.base, 1);
	for (i = 0; i < ROWS; i++) {
		double value;

		label[i] = i < n_pos / d;
		group[i] = (int)(i % 10);
		features(k, label[i] ? pos + i * d : neg + (i * d - n_pos), phi + i * f->n);
		value = f->intercept + cblas_ddot((int)f->n, f->w, 1, phi + i * f->n, 1);
		theirs += log1p(exp(label[i] ? -value : value));
		for (j = 0; j < d; j++)
			act[i * d + j] = 0;
	}
	if (ok(estimate_fit(phi, f->n, &data, &o, w, &c, &prior, &rep, &e) == 0, "%s: fit", name)) {
		ok(rep.objective < theirs * (1 + 1e-12) && rep.objective > theirs * (1 - 1e-4),
		    "%s: objective %.9g, the reference's %.9g", name, rep.objective, theirs);
		ok(rep.gradient_norm < 1e-9, "%s: gradient %.1e", name, rep.gradient_norm);
		ok(fabs(prior - f->log_prior_ratio) < 1e-14, "%s: log((1 - pi) / pi)", name);
		ok(rep.auc > 0.4 && rep.auc < 1 && rep.n_positive == n_pos / d && rep.n_negative == n_neg / d,
		    "%s: held-out AUC %.3f, %zu positives", name, rep.auc, rep.n_positive);
	}
	work_free(k);
	free(pos);
	free(neg);
}

static void
check_golden(const char *name)
{
	char path[128];
	json_t *g;
	struct polysketch *f;
	struct field_work *w, *wt;
	struct polysketch plain;
	double *X, *phi, *h, *v, *got, worst;
	size_t size, rows, i;

	snprintf(path, sizeof path, "tests/golden/%s.json", name);
	g = golden_load(path);
	f = golden_field(g);
	X = golden_numbers(json_object_get(g, "X"), &size);
	rows = size / f->base.dim;
	phi = golden_numbers(json_object_get(g, "features"), NULL);
	h = golden_numbers(json_object_get(g, "log_density_ratio"), NULL);
	v = golden_numbers(json_object_get(g, "direction"), NULL);
	got = malloc((rows * f->n + size) * sizeof *got);

	/* with transforms, as for any degree */
	plain = *f;
	plain.M = NULL;
	wt = work_alloc(&plain.base, rows);
	for (i = 0; i < rows; i++)
		features(wt, X + i * f->base.dim, got + i * f->n);
	worst = deviation(got, phi, rows * f->n);
	ok(worst < 1e-12, "%s: features: %.1e", name, worst);
	eval(&plain.base, wt, X, rows, got, got + rows);
	worst = deviation(got, h, rows);
	ok(worst < 1e-12, "%s: log-density ratio by transforms: %.1e", name, worst);
	worst = deviation(got + rows, v, size);
	ok(worst < 1e-8, "%s: direction by transforms: %.1e", name, worst);
	work_free(wt);

	if (f->M != NULL) {
		w = work_alloc(&f->base, rows);
		eval(&f->base, w, X, rows, got, got + rows);
		worst = deviation(got, h, rows);
		ok(worst < 1e-12, "%s: log-density ratio as a quadratic form: %.1e", name, worst);
		worst = deviation(got + rows, v, size);
		ok(worst < 1e-8, "%s: direction as a quadratic form: %.1e", name, worst);
		work_free(w);
	}
	check_steered(name, f, g, X, rows);
	check_fit(name, f, g);
	polysketch_free(&f->base);
	free(X);
	free(phi);
	free(h);
	free(v);
	free(got);
	json_decref(g);
}

/* v against central differences of h; |a|^2 + s^2 after an Euler step. */
static void
check_gradient(void)
{
	json_t *g = golden_load("tests/golden/polysketch_deg3_odd.json");
	struct polysketch *f = golden_field(g);
	struct field_work *w = work_alloc(&f->base, 1);
	size_t d = f->base.dim, i;
	double a[64], b[64], v[64], up, down, grad[64], length = 0, worst = 0, k[64], n0, n1, s = 2.385;

	for (i = 0; i < d; i++)
		a[i] = 1.7 * sin(2.385 * (double)i + 0.4) - 0.3;
	eval(&f->base, w, a, 1, NULL, v);
	for (i = 0; i < d; i++) {
		memcpy(b, a, sizeof b);
		b[i] = a[i] + 1e-5;
		eval(&f->base, w, b, 1, &up, NULL);
		b[i] = a[i] - 1e-5;
		eval(&f->base, w, b, 1, &down, NULL);
		grad[i] = (up - down) / 2e-5;
		length += grad[i] * grad[i];
	}
	for (i = 0; i < d; i++)
		worst = fmax(worst, fabs(grad[i] / sqrt(length) - v[i]));
	ok(worst < 1e-6, "v is the gradient of h by central differences, to length one: %.1e", worst);
	n0 = cblas_ddot((int)d, a, 1, a, 1);
	solver_find("euler")->step(&f->base, w, a, 1, s, k, NULL);
	n1 = cblas_ddot((int)d, a, 1, a, 1);
	ok(fabs(n1 / (n0 + s * s) - 1) < 1e-9, "an Euler step of length s takes |a|^2 to |a|^2 + s^2: %.1e",
	    n1 / (n0 + s * s) - 1);
	work_free(w);
	polysketch_free(&f->base);
	json_decref(g);
}

/* The error against many steps, when the step is halved. */
static void
check_order(void)
{
	json_t *g = golden_load("tests/golden/polysketch_deg2.json");
	struct polysketch *f = golden_field(g);
	struct field_work *w = work_alloc(&f->base, 1);
	const struct solver *const *s;
	size_t d = f->base.dim, i;
	double start[64], exact[64], y[64], mem[5 * 64], T = 0.8, error[2];
	unsigned steps, k;

	for (i = 0; i < d; i++)
		start[i] = exact[i] = 0.3 + 0.5 * cos(1.3 * (double)i);
	for (k = 0; k < 2048; k++)
		solver_find("rk4")->step(&f->base, w, exact, 1, T / 2048, mem, mem + 4 * d);
	for (s = solver_table(); *s != NULL; s++) {
		for (steps = 8, i = 0; i < 2; i++, steps *= 2) {
			memcpy(y, start, sizeof y);
			for (k = 0; k < steps; k++)
				(*s)->step(&f->base, w, y, 1, T / steps, mem, mem + 4 * d);
			cblas_daxpy((int)d, -1, exact, 1, y, 1);
			error[i] = cblas_dnrm2((int)d, y, 1);
		}
		ok(fabs(log2(error[0] / error[1]) - (*s)->order) < 0.25, "%s: observed order %.2f, error %.1e",
		    (*s)->name, log2(error[0] / error[1]), error[1]);
	}
	work_free(w);
	polysketch_free(&f->base);
	json_decref(g);
}

int
main(void)
{
	check_golden("polysketch_deg2");
	check_golden("polysketch_deg3_odd");
	check_golden("polysketch_nocoef0");
	check_gradient();
	check_order();
	return tap_done();
}
