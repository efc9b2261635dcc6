#include "model/loglik.h"

#include <math.h>
#include <stdlib.h>

#include "model/logsumexp.h"
#include "model/prefix_tree.h"

enum {
	FILL = 512,		/* rows a batch is filled up to, and rows with logits at most */
	CONTEXT = 2048,		/* longest prompt and completion, in tokens */
	SEQS = 64		/* texts decoded together */
};

struct loglik {
	struct lm *lm;
	size_t longest;			/* CONTEXT, or what the model was trained for if that is less */
	struct prefix_tree *tree;
	size_t n;			/* texts added */
	size_t outputs;			/* rows that want logits, at most; > FILL: one text, not in the tree */
	const struct example *x[SEQS];
	double *sum[SEQS];
	double *lse;			/* [row] log of the sum of exp(logits), NaN: not yet */
};

struct loglik *
loglik_open(const char *model, int threads, int gpu_layers, struct err *e)
{
	struct lm_options lo = { .path = model, .threads = threads, .gpu_layers = gpu_layers,
	    .seqs = SEQS, .batch = CONTEXT, .cells = CONTEXT, .outputs = FILL };
	struct loglik *l = calloc(1, sizeof *l);

	if (l == NULL) {
		err_memory(e);
		return NULL;
	}
	l->tree = prefix_tree_alloc(SEQS, FILL, CONTEXT);
	l->lse = calloc(CONTEXT, sizeof *l->lse);
	if (l->tree == NULL || l->lse == NULL) {
		err_memory(e);
		goto fail;
	}
	if ((l->lm = lm_open(&lo, e)) == NULL)
		goto fail;
	l->longest = lm_context(l->lm) < CONTEXT ? (size_t)lm_context(l->lm) : CONTEXT;
	return l;
fail:
	loglik_free(l);
	return NULL;
}

void
loglik_free(struct loglik *l)
{
	if (l == NULL)
		return;
	lm_free(l->lm);
	prefix_tree_free(l->tree);
	free(l->lse);
	free(l);
}

struct lm *
loglik_lm(struct loglik *l)
{
	return l->lm;
}

/* Where the tokens that count begin. */
static size_t
first(const struct example *x)
{
	return x->n_prompt > 0 ? x->n_prompt : 1;
}

size_t
loglik_tokens(const struct example *x)
{
	return x->n > first(x) ? x->n - first(x) : 0;
}

/* What is wanted of token p: the one before a token that counts predicts it. */
static unsigned
want(const struct example *x, size_t p)
{
	return p + 1 >= first(x) ? LM_LOGITS | LM_STEER : 0;
}

int
loglik_add(struct loglik *l, const struct example *x, double *sum, struct err *e)
{
	unsigned wants[CONTEXT];
	size_t p, n = loglik_tokens(x);
	int added = 1;

	if (x->n > l->longest)
		return err_set(e, "'%s' has %zu tokens: more than %zu", x->id, x->n, l->longest);
	if (l->n > 0 && l->outputs + n > FILL)
		return 0;
	if (n <= FILL) {
		/* the last token's own output is nobody's prediction: it is left out */
		for (p = 0; p + 1 < x->n; p++)
			wants[p] = want(x, p);
		added = prefix_tree_add(l->tree, x->token, wants, x->n - 1);
	}
	if (added < 0)
		return err_memory(e);
	if (added > 0) {
		l->x[l->n] = x;
		l->sum[l->n++] = sum;
		l->outputs += n;
	}
	return added;
}

/* Once for each row, though texts share it. */
static double
row_lse(struct loglik *l, int row, const float *logits)
{
	if (isnan(l->lse[row]))
		l->lse[row] = logsumexp(logits, (size_t)lm_vocab(l->lm), 1);
	return l->lse[row];
}

static double
log_probability(struct loglik *l, int row, int token)
{
	const float *logits = lm_logits(l->lm, row);

	return (double)logits[token] - row_lse(l, row, logits);
}

static void
forget_lse(struct loglik *l, size_t rows)
{
	size_t i;

	for (i = 0; i < rows; i++)
		l->lse[i] = NAN;
}

static int
decode_tree(struct loglik *l, struct err *e)
{
	size_t i, p;

	forget_lse(l, prefix_tree_rows(l->tree));
	if (prefix_tree_batch(l->tree, l->lm, e) != 0 || lm_decode(l->lm, e) != 0)
		return -1;
	for (i = 0; i < l->n; i++) {
		*l->sum[i] = 0;
		for (p = first(l->x[i]); p < l->x[i]->n; p++)
			*l->sum[i] += log_probability(l, prefix_tree_row(l->tree, i, p - 1), l->x[i]->token[p]);
	}
	prefix_tree_clear(l->tree);
	return 0;
}

/* A text that wants more rows of logits than a batch may have: piece by piece. */
static int
decode_long(struct loglik *l, struct err *e)
{
	const struct example *x = l->x[0];
	const int seq = 0;
	size_t at, p, end;

	*l->sum[0] = 0;
	for (at = 0; at < x->n - 1; at = end) {
		end = x->n - 1 - at < FILL ? x->n - 1 : at + FILL;
		forget_lse(l, end - at);
		lm_batch_clear(l->lm);
		for (p = at; p < end; p++)
			lm_batch_add(l->lm, x->token[p], (int)p, &seq, 1, want(x, p));
		if (lm_decode(l->lm, e) != 0)
			return -1;
		for (p = at; p < end; p++)
			if (want(x, p))
				*l->sum[0] += log_probability(l, (int)(p - at), x->token[p + 1]);
	}
	return 0;
}

int
loglik_decode(struct loglik *l, struct err *e)
{
	size_t i;

	if (l->n == 0)
		return 0;
	if ((l->outputs > FILL ? decode_long(l, e) : decode_tree(l, e)) != 0)
		return -1;
	for (i = 0; i < l->n; i++)
		if (!isfinite(*l->sum[i]))
			return err_set(e, "the log-likelihood of '%s' is not finite", l->x[i]->id);
	lm_forget(l->lm);
	l->n = l->outputs = 0;
	return 0;
}
