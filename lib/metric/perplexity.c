/*
 * perplexity - how surprised a model is by a completion.
 *
 * Source: the paper's section 6: exp of the mean negative log-likelihood of the
 * completion's tokens, given its prompt, or with --alone without it. Then the
 * first token is predicted from the BOS token that the model begins a text
 * with. If it has none, the first token has no prediction and does not count.
 *
 * The model that scores need not be the one that wrote the completions. The
 * header keeps naming that one; the chain names the model that scored.
 */
#include <math.h>
#include <string.h>

#include "metric/queue.h"

enum { HELD = 64 };		/* most records held back, with or without tokens */

/* The index of its option. */
enum { ALONE };

struct perplexity {
	struct queue queue;
	const struct metric_options *o;
	enum example_text what;
};

static int
perplexity_check(const struct metric_options *o, struct err *e)
{
	if (o->value[ALONE] != NULL && o->has_prompt)
		return err_set(e,
		    "--alone leaves out the prompt, so -t and --system have no effect");
	return 0;
}

/*
 * Sets the fields of an entry, or removes those of an earlier run if no token
 * counts. Returns 0, or -1 with a message.
 */
static int
set_fields(const struct queue_entry *x, struct err *e)
{
	double nll = 0 - x->loglik[0], perplexity;
	size_t tokens = text_batch_predicted(&x->text[0]);
	struct record *r = x->record;

	if (tokens == 0) {
		record_unset(r, "nll");
		record_unset(r, "nll_tokens");
		record_unset(r, "perplexity");
		return 0;
	}
	perplexity = exp(nll / (double)tokens);
	if (!isfinite(perplexity))
		return err_set(e, "the perplexity of '%s' is not finite", x->text[0].id);
	if (record_set_num(r, "nll", nll) != 0 ||
	    record_set_int(r, "nll_tokens", (int64_t)tokens) != 0 ||
	    record_set_num(r, "perplexity", perplexity) != 0)
		return err_memory(e);
	return 0;
}

static long
finish(struct queue *q, size_t n, struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (set_fields(q->entry[i], e) != 0)
			return -1;
	return (long)n;
}

static int
perplexity_open(void *state, const struct metric_options *o, struct header *h, struct err *e)
{
	struct perplexity *s = state;
	const char *digest;

	s->queue.most = HELD;
	s->queue.finish = finish;
	s->o = o;
	s->what = o->value[ALONE] != NULL ? EXAMPLE_COMPLETION : EXAMPLE_WHOLE;
	if (queue_open(&s->queue, o, -1, e) != 0)
		return -1;
	digest = lm_digest(s->queue.lm);
	if (header_add_side(h, o->lm->path, digest) != 0)
		return err_memory(e);
	return metric_add_by(h, e, "%s (%s), %s", basename(o->lm->path), digest,
	    s->what == EXAMPLE_COMPLETION ? "alone" : "given the prompt");
}

static int
perplexity_push(void *state, struct record *r, struct sink *out, struct err *e)
{
	struct perplexity *s = state;
	struct queue_entry *x = queue_add(&s->queue, r, e);
	const char *completion;
	size_t len;

	if (x == NULL)
		return -1;
	if (record_get_text(r, "completion", 1, &completion, &len, e) != 0)
		return -1;
	if (len > 0 && example_read(&x->text[0], s->queue.lm, r, s->o->template, s->o->system,
	    s->what, e) != 0)
		return -1;
	return queue_push(&s->queue, text_batch_predicted(&x->text[0]) > 0, out, e);
}

static const struct column columns[] = {
	{ "Perplexity", "perplexity", &aggregate_mean, 2, NULL },
	{ "Perplexity, all", "nll", &aggregate_exp_ratio, 2, "nll_tokens" },
	{ .title = NULL }
};

static const struct metric_option options[] = {
	[ALONE] = { "--alone", NULL, "completions without their prompts" },
	{ .name = NULL }
};

const struct metric metric_perplexity = {
	.name = "perplexity",
	.about = "exp of the mean negative log-likelihood of a completion's tokens",
	.usage =
	    "score perplexity [-vz] [-g layers] [-j threads] [-m model] [-o file]\n"
	    "                        [-t raw|chat] [--alone] [--system text] [file ...]\n",
	.uses = METRIC_MODEL | METRIC_PROMPT,
	.options = options,
	.kinds = STREAM_TEXTS,
	.columns = columns,
	.size = sizeof(struct perplexity),
	.check = perplexity_check,
	.open = perplexity_open,
	.push = perplexity_push,
	.flush = queue_flush,
	.close = queue_close,
};
