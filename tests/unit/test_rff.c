/* rff is compared with the reference (tests/golden/rff.json). test_contract.c tests what all fields have in common. */
#include <math.h>
#include <string.h>

#include "fields.h"
#include "fit/calibration.h"
/* included, because W and b are random, and the reference's have to replace them */
#include "../../lib/field/rff.c"

/* Returns the reference's training rows as float. */
static struct fit_data
training(const json_t *g, size_t d)
{
	enum { ROWS = 120, MOST = 64 };
	static float act[ROWS * MOST];
	static int label[ROWS], group[ROWS];
	size_t n_pos, n_neg, i, j;
	double *pos = golden_numbers(json_object_get(g, "pos"), &n_pos);
	double *neg = golden_numbers(json_object_get(g, "neg"), &n_neg);

	for (i = 0; i < ROWS; i++) {
		label[i] = i < n_pos / d;
		group[i] = (int)(i % 10);
		for (j = 0; j < d; j++)
			act[i * d + j] = (float)(label[i] ? pos[i * d + j] : neg[i * d - n_pos + j]);
	}
	free(pos);
	free(neg);
	return (struct fit_data){ act, label, group, (n_pos + n_neg) / d, d, 10, NULL };
}

/* A fit to the reference's features has an objective no worse than the reference's. */
static void
check_fit(const json_t *g, struct rff *f, const struct fit_data *d)
{
	float *phi = malloc(d->n * f->n * sizeof *phi), *W = malloc(f->n * d->dim * sizeof *W);
	struct feature_input input = { f, d->act, W };
	struct features_source source = { .n = d->n, .size = f->n, .ctx = &input, .rows = make_features };
	double *held_out = malloc(d->n * sizeof *held_out), *w = malloc(f->n * sizeof *w);
	double theirs = cblas_ddot((int)f->n, f->base.ratio.coef, 1, f->base.ratio.coef, 1) / 2;
	struct fit_report rep = { .held_out = held_out };
	struct density_ratio x = { .coef = w };
	struct fit_options o;
	struct err e;
	size_t i, j;

	fit_options_default(&o);
	for (i = 0; i < f->n * d->dim; i++)
		W[i] = (float)f->W[i];
	make_features(&input, NULL, 0, d->n, phi);
	for (i = 0; i < d->n; i++) {
		double value = f->base.ratio.intercept;

		for (j = 0; j < f->n; j++)
			value += f->base.ratio.coef[j] * (double)phi[i * f->n + j];
		theirs += log1p(exp(d->label[i] ? -value : value));
	}
	if (ok(density_ratio_fit(&source, d, &o, &x, &rep, &e) == 0, "rff: fit")) {
		calibration_report(d, &rep);
		ok(rep.objective < theirs * (1 + 1e-12) && rep.objective > theirs * (1 - 1e-4),
		    "rff: objective %.9g, the reference's %.9g", rep.objective, theirs);
		ok(fabs(x.log_prior_ratio - log(json_number_value(json_object_get(g, "prior_ratio")))) < 1e-14,
		    "rff: log((1 - pi) / pi)");
		ok(rep.auc > 0.4 && rep.auc < 1, "rff: held-out AUC %.3f", rep.auc);
	}
	free(phi);
	free(W);
	free(held_out);
	free(w);
}

/*
 * All rows are in the reference's sample, but its sigma is 9e-4 below the median: to all digits it is
 * the distance of rank 3557 among the 7140 between two rows. This would happen if some of the 120
 * distances of a row to itself were rounded to nonzero and counted. In a matrix that has every pair
 * twice, every four of them move the median by one rank, and all of them by 30.
 */
static void
check_median(const struct fit_data *d, double sigma)
{
	double *far = malloc(d->n * d->n * sizeof *far), next = 1, median, ours;
	size_t i, j, k, n = 0, below = 0;

	for (i = 0; i < d->n; i++)
		for (j = 0; j < i; j++, n++) {
			for (far[n] = 0, k = 0; k < d->dim; k++)
				far[n] += pow((double)d->act[i * d->dim + k] - (double)d->act[j * d->dim + k], 2);
			far[n] = sqrt(far[n] / 2);
			next = fmin(next, fabs(far[n] / sigma - 1));
			below += far[n] < sigma * (1 - 1e-7);
		}
	gsl_sort(far, 1, n);
	median = (far[n / 2 - 1] + far[n / 2]) / 2;
	ok(median_sigma(d, 0, &ours) == 0 && fabs(ours / median - 1) < 1e-14, "rff: sigma of the median is that");
	ok(next < 1e-7 && below <= n / 2 && below + d->n / 4 >= n / 2,
	    "rff: the reference's is the distance of rank %zu of %zu (%.1e), %.1e below the median", below + 1, n, next,
	    median / sigma - 1);
	free(far);
}

