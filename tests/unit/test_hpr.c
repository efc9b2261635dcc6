/*
 * Compares field hpr with golden numbers, which were checked against the authors' program, and fits it to
 * activations whose rotation is known.
 */
#include "field/hpr.c"

#include "networks.h"

enum { D = 12, N = 8 };

static json_t *golden;

static double *
numbers(const json_t *j, const char *name, size_t want)
{
	size_t n;
	double *v = golden_numbers(json_object_get(j, name), &n);

	if (n != want) {
		printf("Bail out! %s has %zu numbers\n", name, n);
		exit(1);
	}
	return v;
}

/* Returns a record with the golden networks. */
static struct record *
golden_record(void)
{
	struct record *r = need(record_alloc());
	double *w = numbers(golden, "probe_w", D), net[1000];
	size_t n = golden_layers(json_object_get(golden, "angle_net"), net);

	record_set_str(r, "field", "hpr", 3);
	record_set_nums(r, "w", w, D);
	record_set_nums(r, "net", net, n);
	free(w);
	return r;
}

static double
norm_change(const double *x, const double *y, size_t rows, size_t dim)
{
	double worst = 0;
	size_t i;

	for (i = 0; i < rows; i++)
		worst = fmax(worst,
		    fabs(cblas_dnrm2((int)dim, y + i * dim, 1) / cblas_dnrm2((int)dim, x + i * dim, 1) - 1));
	return worst;
}

/* Compares the rows X moved by T with Y. */
static void
check_moved(const struct field *f, const json_t *j, const char *name, size_t rows, double T)
{
	struct field_work *w = field_work_alloc(f);
	double *X = numbers(j, "X", rows * D), *Y = numbers(j, name, rows * D), *y = numbers(j, "X", rows * D);
	double worst, longer;

	field_apply(f, w, y, rows, T);
	worst = relative(y, Y, rows * D);
	longer = norm_change(X, y, rows, D);
	ok(worst < 1e-9 && longer < 1e-12, "%s, T = %g: %.1e, norms change by %.1e", name, T, worst, longer);
	field_work_free(w);
	free(X);
	free(Y);
	free(y);
}

static void
check_apply(void)
{
	struct record *r = golden_record();
	struct field *base = load_field(r, D);
	struct hpr *f = (struct hpr *)base;
	double *X = numbers(golden, "X", N * D), *logit = numbers(golden, "logit", N);
	double *angle = numbers(golden, "angle", N), out[N], work[2000], got[N], worst;
	size_t i;

	for (i = 0; i < N; i++)
		got[i] = dot(f->p, X + i * D, D);
	worst = relative(got, logit, N);
	ok(worst < 1e-12, "logit: %.1e", worst);
	mlp_forward(&f->net, f->p + D, X, N, out, work, 1);
	for (i = 0; i < N; i++)
		got[i] = M_PI * logistic(out[i]);
	worst = relative(got, angle, N);
	ok(worst < 1e-12 && mlp_work_size(&f->net, N) <= 2000, "angle: %.1e", worst);
	check_moved(base, golden, "steered", N, 1);
	check_moved(base, golden, "steered_alpha_half", N, 0.5);
	check_moved(base, json_object_get(golden, "edge"), "stable", 2, 1);
	field_free(base);
	record_free(r);
	free(X);
	free(logit);
	free(angle);
}

/* Along w, and at the origin, there is no plane to rotate in. */
static void
check_no_plane(void)
{
	struct record *r = golden_record();
	struct field *f = load_field(r, D);
	struct field_work *w = field_work_alloc(f);
	double *along = numbers(golden, "probe_w", D), zero[D] = { 0 }, was[D], near[D], longer;
	size_t i;
	int k;

	for (i = 0; i < D; i++)
		was[i] = along[i] *= -2.385;
	field_apply(f, w, along, 1, 1);
	field_apply(f, w, zero, 1, 1);
	ok(memcmp(along, was, sizeof was) == 0 && zero[3] == 0, "what is opposite to w, or 0, stays");
	for (k = 8; k <= 11; k++) {
		for (i = 0; i < D; i++)
			was[i] = near[i] = along[i] + pow(10, -k) * sin((double)i);
		field_apply(f, w, near, 1, 1);
		longer = norm_change(was, near, 1, D);
		ok(longer < 1e-12 && fabs(near[0] - was[0]) > 1e-3,
		    "what is 1e-%d from opposite is moved: its norm by %.1e", k, longer);
	}
	field_work_free(w);
	field_free(f);
	record_free(r);
	free(along);
}

