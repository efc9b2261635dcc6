/*
 * Tests solvers and flows: observed order, tolerances, lengths, stops at a level of h, maps.
 */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "fields.h"

enum { D = MADE_DIM, ROWS = 13 };

static struct field *field;
static struct barrier barrier;

static void
rows_double(double *a)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		made_row(MADE_ROWS + i, a + i * D);
}

static void
rows_float(float *act)
{
	double a[ROWS * D];
	size_t i;

	rows_double(a);
	for (i = 0; i < ROWS * D; i++)
		act[i] = (float)a[i];
}

static double
h_at(const double *y)
{
	struct field_work *w = field_work_alloc(field);
	double h;

	field_eval(field, w, y, 1, &h, NULL);
	field_work_free(w);
	return h;
}

static struct flow_options
options(const char *solver, double T, unsigned steps)
{
	struct flow_options o;

	flow_options_default(&o);
	o.solver = solver_find(solver);
	o.T = (struct strength){ STRENGTH_LENGTH, T };
	o.steps = steps;
	return o;
}

/* Moves all rows together. Sets result[ROWS]. */
static void
flow(const struct barrier *b, const struct flow_options *o, float *act, struct flow_result *result)
{
	struct err e;
	struct flow *f = flow_alloc(b, o, &e);

	if (f == NULL || flow_apply(f, act, ROWS, result, 1, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	flow_free(f);
}

/* Moves y[D] by n equal steps. */
static void
steps_of(const struct solver *s, double *y, double dt, unsigned n)
{
	struct field_work *w = field_work_alloc(field);
	double mem[5 * D];
	unsigned k;

	for (k = 0; k < n; k++)
		s->step(s, field, w, y, 1, dt, mem);
	field_work_free(w);
}

/* Moves y[D] by an adaptive solver. Returns the path. */
static struct trajectory
adapted(const struct solver *s, double *y, double T, double tolerance)
{
	struct field_work *w = field_work_alloc(field);
	struct trajectory p = { .f = field, .w = w, .y = y, .T = T, .level = INFINITY };
	void *state = s->adapt_alloc(s, D, tolerance);
	struct err e;

	if (s->adapt(state, &p, &e) != 0)
		printf("Bail out! %s: %s\n", s->name, e.text);
	s->adapt_free(state);
	field_work_free(w);
	return p;
}

/* Compares solvers with 4096 steps: equal steps by halving them, adaptive ones by their tolerance. */
static void
check_solvers(void)
{
	const struct solver *const *s;
	double start[D], exact[D], y[D], T = 2, error[2], tolerance;
	unsigned steps, i;

	made_row(MADE_ROWS + 1, start);
	memcpy(exact, start, sizeof exact);
	steps_of(solver_find("rk4"), exact, T / 4096, 4096);
	for (s = solver_table(); *s != NULL; s++) {
		if ((*s)->adapt != NULL) {
			unsigned before = 0;

			for (tolerance = 1e-4; tolerance > 1e-11; tolerance /= 1000) {
				struct trajectory p;

				memcpy(y, start, sizeof y);
				p = adapted(*s, y, T, tolerance);
				error[0] = deviation(y, exact, D);
				/* each step's error is below the tolerance */
				ok(error[0] < p.steps * tolerance && p.length == T && p.steps >= before,
				    "%s, tolerance %.0e: error %.1e in %u steps", (*s)->name, tolerance, error[0],
				    p.steps);
				before = p.steps;
			}
			continue;
		}
		for (steps = 16, i = 0; i < 2; i++, steps *= 2) {
			memcpy(y, start, sizeof y);
			steps_of(*s, y, T / steps, steps);
			cblas_daxpy(D, -1, exact, 1, y, 1);
			error[i] = cblas_dnrm2(D, y, 1);
		}
		ok(fabs(log2(error[0] / error[1]) - (*s)->order) < 0.25,
		    "%s: observed order %.2f, error %.1e", (*s)->name,
		    log2(error[0] / error[1]), error[1]);
	}
}

/* A row is moved alike alone and among others, and what the flow reports of it is true. */
static void
check_rows(const char *solver, double until)
{
	struct flow_options o = options(solver, 6, 7);
	float all[ROWS * D], one[ROWS * D], start[ROWS * D];
	struct flow_result r[ROWS], r1[ROWS];
	double y[D], worst = 0, before = 0;
	int same = 1, in_bounds = 1;
	struct err e;
	struct flow *f;
	size_t i, j;

	o.tolerance = 1e-6;
	o.until = until;
	rows_float(start);
	rows_float(all);
	rows_float(one);
	flow(&barrier, &o, all, r);
	f = flow_alloc(&barrier, &o, &e);
	for (i = 0; i < ROWS; i++)
		if (flow_apply(f, one + i * D, 1, &r1[i], 1, &e) != 0)
			printf("Bail out! %s\n", e.text);
	flow_free(f);
	for (i = 0; i < ROWS; i++) {
		same &= r[i].h_before == r1[i].h_before && r[i].h_after == r1[i].h_after &&
		    r[i].length == r1[i].length &&
		    r[i].steps == r1[i].steps;
		in_bounds &= r[i].length >= 0 && r[i].length <= 6;
		for (j = 0; j < D; j++)
			y[j] = (double)start[i * D + j];
		before = fmax(before, fabs(h_at(y) - r[i].h_before));
		for (j = 0; j < D; j++)
			y[j] = (double)all[i * D + j];
		worst = fmax(worst, fabs(h_at(y) - r[i].h_after));
	}
	ok(same && memcmp(all, one, sizeof all) == 0,
	    "%s, until %g: %d rows are one by one, bit for bit", solver, until, ROWS);
	ok(before == 0 && worst < 1e-5 && in_bounds,
	    "%s, until %g: h before and after are its: off by %.1e once rounded",
	    solver, until, worst);
	/* the path is the same if h is not asked for */
	rows_float(one);
	f = flow_alloc(&barrier, &o, &e);
	ok(flow_apply(f, one, ROWS, NULL, 0, &e) == 0 && memcmp(all, one, sizeof all) == 0,
	    "%s, until %g: the path is the same without h", solver, until);
	flow_free(f);
}

/* Returns the quantile `until' of the positives' h. */
static double
level_of(double until)
{
	double at = until * (FIT_QUANTILES - 1);
	size_t i = (size_t)fmin(at, FIT_QUANTILES - 2);

	return barrier.quantile[i] + (at - (double)i) * (barrier.quantile[i + 1] - barrier.quantile[i]);
}

/* Equal steps: a path that stops ends above the level, and 1/1000 of a step earlier it is below. */
static void
check_until(const char *solver, double until)
{
	enum { STEPS = 9 };
	const double T = 7, dt = T / STEPS, level = level_of(until);
	struct flow_options o = options(solver, T, STEPS);
	float act[ROWS * D], start[ROWS * D];
	struct flow_result r[ROWS];
	unsigned above = 0, stopped = 0, whole = 0, wrong = 0;
	double over = 0;
	size_t i, j;

	o.until = until;
	rows_float(start);
	rows_float(act);
	flow(&barrier, &o, act, r);
	for (i = 0; i < ROWS; i++) {
		double y[D], z[D];
		unsigned full = r[i].steps - (r[i].steps > 0);

		for (j = 0; j < D; j++)
			y[j] = (double)start[i * D + j];
		if (r[i].h_before >= level) {
			above++;
			wrong += r[i].length != 0 || r[i].steps != 0 || r[i].h_after != r[i].h_before ||
			    memcmp(act + i * D, start + i * D, D * sizeof *act) != 0;
			continue;
		}
		if (r[i].h_after < level) {
			whole++;
			wrong += fabs(r[i].length - T) > 1e-12 || r[i].steps != STEPS;
			full = STEPS;
		} else {
			stopped++;
			wrong += r[i].length <= full * dt || r[i].length > (full + 1) * dt * (1 + 1e-15);
			over = fmax(over, r[i].h_after - level);
		}
		steps_of(o.solver, y, dt, full);
		memcpy(z, y, sizeof z);
		if (r[i].h_after >= level) {
			steps_of(o.solver, y, r[i].length - full * dt, 1);
			steps_of(o.solver, z, r[i].length - full * dt - 1.001e-3 * dt, 1);
			wrong += h_at(z) >= level;
		}
		for (j = 0; j < D; j++)
			wrong += fabs((double)act[i * D + j] - y[j]) > 1e-6 * fmax(1, fabs(y[j]));
	}
	ok(wrong == 0 && above > 0 && stopped > 0,
	    "%s, until %g: %u rows stayed, %u stopped (h at most %.1e above), %u went the full length",
	    solver, until, above, stopped, over, whole);
}

/* Adaptive steps: T/1000 before its end, more than 1/1000 of any step, a path is below the level. */
static void
check_until_adaptive(const char *solver, double until)
{
	const double T = 7, level = level_of(until);
	struct flow_options o = options(solver, T, 1);
	float act[ROWS * D], start[ROWS * D];
	struct flow_result r[ROWS];
	unsigned above = 0, stopped = 0, whole = 0, wrong = 0;
	double over = 0;
	size_t i, j;

	o.until = until;
	o.tolerance = 1e-9;
	rows_float(start);
	rows_float(act);
	flow(&barrier, &o, act, r);
	for (i = 0; i < ROWS; i++) {
		double y[D], exact[D];

		for (j = 0; j < D; j++)
			exact[j] = y[j] = (double)start[i * D + j];
		if (r[i].h_before >= level) {
			above++;
			wrong += r[i].length != 0 || r[i].steps != 0 ||
			    memcmp(act + i * D, start + i * D, D * sizeof *act) != 0;
			continue;
		}
		steps_of(solver_find("rk4"), exact, r[i].length / 4096, 4096);
		for (j = 0; j < D; j++)
			wrong += fabs((double)act[i * D + j] - exact[j]) > 1e-6 * fmax(1, fabs(exact[j]));
		if (r[i].h_after < level) {
			whole++;
			wrong += r[i].length != T;
			continue;
		}
		stopped++;
		over = fmax(over, r[i].h_after - level);
		if (r[i].length > 1e-3 * T) {
			adapted(o.solver, y, r[i].length - 1e-3 * T, 1e-9);
			wrong += h_at(y) >= level;
		}
	}
	ok(wrong == 0 && above > 0 && stopped > 0,
	    "%s, until %g: %u rows stayed, %u stopped (h at most %.1e above), %u went the full length",
	    solver, until, above, stopped, over, whole);
}

/* Sets act[ROWS][D] to the rows, every other one negated, so that each map moves some. */
static void
rows_both_signs(float *act)
{
	size_t i;

	rows_float(act);
	for (i = 0; i < ROWS * D; i++)
		if (i / D % 2 == 1)
			act[i] = -act[i];
}

/* A flow of a map is the map, with this share of the way. */
static void
check_map(const char *name)
{
	struct fit_options fo;
	struct field *map;
	struct barrier b;
	struct flow_options o;
	struct field_work *w;
	double y[ROWS * D], start[ROWS * D];
	float act[ROWS * D];
	struct flow_result r[ROWS];
	struct err e;
	struct flow *f;
	size_t i, j;
	int share;

	fit_options_default(&fo);
	map = made_field(name, &fo, NULL);
	b = (struct barrier){ .field = map, .act_norm = 8, .T_auto = NAN };
	w = field_work_alloc(map);
	rows_both_signs(act);
	for (i = 0; i < ROWS * D; i++)
		start[i] = (double)act[i];
	for (share = 0; share < 4; share++) {
		double T = share < 3 ? 0.385 * share : map->type->T > 0 ? map->type->T : 1, worst = 0;
		unsigned moved = 0, wrong = 0;

		o = options("euler", T, 10);
		if (share == 3)
			o.T.how = STRENGTH_UNSET;
		rows_both_signs(act);
		flow(&b, &o, act, r);
		memcpy(y, start, sizeof y);
		field_apply(map, w, y, ROWS, T);
		for (i = 0; i < ROWS; i++) {
			int stays = memcmp(y + i * D, start + i * D, D * sizeof *y) == 0;

			double way = 0;

			for (j = i * D; j < (i + 1) * D; j++)
				way += (y[j] - start[j]) * (y[j] - start[j]);
			moved += !stays;
			wrong += r[i].steps != !stays || fabs(r[i].length - sqrt(way)) > 1e-6 * (1 + sqrt(way)) ||
			    (!map->type->has_h) != (isnan(r[i].h_before) != 0);
			for (j = i * D; j < (i + 1) * D; j++)
				worst = fmax(worst, fabs((double)act[j] - y[j]));
		}
		ok(wrong == 0 && worst < 1e-5 && (share == 0) == (moved == 0),
		    "%s: %s%g of the way, %u of %d rows: off by %.1e",
		    name, share == 3 ? "by default " : "", T, moved, ROWS, worst);
	}
	for (i = 0; i < 2; i++) {
		o = options("euler", i == 0 ? 1.01 * fmax(map->type->T_most, 1) : -0.01, 10);
		f = flow_alloc(&b, &o, &e);
		ok(f == NULL &&
		    strstr(e.text, "is a map, not a flow: its T is a number from 0 to 1") != NULL,
		    "%g: %s", o.T.value, e.text);
	}
	o.T = (struct strength){ STRENGTH_RELATIVE, 0.5 };
	ok(flow_alloc(&b, &o, &e) == NULL && strstr(e.text, "its T is a number from 0 to 1") != NULL,
	    "relative: %s", e.text);
	o = options("euler", 1, 10);
	o.until = 0.5;
	ok(flow_alloc(&b, &o, &e) == NULL && strstr(e.text, "is a map, not a flow: it has no path to stop on") != NULL,
	    "until: %s", e.text);
	field_work_free(w);
	field_free(map);
}

static void
check_lengths(void)
{
	static const struct {
		struct strength T;
		double length;
	} all[] = {
		{ { STRENGTH_UNSET, 0 }, 5 }, { { STRENGTH_LENGTH, 2.385 }, 2.385 },
		{ { STRENGTH_RELATIVE, 0.0385 }, 0.0385 * 8.5 },
		{ { STRENGTH_AUTO, 0 }, 1.7 }, { { STRENGTH_LENGTH, -2.385 }, -2.385 },
		{ { STRENGTH_RELATIVE, -0.0385 }, -0.0385 * 8.5 },
		/* below the curve like T^2, at its points, and a power law between them */
		{ { STRENGTH_NATS, 0 }, 0 }, { { STRENGTH_NATS, 0.005 }, 0.5 }, { { STRENGTH_NATS, 0.02 }, 1 },
		{ { STRENGTH_NATS, 0.16 }, 2 }, { { STRENGTH_NATS, 0.04 }, 1.259921049894873 },
		/* the curve falls to 0.1 at T = 3 */
		{ { STRENGTH_NATS, 0.11 }, 1.7651741676630317 }, { { STRENGTH_NATS, 1.2386 }, 8 }
	};
	static const struct {
		const char *text;
		struct strength T;
	} texts[] = {
		{ "5", { STRENGTH_LENGTH, 5 } }, { "0", { STRENGTH_LENGTH, 0 } },
		{ "2.385e1", { STRENGTH_LENGTH, 23.85 } },
		{ "0.03r", { STRENGTH_RELATIVE, 0.03 } }, { "auto", { STRENGTH_AUTO, 0 } },
		{ "0.2nat", { STRENGTH_NATS, 0.2 } }, { "0nat", { STRENGTH_NATS, 0 } },
		{ "-2.385", { STRENGTH_LENGTH, -2.385 } }, { "-0.35r", { STRENGTH_RELATIVE, -0.35 } }
	};
	static const char *const bad[] = { "", "r", "x", "5x", "5rr", "-", "-r", "-auto", "nan", "inf", "infr", "1e999",
	    "5 r", "autor", "nat", "-0.2nat", "0.2nats", "0.2 nat", "0.2rnat" };
	static const struct barrier_curve curve = { { 1, 2, 3, 4, 5, 6, 7, 8 },
	    { 0.02, 0.16, 0.1, 0.17, 0.3, 0.4, 0.5, 1.2386 } };
	struct barrier b = barrier;
	struct strength T;
	double T_of;
	struct err e;
	size_t i;

	b.act_norm = 8.5;
	b.T_auto = 1.7;
	ok(strength_length((struct strength){ STRENGTH_NATS, 0.2 }, &b, &T_of, &e) == -1 &&
	    strcmp(e.text, "-T 0.2nat: this barrier has no curve of the divergence (fitbarrier --calibrate "
	    "stores one)") == 0, "no curve: %s", e.text);
	b.curve = curve;
	ok(strength_length((struct strength){ STRENGTH_NATS, 1.24 }, &b, &T_of, &e) == -1 &&
	    strcmp(e.text, "-T 1.24nat: this barrier's curve ends at 1.23 nat, T = 8") == 0,
	    "beyond the curve: %s", e.text);
	for (i = 0; i < sizeof all / sizeof *all; i++) {
		struct flow_options o = options("euler", 0, 1);
		struct flow *f;

		o.T = all[i].T;
		f = flow_alloc(&b, &o, &e);
		ok(f != NULL && fabs(flow_length(f) - all[i].length) < 1e-15,
		    "strength %d: length %g", (int)all[i].T.how,
		    all[i].length);
		flow_free(f);
	}
	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		ok(strength_parse(&T, texts[i].text) == 0 && T.how == texts[i].T.how && T.value == texts[i].T.value,
		    "'%s'",
		    texts[i].text);
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(strength_parse(&T, bad[i]) == -1, "'%s' is no strength", bad[i]);
}

static void
check_errors(void)
{
	struct flow_options o = options("euler", 1, 1);
	struct barrier b = barrier;
	float act[ROWS * D];
	struct flow *f;
	struct err e;
	size_t i;

	o.T.how = STRENGTH_AUTO;
	b.T_auto = NAN;
	ok(flow_alloc(&b, &o, &e) == NULL &&
	    strcmp(e.text, "-T auto: this barrier has no suggested length (fitbarrier -T stores one)") == 0,
	    "%s", e.text);
	o = options("euler", 1, 1);
	o.until = 0.5;
	for (i = 0; i < FIT_QUANTILES; i++)
		b.quantile[i] = NAN;
	o.T.value = -1;
	ok(flow_alloc(&b, &o, &e) == NULL && strcmp(e.text,
	    "a negative T leads away from the positives: --until has no effect") == 0, "%s", e.text);
	o.T.value = 1;
	ok(flow_alloc(&b, &o, &e) == NULL &&
	    strcmp(e.text, "--until: this barrier stores no quantiles of h (no groups were held out of its fit)") == 0,
	    "%s", e.text);
	o = options("euler", 1e300, 1);
	rows_float(act);
	f = flow_alloc(&barrier, &o, &e);
	ok(flow_apply(f, act, ROWS, NULL, 0, &e) == -1 &&
	    strcmp(e.text, "the activation is not finite once steered") == 0 && flow_failed(f) == 0, "%s", e.text);
	flow_free(f);
	o = options("euler", 1, 1);
	rows_float(act);
	act[9 * D + 3] = INFINITY;
	f = flow_alloc(&barrier, &o, &e);
	ok(flow_apply(f, act, ROWS, NULL, 0, &e) == -1 &&
	    strcmp(e.text, "the activation is not finite once steered") == 0 && flow_failed(f) == 9,
	    "row 10: %s", e.text);
	flow_free(f);
	o = options("rkf45", 1e5, 1);
	o.tolerance = 1e-2;
	rows_float(act);
	/* T is short for these; the others reach the maximum of h, where no step is small enough */
	for (i = 0; i < 9 * D; i++)
		act[i] *= 1e9f;
	f = flow_alloc(&barrier, &o, &e);
	ok(flow_apply(f, act, ROWS, NULL, 0, &e) == -1 && flow_failed(f) == 9, "adaptive, row 10: %s", e.text);
	flow_free(f);
}

/* T and then -T lead back to the start, up to the error of the solver. */
static void
check_back(const char *solver, const struct barrier *b, double T, unsigned steps, double tolerance)
{
	struct flow_options there = options(solver, T, steps), back = options(solver, -T, steps);
	float act[ROWS * D], start[ROWS * D];
	struct flow_result r[ROWS], r2[ROWS];
	double off = 0;
	int wrong = 0;
	size_t i;

	there.tolerance = back.tolerance = 1e-9;
	rows_float(start);
	rows_float(act);
	flow(b, &back, act, r);
	for (i = 0; i < ROWS; i++)
		wrong += r[i].h_after >= r[i].h_before || r[i].length <= 0;
	flow(b, &there, act, r2);
	for (i = 0; i < ROWS; i++)
		wrong += fabs(r2[i].length - r[i].length) > 1e-9 * r[i].length;
	for (i = 0; i < ROWS * D; i++)
		off = fmax(off, (double)fabsf(act[i] - start[i]));
	ok(wrong == 0 && off < tolerance,
	    "%s, %s: T = %g and back is off by %.1e", b->field->type->name, solver, -T, off);
}

static void
check_back_vector(void)
{
	struct fit_options o;
	struct field *caa;
	struct barrier b;

	fit_options_default(&o);
	caa = made_field("caa", &o, NULL);
	b = (struct barrier){ .field = caa, .act_norm = 8.5, .T_auto = NAN };
	check_back("euler", &b, 1.385, 1, 2e-6);
	field_free(caa);
}

/* Functions of the fraction of a step, for solver_crossing. */
struct known {
	int which, calls;
	double last;
};

static double
known(void *ctx, double share)
{
	struct known *k = ctx;

	k->calls++;
	k->last = share;
	switch (k->which) {
	case 0: return share;
	case 1: return share * share * share;
	case 2: return pow(share, 0.05);
	case 3: return share < 0.7071 ? 0 : 1;
	default: return share + 0.4 * sin(9 * share);	/* goes down in between */
	}
}

static void
check_crossing(void)
{
	static const double level[] = { 0.2385, 0.2385, 0.9, 0.5, 0.6 };
	static const double first[] = { 0.2385, 0.6201, 0.1216, 0.7071, 0.1319 };
	int i;

	for (i = 0; i < 5; i++) {
		struct known k = { i, 0, 0 };
		double end = known(&k, 1), share;

		k.calls = 0;
		share = solver_crossing(known, &k, known(&(struct known){ i, 0, 0 }, 0), end, level[i]);
		ok(known(&(struct known){ i, 0, 0 }, share) >= level[i] && k.last == share &&
		    known(&(struct known){ i, 0, 0 }, share - 1e-3) < level[i] &&
		    (i == 4 || fabs(share - first[i]) < 1.1e-3),
		    "crossing %d: at %.4f of the step, in %d tries", i, share, k.calls);
	}
}

int
main(void)
{
	const struct solver *const *s;
	const struct field_type *const *t;
	struct fit_options o;
	struct fit_report rep;

	openblas_set_num_threads(1);	/* a dozen numbers are not worth waking another */
	fit_options_default(&o);
	o.gamma = 0.7;
	o.standardise = 1;
	field = made_field("polykernel", &o, &rep);
	barrier = (struct barrier){ .field = field, .act_norm = rep.act_norm, .T_auto = NAN };
	memcpy(barrier.quantile, rep.quantile, sizeof barrier.quantile);

	check_solvers();
	for (s = solver_table(); *s != NULL; s++) {
		check_rows((*s)->name, -1);
		check_rows((*s)->name, 0.385);
		if ((*s)->adapt != NULL) {
			check_until_adaptive((*s)->name, 0.385);
			continue;
		}
		check_until((*s)->name, 0.385);
		check_until((*s)->name, 0.5);
	}
	check_back("rk4", &barrier, 0.385, 50, 2e-6);
	check_back("rkf45", &barrier, 0.385, 1, 2e-6);
	check_back_vector();
	check_crossing();
	for (t = field_table(); *t != NULL; t++)
		if ((*t)->kind == FIELD_MAP)
			check_map((*t)->name);
	check_lengths();
	check_errors();
	field_free(field);
	return tap_done();
}
