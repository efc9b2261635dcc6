/*
 * view - any stream as JSON Lines, or what it holds in a few lines; and JSON Lines as a stream.
 * Activations go to and come from NumPy's files beside the lines, where asked to; the vector of a
 * barrier that has one becomes a control vector of llama.cpp.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "field/barrier.h"
#include "flow/flow.h"
#include "flow_options.h"
#include "model/cvec.h"
#include "number.h"
#include "stream/npy.h"
#include "stream/sink.h"
#include "stream/stream.h"
#include "tool.h"

static struct {
	const char *out, *npy, *gguf;
	struct strength T;
	int header, summary, pack, gzip, block;
} opt = { .block = -1 };

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: view [--header] [--npy matrix] [--summary] [file ...]\n"
	    "       view --pack [-z] [-l block] [--npy matrix] [-o file] [file ...]\n"
	    "       view --gguf vector [-T length] [file]\n"
	    "  --header      the header comes first, as a line of its own\n"
	    "  --npy matrix  this .npy file gets the activations, and the lines lack them;\n"
	    "                with --pack, the lines lack them and get its rows\n"
	    "  --summary     only counts, dim, norms and what each label has\n"
	    "  --pack        write a stream; JSON Lines with no header become examples\n"
	    "  -l block      with --pack --npy: of JSON Lines with no header\n"
	    "  -o file       (default: standard output)    -z  gzip\n"
	    "  --gguf vector this file gets the vector of a barrier, as llama.cpp's control vector\n"
	    "  -T length     the vector times this; 0.03r: times 0.03 and the mean norm of the fit;\n"
	    "                auto: times what fitbarrier -T stored (default: 1)\n");
}

static const struct tool tool = { "view", usage };

static void
parse(int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "header", no_argument, NULL, 1 }, { "summary", no_argument, NULL, 2 },
		{ "pack", no_argument, NULL, 3 }, { "npy", required_argument, NULL, 4 },
		{ "gguf", required_argument, NULL, 5 }, { NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = tool_option(argc, argv, "l:o:T:z", longs)) != -1)
		switch (c) {
		case 'l': opt.block = (int)number_long("-l", optarg, 0, 1000000); break;
		case 'o': opt.out = optarg; break;
		case 'T':
			opt.T = flow_options_length(optarg);
			break;
		case 'z': opt.gzip = 1; break;
		case 1: opt.header = 1; break;
		case 2: opt.summary = 1; break;
		case 3: opt.pack = 1; break;
		case 4: opt.npy = optarg; break;
		case 5: opt.gguf = optarg; break;
		}
	if (opt.header + opt.summary + opt.pack > 1)
		tool_misuse("--header, --summary and --pack exclude each other");
	if (opt.npy != NULL && opt.summary)
		tool_misuse("--npy and --summary exclude each other");
	if (opt.npy != NULL && strcmp(opt.npy, "-") == 0)
		tool_misuse("--npy: '-' is not a file");
	if (opt.block >= 0 && !(opt.pack && opt.npy != NULL))
		tool_misuse("-l needs --pack and --npy");
	if (!opt.pack && (opt.out != NULL || opt.gzip))
		tool_misuse("%s needs --pack", opt.gzip ? "-z" : "-o");
	if (opt.gguf != NULL && (opt.header || opt.summary || opt.pack || opt.npy != NULL))
		tool_misuse("--gguf and %s exclude each other", opt.header ? "--header" :
		    opt.summary ? "--summary" : opt.pack ? "--pack" : "--npy");
	if (opt.gguf == NULL && opt.T.how != STRENGTH_UNSET)
		tool_misuse("-T needs --gguf");
	if (opt.gguf != NULL && argc - optind > 1)
		tool_misuse("--gguf takes one barrier");
	if (opt.pack)
		tool_refuse_terminal(opt.out);
}

static void
check_output(void)
{
	if (ferror(stdout) || fflush(stdout) != 0)
		tool_die("cannot write 'standard output': %s", strerror(errno));
}

/* What --summary keeps of a label at a block. */
struct summary {
	int64_t label, block;
	int has_label, has_block;
	uint64_t n;
	double norm, norm2, least, most;
};

static struct summary *
find_tally(struct summary **t, size_t *n, const struct record *r)
{
	struct summary k = { .least = INFINITY, .most = -INFINITY };
	size_t i;

	k.has_label = record_get_int(r, "label", &k.label) == 1;
	k.has_block = record_get_int(r, "block", &k.block) == 1;
	for (i = 0; i < *n; i++)
		if ((*t)[i].has_label == k.has_label && (*t)[i].label == k.label &&
		    (*t)[i].has_block == k.has_block && (*t)[i].block == k.block)
			return &(*t)[i];
	if ((*t = realloc(*t, (*n + 1) * sizeof k)) == NULL)
		tool_die("out of memory");
	(*t)[*n] = k;
	return &(*t)[(*n)++];
}

