/*
 * Compares TruthFlow's network and correction with the reference, gradients with central differences, and a fit
 * with problems whose answer is known.
 */
#include "../../lib/field/truthflow.c"

#include "networks.h"

TAP_FREES_NOTHING

/* Returns the numbers under a name; they stay until the program ends. */
static double *
numbers(const json_t *g, const char *name)
{
	return golden_numbers(json_object_get(g, name), NULL);
}

/* Appends the numbers of an object's members to p; they are in the order of the network's. Returns their end. */
static double *
append(const json_t *g, double *p)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)g, name, v)
		p += golden_flatten(v, p);
	return p;
}

/* Appends running numbers in the order of the network's, for each block by name. */
static double *
append_running(const json_t *g, const json_t *blocks, double *p)
{
	size_t b;
	int i;

	for (b = 0; b < json_array_size(blocks); b++)
		for (i = 1; i <= 3; i++) {
			char name[64];

			snprintf(name, sizeof name, "%s.norm%d.mean", json_string_value(json_array_get(blocks, b)), i);
			p += golden_flatten(json_object_get(g, name), p);
			snprintf(name, sizeof name, "%s.norm%d.var", json_string_value(json_array_get(blocks, b)), i);
			p += golden_flatten(json_object_get(g, name), p);
		}
	return p;
}

/* Returns the loss of a batch in training, without a change to p. */
static double
train_loss(const struct unet *u, const double *p, const double *z, const double *t, const double *target, size_t n,
    double *y, double *dy, double *work)
{
	size_t size = u->size + u->n_running;
	double *copy = need(malloc(size * sizeof *copy)), mean;

	memcpy(copy, p, size * sizeof *copy);
	unet_train(u, copy, z, t, n, y, work, 1);
	mean = net_squared_error(y, target, n * u->dim, dy);
	free(copy);
	return mean;
}

static void
check_training(const json_t *golden, const struct unet *u, const double *p)
{
	const json_t *g = json_object_get(golden, "train");
	enum { N = 6 };
	size_t size = N * u->dim, i;
	double *x0 = numbers(g, "x0"), *x1 = numbers(g, "x1"), *t = numbers(g, "t"), *z = need(calloc(size, sizeof *z));
	double *target = need(calloc(size, sizeof *z)), *y = need(calloc(size, sizeof *y));
	double *dy = need(calloc(size, sizeof *dy)), *wanted = need(calloc(u->size, sizeof *wanted));
	double *work = need(calloc(unet_work_size(u, N), sizeof *work)), *grad = need(calloc(u->size, sizeof *grad));
	double *after = need(calloc(u->size + u->n_running, sizeof *after));
	struct adam a = { DECAY, 0, need(calloc(u->size, sizeof(double))), need(calloc(u->size, sizeof(double))) };
	double *running = need(calloc(u->n_running, sizeof *running)), mean, worst = 0, most = 0, *grad2;

	for (i = 0; i < size; i++) {
		z[i] = t[i / u->dim] * x1[i] + (1 - t[i / u->dim]) * x0[i];
		target[i] = x1[i] - x0[i];
	}
	ok(relative(z, numbers(g, "z"), size) < 1e-15, "training: points between both ends");
	unet_forward(u, p, z, t, N, y, work, 1);
	mean = net_squared_error(y, target, size, dy) / golden_number(g, "loss_eval_mode");
	ok(fabs(mean - 1) < 1e-9, "validation: the loss is off by %.1e", mean - 1);
	memcpy(after, p, (u->size + u->n_running) * sizeof *p);
	unet_train(u, after, z, t, N, y, work, 1);
	mean = net_squared_error(y, target, size, dy);
	ok(relative(y, numbers(g, "velocity"), size) < 1e-9, "training: the velocity is off by %.1e",
	    relative(y, numbers(g, "velocity"), size));
	ok(fabs(mean / json_number_value(json_object_get(g, "loss")) - 1) < 1e-9, "training: the loss is %.12g", mean);
	append_running(json_object_get(g, "running_after"), json_object_get(golden, "blocks"), running);
	ok(memcmp(after, p, u->size * sizeof *p) == 0 && relative(after + u->size, running, u->n_running) < 1e-9,
	    "training: running means and variances are off by %.1e", relative(after + u->size, running, u->n_running));
	unet_backward(u, p, dy, N, grad, work, 1);
	append(json_object_get(g, "grad"), wanted);
	ok(relative(grad, wanted, u->size) < 1e-9, "training: the gradient of %zu parameters is off by %.1e", u->size,
	    relative(grad, wanted, u->size));

	/* and it is added to what is there */
	grad2 = need(calloc(u->size, sizeof *grad2));
	memcpy(grad2, grad, u->size * sizeof *grad);
	unet_train(u, after, z, t, N, y, work, 2);
	unet_backward(u, p, dy, N, grad2, work, 2);
	for (i = 0; i < u->size; i++)
		grad2[i] -= 2 * grad[i];
	for (i = 0; i < u->size; i++)
		most = fmax(most, fabs(grad2[i]));
	ok(most < 1e-14, "a gradient is added to: %.1e", most);

	for (most = 0, i = 0; i < u->size; i++)
		most = fmax(most, fabs(grad[i]));
	memcpy(after, p, (u->size + u->n_running) * sizeof *p);
	for (i = 0; i < u->size; i += 3) {
		double up, down, h = 1e-6;

		after[i] = p[i] + h;
		up = train_loss(u, after, z, t, target, N, y, dy, work);
		after[i] = p[i] - h;
		down = train_loss(u, after, z, t, target, N, y, dy, work);
		after[i] = p[i];
		worst = fmax(worst, fabs((up - down) / (2 * h) - grad[i]) / most);
	}
	ok(worst < 1e-7, "training: the gradient is off central differences by %.1e", worst);
	memcpy(after, p, u->size * sizeof *p);
	adam_step(&a, after, grad, u->size, RATE, 1);
	append(json_object_get(json_object_get(g, "adamw"), "after_one_step"), wanted);
	worst = relative(after, wanted, u->size);
	ok(worst < 1e-9, "training: after a step of AdamW, which lets weights decay, off by %.1e", worst);
}

