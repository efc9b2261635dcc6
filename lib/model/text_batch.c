#include "model/text_batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/logsumexp.h"
#include "model/prefix_tree.h"

enum {
	ROWS = 512,		/* rows of several texts */
	CONTEXT = 2048,		/* tokens of a text */
	TEXTS = 64
};

struct text_batch {
	struct lm *lm;
	struct prefix_tree *tree;
	int block;		/* -1: log-likelihoods */
	size_t rows;		/* most rows decoded at a time */
	size_t longest;		/* CONTEXT, or less if the model was trained for less */
	struct {
		const struct example *x;
		double *loglik;
		float *act;
	} text[TEXTS];		/* those of the tree */
};

/* Copies the activation of a row to the texts that end there. */
static int
copy_act(void *ctx, int block, int row, const float *act, struct err *e)
{
	struct text_batch *b = ctx;
	size_t i;

	(void)block, (void)e;
	for (i = 0; i < prefix_tree_texts(b->tree); i++)
		if (prefix_tree_row(b->tree, i, b->text[i].x->n - 1) == row)
			memcpy(b->text[i].act, act, (size_t)lm_dim(b->lm) * sizeof *act);
	return 0;
}

struct text_batch *
text_batch_open(const struct lm_options *o, int block, struct err *e)
{
	/*
	 * with a tap a text must fit into one batch: where it stops the model,
	 * the model forgets the batch
	 */
	int rows = block >= 0 ? CONTEXT : ROWS;
	struct lm_options of_texts = { .path = o->path, .threads = o->threads,
	    .gpu_layers = o->gpu_layers, .seqs = TEXTS, .batch = rows, .cells = CONTEXT,
	    .outputs = block >= 0 ? TEXTS : rows };
	struct text_batch *b = calloc(1, sizeof *b);

	if (b == NULL) {
		err_memory(e);
		return NULL;
	}
	b->block = block;
	b->rows = (size_t)rows;
	if ((b->lm = lm_open(&of_texts, e)) == NULL ||
	    (block >= 0 && lm_tap(b->lm, &block, 1, copy_act, b, e) != 0))
		goto fail;
	b->tree = prefix_tree_alloc(lm_is_recurrent(b->lm) ? 1 : TEXTS, ROWS, CONTEXT);
	if (b->tree == NULL) {
		err_memory(e);
		goto fail;
	}
	b->longest = lm_context(b->lm) < CONTEXT ? (size_t)lm_context(b->lm) : CONTEXT;
	return b;
fail:
	text_batch_free(b);
	return NULL;
}

void
text_batch_free(struct text_batch *b)
{
	if (b == NULL)
		return;
	lm_free(b->lm);
	prefix_tree_free(b->tree);
	free(b);
}

struct lm *
text_batch_lm(const struct text_batch *b)
{
	return b->lm;
}

size_t
text_batch_longest(const struct text_batch *b)
{
	return b->longest;
}

/* Returns the position of the first token that has a prediction. */
static size_t
first_predicted(const struct example *x)
{
	return x->n_prompt > 0 ? x->n_prompt : 1;
}

size_t
text_batch_predicted(const struct example *x)
{
	return x->n > first_predicted(x) ? x->n - first_predicted(x) : 0;
}

int
text_batch_add(struct text_batch *b, const struct example *x, double *loglik, float *act,
    struct err *e)
{
	unsigned want[CONTEXT] = { 0 };
	size_t n = x->n, p;
	int added;

	if (n > b->longest)
		return err_set(e, "'%s' has %zu tokens: more than %zu", x->id, n, b->longest);
	if (b->block >= 0)
		want[n - 1] = LM_TAP;
	else {
		/* the row before a token predicts it; the last needs no row */
		n--;
		for (p = 0; p < n; p++)
			if (p + 1 >= first_predicted(x))
				want[p] = LM_LOGITS | LM_STEER;
			else if (lm_steers_prompts(b->lm))
				want[p] = LM_STEER | LM_EARLY;
	}
	if ((added = prefix_tree_add(b->tree, x->token, want, n)) < 0)
		return err_memory(e);
	if (added > 0) {
		size_t i = prefix_tree_texts(b->tree) - 1;

		*loglik = 0;
		b->text[i].x = x;
		b->text[i].loglik = loglik;
		b->text[i].act = act;
	}
	return added;
}

/* Adds what the decoded rows start to end - 1 predict of a text. */
static void
add_predicted(const struct text_batch *b, size_t text, size_t start, size_t end)
{
	const struct example *x = b->text[text].x;
	size_t vocab = (size_t)lm_vocab(b->lm), p;

	for (p = first_predicted(x); p < x->n; p++) {
		size_t row = (size_t)prefix_tree_row(b->tree, text, p - 1);
		const float *logits;

		if (row < start || row >= end)
			continue;
		logits = lm_logits(b->lm, (int)(row - start));
		*b->text[text].loglik += (double)logits[x->token[p]] - logsumexp(logits, vocab, 1);
	}
}

int
text_batch_decode(struct text_batch *b, struct err *e)
{
	size_t n = prefix_tree_rows(b->tree), texts = prefix_tree_texts(b->tree), start, end, i;

	for (start = 0; start < n; start = end) {
		/* one text may have more rows than are decoded at a time */
		end = n - start < b->rows ? n : start + b->rows;
		prefix_tree_batch(b->tree, start, end, b->lm);
		if (lm_decode(b->lm, e) != 0)
			return -1;
		for (i = 0; i < texts && b->block < 0; i++)
			add_predicted(b, i, start, end);
	}
	for (i = 0; i < texts; i++)
		if (!isfinite(*b->text[i].loglik))
			return err_set(e, "the log-likelihood of '%s' is not finite",
			    b->text[i].x->id);
	lm_forget(b->lm);
	prefix_tree_clear(b->tree);
	return 0;
}
