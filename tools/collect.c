/* collect - texts to activations: one record for each text (or token) and block. */
#include <stdlib.h>
#include <string.h>

#include "model/example.h"
#include "model/lm.h"
#include "model/prefix_tree.h"
#include "number.h"
#include "stream/sink.h"
#include "stream/stream.h"
#include "tool.h"

enum where { LAST, COMPLETION, ALL };

enum {
	FILL = 384		/* tokens a batch is filled up to: attention grows with the batch */
};

static struct {
	const char *model, *out, *system;
	enum where where;
	enum template template;
	int *block;
	size_t n_block;
	int context, seqs, threads, gpu_layers, gzip, half, truncate;
} opt = { .seqs = 64 };

/* A text on its way. */
struct text {
	struct record *record;
	size_t n, first;		/* tokens; the first whose activation is wanted */
};

struct job {
	struct lm *lm;
	struct prefix_tree *tree;
	struct text *text;		/* [seqs], those of the tree */
	int *slot;			/* [row] where its activations are in act, -1: not wanted */
	float *act;			/* [slot][n_block][dim] */
	size_t max_slot;
	const struct stream *in;
	struct sink *sink;
	size_t dim;
	uint64_t texts, tokens, rows;
};

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: collect [-vz] [-g layers] [-j threads] [-l blocks] [-m model] [-o file]\n"
	    "               [-t raw|chat] [--at last|completion|all] [--context tokens]\n"
	    "               [--half] [--seqs n] [--system text] [--truncate] [file ...]\n"
	    "  -l blocks     0-based, such as 13, 5,13 or 0-29 (default: the middle block)\n"
	    "  -m model      GGUF file (default: %s)\n"
	    "  -t template   raw: prompt and completion as they stand; chat: the model's own\n"
	    "                template (default: raw)\n"
	    "  --at where    last: the last token; completion: each of its tokens; all: every\n"
	    "                token (default: last)\n"
	    "  --context n   longest text in tokens (default: 2048, or what the model was\n"
	    "                trained for if that is less)\n"
	    "  --truncate    keep the last tokens of a longer text instead of failing\n"
	    "  --half        write float16\n"
	    "  --seqs n      most texts decoded together (default: %d)\n"
	    "  --system text in front of every prompt\n"
	    "  -g layers     on the GPU (default: 0)\n"
	    "  -j threads    (default: %d)\n"
	    "  -o file       (default: standard output)    -z  gzip    -v  progress\n",
	    tool_default_model(), opt.seqs, tool_threads());
}

static const struct tool tool = { "collect", usage };

/* "13", "5,13", "0-29": sorted, each once. */
static void
parse_blocks(const char *s)
{
	enum { MAX = 1024 };
	char *copy = strdup(s), *save = NULL, *item;
	unsigned char on[MAX] = { 0 };
	size_t i;

	opt.block = calloc(MAX, sizeof *opt.block);
	if (copy == NULL || opt.block == NULL)
		tool_die("out of memory");
	for (item = strtok_r(copy, ",", &save); item != NULL; item = strtok_r(NULL, ",", &save)) {
		char *dash = strchr(item, '-');
		long lo, hi;

		if (dash != NULL)
			*dash++ = '\0';
		lo = number_long("-l", item, 0, MAX - 1);
		hi = dash != NULL ? number_long("-l", dash, lo, MAX - 1) : lo;
		memset(on + lo, 1, (size_t)(hi - lo) + 1);
	}
	free(copy);
	for (opt.n_block = i = 0; i < MAX; i++)
		if (on[i])
			opt.block[opt.n_block++] = (int)i;
	if (opt.n_block == 0)
		tool_misuse("-l: '%s' names no block", s);
}

