/*
 * Tests every method, solver and metric in their tables against one contract, so that a new one is tested
 * by its line there. test_flow.c tests the order of every solver, and tests/tool/contract.t runs the
 * tools with every method and metric.
 */
#include <cblas.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fields.h"
#include "metric/metric.h"
#include "model/cvec.h"

enum { D = MADE_DIM, ROWS = 20, BLOCK = 3 };

static char vector_path[] = "/tmp/odesteer-contract.XXXXXX";

/* Sets a to rows that no field was fitted to. */
static void
made_rows(double *a)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		made_row(MADE_ROWS + i, a + i * D);
}

static int
is_same(const double *a, const double *b, size_t n)
{
	return memcmp(a, b, n * sizeof *a) == 0;
}

/*
 * Sets h and v (for a map, the mapped points) of ROWS rows: `first` of them in one call, the others one by one or
 * together.
 */
static void
values(const struct field *f, struct field_work *w, size_t first, int alone, double *h, double *v)
{
	double a[ROWS * D];
	size_t i, n;

	made_rows(a);
	for (i = 0; i < ROWS; i += n) {
		n = alone ? 1 : ROWS - i;
		if (i == 0 && first > 0)
			n = first;
		if (f->type->kind == FIELD_MAP) {
			if (f->type->has_h)
				field_eval(f, w, a + i * D, n, h + i, NULL);
			memcpy(v + i * D, a + i * D, n * D * sizeof *v);
			field_apply(f, w, v + i * D, n, 1);
		} else
			field_eval(f, w, a + i * D, n, h + i, v + i * D);
	}
}

/* Compares v with central differences of h: it is them, scaled to length one for a unit flow, or parallel. */
static void
check_gradient(const char *name, const struct field *f)
{
	struct field_work *w = field_work_alloc(f);
	double a[ROWS * D], v[D], grad[D], up, down, worst = 0;
	size_t row, i, j;

	made_rows(a);
	for (row = 0; row < 5; row++) {
		double *at = a + row * D, dot = 0, vv = 0, gg = 0, cosine;

		field_eval(f, w, at, 1, NULL, v);
		for (i = 0; i < D; i++) {
			double here = at[i];

			at[i] = here + 1e-5;
			field_eval(f, w, at, 1, &up, NULL);
			at[i] = here - 1e-5;
			field_eval(f, w, at, 1, &down, NULL);
			at[i] = here;
			grad[i] = (up - down) / 2e-5;
		}
		for (j = 0; j < D; j++) {
			dot += v[j] * grad[j];
			vv += v[j] * v[j];
			gg += grad[j] * grad[j];
		}
		cosine = dot / sqrt(vv * gg);
		if (f->type->kind == FIELD_GRADIENT_FLOW)
			gg = 1;		/* v is the gradient itself */
		if (f->type->kind == FIELD_CONSTANT_FLOW) {
			/* the slope of h along the vector may be negative */
			worst = fmax(worst, fabs(fabs(cosine) - 1));
			continue;
		}
		for (j = 0; j < D; j++)
			worst = fmax(worst, fabs(v[j] - grad[j] / sqrt(gg)));
	}
	ok(worst < 1e-6, "%s: v goes along the gradient of h by central differences: %.1e", name, worst);
	field_work_free(w);
}

/* A row gets the same bits alone and among others, with h and v or with one of them. */
static void
check_neighbours(const char *name, const struct field *f)
{
	struct field_work *w = field_work_alloc(f);
	double a[ROWS * D], h[2][ROWS] = { { 0 } }, v[2][ROWS * D];

	values(f, w, ROWS, 0, h[0], v[0]);
	values(f, w, 0, 1, h[1], v[1]);
	ok(is_same(h[0], h[1], ROWS) && is_same(v[0], v[1], ROWS * D),
	    "%s: %d rows are one by one, bit for bit", name, ROWS);
	values(f, w, 11, 0, h[1], v[1]);
	ok(is_same(h[0], h[1], ROWS) && is_same(v[0], v[1], ROWS * D), "%s: and in two parts", name);
	if (f->type->kind != FIELD_MAP) {
		made_rows(a);
		field_eval(f, w, a, ROWS, h[1], NULL);
		field_eval(f, w, a, ROWS, NULL, v[1]);
		ok(is_same(h[0], h[1], ROWS) && is_same(v[0], v[1], ROWS * D),
		    "%s: h alone and v alone are the same", name);
	}
	field_work_free(w);
}

/* Compares single precision, which flows use, with double. */
static void
check_single(const char *name, const struct field *f)
{
	struct field_work *w = field_work_alloc(f), *w2 = field_work_alloc_single(f);
	double h[2][ROWS] = { { 0 } }, v[2][ROWS * D], off;

	values(f, w, ROWS, 0, h[0], v[0]);
	values(f, w2, ROWS, 0, h[1], v[1]);
	off = fmax(deviation(h[1], h[0], ROWS), deviation(v[1], v[0], ROWS * D));
	ok(off < 1e-5, "%s: single precision is off by %.1e", name, off);
	field_work_free(w);
	field_work_free(w2);
}

