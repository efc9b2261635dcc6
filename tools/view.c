/*
 * view - prints a stream as JSON Lines or sums it up, and packs JSON Lines as a
 * stream. Activations go to and come from NumPy's files; the vector of a
 * barrier goes to a control vector of llama.cpp.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/utf8.h"
#include "field/barrier.h"
#include "flow/flow.h"
#include "flow_options.h"
#include "model/cvec.h"
#include "options.h"
#include "stream/groups.h"
#include "stream/npy.h"
#include "stream/sink.h"
#include "stream/stream.h"
#include "tool.h"

static struct {
	const char *npy, *gguf, *length;
	int header, summary, pack, block;
} opt = { .block = -1, .length = "1" };

static struct tool_option options[] = {
	{ "--header", NULL, "print the header first, as a line of its own", OPTION_FLAG,
	    .to = &opt.header },
	{ "--npy", "matrix", "write the activations to this .npy file instead of the lines; with "
	    "--pack, read them from it", OPTION_FILE, .to = &opt.npy },
	{ "--summary", NULL, "print counts, dim, and the norms for each block and label",
	    OPTION_FLAG, .to = &opt.summary },
	{ "--pack", NULL, "write a stream; JSON Lines without a header become examples",
	    OPTION_FLAG, .to = &opt.pack },
	{ "-l", "block", "with --pack --npy: block of JSON Lines without a header", OPTION_INT,
	    .to = &opt.block, .min = 0, .max = 1000000 },
	{ "-o", "file", "with --pack: write to this file (default: standard output)", OPTION_FILE,
	    .to = &tool_output.path },
	{ "-z", NULL, "with --pack: compress the output with gzip", OPTION_FLAG,
	    .to = &tool_output.gzip },
	{ "--gguf", "vector", "write the vector of a barrier to this file, as a control vector of "
	    "llama.cpp", OPTION_FILE, .to = &opt.gguf },
	{ "-T", "length", "multiply the vector by this; 0.03r: by 0.03 times the mean norm of the "
	    "fit; auto: by what fitbarrier stored", OPTION_TEXT, .to = &opt.length },
	{ 0 }
};

const struct tool tool = { .name = "view", .synopsis =
	"usage: view [--header] [--npy matrix] [file ...]\n"
	"       view --summary [file ...]\n"
	"       view --pack [-z] [-l block] [--npy matrix] [-o file] [file ...]\n"
	"       view --gguf vector [-T length] [file]\n"
};

/* Ends the run if both of two options are given. */
static void
exclude(const char *a, const char *b)
{
	if (options_given(options, a) && options_given(options, b))
		tool_misuse("%s and %s exclude each other", a, b);
}

static void
parse(int argc, char *argv[])
{
	options_parse(options, argc, argv);
	if (opt.header + opt.summary + opt.pack > 1)
		tool_misuse("--header, --summary and --pack exclude each other");
	exclude("--npy", "--summary");
	if (opt.npy != NULL && strcmp(opt.npy, "-") == 0)
		tool_misuse("--npy: '-' is not a file");
	if (opt.block >= 0 && !(opt.pack && opt.npy != NULL))
		tool_misuse("-l needs --pack and --npy");
	if (!opt.pack && (tool_output.path != NULL || tool_output.gzip))
		tool_misuse("%s needs --pack", tool_output.gzip ? "-z" : "-o");
	exclude("--gguf", "--header");
	exclude("--gguf", "--summary");
	exclude("--gguf", "--pack");
	exclude("--gguf", "--npy");
	if (opt.gguf == NULL && options_given(options, "-T"))
		tool_misuse("-T needs --gguf");
	flow_options_length(opt.length);
	if (opt.gguf != NULL && argc - optind > 1)
		tool_misuse("--gguf takes one barrier");
	if (opt.pack)
		tool_refuse_terminal(tool_output.path);
	if (opt.gguf != NULL)
		tool_refuse_terminal(opt.gguf);
}

/* The records of one label at one block, for --summary. */
struct subset {
	uint64_t n;
	double sum, sum2, least, most;	/* of norms and their squares */
};

/* The subsets, in the order in which they occur: "block 13, label 1". */
struct subsets {
	struct groups *names;
	struct subset *subset;
	size_t room;
};

/* Returns the subset that r belongs to; adds it if there is none. */
static struct subset *
find_subset(struct subsets *x, const struct record *r)
{
	char name[80];
	size_t at = 0, i;
	int64_t v;
	int added, label;
	struct err e;

	if (record_get_int(r, "block", &v) == 1)
		at = (size_t)snprintf(name, sizeof name, "block %lld, ", (long long)v);
	if (record_get_bool(r, "label", &label) == 1)
		snprintf(name + at, sizeof name - at, "label %d", label);
	else if (record_get_int(r, "label", &v) == 1)
		snprintf(name + at, sizeof name - at, "label %lld", (long long)v);
	else
		strcpy(name + at, "no label");
	tool_check(added = groups_add(x->names, name, &i, &e), &e);
	x->subset = tool_need(array_grow(x->subset, i + 1, &x->room, sizeof *x->subset));
	if (added)
		x->subset[i] = (struct subset){ .least = INFINITY, .most = -INFINITY };
	return &x->subset[i];
}