static void
parse(int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "at", required_argument, NULL, 1 }, { "context", required_argument, NULL, 2 },
		{ "truncate", no_argument, NULL, 3 }, { "half", no_argument, NULL, 4 },
		{ "seqs", required_argument, NULL, 5 }, { "system", required_argument, NULL, 6 },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	opt.model = tool_default_model();
	opt.threads = tool_threads();
	while ((c = tool_option(argc, argv, "g:j:l:m:o:t:vz", longs)) != -1)
		switch (c) {
		case 'g': opt.gpu_layers = (int)number_long("-g", optarg, 0, 1000); break;
		case 'j': opt.threads = (int)number_long("-j", optarg, 1, 512); break;
		case 'l': parse_blocks(optarg); break;
		case 'm': opt.model = optarg; break;
		case 'o': opt.out = optarg; break;
		case 't':
			if (template_parse(&opt.template, optarg) != 0)
				tool_misuse("-t: '%s' is neither raw nor chat", optarg);
			break;
		case 'v': tool_verbose(1); break;
		case 'z': opt.gzip = 1; break;
		case 1:
			if (strcmp(optarg, "last") == 0) opt.where = LAST;
			else if (strcmp(optarg, "completion") == 0) opt.where = COMPLETION;
			else if (strcmp(optarg, "all") == 0) opt.where = ALL;
			else tool_misuse("--at: '%s' is not last, completion or all", optarg);
			break;
		case 2: opt.context = (int)number_long("--context", optarg, 1, 1 << 20); break;
		case 3: opt.truncate = 1; break;
		case 4: opt.half = 1; break;
		case 5: opt.seqs = (int)number_long("--seqs", optarg, 1, lm_max_seqs()); break;
		case 6: opt.system = optarg; break;
		}
	tool_refuse_terminal(opt.out);
}

/* lm_tap */
static int
keep(void *ctx, int block, int row, const float *act, struct err *e)
{
	struct job *j = ctx;
	size_t b = 0;

	(void)e;
	while (opt.block[b] != block)
		b++;
	if (j->slot[row] >= 0)
		memcpy(j->act + ((size_t)j->slot[row] * opt.n_block + b) * j->dim, act,
		    j->dim * sizeof *act);
	return 0;
}

/* Gives every wanted row of the tree a place for its activations. */
static void
assign_slots(struct job *j)
{
	size_t i, p, n = 0;

	for (i = 0; i < prefix_tree_rows(j->tree); i++)
		j->slot[i] = -1;
	for (i = 0; i < prefix_tree_texts(j->tree); i++)
		for (p = j->text[i].first; p < j->text[i].n; p++) {
			int *slot = &j->slot[prefix_tree_row(j->tree, i, p)];

			if (*slot < 0)
				*slot = (int)n++;
		}
	if (n > j->max_slot) {
		free(j->act);
		j->act = malloc(n * opt.n_block * j->dim * sizeof *j->act);
		if (j->act == NULL)
			tool_die("out of memory");
		j->max_slot = n;
	}
}

/* Decodes the texts of the tree and writes their records, in the order they came. */
static void
flush(struct job *j)
{
	struct err e;
	size_t i, p, b;

	if (prefix_tree_texts(j->tree) == 0)
		return;
	assign_slots(j);
	j->rows += prefix_tree_rows(j->tree);
	if (prefix_tree_batch(j->tree, j->lm, &e) != 0 || lm_decode(j->lm, &e) != 0)
		tool_die_err(&e);
	lm_forget(j->lm);
	for (i = 0; i < prefix_tree_texts(j->tree); i++) {
		struct text *t = &j->text[i];

		for (p = t->first; p < t->n; p++) {
			const float *act = j->act +
			    (size_t)j->slot[prefix_tree_row(j->tree, i, p)] * opt.n_block * j->dim;

			for (b = 0; b < opt.n_block; b++)
				if (record_set_int(t->record, "pos", (int64_t)p) != 0 ||
				    record_set_int(t->record, "block", opt.block[b]) != 0)
					tool_die("out of memory");
				else if (record_set_act(t->record, opt.half, act + b * j->dim, j->dim, &e) != 0 ||
				    sink_write(j->sink, t->record, &e) != 0)
					tool_die_err(&e);
		}
		j->texts++;
		j->tokens += t->n;
		tool_progress(j->in, "texts", j->texts, "tokens", j->tokens);
	}
	prefix_tree_clear(j->tree);
}

