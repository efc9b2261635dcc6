/*
 * Compares field recontrol with golden numbers, which were checked against the authors' program, and fits it to
 * two normal distributions.
 */
#include "field/recontrol.c"

#include "networks.h"

enum { D = 8, HIDDEN = 12, N = 5 };

static json_t *golden;

/* Returns a field with the golden network of that many layers, wider than those that are fitted. */
static struct field *
golden_field(unsigned layers)
{
	const json_t *j = json_object_get(golden, layers == 3 ? "three_layer" : "two_layer");
	size_t widths[] = { D, HIDDEN, layers == 3 ? HIDDEN : 1, 1 };
	struct err e;
	struct field *base = need(field_alloc(&field_recontrol, D, &e));
	struct recontrol *f = (struct recontrol *)base;

	f->net = mlp(widths, layers, MLP_RELU);
	f->p = need(calloc(f->net.size, sizeof *f->p));
	base->speed = 2.385;
	ok(golden_layers(json_object_get(j, "net"), f->p) == f->net.size, "%u layers", layers);
	return base;
}

static void
check_network(unsigned layers)
{
	const json_t *j = json_object_get(golden, layers == 3 ? "three_layer" : "two_layer"), *run;
	struct field *f = golden_field(layers);
	struct field_work *w = field_work_alloc(f);
	double *X = golden_numbers(json_object_get(golden, "X"), NULL);
	double *V = golden_numbers(json_object_get(j, "V"), NULL);
	double *grad = golden_numbers(json_object_get(j, "grad"), NULL), h[N], v[N * D], y[N * D], mem[5 * N * D], off;
	const struct solver *euler = solver_find("euler");
	size_t i, k;

	field_eval(f, w, X, N, h, v);
	off = fmax(relative(h, V, N), relative(v, grad, N * D));
	ok(off < 1e-12 && field_speed(f) == 2.385, "%u layers: V and its gradient: %.1e", layers, off);
	json_array_foreach(json_object_get(j, "ascent"), k, run) {
		double rate = golden_number(run, "lr"), steps = golden_number(run, "steps");
		double *Y = golden_numbers(json_object_get(run, "Y"), NULL);
		double *at = golden_numbers(json_object_get(run, "V"), NULL);

		memcpy(y, X, sizeof y);
		for (i = 0; i < (size_t)steps; i++)
			euler->step(euler, f, w, y, N, rate, mem);
		field_eval(f, w, y, N, h, NULL);
		off = fmax(relative(y, Y, N * D), relative(h, at, N));
		ok(off < 1e-9, "ascent: %g steps of %g: %.1e", steps, rate, off);
		free(Y);
		free(at);
	}
	field_work_free(w);
	field_free(f);
	free(X);
	free(V);
	free(grad);
}

/* The steps of -n are those of the ascent: T is the learning rate times their number. */
static void
check_flow(void)
{
	const json_t *run = json_array_get(json_object_get(json_object_get(golden, "three_layer"), "ascent"), 4);
	struct barrier b = { .field = golden_field(3), .act_norm = 1, .T_auto = NAN };
	double *X = golden_numbers(json_object_get(golden, "X"), NULL);
	double *Y = golden_numbers(json_object_get(run, "Y"), NULL);
	double y[N * D], off, length = 0;
	float act[N * D];
	struct flow_result result[N];
	struct flow_options o;
	struct flow *flow;
	struct err e;
	size_t i;

	flow_options_default(&o);
	o.steps = 30;
	flow = need(flow_alloc(&b, &o, &e));
	for (i = 0; i < N * D; i++)
		act[i] = (float)X[i];
	ok(flow_length(flow) == 30 && golden_number(run, "lr") == 1 && golden_number(run, "steps") == 30,
	    "T is 30 unless it is given");
	if (ok(flow_apply(flow, act, N, result, 0, &e) == 0, "a flow")) {
		for (i = 0; i < N * D; i++)
			y[i] = (double)act[i];
		off = relative(y, Y, N * D);
		ok(off < 1e-5, "with 30 steps it is the source's ascent: %.1e", off);
		for (i = 0; i < D; i++)
			length += pow(Y[i] - X[i], 2);
		ok(fabs(result[0].length / sqrt(length) - 1) < 1e-5, "its length is the way moved: %g",
		    result[0].length);
	}
	flow_free(flow);
	/* 0.2r is a distance: at the mean speed of 2.385 it takes the time 0.2 / 2.385 */
	o.T = (struct strength){ STRENGTH_RELATIVE, 0.2 };
	flow = need(flow_alloc(&b, &o, &e));
	ok(fabs(flow_length(flow) - 0.2 / 2.385) < 1e-12, "0.2r is divided by the speed: %g", flow_length(flow));
	flow_free(flow);
	field_free(b.field);
	free(X);
	free(Y);
}