static void
add_norm(struct subset *s, const float *act, size_t dim)
{
	double norm2 = 0, norm;
	size_t i;

	for (i = 0; i < dim; i++)
		norm2 += (double)act[i] * act[i];
	norm = sqrt(norm2);
	s->sum += norm;
	s->sum2 += norm2;
	s->least = fmin(s->least, norm);
	s->most = fmax(s->most, norm);
}

static void
print_subset(const char *name, const struct subset *s, int has_norms)
{
	double mean = s->sum / (double)s->n, variance = s->sum2 / (double)s->n - mean * mean;

	printf("%s: %llu records", name, (unsigned long long)s->n);
	if (has_norms)
		printf(", norm mean %.6g, sd %.6g, %.6g to %.6g", mean, sqrt(fmax(0, variance)),
		    s->least, s->most);
	putchar('\n');
}

/* Prints a text of the file, between these. */
static void
print_text(const char *before, const char *text, const char *after)
{
	char shown[256];

	utf8_show(shown, sizeof shown, text);
	printf("%s%s%s", before, shown, after);
}

static void
print_header_summary(const struct header *h, uint64_t records)
{
	size_t i;

	printf("kind    %s\n", stream_kind_name(h->kind));
	printf("records %llu\n", (unsigned long long)records);
	if (h->model != NULL) {
		print_text("model   ", h->model, " (");
		print_text("", h->digest, ")\n");
	}
	if (h->dim > 0)
		printf("dim     %zu, %s\n", h->dim, h->half ? "float16" : "float32");
	for (i = 0; i < h->n_chain; i++) {
		print_text(i == 0 ? "chain   " : "        ", header_value(h, i, "tool"), " ");
		print_text("", header_value(h, i, "version"), "\n");
	}
}

/* Prints what the stream holds once it was read: nothing of a broken one. */
static void
summarise(struct stream *in)
{
	const struct header *h = stream_header(in);
	struct record *r = tool_need(record_alloc());
	float *act = tool_need(calloc(h->dim + 1, sizeof *act));
	struct subsets all = { .names = tool_need(groups_alloc()) };
	size_t i;
	struct err e;

	while (tool_read(in, r)) {
		struct subset *s = find_subset(&all, r);

		s->n++;
		if (h->kind != STREAM_ACTIVATIONS)
			continue;
		if (record_get_act(r, h->half, act, h->dim, &e) != 0)
			tool_die_record(in, &e);
		add_norm(s, act, h->dim);
	}
	print_header_summary(h, stream_count(in));
	for (i = 0; i < groups_count(all.names); i++)
		print_subset(groups_text(all.names, i), &all.subset[i],
		    h->kind == STREAM_ACTIVATIONS);
	tool_check_stdout();
}

/* Moves the activation of r to the matrix. */
static void
move_act_to_matrix(struct npy_sink *matrix, struct stream *in, struct record *r, float *act)
{
	const struct header *h = stream_header(in);
	struct err e;

	if (record_get_act(r, h->half, act, h->dim, &e) != 0)
		tool_die_record(in, &e);
	tool_check(npy_sink_write(matrix, act, &e), &e);
	record_unset(r, "act");
}

/* Prints the records as JSON Lines; with --npy activations go to a matrix. */
static void
print_records(struct stream *in)
{
	const struct header *h = stream_header(in);
	struct record *r = tool_need(record_alloc());
	struct npy_sink *matrix = NULL;
	float *act = tool_need(calloc(h->dim + 1, sizeof *act));
	char *line;
	struct err e;
	int got;

	if (opt.npy != NULL) {
		tool_check(stream_expect(in, 1u << STREAM_ACTIVATIONS, &e), &e);
		matrix = tool_need_err(npy_sink_open(opt.npy, h->dim, h->half, &e), &e);
	}
	if (opt.header) {
		line = tool_need(header_to_json(h));
		puts(line);
		free(line);
	}
	while ((got = stream_read(in, r, &e)) == 1) {
		if (matrix != NULL)
			move_act_to_matrix(matrix, in, r, act);
		line = tool_need_err(record_to_json(r, h->half, &e), &e);
		/* a reader may wait for this line */
		if (puts(line) == EOF || !stream_pending(in))
			tool_check_stdout();
		free(line);
	}
	/* records before an error are printed before the message */
	tool_check_stdout();
	tool_check(got, &e);
	if (matrix != NULL)
		tool_check(npy_sink_close(matrix, &e), &e);
}