/* The next text goes into the tree, after a flush when it is full. */
static void
take(struct job *j, struct record **r)
{
	struct example x;
	struct text *t;
	struct err e;
	unsigned *want;
	size_t p, cut;
	int added;

	if (example_read(&x, j->lm, *r, opt.template, opt.system, EXAMPLE_WHOLE, &e) != 0)
		tool_die_record(j->in, &e);
	if (x.n > (size_t)opt.context && !opt.truncate) {
		err_set(&e, "'%s' has %zu tokens, more than the %d of --context", x.id, x.n, opt.context);
		tool_die_record(j->in, &e);
	}
	cut = x.n > (size_t)opt.context ? x.n - (size_t)opt.context : 0;
	if (opt.where == COMPLETION && x.n_prompt == x.n) {
		err_set(&e, "'%s' has no completion", x.id);
		tool_die_record(j->in, &e);
	}
	x.n -= cut;
	x.n_prompt -= x.n_prompt < cut ? x.n_prompt : cut;
	if ((want = calloc(x.n, sizeof *want)) == NULL)
		tool_die("out of memory");
	for (p = opt.where == ALL ? 0 : opt.where == LAST ? x.n - 1 : x.n_prompt; p < x.n; p++)
		want[p] = LM_TAP;
	while ((added = prefix_tree_add(j->tree, x.token + cut, want, x.n)) == 0)
		flush(j);
	if (added < 0)
		tool_die("out of memory");
	t = &j->text[prefix_tree_texts(j->tree) - 1];
	t->n = x.n;
	t->first = opt.where == ALL ? 0 : opt.where == LAST ? x.n - 1 : x.n_prompt;
	/* the texts would otherwise be repeated with every vector */
	record_unset(*r, "prompt");
	record_unset(*r, "completion");
	/* the record goes with the text; its predecessor there is free for reading */
	{
		struct record *spare = t->record;

		t->record = *r;
		*r = spare;
	}
	free(want);
	example_release(&x);
}

int
main(int argc, char *argv[])
{
	struct job j = { 0 };
	struct lm_options lo = { 0 };
	struct header h;
	struct stream *in;
	struct record *r;
	struct err e;
	int i, got, trained;

	tool_start(&tool, argc, argv);
	parse(argc, argv);

	if ((in = stream_open((const char *const *)argv + optind, (size_t)(argc - optind), &e)) == NULL ||
	    stream_expect(in, 1u << STREAM_EXAMPLES | 1u << STREAM_COMPLETIONS, &e) != 0)
		tool_die_err(&e);
	stream_number(in);
	lo.path = opt.model;
	lo.threads = opt.threads;
	lo.gpu_layers = opt.gpu_layers;
	lo.seqs = opt.seqs;
	lo.batch = lo.cells = opt.context > 0 ? opt.context : 2048;
	if (lo.batch < FILL)
		lo.batch = lo.cells = FILL;
	lo.outputs = lo.batch;
	if ((j.lm = lm_open(&lo, &e)) == NULL)
		tool_die_err(&e);
	trained = lm_context(j.lm);
	if (opt.context > trained)
		tool_misuse("--context: the model was trained for %d tokens", trained);
	if (opt.context == 0)
		opt.context = trained < 2048 ? trained : 2048;
	if (opt.n_block == 0) {
		static int middle;

		middle = lm_blocks(j.lm) / 2;
		opt.block = &middle;
		opt.n_block = 1;
	}
	j.in = in;
	j.dim = (size_t)lm_dim(j.lm);
	if (lm_tap(j.lm, opt.block, opt.n_block, 1, keep, &j, &e) != 0)
		tool_die_err(&e);

	if (header_copy(&h, stream_header(in)) != 0 ||
	    header_set_model(&h, lm_name(j.lm), lm_digest(j.lm)) != 0 ||
	    header_set_blocks(&h, opt.block, opt.n_block) != 0)
		tool_die("out of memory");
	h.kind = STREAM_ACTIVATIONS;
	h.dim = j.dim;
	h.half = opt.half;
	tool_link(&h, NULL);
	if ((j.sink = sink_open(opt.out, opt.gzip, &h, &e)) == NULL)
		tool_die_err(&e);
	j.tree = prefix_tree_alloc((size_t)opt.seqs, FILL, (size_t)lo.batch);
	j.text = calloc((size_t)opt.seqs, sizeof *j.text);
	j.slot = calloc((size_t)lo.batch, sizeof *j.slot);
	r = record_alloc();
	if (j.tree == NULL || j.text == NULL || j.slot == NULL || r == NULL)
		tool_die("out of memory");
	for (i = 0; i < opt.seqs; i++)
		if ((j.text[i].record = record_alloc()) == NULL)
			tool_die("out of memory");

	tool_progress(in, "texts", 0, "tokens", 0);
	while ((got = stream_read(in, r, &e)) == 1)
		take(&j, &r);
	if (got < 0)
		tool_die_err(&e);
	flush(&j);
	if (sink_close(j.sink, &e) != 0)
		tool_die_err(&e);
	tool_note("%llu texts, %llu tokens, %llu of them decoded", (unsigned long long)j.texts,
	    (unsigned long long)j.tokens, (unsigned long long)j.rows);
	return 0;
}
