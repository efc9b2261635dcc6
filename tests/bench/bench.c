/*
 * bench - measures the library itself, and the machine, for `make bench`.
 *
 *   bench flow -b barrier [-T length] [-n steps] [-s solver] [-k rows] [-o moved.f32] acts.ods
 *       calls flow_apply on `rows` activations, from the first one that it moves on (repeating them if
 *       the file has fewer), each time from the same start; -o writes the result of one call, float32,
 *       row-major
 *   bench fit [-f field] [-C c] [-F folds] [-N rows] [-c components] [-z] acts.ods
 *       calls field_fit on the first `rows`; -C 0 chooses C, -F 0 holds nothing out, -z standardises
 *   bench rows rows dim seed
 *       writes an activations stream: three dozen directions of decreasing weight, and noise; a part of
 *       both separates positives from negatives; 4 rows in a group
 *   bench stream bytes from.ods
 *       repeats the records of from.ods, with new ids, 10 in a group, up to `bytes`
 *   bench machine
 *       measures copying from memory to memory, and matrix products in float and double
 *   bench peak figures.json command ...
 *       runs the command, and writes its seconds and peak memory to figures.json
 *
 * -j: threads (1). Every measurement is one line of JSON: the minimum and the median of the
 * seconds of as many calls as fit into -r seconds (1), but at least 3 unless these take ten times as long.
 */
#include <cblas.h>
#include <errno.h>
#include <getopt.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/runtime.h"
#include "field/barrier.h"
#include "field/heldout.h"
#include "flow/flow.h"
#include "stream/groups.h"
#include "stream/sink.h"

static struct {
	const char *barrier, *field, *out;
	struct strength T;
	const struct solver *solver;
	unsigned steps;		/* 0: the field's own */
	size_t k;		/* rows; 0: all */
	double C, seconds;
	unsigned folds;
	size_t components;
	int standardise, threads;
} opt;

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	fputs("bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void *
memory(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size);

	if (p == NULL)
		die("out of memory");
	return p;
}

/* The seconds of each call. */
enum { MOST_CALLS = 20000, LEAST_CALLS = 3 };
struct samples {
	double s[MOST_CALLS], sum;
	size_t n;
};

static int
more(const struct samples *x)
{
	return x->n == 0 || (x->n < MOST_CALLS && x->sum < opt.seconds) ||
	    (x->n < LEAST_CALLS && x->sum < 10 * opt.seconds);
}

