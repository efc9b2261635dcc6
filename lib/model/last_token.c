#include "model/last_token.h"

#include <stdlib.h>
#include <string.h>

#include "model/text_batch.h"

struct last_token {
	struct text_batch batch;
	float *act[TEXT_BATCH_TEXTS];
};

/* Copies the activation of a row to the texts that end there. */
static int
copy_act(void *ctx, int block, int row, const float *act, struct err *e)
{
	struct last_token *l = ctx;
	struct text_batch *b = &l->batch;
	size_t i;

	(void)block, (void)e;
	for (i = 0; i < prefix_tree_texts(b->tree); i++)
		if (prefix_tree_row(b->tree, i, b->x[i]->n - 1) == row)
			memcpy(l->act[i], act, (size_t)lm_dim(b->lm) * sizeof *act);
	return 0;
}

struct last_token *
last_token_open(const char *model, int block, int threads, int gpu_layers, struct err *e)
{
	struct last_token *l = calloc(1, sizeof *l);

	if (l == NULL) {
		err_memory(e);
		return NULL;
	}
	/*
	 * a text must fit into one batch: a tap that stops the model forgets it
	 */
	if (text_batch_open(&l->batch, model, TEXT_BATCH_CONTEXT, threads, gpu_layers, e) == 0 &&
	    lm_tap(l->batch.lm, &block, 1, copy_act, l, e) == 0)
		return l;
	last_token_free(l);
	return NULL;
}

void
last_token_free(struct last_token *l)
{
	if (l == NULL)
		return;
	text_batch_release(&l->batch);
	free(l);
}

struct lm *
last_token_lm(struct last_token *l)
{
	return l->batch.lm;
}

int
last_token_add(struct last_token *l, const struct example *x, float *act, struct err *e)
{
	unsigned want[TEXT_BATCH_CONTEXT] = { 0 };
	int added;

	if (x->n <= TEXT_BATCH_CONTEXT)
		want[x->n - 1] = LM_TAP;
	if ((added = text_batch_add(&l->batch, x, x->n, want, e)) > 0)
		l->act[prefix_tree_texts(l->batch.tree) - 1] = act;
	return added;
}

int
last_token_decode(struct last_token *l, struct err *e)
{
	struct text_batch *b = &l->batch;

	if (prefix_tree_texts(b->tree) == 0)
		return 0;
	prefix_tree_batch(b->tree, 0, prefix_tree_rows(b->tree), b->lm);
	if (lm_decode(b->lm, e) != 0)
		return -1;
	text_batch_clear(b);
	return 0;
}