/* A field read back gives the same bits; a record that lacks a number it needs is refused. */
static void
check_file(const char *name, const struct field *f)
{
	struct record *r = record_alloc(), *part = record_alloc();
	double h[2][ROWS] = { { 0 } }, v[2][ROWS * D];
	struct field_work *w = field_work_alloc(f), *w2;
	struct field *g = NULL;
	struct err e;
	size_t i;

	values(f, w, ROWS, 0, h[0], v[0]);
	field_work_free(w);
	if (!ok(field_save(f, r) == 0 && (g = field_load(r, D, &e)) != NULL, "%s: saved and loaded", name))
		exit(1);
	w = field_work_alloc(g);
	values(g, w, ROWS, 0, h[1], v[1]);
	ok(g->type == f->type && is_same(h[0], h[1], ROWS) && is_same(v[0], v[1], ROWS * D),
	    "%s: is the same, bit for bit", name);
	field_work_free(w);
	field_free(g);
	for (i = 0; i < record_size(r); i++) {
		const char *field = record_name(r, i);

		record_copy(part, r);
		record_unset(part, field);
		if ((g = field_load(part, D, &e)) == NULL) {
			ok(strstr(e.text, field) != NULL, "%s: without '%s': %s", name, field, e.text);
			continue;
		}
		/* such as a seed whose numbers are in the file */
		w2 = field_work_alloc(g);
		values(g, w2, ROWS, 0, h[1], v[1]);
		ok(is_same(h[0], h[1], ROWS) && is_same(v[0], v[1], ROWS * D), "%s: does not need '%s'", name, field);
		field_work_free(w2);
		field_free(g);
	}
	record_free(r);
	record_free(part);
}

/* Checks what the type claims: has_h, kind, one_vector. */
static void
check_claims(const char *name, const struct field *f, const struct fit_report *rep)
{
	struct field_work *w = field_work_alloc(f);
	double h[ROWS] = { 0 }, v[ROWS * D], one[D], a[ROWS * D], half[D], along = 0, whole = 0;
	struct err e;
	size_t i, row = 0, same = 0, finite = 0;

	values(f, w, ROWS, 0, h, v);
	for (i = 0; i < ROWS; i++)
		finite += isfinite(h[i]) != 0;
	ok(finite == ROWS && (!f->type->has_h || (rep->folds > 0 && isfinite(rep->auc))),
	    "%s: h is finite, and has figures on groups held out", name);
	if (f->type->kind == FIELD_MAP) {
		/* half of the way, straight on or on an arc of a circle, and none of it */
		made_rows(a);
		while (is_same(a + row * D, v + row * D, D) && row < ROWS - 1)
			row++;
		memcpy(half, a + row * D, sizeof half);
		field_apply(f, w, half, 1, 0.5);
		for (i = 0; i < D; i++) {
			double way = v[row * D + i] - a[row * D + i];

			along += (half[i] - a[row * D + i]) * way;
			whole += way * way;
		}
		memcpy(one, a + row * D, sizeof one);
		field_apply(f, w, one, 1, 0);
		ok(fabs(along / whole - 0.5) < 1e-12 && is_same(one, a + row * D, D),
		    "%s: T is the share of the way", name);
	} else {
		for (i = 0; i < ROWS; i++)
			same += is_same(v, v + i * D, D);
		ok((same == ROWS) == f->type->one_vector,
		    "%s: v is %s", name, same == ROWS ? "the same everywhere" : "not the same everywhere");
	}
	ok((field_vector(f, one, &e) == 0) == f->type->one_vector && (!f->type->one_vector || is_same(one, v, D)),
	    "%s: has %s", name, f->type->one_vector ? "one vector" : e.text);
	field_work_free(w);
}

/* Flows with every solver move a row alike alone and among others. On a map, solvers have no effect. */
static void
check_flow(const char *name, struct field *f, const struct fit_report *rep)
{
	const struct solver *const *s = solver_table();
	struct barrier b = { .field = f, .act_norm = rep->act_norm, .T_auto = NAN };
	double a[ROWS * D];

	made_rows(a);
	for (; *s != NULL; s++) {
		float all[ROWS * D], one[ROWS * D];
		struct flow_result r[ROWS];
		struct flow_options o;
		struct flow *flow;
		struct err e;
		size_t i, n = 0, moved = 0;

		for (i = 0; i < ROWS * D; i++)
			all[i] = one[i] = (float)a[i];
		flow_options_default(&o);
		o.T = (struct strength){ STRENGTH_LENGTH, 1 };
		o.solver = *s;
		if ((flow = flow_alloc(&b, &o, &e)) == NULL || flow_apply(flow, all, ROWS, r, 1, &e) != 0) {
			ok(0, "%s: flow with %s: %s", name, (*s)->name, e.text);
			continue;
		}
		for (i = 0; i < ROWS; i++) {
			n += flow_apply(flow, one + i * D, 1, NULL, 0, &e) == 0;
			moved += r[i].length > 0;
		}
		ok(n == ROWS && memcmp(all, one, sizeof all) == 0 && moved > 0,
		    "%s: flow with %s: %zu of %d rows moved, one by one as together", name,
		    (*s)->name, moved, ROWS);
		flow_free(flow);
		if (f->type->kind == FIELD_MAP)
			break;
	}
}

