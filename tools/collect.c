/* collect - turns texts into activations of a language model. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "flow_options.h"
#include "model/example.h"
#include "model/lm.h"
#include "model/prefix_tree.h"
#include "model_options.h"
#include "number.h"
#include "options.h"
#include "steer/condition.h"
#include "tool.h"

enum {
	BLOCKS = 1024,		/* a model has fewer */
	FILL = 384		/* tokens a batch is filled up to: attention grows with the batch */
};

static struct {
	enum { LAST, COMPLETION, ALL, MEAN } where;
	int skip, first;	/* of these tokens: left out, and at most; 0: all others */
	int block[BLOCKS + 1];	/* those of -l, then that of --when */
	size_t n_block;		/* of -l; 0: not given */
	int half, truncate;
	struct condition when;	/* path NULL: none */
} opt;

/*
 * Reads the blocks of -l, such as "13", "5,13" or "0-29": sorts them, each
 * once.
 */
static void
parse_blocks(const char *option, const char *text)
{
	char *copy = tool_need(strdup(text)), *rest = copy, *item;
	unsigned char chosen[BLOCKS] = { 0 };
	int i;

	while ((item = strsep(&rest, ",")) != NULL) {
		char *dash = strchr(item, '-');
		long first, last;

		if (*item == '\0')
			continue;
		if (dash != NULL)
			*dash++ = '\0';
		first = number_long(option, item, 0, BLOCKS - 1);
		last = dash != NULL ? number_long(option, dash, first, BLOCKS - 1) : first;
		memset(chosen + first, 1, (size_t)(last - first) + 1);
	}
	free(copy);
	opt.n_block = 0;
	for (i = 0; i < BLOCKS; i++)
		if (chosen[i])
			opt.block[opt.n_block++] = i;
	if (opt.n_block == 0)
		tool_misuse("%s: '%s' names no block", option, text);
}

static void
parse_when(const char *option, const char *text)
{
	(void)option;
	opt.when.path = flow_options_when(text, &opt.when.quantile);
}

static struct tool_option options[] = {
	{ "-l", "blocks", "blocks to take activations after, 0-based, such as 13, 5,13 or 0-29 "
	    "(default: the middle block)", .parse = parse_blocks },
	MODEL_OPTIONS,
	PROMPT_OPTIONS,
	{ "--at", "last|completion|all|mean", "tokens to take activations of: the last, those of "
	    "the completion, or all; mean: the prompt's last, and the mean over the completion",
	    OPTION_CHOICE, .to = &opt.where },
	{ "--first", "n", "with --at completion or all: at most n of these tokens (default: all)",
	    OPTION_INT, .to = &opt.first, .min = 1, .max = 1000000 },
	{ "--skip", "n", "with --at completion or all: leave out the first n of them", OPTION_INT,
	    .to = &opt.skip, .min = 0, .max = 1000000 },
	{ "--when", "barrier:q", "only texts whose h of this barrier at the prompt's last token is "
	    "at least the q-quantile of its positives' h (default: all)", .parse = parse_when },
	CONTEXT_OPTION,
	{ "--truncate", NULL, "cut the start off a text that is too long instead of failing",
	    OPTION_FLAG, .to = &opt.truncate },
	{ "--half", NULL, "write float16 instead of float32", OPTION_FLAG, .to = &opt.half },
	SEQS_OPTION,
	OUTPUT_OPTIONS("report progress"),
	{ 0 }
};

const struct tool tool = { .name = "collect", .synopsis =
	"usage: collect [-vz] [-g layers] [-j threads] [-l blocks] [-m model] [-o file]\n"
	"               [-t raw|chat] [--at last|completion|all|mean]\n"
	"               [--context tokens] [--first n] [--half] [--seqs n] [--skip n]\n"
	"               [--system text] [--truncate] [--when barrier:q] [file ...]\n"
};

/* A text of the batch. */
struct member {
	struct record *record;
	size_t n, n_prompt;	/* tokens, and those of the prompt */
	size_t first, end;	/* activations are wanted of the tokens first to end - 1 */
};