/* The factor of the rate after so many of the total steps. */
static void
check_schedule(const json_t *g)
{
	const char *total, *step;
	json_t *factors, *factor;
	double worst = 0;
	int n = 0;

	json_object_foreach(json_object_get(g, "factor"), total, factors)
		json_object_foreach(factors, step, factor) {
			worst = fmax(worst, fabs(schedule((size_t)atoi(step), (size_t)atoi(total)) -
			    json_number_value(factor)));
			n++;
		}
	ok(count_epochs(1) == 2000 && count_epochs(136) == 2000 && count_epochs(137) == 1000 &&
	    count_epochs(409) == 500 && count_epochs(1) <= FIT_EPOCHS, "the epochs make 2000 steps");
	ok(worst < 1e-12 && n > 15, "the rate follows the schedule in %d steps: %.1e", n, worst);
}

/* Corrections of the queries, projected on the basis of f, and activations of a sequence that is moved by the first. */
static void
check_corrections(const json_t *golden, struct truthflow *f)
{
	enum { D = 16, N = 4, POSITIONS = 3 };
	const json_t *g = json_object_get(golden, "filter");
	double *query = numbers(json_object_get(golden, "sample"), "query"), *H = numbers(g, "H");
	double moved[N * D], off;
	void *w = need(work_alloc(&f->base));
	size_t i;

	memcpy(moved, query, sizeof moved);
	apply(&f->base, w, moved, N, 1);
	for (i = 0; i < N * D; i++)
		moved[i] -= query[i];
	off = relative(moved, numbers(g, "projected"), N * D);
	ok(off < 1e-9, "projected corrections are off by %.1e", off);
	for (i = 0; i < POSITIONS * D; i++)
		H[i] += golden_number(g, "alpha") * moved[i % D];
	off = relative(H, numbers(g, "steered_for_query_0"), POSITIONS * D);
	ok(off < 1e-9 && golden_number(g, "alpha") == field_truthflow.T, "a steered sequence is off by %.1e", off);
	free(w);
}

