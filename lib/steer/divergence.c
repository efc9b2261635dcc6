#include "steer/divergence.h"

#include <math.h>
#include <stdlib.h>

#include "model/logsumexp.h"
#include "model/text_batch.h"

enum { ROWS = 512 };		/* decoded at a time */

struct divergence {
	struct lm *lm;
	size_t n;			/* lengths */
	size_t most;			/* rows decoded at a time, at most ROWS */
	int seq[LM_MAX_SEQS];		/* 0: the unsteered sequence, then the steered ones */
	int row[ROWS];			/* of the batch */
};

struct divergence *
divergence_open(const struct lm_options *o, size_t n, size_t longest, struct err *e)
{
	struct divergence *d = calloc(1, sizeof *d);
	struct lm_options all = { .path = o->path, .threads = o->threads,
	    .gpu_layers = o->gpu_layers, .seqs = (int)n + 1, .batch = ROWS,
	    .cells = (int)(DIVERGENCE_LONGEST + n * longest), .outputs = ROWS };
	int i;

	if (d == NULL) {
		err_memory(e);
		return NULL;
	}
	d->n = n;
	for (i = 0; i < LM_MAX_SEQS; i++)
		d->seq[i] = i;
	if ((d->lm = lm_open(&all, e)) == NULL) {
		divergence_close(d);
		return NULL;
	}
	/* a recurrent model keeps the order of rows if each sequence has one */
	d->most = lm_is_recurrent(d->lm) ? n + 1 : ROWS;
	return d;
}

void
divergence_close(struct divergence *d)
{
	if (d == NULL)
		return;
	lm_free(d->lm);
	free(d);
}

size_t
divergence_which(void *n, size_t i)
{
	return i % *(const size_t *)n;
}

struct lm *
divergence_lm(const struct divergence *d)
{
	return d->lm;
}

/*
 * Returns the divergence of the steered logits p[n] from the unsteered ones,
 * q[n], whose logsumexp is log_q.
 */
static double
divergence(const float *p, const float *q, double log_q, size_t n)
{
	double log_p = logsumexp(p, n, 1), sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += exp((double)p[i] - log_p) *
		    (((double)p[i] - log_p) - ((double)q[i] - log_q));
	/* rounding may leave a little less than 0 */
	return sum < 0 ? 0 : sum;
}

/*
 * Adds token p of x to the batch once for each sequence, steered for all but
 * the first. Sets row[n + 1].
 */
static void
add_each(struct divergence *d, const struct example *x, size_t p, unsigned want, int *row)
{
	size_t k;

	for (k = 0; k <= d->n; k++)
		row[k] = lm_batch_add(d->lm, x->token[p], (int)p, &d->seq[k], 1,
		    k == 0 ? want & LM_LOGITS : want);
}

/*
 * Decodes the tokens before `end' in all sequences: once, unless prompts are
 * steered or the model is recurrent. Returns 0, or -1 with a message in e.
 */
static int
read_prompt(struct divergence *d, const struct example *x, size_t end, struct err *e)
{
	int steers = lm_steers_prompts(d->lm), each = steers || lm_is_recurrent(d->lm);
	size_t rows = each ? d->n + 1 : 1, p;

	for (p = 0; p < end; p++) {
		if (each)
			add_each(d, x, p, steers ? LM_STEER | LM_EARLY : 0, d->row);
		else
			lm_batch_add(d->lm, x->token[p], (int)p, d->seq, (int)d->n + 1, 0);
		if (p + 1 < end && (size_t)lm_batch_size(d->lm) + rows <= d->most)
			continue;
		if (lm_decode(d->lm, e) != 0)
			return -1;
	}
	return 0;
}

/*
 * Decodes the tokens first to end - 1 of x in all sequences, at most d->most
 * rows, and sets kl[end - first][n]. Returns 0, or -1 with a message in e.
 */
static int
measure_rows(struct divergence *d, const struct example *x, size_t first, size_t end, double *kl,
    struct err *e)
{
	size_t n = (size_t)lm_vocab(d->lm), p, k;
	const float *plain;
	int *row = d->row;
	double log_sum;

	for (p = first; p < end; p++)
		add_each(d, x, p, LM_LOGITS | LM_STEER, row + (p - first) * (d->n + 1));
	if (lm_decode(d->lm, e) != 0)
		return -1;
	for (p = first; p < end; p++, row += d->n + 1) {
		plain = lm_logits(d->lm, row[0]);
		log_sum = logsumexp(plain, n, 1);
		for (k = 1; k <= d->n; k++, kl++) {
			*kl = divergence(lm_logits(d->lm, row[k]), plain, log_sum, n);
			if (!isfinite(*kl))
				return err_set(e, "the divergence of '%s' is not finite", x->id);
		}
	}
	return 0;
}

int
divergence_measure(struct divergence *d, const struct example *x, double *kl, struct err *e)
{
	size_t longest = (size_t)lm_context(d->lm), m = text_batch_predicted(x), first, p, end;

	if (longest > DIVERGENCE_LONGEST)
		longest = DIVERGENCE_LONGEST;
	if (x->n > longest)
		return err_set(e, "'%s' has %zu tokens: more than %zu", x->id, x->n, longest);
	if (m == 0)
		return 0;
	/* the row before a token predicts it; the last one predicts none */
	first = x->n - 1 - m;
	if (read_prompt(d, x, first, e) != 0)
		return -1;
	for (p = first; p + 1 < x->n; p = end) {
		end = p + d->most / (d->n + 1);
		if (end > x->n - 1)
			end = x->n - 1;
		if (measure_rows(d, x, p, end, kl + (p - first) * d->n, e) != 0)
			return -1;
	}
	lm_forget(d->lm);
	return 0;
}