/* Sets grad or parameters as hpr has them from the golden probe_w and angle_net. */
static void
flatten(const json_t *j, double *p)
{
	golden_flatten(json_object_get(j, "probe_w"), p);
	golden_layers(json_object_get(j, "angle_net"), p + D);
}

enum { B = 5 };

/* Returns how far grad[size] is from central differences of the loss of the rows in t, of its greatest number. */
static double
off_central(struct rotations *t, double *p, const double *grad, size_t size)
{
	double worst = 0, most = 0, here, up, down, h = 1e-5;
	size_t i;

	for (i = 0; i < size; i++) {
		here = p[i];
		p[i] = here + h;
		up = forward(t, p, 2 * B);
		p[i] = here - h;
		down = forward(t, p, 2 * B);
		p[i] = here;
		worst = fmax(worst, fabs((up - down) / (2 * h) - grad[i]));
		most = fmax(most, fabs(grad[i]));
	}
	return worst / most;
}

static void
check_training(void)
{
	const json_t *j = json_object_get(golden, "train"), *adam_w = json_object_get(j, "adamw"), *factor;
	struct record *r = golden_record();
	struct hpr *f = (struct hpr *)load_field(r, D);
	size_t size = D + f->net.size, i;
	double *pos = numbers(j, "pos", B * D), *neg = numbers(j, "neg", B * D);
	double *target = numbers(j, "angle_label", 2 * B);
	double *angle = numbers(j, "angle", 2 * B), *p = numbers(j, "p", 2 * B), prob[2 * B], sum, off, norm, worst = 0;
	double *grad = need(calloc(size, sizeof *grad)), *want = need(calloc(size, sizeof *want));
	struct adam a = { .m = need(calloc(size, sizeof(double))), .v = need(calloc(size, sizeof(double))) };
	struct rotations t = { .f = f, .threads = 1, .x = need(calloc(2 * B * D, sizeof(double))) };
	const char *step;

	t.work = need(calloc(mlp_work_size(&f->net, 2 * B), sizeof(double)));
	memcpy(t.x, pos, B * D * sizeof *pos);
	memcpy(t.x + B * D, neg, B * D * sizeof *neg);
	for (i = 0; i < 2 * B; i++) {
		t.label[i] = i < B;
		t.target[i] = angle_between(t.x + i * D, t.x + i % B * D, D);
	}
	off = relative(t.target, target, 2 * B);
	ok(off < 1e-9 && fabs(t.target[0] / 4.4721359910904126e-4 - 1) < 1e-9, "angles to the positives: %.1e", off);
	sum = forward(&t, f->p, 2 * B);
	for (i = 0; i < 2 * B; i++)
		prob[i] = logistic(t.logit[i]);
	off = fmax(relative(prob, p, 2 * B), relative(t.angle, angle, 2 * B));
	ok(off < 1e-12 && fabs(sum / golden_number(j, "loss") - 1) < 1e-12, "probabilities and angles %.1e, loss %.12g",
	    off, sum);
	backward(&t, f->p, 2 * B, grad);
	flatten(json_object_get(j, "grad"), want);
	off = relative(grad, want, size);
	ok(off < 1e-9, "gradient: %.1e", off);
	off = off_central(&t, f->p, grad, size);
	ok(off < 1e-7, "central differences of the loss: %.1e", off);
	norm = train_clip(grad, size, CLIP);
	ok(fabs(norm / golden_number(j, "grad_norm") - 1) < 1e-9, "its norm is %.12g", norm);
	off = relative(grad, want, size);
	ok(fabs(1 - off - golden_number(adam_w, "clip_factor")) < 1e-9, "it is clipped");
	adam_step(&a, f->p, grad, size, RATE, 1);
	flatten(json_object_get(adam_w, "after_one_step"), want);
	off = relative(f->p, want, size);
	ok(off < 1e-9 && fabs(RATE - golden_number(adam_w, "lr")) < 1e-15, "after a step of AdamW: %.1e", off);
	json_object_foreach((json_t *)json_object_get(json_object_get(j, "lr_schedule"), "factor"), step, factor) {
		size_t steps = (size_t)golden_number(json_object_get(j, "lr_schedule"), "total_steps");

		sum = train_linear_schedule((size_t)atoi(step), steps);
		worst = fmax(worst, fabs(sum - json_number_value(factor)));
	}
	ok(worst < 1e-15, "the schedule: %.1e", worst);
	free(t.x);
	free(t.work);
	free(a.m);
	free(a.v);
	free(grad);
	free(want);
	free(pos);
	free(neg);
	free(target);
	free(angle);
	free(p);
	field_free(&f->base);
	record_free(r);
}

