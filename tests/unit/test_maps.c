/* The maps by the difference of the means, against what they should do. */
#include <math.h>
#include <string.h>

#include "base/dot.h"
#include "fields.h"

enum { D = MADE_DIM };

/* Sets d to the unit vector along the difference of the means of the made rows. */
static void
difference(double *d)
{
	struct fit_data x = made_data();
	double n[2] = { 24, MADE_ROWS - 24 }, length;
	size_t i, j;

	memset(d, 0, D * sizeof *d);
	for (i = 0; i < x.n; i++)
		for (j = 0; j < D; j++)
			d[j] += (double)x.act[i * D + j] / (x.label[i] ? n[0] : -n[1]);
	length = sqrt(dot(d, d, D));
	for (j = 0; j < D; j++)
		d[j] /= length;
}

static struct field *
fitted(const char *name, double kappa, double beta)
{
	struct fit_options o;

	fit_options_default(&o);
	o.kappa = kappa;
	o.beta = beta;
	return made_field(name, &o, NULL);
}

/* Returns the angle of x and y. */
static double
angle(const double *x, const double *y)
{
	return acos(dot(x, y, D) / sqrt(dot(x, x, D) * dot(y, y, D)));
}

static void
check_ablation(void)
{
	struct field *f = fitted("ablation", 20, -0.15);
	struct field_work *w = field_work_alloc(f);
	double d[D], a[D], y[D], left = 0, other = 0;
	size_t i, j;

	difference(d);
	for (i = 0; i < MADE_ROWS; i++) {
		made_row(i, a);
		memcpy(y, a, sizeof y);
		field_apply(f, w, y, 1, 0.385);
		left = fmax(left, fabs(dot(d, y, D) - 0.615 * dot(d, a, D)));
		for (j = 0; j < D; j++)
			other = fmax(other, fabs(y[j] - dot(d, y, D) * d[j] - a[j] + dot(d, a, D) * d[j]));
	}
	ok(left < 1e-12 && other < 1e-12, "ablation: T of what is along d: off by %.1e, the rest by %.1e", left, other);
	field_work_free(w);
	field_free(f);
}

static void
check_spherical(double kappa, double beta)
{
	struct field *f = fitted("spherical", kappa, beta);
	struct field_work *w = field_work_alloc(f);
	double d[D], a[D], y[D], off = 0, norm = 0, plane = 0;
	size_t i, j, turned = 0, still = 0;

	difference(d);
	for (i = 0; i < MADE_ROWS; i++) {
		double cosine, p, delta, wanted, side = 0;

		made_row(i, a);
		memcpy(y, a, sizeof y);
		field_apply(f, w, y, 1, 0.385);
		cosine = cos(angle(a, d));
		p = exp(kappa * cosine) / (exp(kappa * cosine) + exp(-kappa * cosine));
		delta = 1 - p - p;
		wanted = angle(a, d);
		if (delta > beta)
			wanted *= 1 - 0.385 * (delta - beta) / (1 - beta);
		turned += delta > beta;
		still += delta <= beta && memcmp(a, y, sizeof a) == 0;
		off = fmax(off, fabs(angle(y, d) - wanted));
		norm = fmax(norm, fabs(dot(y, y, D) / dot(a, a, D) - 1));
		/* what is across d keeps its direction */
		for (j = 0; j < D; j++) {
			double from = (a[j] - dot(d, a, D) * d[j]) / sin(angle(a, d)) / sqrt(dot(a, a, D));
			double to = (y[j] - dot(d, y, D) * d[j]) / sin(angle(y, d)) / sqrt(dot(y, y, D));

			side = fmax(side, fabs(from - to));
		}
		plane = fmax(plane, side);
	}
	ok(turned > 5 && still > 5 && turned + still == MADE_ROWS && off < 1e-7 && norm < 1e-14 && plane < 1e-7,
	    "spherical, kappa %g, beta %g: %zu turned, %zu not: angle off by %.1e, norm by %.1e, plane by %.1e", kappa,
	    beta, turned, still, off, norm, plane);
	for (i = 0; i < 3; i++) {
		/* along d, opposite to it, and zero */
		double factor = i == 0 ? 2.385 : i == 1 ? -2.385 : 0;

		for (j = 0; j < D; j++)
			y[j] = a[j] = factor * d[j];
		field_apply(f, w, y, 1, 1);
		ok(memcmp(y, a, sizeof y) == 0, "spherical: %g d has no side to turn to", factor);
	}
	for (i = 8; i <= 11; i++) {
		for (j = 0; j < D; j++)
			y[j] = a[j] = -2.385 * d[j] + pow(10, -(double)i) * sin((double)j);
		field_apply(f, w, y, 1, 1);
		norm = sqrt(dot(y, y, D) / dot(a, a, D)) - 1;
		off = angle(y, d) - M_PI * (1 - (tanh(kappa) - beta) / (1 - beta));
		ok(fabs(norm) < 1e-12 && fabs(off) < 1e-7,
		    "spherical: 1e-%zu from -d: angle off by %.1e, norm by %.1e", i, off, norm);
	}
	field_work_free(w);
	field_free(f);
}

/* Positives and negatives with the same mean have no direction. */
static void
check_same(const char *name)
{
	const float act[4] = { 1, 2, 2, 1 };
	const int label[4] = { 1, 1, 0, 0 }, group[4] = { 0, 1, 0, 1 };
	struct fit_data d = { .act = act, .label = label, .group = group, .n = 4, .dim = 1, .n_group = 2 };
	struct fit_report rep = { 0 };
	struct fit_options o;
	struct err e;

	fit_options_default(&o);
	ok(field_fit(field_find(name), &d, &o, &rep, &e) == NULL &&
	    strcmp(e.text, "positives and negatives have the same mean") == 0, "%s: %s", name, e.text);
}

int
main(void)
{
	check_ablation();
	check_spherical(20, -0.15);
	check_spherical(2.385, 0.1);
	check_same("ablation");
	check_same("spherical");
	return tap_done();
}