static void
add(struct summary *t, const float *act, size_t dim)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < dim; i++)
		sum += (double)act[i] * act[i];
	t->norm += sqrt(sum);
	t->norm2 += sum;
	t->least = fmin(t->least, sqrt(sum));
	t->most = fmax(t->most, sqrt(sum));
}

static void
print_summary(const struct header *h, const struct summary *t, size_t n, uint64_t records)
{
	size_t i;

	printf("kind    %s\nrecords %llu\n", stream_kind_name(h->kind), (unsigned long long)records);
	if (h->model != NULL)
		printf("model   %s (%s)\n", h->model, h->digest);
	if (h->dim > 0)
		printf("dim     %zu, %s\n", h->dim, h->half ? "float16" : "float32");
	for (i = 0; i < h->n_chain; i++)
		printf("%s %s %s\n", i == 0 ? "chain  " : "       ", header_value(h, i, "tool"), header_value(h, i, "version"));
	for (i = 0; i < n; i++) {
		if (t[i].has_block)
			printf("block %lld, ", (long long)t[i].block);
		if (t[i].has_label)
			printf("label %lld", (long long)t[i].label);
		else
			printf("no label");
		printf(": %llu records", (unsigned long long)t[i].n);
		if (h->kind == STREAM_ACTIVATIONS) {
			double mean = t[i].norm / (double)t[i].n;

			printf(", norm mean %.6g, sd %.6g, %.6g to %.6g", mean,
			    sqrt(fmax(0, t[i].norm2 / (double)t[i].n - mean * mean)), t[i].least, t[i].most);
		}
		putchar('\n');
	}
}

static void
summarise(struct stream *in)
{
	const struct header *h = stream_header(in);
	struct record *r = record_alloc();
	float *act = calloc(h->dim + 1, sizeof *act);
	struct summary *t = NULL;
	size_t n = 0;
	struct err e;
	int got;

	if (r == NULL || act == NULL)
		tool_die("out of memory");
	while ((got = stream_read(in, r, &e)) == 1) {
		struct summary *k = find_tally(&t, &n, r);

		k->n++;
		if (h->kind != STREAM_ACTIVATIONS)
			continue;
		if (record_get_act(r, h->half, act, h->dim, &e) != 0)
			tool_die_record(in, &e);
		add(k, act, h->dim);
	}
	if (got < 0)
		tool_die_err(&e);
	/* nothing is said of a stream that turned out broken */
	print_summary(h, t, n, stream_count(in));
	check_output();
}

/* The record's activation goes to the matrix and leaves the record. */
static void
give(struct npy_sink *matrix, struct stream *in, struct record *r, float *act)
{
	const struct header *h = stream_header(in);
	struct err e;

	if (record_get_act(r, h->half, act, h->dim, &e) != 0)
		tool_die_record(in, &e);
	if (npy_sink_write(matrix, act, &e) != 0)
		tool_die_err(&e);
	record_unset(r, "act");
}

static void
print(struct stream *in)
{
	const struct header *h = stream_header(in);
	struct record *r = record_alloc();
	struct npy_sink *matrix = NULL;
	float *act = calloc(h->dim + 1, sizeof *act);
	char *line;
	struct err e;
	int got;

	if (r == NULL || act == NULL)
		tool_die("out of memory");
	if (opt.npy != NULL && (stream_expect(in, 1u << STREAM_ACTIVATIONS, &e) != 0 ||
	    (matrix = npy_sink_open(opt.npy, h->dim, h->half, &e)) == NULL))
		tool_die_err(&e);
	if (opt.header) {
		if ((line = header_to_json(h)) == NULL)
			tool_die("out of memory");
		puts(line);
		free(line);
	}
	while ((got = stream_read(in, r, &e)) == 1) {
		if (matrix != NULL)
			give(matrix, in, r, act);
		if ((line = record_to_json(r, h->half, &e)) == NULL)
			tool_die_err(&e);
		/* who waits for an answer gets it */
		if (puts(line) == EOF || (!stream_pending(in) && fflush(stdout) != 0))
			check_output();
		free(line);
	}
	/* what was read well is shown before the message */
	check_output();
	if (got < 0 || (matrix != NULL && npy_sink_close(matrix, &e) != 0))
		tool_die_err(&e);
}

