/*
 * Flows in Krylov spaces against the same flows along the field itself, and the
 * products they consist of.
 */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "field/heldout.h"
#include "field/matrix.h"
#include "fields.h"
#include "flow/krylov.h"

enum { D = 165, N = 60, ROWS = 11 };

static float act[(N + ROWS) * D];
static int label[N], group[N];

/* Makes rows like activations: around a mean, with a few strong directions and noise. */
static void
make_rows(void)
{
	size_t i, j, k;

	for (i = 0; i < N + ROWS; i++)
		for (j = 0; j < D; j++) {
			double x = 0.7 * cos(0.37 * (double)(j * j % 101)) + 0.4 * sin(2.385 * (double)(i * D + j));
			double phase = 0.2 * (double)(i * i % 23);

			for (k = 1; k < 9; k++)
				x += sin(1.7 * (double)(k * i) + phase) * cos(0.91 * (double)(k * j)) / (double)k;
			act[i * D + j] = (float)(x + (i % 5 < 2 ? 0.5 * sin(0.3 * (double)j) : 0));
		}
	for (i = 0; i < N; i++) {
		label[i] = i % 5 < 2;
		group[i] = (int)(i / 5);
	}
}

static struct field *
make_field(const char *name, const struct fit_options *o, struct fit_report *rep)
{
	struct fit_data d = { act, label, group, N, D, N / 5, NULL };
	static double held_out[N];
	struct field *f;
	struct err e;

	memset(rep, 0, sizeof *rep);
	rep->held_out = held_out;
	rep->act_norm = (double)cblas_snrm2(D, act, 1);
	if ((f = field_fit(field_find(name), &d, o, rep, &e)) == NULL) {
		printf("Bail out! %s: %s\n", name, e.text);
		exit(1);
	}
	return f;
}

/* Products by matrix.h, with M or M', against products in double, and of any number of rows. */
static void
check_matrix(int transposed)
{
	static double M[D * (D + 8)];
	static float Y[ROWS * (D + 8)], one[ROWS * (D + 8)];
	const size_t columns = D + 8, rows = transposed ? columns : D, size = transposed ? D : columns;
	const char *about = transposed ? "M'" : "M";
	void (*multiply)(const struct matrix *, const float *, size_t, float *) =
	    transposed ? matrix_multiply_transposed : matrix_multiply;
	struct matrix *p;
	double worst = 0;
	size_t i, j, k, n;
	int same = 1;

	for (i = 0; i < D * columns; i++)
		M[i] = (double)(float)sin(0.77 * (double)i);
	p = matrix_alloc(M, D, columns);
	multiply(p, act, ROWS, Y);
	for (i = 0; i < ROWS; i++)
		for (j = 0; j < size; j++) {
			double y = 0;

			for (k = 0; k < rows; k++)
				y += (double)act[i * rows + k] * (transposed ? M[j * columns + k] : M[k * columns + j]);
			worst = fmax(worst, fabs((double)Y[i * size + j] - y) / fmax(1, fabs(y)));
		}
	ok(worst < 3e-6, "%s: a product of %d rows is one in double to %.1e", about, ROWS, worst);
	for (n = 1; n < ROWS; n++)
		for (i = 0; i + n <= ROWS; i += n) {
			multiply(p, act + i * rows, n, one);
			same &= memcmp(one, Y + i * size, n * size * sizeof *one) == 0;
		}
	ok(same, "%s: a row's product is the same, bit for bit, among 1 to %d", about, ROWS);
	matrix_free(p);
}

/* Compares h and its gradient in single precision, by the form, with the type's own eval in double. */
static void
check_product(const char *about, const struct field *f)
{
	void *w = f->type->work_alloc(f);
	struct quadratic_work *single = quadratic_work_alloc(f->quadratic);
	double grad[2][FIELD_BATCH * D], y[FIELD_BATCH * D] = { 0 }, h[2][FIELD_BATCH], worst = 0, length = 0;
	size_t i;

	for (i = 0; i < D; i++)
		y[i] = (double)act[N * D + i];
	f->type->eval(f, w, y, 1, h[0], grad[0]);
	quadratic_eval(f->quadratic, single, y, 1, h[1], grad[1], 1);
	for (i = 0; i < D; i++) {
		worst = fmax(worst, fabs(grad[1][i] - grad[0][i]));
		length = fmax(length, fabs(grad[0][i]));
	}
	ok(fabs(h[1][0] - h[0][0]) < 1e-5 && worst < 1e-5 * length,
	    "%s: h by products is off by %.1e, its gradient by %.1e of %.1e", about, fabs(h[1][0] - h[0][0]), worst,
	    length);
	f->type->work_free(w);
	quadratic_work_free(single);
}

