#include "model/last_token.h"

#include <stdlib.h>
#include <string.h>

#include "model/prefix_tree.h"

enum {
	FILL = 512,		/* rows a batch is filled up to */
	CONTEXT = 2048,		/* longest text, in tokens */
	SEQS = 64		/* texts decoded together */
};

struct last_token {
	struct lm *lm;
	size_t longest;			/* CONTEXT, or what the model was trained for if that is less */
	struct prefix_tree *tree;
	size_t n;			/* texts added */
	size_t length[SEQS];		/* of each, in tokens */
	float *act[SEQS];
};

/* lm_tap */
static int
keep(void *ctx, int block, int row, const float *act, struct err *e)
{
	struct last_token *l = ctx;
	size_t i;

	(void)block, (void)e;
	for (i = 0; i < l->n; i++)
		if (prefix_tree_row(l->tree, i, l->length[i] - 1) == row)
			memcpy(l->act[i], act, (size_t)lm_dim(l->lm) * sizeof *act);
	return 0;
}

struct last_token *
last_token_open(const char *model, int block, int threads, int gpu_layers, struct err *e)
{
	struct lm_options lo = { .path = model, .threads = threads, .gpu_layers = gpu_layers,
	    .seqs = SEQS, .batch = CONTEXT, .cells = CONTEXT, .outputs = CONTEXT };
	struct last_token *l = calloc(1, sizeof *l);

	if (l == NULL || (l->tree = prefix_tree_alloc(SEQS, FILL, CONTEXT)) == NULL) {
		err_memory(e);
		goto fail;
	}
	if ((l->lm = lm_open(&lo, e)) == NULL || lm_tap(l->lm, &block, 1, 1, keep, l, e) != 0)
		goto fail;
	l->longest = lm_context(l->lm) < CONTEXT ? (size_t)lm_context(l->lm) : CONTEXT;
	return l;
fail:
	last_token_free(l);
	return NULL;
}

void
last_token_free(struct last_token *l)
{
	if (l == NULL)
		return;
	lm_free(l->lm);
	prefix_tree_free(l->tree);
	free(l);
}

struct lm *
last_token_lm(struct last_token *l)
{
	return l->lm;
}

int
last_token_add(struct last_token *l, const struct example *x, float *act, struct err *e)
{
	unsigned want[CONTEXT] = { 0 };
	int added;

	if (x->n > l->longest)
		return err_set(e, "'%s' has %zu tokens: more than %zu", x->id, x->n, l->longest);
	want[x->n - 1] = LM_TAP;
	if ((added = prefix_tree_add(l->tree, x->token, want, x->n)) < 0)
		return err_memory(e);
	if (added > 0) {
		l->length[l->n] = x->n;
		l->act[l->n++] = act;
	}
	return added;
}

int
last_token_decode(struct last_token *l, struct err *e)
{
	if (l->n == 0)
		return 0;
	if (prefix_tree_batch(l->tree, l->lm, e) != 0 || lm_decode(l->lm, e) != 0)
		return -1;
	lm_forget(l->lm);
	prefix_tree_clear(l->tree);
	l->n = 0;
	return 0;
}