int
main(void)
{
	json_t *g = golden_load("tests/golden/rff.json");
	size_t dim = (size_t)json_integer_value(json_object_get(g, "d")), n, size, rows, i;
	double *W = golden_numbers(json_object_get(g, "W"), NULL), *b = golden_numbers(json_object_get(g, "b"), NULL);
	double *coef = golden_numbers(json_object_get(g, "coef"), &n);
	double *X = golden_numbers(json_object_get(g, "X"), &size);
	double *phi = golden_numbers(json_object_get(g, "features"), NULL);
	double *h = golden_numbers(json_object_get(g, "log_density_ratio"), NULL);
	double *v = golden_numbers(json_object_get(g, "direction"), NULL);
	double sigma = json_number_value(json_object_get(g, "sigma_median")), worst, s = 0, m = 0;
	double *got = malloc((size + size * n) * sizeof *got);
	struct fit_data d = training(g, dim);
	struct rff *f;
	struct field_work *w;
	struct err e;

	f = (struct rff *)field_alloc(&field_rff, dim, &e);
	draw(f, n, sigma, 7);
	memcpy(f->W, W, n * dim * sizeof *W);
	memcpy(f->b, b, n * sizeof *b);
	f->base.ratio.coef = coef;
	f->base.ratio.intercept = json_number_value(json_object_get(g, "intercept"));
	f->base.ratio.log_prior_ratio = log(json_number_value(json_object_get(g, "prior_ratio")));
	w = field_work_alloc(&f->base);
	rows = size / dim;

	phases(f, X, rows, got);
	for (i = 0; i < rows * n; i++)
		got[i] = sqrt(2 / (double)n) * cos(got[i]);
	worst = deviation(got, phi, rows * n);
	ok(worst < 1e-12, "rff: features: %.1e", worst);
	field_eval(&f->base, w, X, rows, got, got + rows);
	worst = deviation(got, h, rows);
	ok(worst < 1e-12, "rff: log-density ratio: %.1e", worst);
	worst = deviation(got + rows, v, size);
	ok(worst < 1e-8, "rff: direction: %.1e", worst);
	check_median(&d, sigma);
	for (i = 0; i < d.n * dim; i++)
		m += (double)d.act[i] / (double)(d.n * dim);
	for (i = 0; i < d.n * dim; i++)
		s += pow((double)d.act[i] - m, 2) / (double)(d.n * dim);
	worst = fabs(scale_sigma(&d) / sqrt((double)dim / 2 * s) - 1);
	ok(worst < 1e-12, "rff: sigma of the scale: off by %.1e", worst);
	check_steered("rff", &f->base, g, X, rows);
	check_fit(g, f, &d);
	field_work_free(w);
	field_free(&f->base);

	/* random numbers have the right distributions */
	f = (struct rff *)field_alloc(&field_rff, 40, &e);
	draw(f, 500, 2.385, 3);
	for (m = s = 0, i = 0; i < 40 * 500; i++) {
		m += f->W[i] * 2.385 / 20000;
		s += f->W[i] * f->W[i] * 2.385 * 2.385 / 20000;
	}
	ok(fabs(m) < 0.03 && fabs(s - 1) < 0.05, "rff: W has mean %.3f and variance %.3f times 1/sigma^2", m, s);
	for (m = 0, i = 0; i < 500; i++)
		m += f->b[i] / 500;
	ok(fabs(m - M_PI) < 0.4, "rff: b has mean %.3f", m);
	field_free(&f->base);
	free(W);
	free(b);
	free(X);
	free(phi);
	free(h);
	free(v);
	free(got);
	json_decref(g);
	return tap_done();
}