static void
check_training(void)
{
	const json_t *j = json_object_get(golden, "train_single_token");
	size_t rows, n;
	double *X = golden_numbers(json_object_get(j, "X"), &rows), *V = golden_numbers(json_object_get(j, "V"), &n);
	double *reward = golden_numbers(json_object_get(j, "reward"), NULL), want[1000], grad[1000] = { 0 }, sum, off;
	struct recontrol *f = (struct recontrol *)golden_field(3);
	struct values t = { .net = &f->net, .threads = 1, .x = X, .work = need(calloc(mlp_work_size(&f->net, n),
	    sizeof(double))) };

	memcpy(t.target, reward, n * sizeof *reward);
	sum = forward(&t, f->p, n);
	off = relative(t.y, V, n);
	ok(rows == n * D && off < 1e-12 && fabs(sum / golden_number(j, "loss") - 1) < 1e-12,
	    "loss %.12g, V off by %.1e", sum, off);
	mlp_backward(t.net, f->p, t.x, t.dy, n, grad, NULL, t.work, 1);
	rows = golden_layers(json_object_get(j, "grad"), want);
	off = relative(grad, want, rows);
	ok(rows == f->net.size && off < 1e-9, "gradient of %zu parameters: %.1e", rows, off);
	free(t.work);
	free(X);
	free(V);
	free(reward);
	field_free(&f->base);
}

/* Two normal distributions, 3 apart along one direction, with deviations of 1. */
enum { W = 12, ROWS = 600 };

