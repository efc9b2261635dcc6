/* fields - shared by the tests of fields: fits to made rows, comparison with the reference's steered rows. */
#ifndef ODESTEER_TEST_FIELDS_H
#define ODESTEER_TEST_FIELDS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "field/barrier.h"
#include "field/heldout.h"
#include "flow/flow.h"
#include "golden.h"
#include "tap.h"

enum { MADE_ROWS = 60, MADE_DIM = 12 };

/* Returns the largest |a - b| / max(1, |b|). */
static inline double
deviation(const double *a, const double *b, size_t n)
{
	double worst = 0;
	size_t i;

	for (i = 0; i < n; i++)
		worst = fmax(worst, fabs(a[i] - b[i]) / fmax(1, fabs(b[i])));
	return worst;
}

/* Sets a to row i of uneven rows with unlike scales. Of the first 60, 24 are positive, apart from the others. */
static inline void
made_row(size_t i, double *a)
{
	size_t j;

	for (j = 0; j < MADE_DIM; j++) {
		double wave = sin(2.385 * (double)(i * MADE_DIM + j) + 0.3 * (double)(i * i % 17));

		a[j] = (0.4 + 0.35 * (double)j) * (wave + (i % 5 < 2 ? 0.8 * cos((double)j) : 0) + 0.5);
	}
}

static inline struct fit_data
made_data(void)
{
	static float act[MADE_ROWS * MADE_DIM], prompt[MADE_ROWS * MADE_DIM];
	static int label[MADE_ROWS], group[MADE_ROWS];
	double a[MADE_DIM];
	size_t i, j;

	for (i = 0; i < MADE_ROWS; i++) {
		made_row(i, a);
		for (j = 0; j < MADE_DIM; j++)
			act[i * MADE_DIM + j] = (float)a[j];
		made_row(2 * MADE_ROWS + i / 5, a);
		for (j = 0; j < MADE_DIM; j++)
			prompt[i * MADE_DIM + j] = (float)a[j];
		label[i] = i % 5 < 2;
		group[i] = (int)(i / 5);
	}
	return (struct fit_data){ act, label, group, MADE_ROWS, MADE_DIM, MADE_ROWS / 5, prompt };
}

/* Fits a field to the made rows; rep may be NULL. */
static inline struct field *
made_field(const char *name, const struct fit_options *o, struct fit_report *rep)
{
	static double held_out[MADE_ROWS];
	struct fit_data d = made_data();
	struct fit_report own;
	struct field *f;
	struct err e;

	rep = rep != NULL ? rep : &own;
	memset(rep, 0, sizeof *rep);
	rep->held_out = held_out;
	if ((f = field_fit(field_find(name), &d, o, rep, &e)) == NULL) {
		printf("Bail out! %s: %s\n", name, e.text);
		exit(1);
	}
	return f;
}

/* Compares X[rows][dim], moved along f in double and by flow_apply, with the reference's runs. */
static inline void
check_steered(const char *name, struct field *f, const json_t *g, const double *X, size_t rows)
{
	const json_t *runs = json_object_get(g, "steered"), *run;
	struct barrier b = { .field = f, .act_norm = 1, .T_auto = NAN };
	size_t size = rows * f->dim, i, k;
	struct err e;

	json_array_foreach(runs, k, run) {
		const char *solver = json_string_value(json_object_get(run, "solver"));
		struct flow_options o;
		double *Y = golden_numbers(json_object_get(run, "Y"), NULL), worst;
		struct field_work *w = field_work_alloc(f);
		double *y = malloc(size * sizeof *y), *mem = malloc(5 * size * sizeof *mem);
		float *act = malloc(size * sizeof *act);
		struct flow *flow;

		flow_options_default(&o);
		o.solver = solver_find(strcmp(solver, "rk4") == 0 ? "rk4-3/8" : solver);
		o.T = (struct strength){ STRENGTH_LENGTH, json_number_value(json_object_get(run, "T")) };
		o.steps = (unsigned)json_integer_value(json_object_get(run, "steps"));
		memcpy(y, X, size * sizeof *y);
		for (i = 0; i < o.steps; i++)
			o.solver->step(o.solver, f, w, y, rows, o.T.value / o.steps, mem);
		worst = deviation(y, Y, size);
		ok(worst < 1e-8, "%s: %s, T = %g, %u steps: %.1e", name, o.solver->name, o.T.value, o.steps, worst);
		/* as in the tools, the results are float */
		for (i = 0; i < size; i++)
			act[i] = (float)X[i];
		flow = flow_alloc(&b, &o, &e);
		if (ok(flow != NULL && flow_apply(flow, act, rows, NULL, 0, &e) == 0, "%s: flow_apply", name)) {
			for (i = 0; i < size; i++)
				y[i] = (double)act[i];
			worst = deviation(y, Y, size);
			ok(worst < 1e-5, "%s: the same as a flow of floats: %.1e", name, worst);
		}
		flow_free(flow);
		field_work_free(w);
		free(act);
		free(y);
		free(mem);
		free(Y);
	}
}

#endif