static void
check_field(const struct field_type *type, const struct fit_options *o)
{
	struct fit_report rep;
	struct field *f = made_field(type->name, o, &rep);
	char name[128];
	size_t n = (size_t)snprintf(name, sizeof name, "%s", type->name);

	if (type->uses & FIELD_USES_DEGREE)
		n += (size_t)snprintf(name + n, sizeof name - n, ", degree %u", o->degree);
	if (type->uses & FIELD_USES_COEF0)
		n += (size_t)snprintf(name + n, sizeof name - n, ", coef0 %g", o->coef0);
	if (o->standardise)
		snprintf(name + n, sizeof name - n, ", standardised");
	rep.act_norm = 8;
	if (type->kind != FIELD_MAP) {
		check_gradient(name, f);
		check_single(name, f);
	}
	check_neighbours(name, f);
	check_file(name, f);
	check_claims(name, f, &rep);
	check_flow(name, f, &rep);
	field_free(f);
}

/* Checks each method with the options that have an effect on it. */
static void
check_fields(void)
{
	const struct field_type *const *t;
	struct fit_options o;
	unsigned degree, coef0, standardise;

	fit_options_default(&o);
	o.gamma = 0.7;
	o.components = 50;
	o.C = 2.385;
	o.epochs = 50;
	o.rate = 0.01;
	o.vector = vector_path;
	o.block = BLOCK;
	for (t = field_table(); *t != NULL; t++)
		for (degree = 1; degree <= ((*t)->uses & FIELD_USES_DEGREE ? 3 : 1); degree++)
			for (coef0 = 0; coef0 <= (((*t)->uses & FIELD_USES_COEF0) != 0); coef0++)
				for (standardise = 0; standardise <= (((*t)->uses & FIELD_USES_STANDARDISE) != 0);
				    standardise++) {
					o.degree = degree;
					o.coef0 = 0.385 * coef0;
					o.standardise = (int)standardise;
					check_field(*t, &o);
				}
}

/* Returns whether name can be typed and about is one line. */
static int
is_named(const char *name, const char *about)
{
	const char *c;

	for (c = name; islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-' || *c == '/'; c++)
		;
	return *name != '\0' && *c == '\0' && *about != '\0' && strlen(about) < 100 && strchr(about, '\n') == NULL;
}

static void
check_names(void)
{
	const struct field_type *const *f;
	const struct solver *const *s;
	const struct metric *const *m;
	const struct column *c;

	/* found under its name, so no other one has it */
	for (f = field_table(); *f != NULL; f++)
		ok(is_named((*f)->name, (*f)->about) && field_find((*f)->name) == *f,
		    "field %s: %s", (*f)->name, (*f)->about);
	for (s = solver_table(); *s != NULL; s++)
		ok(is_named((*s)->name, (*s)->about) && solver_find((*s)->name) == *s &&
		    ((*s)->step != NULL) != ((*s)->adapt != NULL),
		    "solver %s: %s", (*s)->name, (*s)->about);
	for (m = metric_table(); *m != NULL; m++) {
		const struct metric_option *o = (*m)->options;
		size_t n;

		ok(is_named((*m)->name, (*m)->about) && metric_find((*m)->name) == *m,
		    "metric %s: %s", (*m)->name, (*m)->about);
		for (n = 0; o != NULL && o[n].name != NULL; n++)
			ok(n < METRIC_OPTIONS && strncmp(o[n].name, "--", 2) == 0 &&
			    is_named(o[n].name + 2, (*m)->about) && *o[n].about != '\0' &&
			    strstr((*m)->usage, o[n].name) != NULL, "metric %s: %s", (*m)->name, o[n].name);
		for (c = (*m)->columns; c->title != NULL; c++)
			ok(*c->title != '\0' && *c->field != '\0' &&
			    (c->other != NULL) == (c->aggregate == &aggregate_exp_ratio ||
			    c->aggregate == &aggregate_product),
			    "metric %s: column %s", (*m)->name, c->title);
	}
}

int
main(void)
{
	float v[D];
	struct err e;
	size_t i;
	int fd = mkstemp(vector_path);

	e.text[0] = '\0';
	for (i = 0; i < D; i++)
		v[i] = (float)(2.385 * sin((double)i + 0.385));
	if (fd < 0 || cvec_write(vector_path, BLOCK, v, D, NULL, &e) != 0) {
		printf("Bail out! '%s': %s\n", vector_path, e.text);
		return 1;
	}
	close(fd);
	openblas_set_num_threads(1);	/* a dozen numbers are not worth waking another */
	check_names();
	check_fields();
	unlink(vector_path);
	return tap_done();
}