struct collector {
	struct lm *lm;
	struct prefix_tree *tree; /* the texts to decode next */
	struct member *member;	/* [seqs] these texts */
	size_t n_tap;		/* blocks in opt.block, with that of --when */
	float *act;		/* [n_slot][n_tap][dim] activations of rows, as they come */
	int *slot;		/* [row] where its activations are in act; -1: nowhere */
	size_t n_slot, room;
	const struct stream *in;
	struct sink *sink;
	size_t dim;		/* numbers in an activation */
	float *mean;		/* [dim] of those of a completion */
	uint64_t texts, tokens, rows;	/* read; in those; decoded for them */
	uint64_t kept;			/* texts that meet --when; without it, all */
};

/* Returns where the activation of a row after opt.block[b] goes or is. */
static float *
find_act(const struct collector *c, int row, size_t b)
{
	return c->act + ((size_t)c->slot[row] * c->n_tap + b) * c->dim;
}

/* Stores the activation of a row after a block: lm_tap_fn. */
static int
store_act(void *ctx, int block, int row, const float *act, struct err *e)
{
	struct collector *c = ctx;
	size_t b;

	if (c->slot[row] < 0) {
		float *grown = array_grow(c->act, c->n_slot + 1, &c->room,
		    c->n_tap * c->dim * sizeof *grown);

		if (grown == NULL)
			return err_memory(e);
		c->act = grown;
		c->slot[row] = (int)c->n_slot++;
	}
	for (b = 0; b < c->n_tap; b++)
		if (opt.block[b] == block)
			memcpy(find_act(c, row, b), act, c->dim * sizeof *act);
	return 0;
}

/* Writes act[dim], of position p, after opt.block[b]. */
static void
write_act(struct collector *c, struct record *r, size_t p, size_t b, const float *act)
{
	struct err e;

	tool_check(record_set_int(r, "pos", (int64_t)p), NULL);
	tool_check(record_set_int(r, "block", opt.block[b]), NULL);
	tool_check(record_set_act(r, opt.half, act, c->dim, &e), &e);
	tool_check(sink_write(c->sink, r, &e), &e);
}

/*
 * Writes the activations of member i at the positions first to end - 1: by
 * position, then by block.
 */
static void
write_each(struct collector *c, size_t i, size_t first, size_t end)
{
	size_t p, b;

	for (p = first; p < end; p++)
		for (b = 0; b < opt.n_block; b++)
			write_act(c, c->member[i].record, p, b,
			    find_act(c, prefix_tree_row(c->tree, i, p), b));
}

/* Writes the mean of these activations, as of the last position. */
static void
write_mean(struct collector *c, size_t i, size_t first, size_t end)
{
	size_t p, b, j;

	for (b = 0; b < opt.n_block; b++) {
		for (j = 0; j < c->dim; j++) {
			double sum = 0;

			for (p = first; p < end; p++)
				sum += (double)find_act(c, prefix_tree_row(c->tree, i, p), b)[j];
			c->mean[j] = (float)(sum / (double)(end - first));
		}
		write_act(c, c->member[i].record, end - 1, b, c->mean);
	}
}

/* Says in the records of m, from now on, what their activations are of. */
static void
set_at(const struct member *m, const char *at)
{
	tool_check(record_set_str(m->record, "at", at, strlen(at)), NULL);
}

/* Returns whether member i is to be written. */
static int
is_kept(const struct collector *c, size_t i)
{
	int row;

	if (opt.when.path == NULL)
		return 1;
	row = prefix_tree_row(c->tree, i, c->member[i].n_prompt - 1);
	return condition_met(&opt.when, find_act(c, row, opt.n_block));
}

/* Writes the records of member i. */
static void
write_member(struct collector *c, size_t i)
{
	struct member *m = &c->member[i];

	if (opt.where == MEAN) {
		set_at(m, "prompt");
		write_each(c, i, m->first, m->first + 1);
		set_at(m, "mean");
		write_mean(c, i, m->first + 1, m->n);
	} else
		write_each(c, i, m->first, m->end);
}