/*
 * Rows in pairs: a negative is 0.4 below the hyperplane of the first coordinate and its positive 0.4 above, both
 * on one arc, so that it takes a rotation by 0.8. Norms differ.
 */
enum { W = 10, PAIRS = 300 };

static void
make_pair(size_t k, double *negative, double *positive)
{
	double length = 0, size = 1 + 0.1 * (double)(k % 7);
	size_t j;

	for (j = 1; j < W; j++) {
		positive[j] = sin(2.385 * (double)((k + 3) * j * (j + k)));
		length += positive[j] * positive[j];
	}
	for (j = 1; j < W; j++)
		negative[j] = positive[j] *= size * cos(0.4) / sqrt(length);
	positive[0] = size * sin(0.4);
	negative[0] = -positive[0];
}

/* Fits to the pairs, of which each is a group, or each row one. */
static void
check_fit(int grouped)
{
	static float act[2 * PAIRS * W];
	static int label[2 * PAIRS], group[2 * PAIRS];
	static struct fit_report rep;
	struct fit_data d = { act, label, group, 2 * PAIRS, W, grouped ? PAIRS : 2 * PAIRS, NULL };
	struct fit_options o;
	struct field *f;
	struct field_work *w;
	double negative[W], positive[W], y[W], worst = 0, longer = 0;
	size_t k, j, crossed = 0, stay = 0;

	for (k = 0; k < PAIRS; k++) {
		make_pair(k, negative, positive);
		for (j = 0; j < W; j++) {
			act[2 * k * W + j] = (float)negative[j];
			act[(2 * k + 1) * W + j] = (float)positive[j];
		}
		label[2 * k + 1] = 1;
		group[2 * k] = (int)(grouped ? k : 2 * k);
		group[2 * k + 1] = (int)(grouped ? k : 2 * k + 1);
	}
	fit_options_default(&o);
	o.epochs = 60;
	o.rate = 0.01;
	f = fit_field("hpr", &d, &o, &rep);
	w = field_work_alloc(f);
	for (k = PAIRS; k < PAIRS + 50; k++) {
		make_pair(k, negative, positive);
		memcpy(y, negative, sizeof y);
		field_apply(f, w, y, 1, 1);
		longer = fmax(longer, norm_change(negative, y, 1, W));
		crossed += y[0] > 0;
		for (j = 0; j < W; j++)
			y[j] -= positive[j];
		worst = fmax(worst, cblas_dnrm2(W, y, 1) / cblas_dnrm2(W, positive, 1));
		memcpy(y, positive, sizeof y);
		field_apply(f, w, y, 1, 1);
		stay += memcmp(y, positive, sizeof y) == 0;
	}
	ok(rep.curve.n == 60 && rep.curve.validation[rep.curve.best - 1] < rep.curve.validation[0],
	    "%s: loss %.3f in the best of 60 epochs", grouped ? "pairs" : "single rows",
	    rep.curve.validation[rep.curve.best - 1]);
	if (grouped)
		ok(crossed == 50 && stay == 50 && worst < 0.1,
		    "new negatives go where their positives are, to %.3f of the norm", worst);
	else
		ok(crossed >= 45 && stay == 50, "%zu of 50 new negatives cross the hyperplane", crossed);
	ok(longer < 1e-12, "norms change by %.1e", longer);
	field_work_free(w);
	field_free(f);
}

static void
check_pairs(void)
{
	/* groups: 0 has 2 x 1, 1 has 1 x 1, 2 has positives only, 3 has 1 x 2 and is held out */
	static const int label[] = { 1, 0, 1, 0, 1, 1, 1, 0, 0, 1 }, group[] = { 0, 0, 0, 1, 1, 2, 2, 3, 3, 3 };
	static const int held[] = { 0, 0, 0, 0, 0, 0, 0, 1, 1, 1 }, alone[] = { 0, 1, 2, 2, 4, 5, 6, 7, 8, 9 };
	static const struct pair by_group[] = { { 0, 1 }, { 2, 1 }, { 4, 3 }, { 9, 7 }, { 9, 8 } };
	static const struct pair in_order[] = { { 0, 1 }, { 2, 3 }, { 9, 7 } };
	static const struct pair first[] = { { 0, 1 }, { 4, 3 }, { 9, 7 } };
	struct fit_data d = { NULL, label, group, 10, 1, 4, NULL };
	struct pairs p;
	int rc;

	rc = pairs_make(&p, &d, held, PAIR_ALL);
	ok(rc == 0 && p.n == 5 && p.n_fit == 3 && memcmp(p.pair, by_group, sizeof by_group) == 0,
	    "each positive with each negative of its group");
	free(p.pair);
	/* nine groups, of which one has both labels */
	d.group = alone;
	d.n_group = 10;
	rc = pairs_make(&p, &d, held, PAIR_ALL);
	ok(rc == 0 && p.n == 3 && p.n_fit == 2 && memcmp(p.pair, in_order, sizeof in_order) == 0,
	    "the first with the first, if few groups have both labels");
	free(p.pair);
	d.group = group;
	d.n_group = 4;
	rc = pairs_make(&p, &d, held, PAIR_FIRST);
	ok(rc == 0 && p.n == 3 && p.n_fit == 2 && memcmp(p.pair, first, sizeof first) == 0,
	    "the first pair of each group");
	free(p.pair);
}