/* The singular vectors of the reference's corrections, found over rows and over columns, and the projection. */
static void
check_projection(const json_t *golden, const struct unet *u, double *p)
{
	const json_t *g = json_object_get(golden, "filter");
	enum { D = 16, N = 10 };
	size_t k = (size_t)json_integer_value(json_object_get(g, "k")), n, i, j, l;
	struct truthflow f = { .base = { .dim = D }, .net = *u, .p = p };
	double *x = numbers(g, "corrections"), *projector = numbers(g, "projector"), worst;
	double *singular = numbers(g, "singular_values"), zeros[D] = { 0 }, padded[2 * D * D] = { 0 };
	struct err e = { "" };

	/* rows of zeros change nothing, but there are more of them than columns */
	memcpy(padded, x, N * D * sizeof *x);
	for (n = N; n <= 2 * D; n += 2 * D - N) {
		double got[D * D] = { 0 }, size[N];

		ok(set_basis(&f, padded, n, k, &e) == 0 && f.rank == k, "%zu directions of %zu differences%s", k, n,
		    e.text);
		for (l = 0; l < k; l++)
			for (i = 0; i < D; i++)
				for (j = 0; j < D; j++)
					got[i * D + j] += f.basis[l * D + i] * f.basis[l * D + j];
		worst = relative(got, projector, D * D);
		ok(worst < 1e-9, "they span the reference's space: off by %.1e", worst);
		check_corrections(golden, &f);
		free(f.basis);
		ok(set_basis(&f, padded, n, 0, &e) == 0 && f.rank == N, "all %d of them, without --rank", N);
		for (l = 0; l < N; l++)
			for (size[l] = 0, i = 0; i < N; i++)
				size[l] = hypot(size[l], dot(x + i * D, f.basis + l * D, D));
		worst = relative(size, singular, N);
		ok(worst < 1e-12, "singular values are off by %.1e", worst);
		free(f.basis);
	}
	ok(set_basis(&f, x, N, N + 1, &e) != 0, "refused: %s", e.text);
	ok(set_basis(&f, zeros, 1, 0, &e) != 0, "refused: %s", e.text);
}

static void
check_golden(void)
{
	json_t *g = golden_load("tests/golden/truthflow.json"), *forward_ = json_object_get(g, "forward");
	const json_t *sample = json_object_get(g, "sample");
	struct unet u = unet((size_t)json_integer_value(json_object_get(g, "d")),
	    (size_t)json_integer_value(json_object_get(g, "time_dim")));
	double *p = need(calloc(u.size + u.n_running, sizeof *p)), y[6 * 16], *end;
	double *t = numbers(forward_, "t"), *z = numbers(sample, "query");
	double *work = need(calloc(unet_work_size(&u, FIELD_BATCH), sizeof *work)), mid[4 * 16], v[4 * 16];
	double embedding[6 * 8];
	size_t i;

	end = append(json_object_get(g, "params"), p);
	ok((size_t)(end - p) == u.size && golden_number(g, "depth") == UNET_DEPTH,
	    "the network has %zu parameters, as the reference's", u.size);
	end = append_running(json_object_get(g, "running"), json_object_get(g, "blocks"), p + u.size);
	ok((size_t)(end - p) == u.size + u.n_running, "and %zu running numbers", u.n_running);
	unet_forward(&u, p, numbers(forward_, "X"), t, 6, y, work, 1);
	ok(relative(y, numbers(forward_, "velocity"), 6 * 16) < 1e-9, "the velocity is off by %.1e",
	    relative(y, numbers(forward_, "velocity"), 6 * 16));
	for (i = 0; i < 6; i++)
		memcpy(embedding + i * u.time, work + 6 * u.block[0].at + (i + 1) * u.block[0].in - u.time,
		    u.time * sizeof *embedding);
	ok(relative(embedding, numbers(forward_, "time_embedding"), 6 * u.time) < 1e-15,
	    "sines and cosines of the time");
	follow(&u, p, z, 4, mid, v, work);
	ok(relative(z, numbers(sample, "correction"), 4 * 16) < 1e-9, "15 midpoint steps are off by %.1e",
	    relative(z, numbers(sample, "correction"), 4 * 16));
	check_training(g, &u, p);
	check_schedule(json_object_get(g, "lr_schedule"));
	check_projection(g, &u, p);
	json_decref(g);
}

enum { MADE = 16, GROUPS = 400 };

/* Returns an uneven number of about the size 1. */
static double
uneven(size_t i, size_t j)
{
	double wave = sin(2.385 * (double)(i * 57 + j * 13) + 0.7 * (double)(i * i % 97));

	return wave + 0.4 * cos((double)(i * j % 89) * 1.7);
}