/*
 * Decodes the texts of the tree and writes the records of those that are kept,
 * in the order they came.
 */
static void
decode_batch(struct collector *c)
{
	size_t i, n = prefix_tree_texts(c->tree);
	struct err e;

	if (n == 0)
		return;
	c->rows += prefix_tree_rows(c->tree);
	c->n_slot = 0;
	for (i = 0; i < prefix_tree_rows(c->tree); i++)
		c->slot[i] = -1;
	prefix_tree_batch(c->tree, 0, prefix_tree_rows(c->tree), c->lm);
	tool_check(lm_decode(c->lm, &e), &e);
	lm_forget(c->lm);
	for (i = 0; i < n; i++) {
		if (is_kept(c, i)) {
			write_member(c, i);
			c->kept++;
		}
		c->texts++;
		c->tokens += c->member[i].n;
		tool_progress(c->in, "texts", c->texts, "tokens", c->tokens);
	}
	prefix_tree_clear(c->tree);
}

/*
 * Reads the text of r into x. Of a text that is too long, leaves out the first
 * tokens with --truncate. Returns how many it left out.
 */
static size_t
read_example(struct collector *c, const struct record *r, struct example *x)
{
	size_t context = (size_t)model_options.context, cut;
	struct err e;

	if (example_read(x, c->lm, r, model_options.template, model_options.system, EXAMPLE_WHOLE,
	    &e) != 0)
		tool_die_record(c->in, &e);
	if (x->n > context && !opt.truncate) {
		err_set(&e, "'%s' has %zu tokens, more than the %zu of --context", x->id, x->n,
		    context);
		tool_die_record(c->in, &e);
	}
	if ((opt.where == COMPLETION || opt.where == MEAN) && x->n_prompt == x->n) {
		err_set(&e, "'%s' has no completion", x->id);
		tool_die_record(c->in, &e);
	}
	cut = x->n > context ? x->n - context : 0;
	x->n -= cut;
	x->n_prompt -= x->n_prompt < cut ? x->n_prompt : cut;
	if ((opt.where == MEAN || opt.when.path != NULL) && x->n_prompt == 0) {
		err_set(&e, "'%s' has no token of the prompt before its completion", x->id);
		tool_die_record(c->in, &e);
	}
	return cut;
}

/* Returns the first position of a text that --at means. */
static size_t
first_meant(const struct example *x)
{
	switch (opt.where) {
	case LAST:
		return x->n - 1;
	case COMPLETION:
		return x->n_prompt;
	case MEAN:
		return x->n_prompt - 1;
	default:
		return 0;
	}
}

/* Sets the positions of a text whose activations are wanted, perhaps none. */
static void
set_wanted(const struct example *x, size_t *first, size_t *end)
{
	*first = first_meant(x) + (size_t)opt.skip;
	if (*first > x->n)
		*first = x->n;
	*end = opt.first > 0 && x->n - *first > (size_t)opt.first ?
	    *first + (size_t)opt.first : x->n;
}

/* Adds the text of r to the tree, which is decoded first if it is full. */
static void
add_text(struct collector *c, const struct record *r)
{
	struct example x;
	size_t cut = read_example(c, r, &x), p, first, end;
	unsigned *want = tool_need(calloc(x.n, sizeof *want));
	struct member *m;
	int added;

	set_wanted(&x, &first, &end);
	for (p = first; p < end; p++)
		want[p] = LM_TAP;
	if (opt.when.path != NULL)
		want[x.n_prompt - 1] = LM_TAP;
	while ((added = prefix_tree_add(c->tree, x.token + cut, want, x.n)) == 0)
		decode_batch(c);
	tool_check(added, NULL);
	m = &c->member[prefix_tree_texts(c->tree) - 1];
	m->n = x.n;
	m->first = first;
	m->end = end;
	m->n_prompt = x.n_prompt;
	tool_check(record_copy(m->record, r), NULL);
	/* the texts would otherwise be repeated with every activation */
	record_unset(m->record, "prompt");
	record_unset(m->record, "completion");
	record_unset(m->record, "at");
	free(want);
	example_release(&x);
}