/* Sets end[n][D] and r[n] to the ends of the rows' paths and what flow_apply reports of them. */
static void
apply(const struct barrier *b, const struct flow_options *o, size_t from, size_t n, float *end, struct flow_result *r)
{
	struct err e;
	struct flow *f = flow_alloc(b, o, &e);

	memcpy(end, act + (N + from) * D, n * D * sizeof *end);
	if (f == NULL || flow_apply(f, end, n, r, 1, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	flow_free(f);
}

/* Compares flow_apply, which uses a Krylov space where it can, with the solver's steps along the field. */
static void
check_path(const char *about, const struct barrier *b, const char *solver, double T, unsigned steps)
{
	struct flow_options o;
	struct field_work *w = field_work_alloc(b->field);
	static float end[ROWS * D], again[ROWS * D];
	static double y[D], mem[5 * D];
	struct flow_result r[ROWS], r2[ROWS];
	double worst = 0, worst_h = 0;
	size_t i, j, n;
	int same = 1;

	flow_options_default(&o);
	o.solver = solver_find(solver);
	o.steps = steps;
	o.T = (struct strength){ STRENGTH_LENGTH, T };
	apply(b, &o, 0, ROWS, end, r);
	for (i = 0; i < ROWS; i++) {
		double h[2], off = 0;

		for (j = 0; j < D; j++)
			y[j] = (double)act[(N + i) * D + j];
		field_eval(b->field, w, y, 1, &h[0], NULL);
		for (n = 0; n < steps; n++)
			o.solver->step(o.solver, b->field, w, y, 1, T / steps, mem);
		field_eval(b->field, w, y, 1, &h[1], NULL);
		for (j = 0; j < D; j++)
			off += pow((double)end[i * D + j] - y[j], 2);
		worst = fmax(worst, sqrt(off) / fabs(T));
		worst_h = fmax(worst_h, fmax(fabs(h[0] - r[i].h_before), fabs(h[1] - r[i].h_after)));
	}
	/* single precision rounds the ends by 1e-7 |a|, not by a fraction of T */
	ok(worst < KRYLOV_ERROR + 2e-6 / fabs(T) && worst_h < 1e-5,
	    "%s: %s, T = %g, %u steps: off by %.1e T, h by %.1e", about, solver, T, steps, worst, worst_h);
	for (o.threads = 1; o.threads < 4; o.threads++)
		for (n = 1; n < ROWS; n += 3)
			for (i = 0; i + n <= ROWS; i += n) {
				apply(b, &o, i, n, again, r2);
				same &= memcmp(again, end + i * D, n * D * sizeof *end) == 0 &&
				    r2[0].h_after == r[i].h_after && r2[n - 1].length == r[i + n - 1].length;
			}
	ok(same, "%s: %s, T = %g: rows have the same bits alone and together, with 1 to 3 threads", about, solver, T);
	field_work_free(w);
}

/* Returns how many of FIELD_BATCH rows krylov_move moves. */
static size_t
count_moved(const struct field *f, double T)
{
	struct krylov *k = krylov_alloc(f, solver_find("euler"), 10, T);
	double a[FIELD_BATCH * D], start[FIELD_BATCH * D], h[2][FIELD_BATCH];
	int flag[FIELD_BATCH];
	size_t i, n = 0, wrong = 0;

	for (i = 0; i < FIELD_BATCH * D; i++)
		start[i] = a[i] = (double)act[N * D + i];
	krylov_move(k, a, FIELD_BATCH, flag, h[0], h[1]);
	for (i = 0; i < FIELD_BATCH; i++) {
		n += flag[i] != 0;
		wrong += (memcmp(a + i * D, start + i * D, D * sizeof *a) != 0) != flag[i];
	}
	krylov_free(k);
	ok(wrong == 0, "T = %.3g: the rows reported as moved have changed, and no others", T);
	return n;
}

static void
check_field(const char *about, const char *name, struct fit_options *o)
{
	struct fit_report rep;
	struct field *f = make_field(name, o, &rep);
	struct barrier b = { .field = f, .act_norm = rep.act_norm, .T_auto = NAN };
	double far = rep.act_norm * 100, near = rep.act_norm * 0.09;

	size_t n_near, n_far;

	memcpy(b.quantile, rep.quantile, sizeof b.quantile);
	/* polykernel's own eval is for other degrees */
	if (f->type == field_find("polysketch"))
		check_product(about, f);
	n_near = count_moved(f, near);
	n_far = count_moved(f, far);
	ok(krylov_fits(f, solver_find("euler"), 10) && n_near == FIELD_BATCH && n_far < FIELD_BATCH &&
	    count_moved(f, 0) == 0 && count_moved(f, -near) == FIELD_BATCH,
	    "%s: Krylov spaces move %zu of %d rows by T = %.3g, %zu by T = %.3g", about, n_near, FIELD_BATCH, near,
	    n_far, far);
	check_path(about, &b, "euler", near, 10);
	check_path(about, &b, "euler", rep.act_norm * 0.3, 77);
	check_path(about, &b, "euler", rep.act_norm * 0.8, 10);
	check_path(about, &b, "midpoint", near, 3);
	check_path(about, &b, "rk4", near, 5);
	check_path(about, &b, "euler", far, 10);
	check_path(about, &b, "euler", -near, 10);
	check_path(about, &b, "rk4", -near, 5);
	field_free(f);
}

/* Fields or rows that no Krylov space moves follow the field itself. */
static void
check_other(const char *about, const struct fit_options *o, int fits)
{
	struct fit_report rep;
	struct field *f = make_field("polysketch", o, &rep);
	struct barrier b = { .field = f, .act_norm = rep.act_norm, .T_auto = NAN };

	ok(krylov_fits(f, solver_find("euler"), 10) == fits && (!fits || count_moved(f, rep.act_norm * 0.09) == 0),
	    "%s: no Krylov space moves it", about);
	memcpy(b.quantile, rep.quantile, sizeof b.quantile);
	check_path(about, &b, "euler", rep.act_norm * 0.09, 10);
	field_free(f);
}

/* Compares the h at which a flow stops with that of the field itself. */
static void
check_until(void)
{
	struct fit_options o;
	struct fit_report rep;
	struct field *f;
	struct barrier b;
	struct flow_options fo;
	struct field_work *w;
	static float end[ROWS * D];
	struct flow_result r[ROWS];
	unsigned above = 0, stopped = 0, wrong = 0;
	double y[D], h, level, over = 0;
	size_t i, j;

	fit_options_default(&o);
	f = make_field("polysketch", &o, &rep);
	b = (struct barrier){ .field = f, .act_norm = rep.act_norm, .T_auto = NAN };
	memcpy(b.quantile, rep.quantile, sizeof b.quantile);
	level = b.quantile[50];
	w = field_work_alloc(f);
	flow_options_default(&fo);
	fo.T = (struct strength){ STRENGTH_LENGTH, rep.act_norm };
	fo.steps = 50;
	fo.until = 0.5;
	apply(&b, &fo, 0, ROWS, end, r);
	for (i = 0; i < ROWS; i++) {
		if (r[i].length == 0) {
			above++;
			wrong += r[i].h_before < level || memcmp(end + i * D, act + (N + i) * D, D * sizeof *end) != 0;
			continue;
		}
		for (j = 0; j < D; j++)
			y[j] = (double)end[i * D + j];
		field_eval(f, w, y, 1, &h, NULL);
		stopped += r[i].h_after >= level;
		wrong += r[i].h_after < level && r[i].length < 0.999 * rep.act_norm;
		over = fmax(over, fabs(h - r[i].h_after));
	}
	ok(wrong == 0 && above > 0 && stopped > 0 && over < 1e-5,
	    "until 0.5: %u rows were above the level and stayed, %u stopped; h there is off by %.1e", above, stopped,
	    over);
	field_work_free(w);
	field_free(f);
}

int
main(void)
{
	struct fit_options o;

	openblas_set_num_threads(1);	/* as the tools do */
	make_rows();
	check_matrix(0);
	check_matrix(1);
	fit_options_default(&o);
	check_field("sketch, by the form", "polysketch", &o);
	o.coef0 = 0;
	check_field("sketch without coef0", "polysketch", &o);
	fit_options_default(&o);
	o.components = 243;
	check_field("sketch of few bins, by transforms", "polysketch", &o);
	/* Q has rank 2 at most */
	o.components = 1;
	check_other("sketch of one bin", &o, 1);
	fit_options_default(&o);
	o.degree = 3;
	check_other("sketch of degree 3", &o, 0);
	o.degree = 1;
	check_other("sketch of degree 1", &o, 0);
	fit_options_default(&o);
	check_field("kernel", "polykernel", &o);
	check_until();
	o.standardise = 1;
	check_other("standardised sketch", &o, 0);
	return tap_done();
}