/* The stream that --pack reads beside a matrix: its header must be of such rows. */
static struct stream *
open_beside(const struct npy *matrix, const char *const *path, size_t n)
{
	static struct header bare;	/* the stream borrows it */
	const struct header *h;
	struct stream *in;
	struct err e;

	header_init(&bare, STREAM_ACTIVATIONS);
	bare.dim = matrix->dim;
	bare.half = matrix->type == NPY_FLOAT16;
	if (opt.block >= 0 && header_set_blocks(&bare, &opt.block, 1) != 0)
		tool_die("out of memory");
	if ((in = stream_open_without_act(path, n, &bare, &e)) == NULL ||
	    stream_expect(in, 1u << STREAM_ACTIVATIONS, &e) != 0)
		tool_die_err(&e);
	h = stream_header(in);
	if (h->n_block == 0)
		tool_die("the lines have no header: -l must name the block");
	if (opt.block >= 0 && (h->n_block != 1 || h->block[0] != opt.block))
		tool_die("the header names other blocks than -l does: %d%s", h->block[0], h->n_block > 1 ? " and more" : "");
	if (h->dim != matrix->dim)
		tool_die("'%s' is of dim %zu, but the header says %zu", opt.npy, matrix->dim, h->dim);
	if (h->half != (matrix->type == NPY_FLOAT16))
		tool_die("'%s' holds numbers of type '%s', but the header says %s", opt.npy,
		    npy_type_name(matrix->type), h->half ? "float16" : "float32");
	return in;
}

/* The record gets the matrix's next row as its activation. */
static void
get(struct npy *matrix, struct stream *in, struct record *r, float *act)
{
	const struct header *h = stream_header(in);
	struct err e;
	int got;

	if ((got = npy_read(matrix, act, &e)) < 0)
		tool_die_err(&e);
	if (got == 0) {
		err_set(&e, "'%s' ends behind row %llu", opt.npy, (unsigned long long)matrix->rows);
		tool_die_record(in, &e);
	}
	if (record_set_act(r, h->half, act, h->dim, &e) != 0)
		tool_die_record(in, &e);
}

static void
pack(struct stream *in, struct npy *matrix)
{
	struct record *r = record_alloc();
	float *act = calloc(stream_header(in)->dim + 1, sizeof *act);
	struct sink *out;
	struct header h;
	struct err e;
	int got;

	if (r == NULL || act == NULL || header_copy(&h, stream_header(in)) != 0)
		tool_die("out of memory");
	tool_link(&h, NULL);
	if ((out = sink_open(opt.out, opt.gzip, &h, &e)) == NULL)
		tool_die_err(&e);
	while ((got = stream_read(in, r, &e)) == 1) {
		if (matrix != NULL)
			get(matrix, in, r, act);
		if (sink_write(out, r, &e) != 0)
			tool_die_err(&e);
	}
	if (got == 0 && matrix != NULL && (got = npy_read(matrix, act, &e)) == 1)
		tool_die("'%s' has %llu rows, but the records end behind number %llu", opt.npy,
		    (unsigned long long)matrix->rows, (unsigned long long)stream_count(in));
	if (got < 0 || sink_close(out, &e) != 0)
		tool_die_err(&e);
}

/* The vector of the barrier, of the length asked for, as a control vector. */
static void
give_vector(const char *path)
{
	struct barrier *b;
	double *v, length;
	float *scaled;
	struct err e;
	size_t i;

	if (barrier_open(&b, path, &e) != 0)
		tool_die_err(&e);
	v = calloc(b->field->dim, sizeof *v);
	scaled = calloc(b->field->dim, sizeof *scaled);
	if (v == NULL || scaled == NULL)
		tool_die("out of memory");
	/* as it is unless told otherwise, for llama.cpp scales what it is given */
	if (opt.T.how == STRENGTH_UNSET)
		opt.T = (struct strength){ STRENGTH_LENGTH, 1 };
	if (field_vector(b->field, v, &e) != 0 || strength_length(opt.T, b, &length, &e) != 0)
		tool_die_err(&e);
	for (i = 0; i < b->field->dim; i++)
		if (!isfinite(scaled[i] = (float)(length * v[i])))
			tool_die("number %zu of the vector is %g, too great for float32", i + 1, length * v[i]);
	if (cvec_write(opt.gguf, b->header.block[0], scaled, b->field->dim, b->header.model, &e) != 0)
		tool_die_err(&e);
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

	tool_start(&tool, argc, argv);
	parse(argc, argv);
	if (opt.gguf != NULL) {
		give_vector(optind < argc ? argv[optind] : "-");
		return 0;
	}
	path = (const char *const *)argv + optind;
	n = (size_t)(argc - optind);
	if (opt.pack && opt.npy != NULL) {
		if ((matrix = npy_open(opt.npy, &e)) == NULL)
			tool_die_err(&e);
		in = open_beside(matrix, path, n);
	} else if ((in = stream_open(path, n, &e)) == NULL) {
		tool_die_err(&e);
	}
	if (opt.pack)
		pack(in, matrix);
	else if (opt.summary)
		summarise(in);
	else
		print(in);
	return 0;
}