/* Sets x0[dim] to the prompt of a question, and x1[dim] to a line through it: a shift plus a multiple of x0[0]. */
static void
made_question(size_t i, size_t dim, double slope, double *x0, double *x1)
{
	size_t j;

	for (j = 0; j < dim; j++)
		x0[j] = (j == 0 ? 1.5 : 0.5) * uneven(i, j);
	for (j = 0; j < dim; j++)
		x1[j] = 0.8 * cos(2.385 * (double)j) + slope * x0[0] * sin((double)(j + 1));
}

/*
 * Returns the rows of n questions: a positive, a negative, and a second positive, which is not to be used, far from
 * the first.
 */
static struct fit_data
made_questions(size_t n, size_t dim, double slope)
{
	enum { POSITIVE, SECOND, NEGATIVE };
	static const int order[2][3] = { { POSITIVE, SECOND, NEGATIVE }, { NEGATIVE, POSITIVE, SECOND } };
	float *act = need(calloc(3 * n, dim * sizeof *act)), *prompt = need(calloc(3 * n, dim * sizeof *act));
	int *label = need(calloc(3 * n, sizeof *label)), *group = need(calloc(3 * n, sizeof *group));
	double *x0 = need(calloc(dim, sizeof *x0)), *x1 = need(calloc(dim, sizeof *x1));
	size_t i, j, k;

	for (i = 0; i < n; i++) {
		made_question(i, dim, slope, x0, x1);
		for (k = 0; k < 3; k++) {
			size_t row = 3 * i + k;
			int kind = order[i % 2][k];

			label[row] = kind != NEGATIVE;
			group[row] = (int)i;
			for (j = 0; j < dim; j++) {
				prompt[row * dim + j] = (float)x0[j];
				act[row * dim + j] = (float)(uneven(i + 1000, j) +
				    (kind == POSITIVE ? x1[j] : kind == SECOND ? 50 : 0));
			}
		}
	}
	free(x0);
	free(x1);
	return (struct fit_data){ act, label, group, 3 * n, dim, n, prompt };
}

static struct truthflow *
must_fit(const struct fit_data *d, const struct fit_options *o, struct fit_report *rep)
{
	struct field *f;
	struct err e = { "" };

	memset(rep, 0, sizeof *rep);
	rep->held_out = need(calloc(d->n, sizeof *rep->held_out));
	if ((f = field_fit(&field_truthflow, d, o, rep, &e)) == NULL) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	free(rep->held_out);
	return (struct truthflow *)f;
}

/*
 * Fits to questions whose differences are on a line, and compares corrections of other prompts with them: their mean
 * distance must be less than `share` of what the mean difference would leave, or for slope = 0 of the difference.
 */
static void
check_known(double slope, double share)
{
	struct fit_data d = made_questions(GROUPS, MADE, slope);
	struct fit_options o;
	struct fit_report rep;
	struct truthflow *f;
	struct field_work *w;
	double x0[MADE], y[MADE], x1[MADE], off = 0, plain = 0, best;
	size_t i, j;

	fit_options_default(&o);
	o.rate = 3e-3;
	o.epochs = 400;
	f = must_fit(&d, &o, &rep);
	ok(f->rank == (slope != 0 ? 2 : 1), "slope %g: differences in %zu directions", slope, f->rank);
	best = rep.curve.validation[rep.curve.best - 1];
	ok(best < rep.curve.validation[0], "slope %g: epoch %u of %u is the best, loss %.3g after %.3g", slope,
	    rep.curve.best, rep.curve.n, best, rep.curve.validation[0]);
	w = field_work_alloc(&f->base);
	for (i = 0; i < 100; i++) {
		double shift[MADE], mean[MADE] = { 0 };

		made_question(GROUPS + i, MADE, slope, x0, x1);
		memcpy(y, x0, sizeof y);
		field_apply(&f->base, w, y, 1, 1);
		for (j = 0; j < MADE; j++) {
			shift[j] = y[j] - x0[j] - x1[j];
			mean[j] = slope != 0 ? x1[j] - 0.8 * cos(2.385 * (double)j) : x1[j];
		}
		off += sqrt(dot(shift, shift, MADE)) / 100;
		plain += sqrt(dot(mean, mean, MADE)) / 100;
	}
	ok(off < share * plain, "slope %g: corrections of other prompts are off by %.3f of %.3f", slope, off, plain);
	field_work_free(w);
	field_free(&f->base);
}