/* Opens the model. */
static void
open_model(struct collector *c)
{
	struct lm_options *o = &model_options.lm;

	o->batch = model_options_context() > FILL ? model_options_context() : FILL;
	o->cells = o->outputs = o->batch;
	c->lm = model_options_open();
	c->dim = (size_t)lm_dim(c->lm);
	c->mean = tool_need(calloc(c->dim, sizeof *c->mean));
	if (opt.n_block == 0)
		opt.block[opt.n_block++] = lm_blocks(c->lm) / 2;
}

/* Checks that the model has the block of --when, and adds it to opt.block. */
static void
add_condition(struct collector *c)
{
	int *block = &opt.block[opt.n_block];
	struct err e;

	*block = opt.when.barrier->header.block[0];
	if (barrier_check(opt.when.barrier, lm_digest(c->lm), c->dim, *block, &e) != 0 ||
	    lm_tap(c->lm, block, 1, store_act, c, &e) != 0)
		tool_check(err_prefix(&e, "'%s': ", opt.when.path), &e);
	c->n_tap++;
}

/* Has the model give the activations after opt.block, and opens the output. */
static void
open_output(struct collector *c, struct header *h)
{
	struct err e;

	c->n_tap = opt.n_block;
	if (opt.when.path != NULL)
		add_condition(c);
	tool_check(lm_tap(c->lm, opt.block, c->n_tap, store_act, c, &e), &e);
	tool_check(header_set_model(h, lm_name(c->lm), lm_digest(c->lm)), NULL);
	tool_check(header_set_blocks(h, opt.block, opt.n_block), NULL);
	h->dim = c->dim;
	h->half = opt.half;
	c->sink = tool_open_output(h);
}

int
main(int argc, char *argv[])
{
	struct collector c = { 0 };
	struct header h;
	struct stream *in;
	struct record *r;
	struct err e;
	size_t batch;
	char note[40] = "";
	int i;

	tool_start(argc, argv);
	model_options_default();
	model_options.lm.seqs = 64;
	options_parse(options, argc, argv);
	for (i = 0; i < 2 && opt.where != COMPLETION && opt.where != ALL; i++)
		if (options_given(options, i == 0 ? "--first" : "--skip"))
			tool_misuse("%s needs --at completion or --at all",
			    i == 0 ? "--first" : "--skip");
	tool_refuse_terminal(tool_output.path);

	c.in = in = tool_open_input(argc, argv, STREAM_TEXTS);
	tool_output_header(&h, in, STREAM_ACTIVATIONS, NULL);
	if (opt.when.path != NULL)
		tool_check(condition_open(&opt.when, &h, &e), &e);
	open_model(&c);
	open_output(&c, &h);
	batch = (size_t)model_options.lm.batch;
	c.tree = tool_need(prefix_tree_alloc(lm_is_recurrent(c.lm) ? 1 :
	    (size_t)model_options.lm.seqs, FILL, batch));
	c.slot = tool_need(calloc(batch, sizeof *c.slot));
	c.member = tool_need(calloc((size_t)model_options.lm.seqs, sizeof *c.member));
	for (i = 0; i < model_options.lm.seqs; i++)
		c.member[i].record = tool_need(record_alloc());

	tool_progress(in, "texts", 0, "tokens", 0);
	r = tool_need(record_alloc());
	while (tool_read(in, r))
		add_text(&c, r);
	decode_batch(&c);
	tool_check(sink_close(c.sink, &e), &e);
	if (opt.when.path != NULL)
		snprintf(note, sizeof note, ", %llu texts kept", (unsigned long long)c.kept);
	tool_note("%llu texts, %llu tokens, %llu of them decoded%s", (unsigned long long)c.texts,
	    (unsigned long long)c.tokens, (unsigned long long)c.rows, note);
	return 0;
}
