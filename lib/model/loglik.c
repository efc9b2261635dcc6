#include "model/loglik.h"

#include <math.h>
#include <stdlib.h>

#include "model/logsumexp.h"
#include "model/text_batch.h"

struct loglik {
	struct text_batch batch;
	double *sum[TEXT_BATCH_TEXTS];
	double lse[TEXT_BATCH_ROWS];	/* logsumexp of each row, NaN: not computed yet */
};

struct loglik *
loglik_open(const char *model, int threads, int gpu_layers, struct err *e)
{
	struct loglik *l = calloc(1, sizeof *l);

	if (l == NULL) {
		err_memory(e);
		return NULL;
	}
	if (text_batch_open(&l->batch, model, TEXT_BATCH_ROWS, threads, gpu_layers, e) == 0)
		return l;
	loglik_free(l);
	return NULL;
}

void
loglik_free(struct loglik *l)
{
	if (l == NULL)
		return;
	text_batch_release(&l->batch);
	free(l);
}

struct lm *
loglik_lm(struct loglik *l)
{
	return l->batch.lm;
}

/* Returns the position of the first token that counts. */
static size_t
first_counted(const struct example *x)
{
	return x->n_prompt > 0 ? x->n_prompt : 1;
}

size_t
loglik_tokens(const struct example *x)
{
	return x->n > first_counted(x) ? x->n - first_counted(x) : 0;
}

int
loglik_add(struct loglik *l, const struct example *x, double *sum, struct err *e)
{
	unsigned want[TEXT_BATCH_CONTEXT] = { 0 };
	int added;
	size_t p;

	/* the row before a token predicts it: the last token needs no row */
	for (p = first_counted(x) - 1; p + 1 < x->n && p < TEXT_BATCH_CONTEXT; p++)
		want[p] = LM_LOGITS | LM_STEER;
	if ((added = text_batch_add(&l->batch, x, x->n - 1, want, e)) > 0)
		l->sum[prefix_tree_texts(l->batch.tree) - 1] = sum;
	return added;
}

static double
log_probability(struct loglik *l, int row, int token)
{
	const float *logits = lm_logits(l->batch.lm, row);

	/* texts that share the row share this, too */
	if (isnan(l->lse[row]))
		l->lse[row] = logsumexp(logits, (size_t)lm_vocab(l->batch.lm), 1);
	return (double)logits[token] - l->lse[row];
}

/* Decodes the rows start to end - 1, and adds what they predict to the sums. */
static int
decode_rows(struct loglik *l, size_t start, size_t end, struct err *e)
{
	const struct text_batch *b = &l->batch;
	size_t i, p;

	for (i = 0; i < end - start; i++)
		l->lse[i] = NAN;
	prefix_tree_batch(b->tree, start, end, b->lm);
	if (lm_decode(b->lm, e) != 0)
		return -1;
	for (i = 0; i < prefix_tree_texts(b->tree); i++)
		for (p = first_counted(b->x[i]); p < b->x[i]->n; p++) {
			size_t row = (size_t)prefix_tree_row(b->tree, i, p - 1);
			int token = b->x[i]->token[p];

			if (row < start || row >= end)
				continue;
			l->sum[i][0] += log_probability(l, (int)(row - start), token);
		}
	return 0;
}

int
loglik_decode(struct loglik *l, struct err *e)
{
	struct text_batch *b = &l->batch;
	size_t n = prefix_tree_rows(b->tree), start, end, i;

	for (i = 0; i < prefix_tree_texts(b->tree); i++)
		*l->sum[i] = 0;
	/* a single text may have more rows than a batch */
	for (start = 0; start < n; start = end) {
		end = n - start < TEXT_BATCH_ROWS ? n : start + TEXT_BATCH_ROWS;
		if (decode_rows(l, start, end, e) != 0)
			return -1;
	}
	for (i = 0; i < prefix_tree_texts(b->tree); i++)
		if (!isfinite(*l->sum[i]))
			return err_set(e, "the log-likelihood of '%s' is not finite", b->x[i]->id);
	text_batch_clear(b);
	return 0;
}