static double
normal(gsl_rng *rng)
{
	double u = gsl_rng_uniform_pos(rng), v = gsl_rng_uniform(rng);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static void
made(gsl_rng *rng, int positive, double *a)
{
	size_t j;

	for (j = 0; j < W; j++)
		a[j] = normal(rng) + (positive ? 1.5 : -1.5) * sin((double)j + 0.5) / sqrt(W / 2.);
}

static void
check_fit(unsigned layers)
{
	static float act[ROWS * W];
	static int label[ROWS], group[ROWS];
	static struct fit_report rep;
	struct fit_data d = { act, label, group, ROWS, W, ROWS / 2, NULL };
	struct fit_options o;
	struct field *f;
	struct field_work *w;
	struct recontrol *value;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	double a[W], v[W], up[W], h, mean[2] = { 0, 0 }, along = 0, length = 0, speed = 0, gain = 0;
	const struct solver *euler = solver_find("euler");
	double mem[5 * W];
	size_t i, j;

	for (i = 0; i < ROWS; i++) {
		label[i] = i % 2;
		group[i] = (int)(i / 2);
		made(rng, label[i], a);
		for (j = 0; j < W; j++)
			act[i * W + j] = (float)a[j];
	}
	fit_options_default(&o);
	o.rate = 2e-3;
	o.layers = layers;
	f = fit_field("recontrol", &d, &o, &rep);
	value = (struct recontrol *)f;
	w = field_work_alloc(f);
	for (i = 0; i < ROWS; i++) {
		for (j = 0; j < W; j++)
			a[j] = (double)act[i * W + j];
		field_eval(f, w, a, 1, NULL, v);
		speed += cblas_dnrm2(W, v, 1) / ROWS;
	}
	ok(fabs(speed / field_speed(f) - 1) < 1e-9, "the speed is the mean length of the gradient: %g", speed);
	for (i = 0; i < 200; i++) {
		made(rng, (int)(i % 2), a);
		field_eval(f, w, a, 1, &h, v);
		mean[i % 2] += h / 100;
		for (j = 0; j < W; j++) {
			along += v[j] * sin((double)j + 0.5) / sqrt(W / 2.);
			length += v[j] * v[j];
		}
		memcpy(up, a, sizeof up);
		euler->step(euler, f, w, up, 1, 0.1, mem);
		gain -= h;
		field_eval(f, w, up, 1, &h, NULL);
		gain += h;
	}
	ok(mean[1] > 0.8 && mean[0] < 0.2, "%u layers: V of new rows is %.3f of positives, %.3f of negatives", layers,
	    mean[1], mean[0]);
	ok(along / sqrt(200 * length) > 0.3 && gain > 0, "V rises along the difference: cosine %.2f",
	    along / sqrt(200 * length));
	ok(value->net.n == layers && value->net.layer[0].out == W, "%u layers as wide as the activations", layers);
	ok(rep.curve.n - rep.curve.best == PATIENCE || rep.curve.n == EPOCHS, "epoch %u of %u is the best",
	    rep.curve.best, rep.curve.n);
	field_work_free(w);
	field_free(f);
	gsl_rng_free(rng);
}

/* A rate that is far too high, and groups of one label each. */
static void
check_failures(void)
{
	static float act[40 * W];
	static int label[40], group[40];
	static struct fit_report rep;
	struct fit_data d = { act, label, group, 40, W, 20, NULL };
	struct fit_options o;
	struct err e = { "" };
	struct field *f;
	size_t i;

	for (i = 0; i < 40; i++) {
		label[i] = i % 2;
		group[i] = (int)(i / 2);
		act[i * W] = (float)sin(2.385 * (double)i);
	}
	fit_options_default(&o);
	o.rate = 1e6;
	f = field_fit(field_find("recontrol"), &d, &o, &rep, &e);
	ok(f == NULL && strncmp(e.text, "the fit diverged: the loss on held-out groups was ", 50) == 0, "%s", e.text);
	field_free(f);
	d.n_group = 2;
	for (i = 0; i < 40; i++)
		group[i] = label[i];
	f = field_fit(field_find("recontrol"), &d, &o, &rep, &e);
	ok(f == NULL && strcmp(e.text,
	    "no tenth of the groups can be held out: both it and the others must have both labels") == 0, "%s", e.text);
	field_free(f);
}

static void
check_refused(void)
{
	struct record *r = need(record_alloc());
	double net[153] = { 0 };

	record_set_str(r, "field", "recontrol", 9);
	record_set_int(r, "layers", 3);
	record_set_num(r, "speed", 2.385);
	record_set_nums(r, "net", net, 153);
	field_free(load_field(r, D));
	refused(r, D + 1, "field 'net' has 153 values, not 190");
	record_set_int(r, "layers", 2);
	refused(r, D, "field 'net' has 153 values, not 81");
	record_set_str(r, "net", "x", 1);
	refused(r, D, "field 'net' is not an array of numbers");
	record_set_num(r, "speed", 0);
	refused(r, D, "field 'speed' is not a positive number");
	record_set_int(r, "layers", 4);
	refused(r, D, "field 'layers' is not an integer from 2 to 3");
	record_free(r);
}

int
main(void)
{
	openblas_set_num_threads(1);
	golden = golden_load("tests/golden/recontrol.json");
	check_network(3);
	check_network(2);
	check_flow();
	check_training();
	check_fit(3);
	check_fit(2);
	check_threads("recontrol", 440);
	check_failures();
	check_refused();
	check_size("recontrol", 10485776);
	json_decref(golden);
	return tap_done();
}