/* The same bytes in one thread and in two. */
static void
check_fit_threads(void)
{
	enum { WIDE = 300, N = 300 };
	struct fit_data d = made_questions(N, WIDE, 0.4);
	struct fit_options o;
	struct fit_report rep;
	struct truthflow *f[3];
	int k;

	fit_options_default(&o);
	o.epochs = 2;
	for (k = 0; k < 3; k++) {
		openblas_set_num_threads(k + 1);
		f[k] = must_fit(&d, &o, &rep);
	}
	openblas_set_num_threads(1);
	for (k = 1; k < 3; k++)
		ok(f[0]->rank == f[k]->rank &&
		    memcmp(f[0]->basis, f[k]->basis, f[0]->rank * WIDE * sizeof(double)) == 0 &&
		    memcmp(f[0]->p, f[k]->p, (f[0]->net.size + f[0]->net.n_running) * sizeof(double)) == 0,
		    "%d threads fit the same %zu numbers as one", k + 1, f[0]->net.size + f[0]->net.n_running);
}

/* Streams that there is nothing to learn from, and barrier files that are not to be used. */
static void
check_refused(void)
{
	struct fit_data d = made_questions(GROUPS, MADE, 0.4), none = d, few = made_questions(3, MADE, 0.4);
	struct fit_options o;
	struct fit_report rep = { 0 };
	struct record *r = record_alloc();
	struct truthflow *f;
	struct err e = { "" };
	double basis[2 * MADE];
	size_t i;

	fit_options_default(&o);
	o.epochs = 1;
	none.prompt = NULL;
	few.n = 6;		/* two questions */
	few.n_group = 2;
	ok(field_fit(&field_truthflow, &none, &o, &rep, &e) == NULL, "refused: %s", e.text);
	ok(field_fit(&field_truthflow, &few, &o, &rep, &e) == NULL, "refused: %s", e.text);
	o.rank = 3;
	ok(field_fit(&field_truthflow, &d, &o, &rep, &e) == NULL, "refused: %s", e.text);
	o.rank = 1;
	f = must_fit(&d, &o, &rep);
	ok(f->rank == 1, "--rank 1");
	f->p[f->net.size + f->net.block[7].norm2.variance] = -0.385;
	ok(field_save(&f->base, r) == 0 && field_load(r, MADE, &e) == NULL, "refused: %s", e.text);
	f->p[f->net.size + f->net.block[7].norm2.variance] = 0;
	ok(field_save(&f->base, r) == 0 && field_load(r, MADE, &e) != NULL, "a variance of 0 is not");
	record_set_floats(r, "basis", f->basis, MADE);
	ok(field_load(r, MADE, &e) != NULL, "nor is a basis of float32");
	/* too long, and the same direction twice */
	for (i = 0; i < MADE; i++) {
		basis[i] = basis[MADE + i] = f->basis[i];
		f->basis[i] *= 1.000001;
	}
	ok(field_save(&f->base, r) == 0, "saved");
	refused(r, MADE, "field 'basis' is not orthonormal");
	record_set_int(r, "rank", 2);
	record_set_floats(r, "basis", basis, 2 * MADE);
	refused(r, MADE, "field 'basis' is not orthonormal");
	record_set_floats(r, "basis", basis, MADE);
	record_set_int(r, "rank", MADE + 1);
	ok(field_load(r, MADE, &e) == NULL, "refused: %s", e.text);
	record_set_int(r, "rank", 2);
	ok(field_load(r, MADE, &e) == NULL, "refused: %s", e.text);
	ok(field_load(r, (size_t)1 << 26, &e) == NULL, "refused, without the memory that dim asks for: %s", e.text);
	record_free(r);
}

/* The greatest dim that fits into a record is what the page says. */
static void
check_limit(void)
{
	struct unet fits = unet(5615, TIME), big = unet(5616, TIME);
	struct err e = { "it is accepted" };

	ok(train_check_size("truthflow", 5615, fits.size + fits.n_running + 2 * RANK * 5615, &e) == 0 &&
	    train_check_size("truthflow", 5616, big.size + big.n_running + 2 * RANK * 5616, &e) != 0, "%s", e.text);
}

int
main(void)
{
	openblas_set_num_threads(1);
	check_golden();
	check_refused();
	check_size("truthflow", 34902021);
	check_limit();
	check_fit_threads();
	check_known(0, 0.1);
	check_known(0.4, 0.3);
	return tap_done();
}