static void
add(struct samples *x, double seconds)
{
	x->s[x->n++] = seconds;
	x->sum += seconds;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
print_samples(struct samples *x)
{
	qsort(x->s, x->n, sizeof *x->s, compare);
	printf("\"min\":%.9g,\"median\":%.9g,\"calls\":%zu,\"threads\":%d", x->s[0], x->s[x->n / 2], x->n,
	    opt.threads);
}

/* The activations of a file, with their labels and groups for a fit. */
struct rows {
	struct header header;
	float *act;
	int *label, *group;
	size_t n, room, dim;
	struct groups *names;
};

/* Reads at most so many rows; 0: all. */
static void
read_rows(struct rows *d, const char *path, size_t most)
{
	struct record *r = record_alloc();
	struct stream *in;
	struct err e;
	size_t group;
	int64_t label;
	int got;

	memset(d, 0, sizeof *d);
	if ((in = stream_open(&path, 1, &e)) == NULL || stream_expect(in, 1u << STREAM_ACTIVATIONS, &e) != 0)
		die("%s", e.text);
	d->names = groups_alloc();
	if (r == NULL || d->names == NULL || header_copy(&d->header, stream_header(in)) != 0)
		die("out of memory");
	d->dim = d->header.dim;
	while (most == 0 || d->n < most) {
		if ((got = stream_read(in, r, &e)) == 0)
			break;
		if (d->n == d->room) {
			d->room = d->room > 0 ? 2 * d->room : 1024;
			d->act = realloc(d->act, d->room * d->dim * sizeof *d->act);
			d->label = realloc(d->label, d->room * sizeof *d->label);
			d->group = realloc(d->group, d->room * sizeof *d->group);
			if (d->act == NULL || d->label == NULL || d->group == NULL)
				die("out of memory");
		}
		if (got < 0 || record_get_act(r, d->header.half, d->act + d->n * d->dim, d->dim, &e) != 0 ||
		    groups_add_record(d->names, r, &group, &e) < 0)
			die("%s", e.text);
		if (record_get_int(r, "label", &label) != 1)
			label = 0;
		d->label[d->n] = (int)label;
		d->group[d->n++] = (int)group;
	}
	if (d->n == 0)
		die("'%s' has no records", path);
	stream_close(in);
	record_free(r);
}

/* Returns the first row that a flow moves, or 0 if it moves none. */
static size_t
first_moved(struct flow *f, const struct rows *d)
{
	float *act = memory(d->dim, sizeof *act);
	struct flow_result r = { 0 };
	struct err e;
	size_t i;

	for (i = 0; i < d->n; i++) {
		memcpy(act, d->act + i * d->dim, d->dim * sizeof *act);
		if (flow_apply(f, act, 1, &r, 0, &e) != 0)
			die("%s", e.text);
		if (r.length > 0)
			break;
	}
	free(act);
	return i % d->n;
}

static void
bench_flow(const char *path)
{
	static struct samples x;
	struct flow_options o;
	struct barrier *b;
	struct rows d;
	struct flow *f;
	struct err e;
	size_t n, size, first, i;
	float *act;
	double t;

	read_rows(&d, path, 0);
	n = opt.k > 0 ? opt.k : d.n;
	size = n * d.dim;
	act = memory(size, sizeof *act);
	flow_options_default(&o);
	o.T = opt.T;
	o.steps = opt.steps;
	o.solver = opt.solver;
	/* as in integrate, each thread has its own activations */
	o.threads = (unsigned)opt.threads;
	openblas_set_num_threads(1);
	if (barrier_open(&b, opt.barrier, &d.header, &e) != 0)
		die("%s", e.text);
	if ((f = flow_alloc(b, &o, &e)) == NULL)
		die("%s", e.text);
	first = first_moved(f, &d);
	do {
		for (i = 0; i < n; i++)
			memcpy(act + i * d.dim, d.act + (first + i) % d.n * d.dim, d.dim * sizeof *act);
		t = clock_now();
		if (flow_apply(f, act, n, NULL, 0, &e) != 0)
			die("%s", e.text);
		add(&x, clock_now() - t);
	} while (more(&x));
	if (opt.out != NULL) {
		FILE *to = fopen(opt.out, "wb");

		if (to == NULL || fwrite(act, sizeof *act, size, to) != size || fclose(to) != 0)
			die("cannot write '%s': %s", opt.out, strerror(errno));
	}
	printf("{\"rows\":%zu,\"dim\":%zu,\"length\":%.9g,", n, d.dim, flow_length(f));
	print_samples(&x);
	printf("}\n");
}

static void
bench_fit(const char *path)
{
	static struct samples x;
	struct fit_options o;
	struct fit_report rep;
	struct fit_data data;
	struct field *field;
	struct rows d;
	struct err e;
	double t;

	read_rows(&d, path, opt.k);
	data = (struct fit_data){ d.act, d.label, d.group, d.n, d.dim, groups_count(d.names), NULL };
	fit_options_default(&o);
	o.C = opt.C;
	o.folds = opt.folds;
	o.standardise = opt.standardise;
	o.components = opt.components;
	do {
		memset(&rep, 0, sizeof rep);
		rep.held_out = memory(d.n, sizeof *rep.held_out);
		t = clock_now();
		if ((field = field_fit(field_find(opt.field), &data, &o, &rep, &e)) == NULL)
			die("%s", e.text);
		add(&x, clock_now() - t);
		field_free(field);
		free(rep.held_out);
	} while (more(&x));
	printf("{\"rows\":%zu,\"dim\":%zu,\"components\":%u,\"C\":%.9g,\"objective\":%.12g,", d.n, d.dim,
	    o.components, rep.C, rep.objective);
	print_samples(&x);
	printf("}\n");
}

/* gsl_randist.h includes another cblas.h, whose declarations conflict */
static double
gaussian(gsl_rng *rng)
{
	double r = sqrt(-2 * log(gsl_rng_uniform_pos(rng)));

	return r * cos(6.283185307179586 * gsl_rng_uniform(rng));
}

static void
bench_rows(size_t n, size_t dim, uint64_t seed)
{
	enum { RANK = 36 };
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	double *u = memory(RANK * dim, sizeof *u), z;
	struct record *r = record_alloc();
	float *act = memory(dim, sizeof *act);
	struct header h;
	struct sink *out;
	struct err e;
	char name[32];
	size_t i, j, k;
	int block = 13;

	if (rng == NULL || r == NULL)
		die("out of memory");
	gsl_rng_set(rng, (unsigned long)seed);
	for (i = 0; i < RANK * dim; i++)
		u[i] = gaussian(rng);
	header_init(&h, STREAM_ACTIVATIONS);
	h.dim = dim;
	if (header_set_model(&h, "made", "00000000000000aa") != 0 || header_set_blocks(&h, &block, 1) != 0)
		die("out of memory");
	if ((out = sink_open(NULL, 0, &h, &e)) == NULL)
		die("%s", e.text);
	for (i = 0; i < n; i++) {
		int label = i % 2;

		for (j = 0; j < dim; j++)
			act[j] = (float)(0.5 * u[j] + gaussian(rng));
		for (k = 0; k < RANK; k++) {
			/* positives are shifted in some directions and more spread out in others */
			z = gaussian(rng) * (label && k % 3 == 0 ? 1.3 : 1) + (label && k % 3 == 1 ? 0.4 : 0);
			z *= 4 / sqrt(1 + (double)k);
			for (j = 0; j < dim; j++)
				act[j] += (float)(z * u[k * dim + j]);
		}
		record_clear(r);
		snprintf(name, sizeof name, "r%zu", i);
		if (record_set_str(r, "id", name, strlen(name)) != 0)
			die("out of memory");
		snprintf(name, sizeof name, "g%zu", i / 4);
		if (record_set_str(r, "group", name, strlen(name)) != 0 || record_set_int(r, "label", label) != 0)
			die("out of memory");
		if (record_set_act(r, 0, act, dim, &e) != 0 || sink_write(out, r, &e) != 0)
			die("%s", e.text);
	}
	if (sink_close(out, &e) != 0)
		die("%s", e.text);
}

static void
bench_stream(double bytes, const char *path)
{
	struct record **r = NULL, *any = record_alloc();
	struct header h;
	struct stream *in;
	struct sink *out;
	struct err e;
	char name[32];
	double share, each;
	uint64_t i, n;
	size_t m = 0;
	int got;

	if ((in = stream_open(&path, 1, &e)) == NULL)
		die("%s", e.text);
	do {
		if ((r = realloc(r, (m + 1) * sizeof *r)) == NULL || (r[m] = record_alloc()) == NULL)
			die("out of memory");
		if ((got = stream_read(in, r[m], &e)) < 0)
			die("%s", e.text);
		m += (size_t)got;
	} while (got == 1 && m < 1000);
	if (m == 0 || header_copy(&h, stream_header(in)) != 0)
		die("'%s' has no records", path);
	stream_close(in);
	/* estimated from the bytes per record of the file */
	{
		FILE *f = fopen(path, "rb");

		in = stream_open(&path, 1, &e);
		if (f == NULL || any == NULL || in == NULL || fseek(f, 0, SEEK_END) != 0)
			die("cannot read '%s'", path);
		while (stream_read(in, any, &e) == 1)
			;
		share = (double)ftell(f);
		each = share / (double)stream_count(in);
		stream_close(in);
		fclose(f);
	}
	n = (uint64_t)fmax(1, bytes / each);
	if ((out = sink_open(NULL, 0, &h, &e)) == NULL)
		die("%s", e.text);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof name, "r%llu", (unsigned long long)i);
		if (record_set_str(r[i % m], "id", name, strlen(name)) != 0)
			die("out of memory");
		snprintf(name, sizeof name, "g%llu", (unsigned long long)i / 10);
		if (record_set_str(r[i % m], "group", name, strlen(name)) != 0)
			die("out of memory");
		if (sink_write(out, r[i % m], &e) != 0)
			die("%s", e.text);
	}
	if (sink_close(out, &e) != 0)
		die("%s", e.text);
}