/* Opens the lines for --pack --npy; their header must describe the matrix. */
static struct stream *
open_lines(const struct npy *matrix, const char *const *path, size_t n)
{
	static struct header missing;	/* for lines that have none; the stream borrows it */
	const struct header *h;
	struct stream *in;
	struct err e;

	header_init(&missing, STREAM_ACTIVATIONS);
	missing.dim = matrix->dim;
	missing.half = matrix->width == 2;
	if (opt.block >= 0 && header_set_blocks(&missing, &opt.block, 1) != 0)
		tool_die("out of memory");
	in = tool_need_err(stream_open_without_act(path, n, &missing, &e), &e);
	tool_check(stream_expect(in, 1u << STREAM_ACTIVATIONS, &e), &e);
	h = stream_header(in);
	if (h->n_block == 0)
		tool_die("the lines have no header: -l must name the block");
	if (opt.block >= 0 && (h->n_block != 1 || h->block[0] != opt.block))
		tool_die("the header names other blocks than -l does: %d%s", h->block[0],
		    h->n_block > 1 ? " and more" : "");
	if (h->dim != matrix->dim)
		tool_die("'%s' is of dim %zu, but the header says %zu", opt.npy, matrix->dim,
		    h->dim);
	if (h->half != (matrix->width == 2))
		tool_die("'%s' holds numbers of type '<f%zu', but the header says %s", opt.npy,
		    matrix->width, h->half ? "float16" : "float32");
	return in;
}

/* Sets the activation of r to the next row of the matrix. */
static void
set_act_from_matrix(struct npy *matrix, struct stream *in, struct record *r, float *act)
{
	const struct header *h = stream_header(in);
	struct err e;
	int got = npy_read(matrix, act, &e);

	tool_check(got, &e);
	if (got == 0) {
		err_set(&e, "'%s' ends after row %llu", opt.npy,
		    (unsigned long long)matrix->rows);
		tool_die_record(in, &e);
	}
	if (record_set_act(r, h->half, act, h->dim, &e) != 0)
		tool_die_record(in, &e);
}

/*
 * Writes the records as a stream, with activations from the matrix if not NULL.
 */
static void
pack(struct stream *in, struct npy *matrix)
{
	struct record *r = tool_need(record_alloc());
	float *act = tool_need(calloc(stream_header(in)->dim + 1, sizeof *act));
	struct sink *out;
	struct header h;
	struct err e;
	int got = 0;

	tool_output_header(&h, in, stream_header(in)->kind, NULL);
	out = tool_open_output(&h);
	while (tool_read(in, r)) {
		if (matrix != NULL)
			set_act_from_matrix(matrix, in, r, act);
		tool_check(sink_write(out, r, &e), &e);
	}
	if (matrix != NULL)
		tool_check(got = npy_read(matrix, act, &e), &e);
	if (got == 1)
		tool_die("'%s' has %llu rows, but the records end after number %llu", opt.npy,
		    (unsigned long long)matrix->rows, (unsigned long long)stream_count(in));
	tool_check(sink_close(out, &e), &e);
}

/* Writes the barrier's vector, times the length -T, as a control vector. */
static void
write_control_vector(const char *path)
{
	struct barrier *b;
	double *v, length;
	float *scaled;
	struct err e;
	size_t i;

	tool_check(barrier_open(&b, path, NULL, &e), &e);
	v = tool_need(calloc(b->field->dim, sizeof *v));
	scaled = tool_need(calloc(b->field->dim, sizeof *scaled));
	tool_check(field_vector(b->field, v, &e), &e);
	tool_check(strength_length(flow_options_length(opt.length), b, &length, &e), &e);
	for (i = 0; i < b->field->dim; i++) {
		scaled[i] = (float)(length * v[i]);
		if (!isfinite(scaled[i]))
			tool_die("number %zu of the vector is %g, too great for float32", i + 1,
			    length * v[i]);
	}
	tool_check(cvec_write(opt.gguf, b->header.block[0], scaled, b->field->dim, b->header.model,
	    &e), &e);
	barrier_free(b);
}

int
main(int argc, char *argv[])
{
	const char *const *path;
	struct npy *matrix = NULL;
	struct stream *in;
	struct err e;
	size_t n;

	tool_start(argc, argv);
	parse(argc, argv);
	path = (const char *const *)argv + optind;
	n = (size_t)(argc - optind);
	if (opt.gguf != NULL) {
		write_control_vector(n > 0 ? *path : "-");
		return 0;
	}
	if (opt.pack && opt.npy != NULL) {
		matrix = tool_need_err(npy_open(opt.npy, 0, &e), &e);
		in = open_lines(matrix, path, n);
	} else {
		in = tool_need_err(stream_open(path, n, &e), &e);
	}
	if (opt.pack)
		pack(in, matrix);
	else if (opt.summary)
		summarise(in);
	else
		print_records(in);
	return 0;
}
