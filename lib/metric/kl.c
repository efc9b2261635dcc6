/*
 * kl - how far steering changes what the model would say next.
 *
 * At each token of a completion, p is the distribution of the next token that
 * the steered model gives, and q that of the unsteered one after the same text.
 * The Kullback-Leibler divergence, sum p log(p / q), is in nats. kl
 * is its mean over the tokens, and kl_p95 its 95th percentile.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "metric/metric.h"
#include "model/lm.h"
#include "model/logsumexp.h"
#include "model/text_batch.h"
#include "steer/steering.h"

enum {
	LONGEST = 2048,		/* tokens of a text */
	ROWS = 512,		/* decoded at a time */
	PLAIN = 0, STEERED = 1	/* the two sequences of a text */
};

struct kl {
	struct lm *lm;
	const struct metric_options *o;
	double kl[LONGEST];		/* at the tokens of a completion */
};

static int
kl_check(const struct metric_options *o, struct err *e)
{
	return o->barrier != NULL ? 0 : err_set(e, "kl needs a barrier: -b");
}

static void
kl_close(void *state)
{
	struct kl *s = state;

	lm_free(s->lm);
}

static int
kl_open(void *state, const struct metric_options *o, struct header *h, struct err *e)
{
	struct kl *s = state;
	struct lm_options of_pairs = { .path = o->lm->path, .threads = o->lm->threads,
	    .gpu_layers = o->lm->gpu_layers, .seqs = 2, .batch = ROWS, .cells = 2 * LONGEST,
	    .outputs = ROWS };

	s->o = o;
	if ((s->lm = lm_open(&of_pairs, e)) == NULL || steering_attach(o->steering, s->lm, e) != 0)
		return -1;
	return header_add_side(h, o->lm->path, lm_digest(s->lm)) != 0 ? err_memory(e) : 0;
}

/* Returns the divergence of two rows of the batch that was decoded. */
static double
divergence(const struct lm *m, int plain, int steered)
{
	const float *q = lm_logits(m, plain), *p = lm_logits(m, steered);
	size_t n = (size_t)lm_vocab(m), i;
	double log_p = logsumexp(p, n, 1), log_q = logsumexp(q, n, 1), sum = 0;

	for (i = 0; i < n; i++)
		sum += exp((double)p[i] - log_p) *
		    (((double)p[i] - log_p) - ((double)q[i] - log_q));
	/* rounding may leave a little less than 0 */
	return sum < 0 ? 0 : sum;
}

/*
 * Decodes the rows first to end - 1 of x, at most ROWS / 2, each of them
 * steered and not, and sets s->kl from k on. Returns 0, or -1 with a message.
 */
static int
compare_rows(struct kl *s, const struct example *x, size_t first, size_t end, size_t k,
    struct err *e)
{
	const int seq[] = { PLAIN, STEERED };
	int plain[ROWS / 2], steered[ROWS / 2];
	size_t p;

	for (p = first; p < end; p++)
		plain[p - first] = lm_batch_add(s->lm, x->token[p], (int)p, &seq[PLAIN], 1,
		    LM_LOGITS);
	for (p = first; p < end; p++)
		steered[p - first] = lm_batch_add(s->lm, x->token[p], (int)p, &seq[STEERED], 1,
		    LM_LOGITS | LM_STEER);
	if (lm_decode(s->lm, e) != 0)
		return -1;
	for (p = first; p < end; p++)
		s->kl[k++] = divergence(s->lm, plain[p - first], steered[p - first]);
	return 0;
}

/*
 * Sets s->kl at the tokens of x that have a prediction, from the position
 * `first' of the row that predicts the first one. Returns 0, or -1 with a
 * message.
 */
static int
compare(struct kl *s, const struct example *x, size_t first, struct err *e)
{
	const int both[] = { PLAIN, STEERED };
	size_t p, n;

	for (p = 0; p < first; p++) {
		lm_batch_add(s->lm, x->token[p], (int)p, both, 2, 0);
		if ((p + 1 == first || lm_batch_size(s->lm) == ROWS) && lm_decode(s->lm, e) != 0)
			return -1;
	}
	/* the last token predicts nothing */
	for (; p + 1 < x->n; p += n) {
		n = x->n - 1 - p < ROWS / 2 ? x->n - 1 - p : ROWS / 2;
		if (compare_rows(s, x, p, p + n, p - first, e) != 0)
			return -1;
	}
	lm_forget(s->lm);
	return 0;
}

/*
 * Sets the fields of r from the divergences at n tokens, or removes those of an
 * earlier run if there are none. Returns 0, or -1 with a message.
 */
static int
set_fields(struct kl *s, struct record *r, const char *id, size_t n, struct err *e)
{
	double sum = 0;
	size_t i;

	if (n == 0) {
		record_unset(r, "kl");
		record_unset(r, "kl_p95");
		return 0;
	}
	for (i = 0; i < n; i++)
		sum += s->kl[i];
	if (!isfinite(sum))
		return err_set(e, "the divergence of '%s' is not finite", id);
	gsl_sort(s->kl, 1, n);
	if (record_set_num(r, "kl", sum / (double)n) != 0 || record_set_num(r, "kl_p95",
	    gsl_stats_quantile_from_sorted_data(s->kl, 1, n, 0.95)) != 0)
		return err_memory(e);
	return 0;
}

static int
kl_push(void *state, struct record *r, struct sink *out, struct err *e)
{
	struct kl *s = state;
	struct example x = { .n = 0 };
	size_t longest = (size_t)lm_context(s->lm), n;
	const char *completion;
	int rc = -1;

	if (longest > LONGEST)
		longest = LONGEST;
	if (record_get_text(r, "completion", 1, &completion, &n, e) != 0 ||
	    example_read(&x, s->lm, r, s->o->template, s->o->system, EXAMPLE_WHOLE, e) != 0)
		goto out;
	if (x.n > longest) {
		err_set(e, "'%s' has %zu tokens: more than %zu", x.id, x.n, longest);
		goto out;
	}
	n = text_batch_predicted(&x);
	if ((n > 0 && compare(s, &x, x.n - 1 - n, e) != 0) || set_fields(s, r, x.id, n, e) != 0)
		goto out;
	rc = sink_write(out, r, e);
out:
	example_release(&x);
	return rc;
}

static const struct column columns[] = {
	{ "KL", "kl", &aggregate_mean, 3, NULL },
	{ "KL p95", "kl_p95", &aggregate_mean, 3, NULL },
	{ .title = NULL }
};

const struct metric metric_kl = {
	.name = "kl",
	.about = "divergence of the steered model's next tokens from the unsteered one's",
	.usage =
	    "score kl [-vz] -b barrier [-T length] [-n steps] [-s solver]\n"
	    "                [--tolerance x] [--until q] ... [-g layers] [-j threads]\n"
	    "                [-m model] [-o file] [-t raw|chat] [--system text] [file ...]\n",
	.uses = METRIC_MODEL | METRIC_PROMPT | METRIC_FLOWS,
	.kinds = STREAM_TEXTS,
	.columns = columns,
	.size = sizeof(struct kl),
	.check = kl_check,
	.open = kl_open,
	.push = kl_push,
	.close = kl_close,
};