/* The part of a copy that one thread makes. */
struct part {
	const char *from;
	char *to;
	size_t n;
};

static void *
copy_part(void *p)
{
	const struct part *x = p;

	memcpy(x->to, x->from, x->n);
	return NULL;
}

static void
machine_copy(void)
{
	enum { MOST_THREADS = 64 };
	static struct samples x;
	size_t bytes = (size_t)256 << 20, share = bytes / (size_t)opt.threads;
	pthread_t thread[MOST_THREADS];
	struct part part[MOST_THREADS];
	char *from = memory(bytes, 1), *to = memory(bytes, 1);
	double t;
	int i;

	memset(from, 1, bytes);
	memset(to, 2, bytes);
	do {
		t = clock_now();
		for (i = 0; i < opt.threads; i++) {
			part[i] = (struct part){ from + (size_t)i * share, to + (size_t)i * share, share };
			if (pthread_create(&thread[i], NULL, copy_part, &part[i]) != 0)
				die("cannot make a thread");
		}
		for (i = 0; i < opt.threads; i++)
			pthread_join(thread[i], NULL);
		add(&x, clock_now() - t);
	} while (more(&x));
	printf("{\"what\":\"copy\",");
	print_samples(&x);
	printf(",\"rate\":%.4g,\"unit\":\"GB/s read and as much written\"}\n", (double)bytes / x.s[0] / 1e9);
	free(from);
	free(to);
}

