#include "model/text_batch.h"

int
text_batch_open(struct text_batch *b, const char *model, int rows, int threads, int gpu_layers,
    struct err *e)
{
	struct lm_options o = { .path = model, .threads = threads, .gpu_layers = gpu_layers,
	    .seqs = TEXT_BATCH_TEXTS, .batch = rows, .cells = TEXT_BATCH_CONTEXT, .outputs = rows };

	if ((b->tree = prefix_tree_alloc(TEXT_BATCH_TEXTS, TEXT_BATCH_ROWS,
	    TEXT_BATCH_CONTEXT)) == NULL)
		return err_memory(e);
	if ((b->lm = lm_open(&o, e)) == NULL)
		return -1;
	b->longest = lm_context(b->lm) < TEXT_BATCH_CONTEXT ? (size_t)lm_context(b->lm) :
	    TEXT_BATCH_CONTEXT;
	return 0;
}

void
text_batch_release(struct text_batch *b)
{
	lm_free(b->lm);
	prefix_tree_free(b->tree);
}

int
text_batch_add(struct text_batch *b, const struct example *x, size_t n, const unsigned *want,
    struct err *e)
{
	int added;

	if (x->n > b->longest)
		return err_set(e, "'%s' has %zu tokens: more than %zu", x->id, x->n, b->longest);
	if ((added = prefix_tree_add(b->tree, x->token, want, n)) < 0)
		return err_memory(e);
	if (added > 0)
		b->x[prefix_tree_texts(b->tree) - 1] = x;
	return added;
}

void
text_batch_clear(struct text_batch *b)
{
	lm_forget(b->lm);
	prefix_tree_clear(b->tree);
}