/*
 * Returns how many of 50 seeds hold out a tenth of 20 groups such that it has pairs and the others two. The first
 * `mixed' groups have both labels, and half of the others a positive, half a negative.
 */
static int
count_splits(int mixed, enum pairing how, struct err *e)
{
	int label[40], group[40], n = 0;
	struct fit_data d = { NULL, label, group, 20 + (size_t)mixed, 1, 20, NULL };
	struct fit_options o;
	struct pairs p;
	size_t i;

	for (i = 0; i < d.n; i++) {
		label[i] = i % 2 == 0;
		group[i] = (int)i < 2 * mixed ? (int)i / 2 : (int)i - mixed;
	}
	fit_options_default(&o);
	for (o.seed = 0; o.seed < 50; o.seed++) {
		n += pairs_split(&p, &d, &o, how, e) == 0 && p.n_fit >= 2 && p.n > p.n_fit;
		free(p.pair);
	}
	return n;
}

/* Two groups of twenty are held out, and which ones they are depends on the seed: often those without a pair. */
static void
check_splits(void)
{
	struct err e = { "" };
	int n;

	n = count_splits(10, PAIR_ALL, &e);
	ok(n == 50, "half of the groups have pairs: %d of 50 seeds hold some out%s", n, e.text);
	n = count_splits(4, PAIR_FIRST, &e);
	ok(n == 50, "a fifth: %d of 50%s", n, e.text);
	n = count_splits(3, PAIR_FIRST, &e);
	ok(n == 50, "three: %d of 50, which leave two to fit to%s", n, e.text);
	n = count_splits(2, PAIR_FIRST, &e);
	ok(n == 0 && strcmp(e.text, "no tenth of the groups can be held out: it must have one pair of a positive and a "
	    "negative, and the others two") == 0, "two: %s", e.text);
}

/* Two groups of 5000 rows each would make 11 million pairs. */
static void
check_many_pairs(void)
{
	enum { MANY = 10000 };
	static int label[MANY], group[MANY], held[MANY];
	struct fit_data d = { NULL, label, group, MANY, 1, 2, NULL };
	struct pairs p;
	size_t i;

	for (i = 0; i < MANY; i++) {
		label[i] = i % 3 == 0;
		held[i] = group[i] = i % 2;
	}
	if (ok(pairs_make(&p, &d, held, PAIR_ALL) == 0, "many pairs"))
		ok(p.n == 3334 && p.n_fit == 1667 && p.pair[0].positive == 0 && p.pair[0].negative == 2 &&
		    p.pair[1].positive == 6 && p.pair[1].negative == 4, "are in order, within each group");
	free(p.pair);
}

static void
check_refused(void)
{
	struct record *r = golden_record();
	double few[3] = { 1, 2, 3 };

	refused(r, D + 1, "field 'w' has 12 values, not 13");
	record_set_nums(r, "net", few, 3);
	refused(r, D, "field 'net' has 3 values, not 105");
	record_set_str(r, "net", "x", 1);
	refused(r, D, "field 'net' is not an array of numbers");
	record_unset(r, "w");
	refused(r, D, "field 'w' is not an array of numbers");
	record_free(r);
}

int
main(void)
{
	openblas_set_num_threads(1);
	golden = golden_load("tests/golden/hpr.json");
	check_apply();
	check_no_plane();
	check_training();
	check_pairs();
	check_splits();
	check_many_pairs();
	check_fit(1);
	check_fit(0);
	check_threads("hpr", 800);
	check_refused();
	check_size("hpr", 3440651);
	json_decref(golden);
	return tap_done();
}