static void
machine_gemm(int single)
{
	static struct samples x;
	int n = 2048;
	size_t size = (size_t)n * (size_t)n, i;
	double *a = memory(size, sizeof *a), *b = memory(size, sizeof *b), *c = memory(size, sizeof *c), t;

	for (i = 0; i < size; i++) {
		a[i] = sin((double)i);
		((float *)b)[i] = (float)cos((double)i);
	}
	memset(&x, 0, sizeof x);
	do {
		t = clock_now();
		if (single)
			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, (float *)b, n, (float *)b, n,
			    0, (float *)c, n);
		else
			cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, a, n, 0, c, n);
		add(&x, clock_now() - t);
	} while (more(&x));
	printf("{\"what\":\"%cgemm\",", single ? 's' : 'd');
	print_samples(&x);
	printf(",\"rate\":%.4g,\"unit\":\"Gflop/s\"}\n", 2 * pow(n, 3) / x.s[0] / 1e9);
	free(a);
	free(b);
	free(c);
}

static void
bench_peak(const char *figures, char *command[])
{
	double t = clock_now(), seconds, cpu;
	struct rusage u;
	int status;
	pid_t pid = fork();
	FILE *f;

	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (pid == 0) {
		execvp(command[0], command);
		fprintf(stderr, "bench: cannot run '%s': %s\n", command[0], strerror(errno));
		_exit(127);
	}
	if (wait4(pid, &status, 0, &u) != pid)
		die("cannot wait: %s", strerror(errno));
	seconds = clock_now() - t;
	cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	if ((f = fopen(figures, "w")) == NULL)
		die("cannot write '%s': %s", figures, strerror(errno));
	fprintf(f, "{\"seconds\":%.9g,\"cpu\":%.9g,\"megabytes\":%.6g}\n", seconds, cpu,
	    (double)u.ru_maxrss / 1024);
	if (ferror(f) || fclose(f) != 0)
		die("cannot write '%s': %s", figures, strerror(errno));
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static double
number(const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end != '\0' || !isfinite(v) || v < 0)
		die("'%s' is not a number", s);
	return v;
}

int
main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";
	int c;

	if (strcmp(what, "peak") == 0 && argc > 3)
		bench_peak(argv[2], argv + 3);
	runtime_start(argv);
	gsl_set_error_handler_off();
	opt.field = "polysketch";
	opt.solver = solver_find("euler");
	opt.C = opt.seconds = opt.threads = 1;
	opt.components = 8000;
	optind = 2;
	while ((c = getopt(argc, argv, "b:c:f:j:k:n:o:r:s:C:F:N:T:z")) != -1)
		switch (c) {
		case 'b': opt.barrier = optarg; break;
		case 'c': opt.components = (size_t)number(optarg); break;
		case 'f': opt.field = optarg; break;
		case 'j': opt.threads = (int)fmin(fmax(number(optarg), 1), 64); break;
		case 'k': case 'N': opt.k = (size_t)number(optarg); break;
		case 'n': opt.steps = (unsigned)number(optarg); break;
		case 'o': opt.out = optarg; break;
		case 'r': opt.seconds = number(optarg); break;
		case 's': opt.solver = solver_find(optarg); break;
		case 'C': opt.C = number(optarg); break;
		case 'F': opt.folds = (unsigned)number(optarg); break;
		case 'T':
			if (strength_parse(&opt.T, optarg) != 0)
				die("'%s' is not a length", optarg);
			break;
		case 'z': opt.standardise = 1; break;
		default: return 2;
		}
	argc -= optind;
	argv += optind;
	openblas_set_num_threads(opt.threads);
	if (opt.solver == NULL || field_find(opt.field) == NULL)
		die("no such solver or field");
	if (strcmp(what, "flow") == 0 && argc == 1 && opt.barrier != NULL)
		bench_flow(argv[0]);
	else if (strcmp(what, "fit") == 0 && argc == 1)
		bench_fit(argv[0]);
	else if (strcmp(what, "rows") == 0 && argc == 3)
		bench_rows((size_t)number(argv[0]), (size_t)number(argv[1]), (uint64_t)number(argv[2]));
	else if (strcmp(what, "stream") == 0 && argc == 2)
		bench_stream(number(argv[0]), argv[1]);
	else if (strcmp(what, "machine") == 0 && argc == 0) {
		machine_copy();
		machine_gemm(1);
		machine_gemm(0);
	} else
		die("see the head of tests/bench/bench.c");
	return 0;
}
