/*
 * perplexity - how much a model is surprised by a completion.
 *
 * Source: the paper's section 6, exp of the mean negative log-likelihood of the
 * completion's tokens. Given its prompt, or alone: then the first token's own
 * prediction is that behind what the model puts first (BOS), and where it puts
 * nothing there, it has none and does not count.
 *
 * The model that scores need not be the one that wrote the completions: the
 * header's stays, and the chain tells the other as a side file of this run.
 */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"
#include "model/example.h"
#include "model/loglik.h"

enum { HELD = 64 };		/* records held back at most, those without a token included */

/* A record from push to the end of its batch. */
struct text {
	struct record *record;
	struct example x;
	size_t tokens;			/* that count; 0: the record goes on without the fields */
	double loglik;
};

struct perplexity {
	struct loglik *loglik;
	enum template template;
	const char *system;
	enum example_text what;
	struct text *held[HELD];	/* in order */
	size_t n_held;
};

static void
text_free(struct text *t)
{
	example_release(&t->x);
	record_free(t->record);
	free(t);
}

static void
perplexity_close(void *state)
{
	struct perplexity *s = state;

	while (s->n_held > 0)
		text_free(s->held[--s->n_held]);
	loglik_free(s->loglik);
	free(s);
}

static void *
perplexity_open(const struct metric_options *o, struct header *h, struct err *e)
{
	struct perplexity *s = calloc(1, sizeof *s);

	if (s == NULL) {
		err_memory(e);
		return NULL;
	}
	s->template = o->template;
	s->system = o->system;
	s->what = o->alone ? EXAMPLE_COMPLETION : EXAMPLE_WHOLE;
	if ((s->loglik = loglik_open(o->model, o->threads, o->gpu_layers, e)) == NULL)
		goto fail;
	if (header_add_side(h, o->model, lm_digest(loglik_lm(s->loglik))) != 0) {
		err_memory(e);
		goto fail;
	}
	return s;
fail:
	perplexity_close(s);
	return NULL;
}

/* The fields of a decoded text; those that an earlier run left may not stay. */
static int
set_fields(struct text *t, struct err *e)
{
	struct record *r = t->record;
	double nll = 0 - t->loglik, perplexity;

	if (t->tokens == 0) {
		record_unset(r, "nll");
		record_unset(r, "nll_tokens");
		record_unset(r, "perplexity");
		return 0;
	}
	perplexity = exp(nll / (double)t->tokens);
	if (!isfinite(perplexity))
		return err_set(e, "the perplexity of '%s' is not finite", t->x.id);
	if (record_set_num(r, "nll", nll) != 0 ||
	    record_set_int(r, "nll_tokens", (int64_t)t->tokens) != 0 ||
	    record_set_num(r, "perplexity", perplexity) != 0)
		return err_memory(e);
	return 0;
}

/* Decodes what is held back and lets it go. */
static int
let_go(struct perplexity *s, struct metric_out *out, struct err *e)
{
	size_t i;

	if (loglik_decode(s->loglik, e) != 0)
		return -1;
	for (i = 0; i < s->n_held; i++)
		if (set_fields(s->held[i], e) != 0 || out->emit(out, s->held[i]->record, e) != 0)
			return -1;
	while (s->n_held > 0)
		text_free(s->held[--s->n_held]);
	return 0;
}

static int
perplexity_push(void *state, struct record *r, struct metric_out *out, struct err *e)
{
	struct perplexity *s = state;
	struct text *t = calloc(1, sizeof *t);
	const char *completion;
	size_t len;
	int added;

	if (t == NULL || (t->record = record_alloc()) == NULL || record_copy(t->record, r) != 0) {
		err_memory(e);
		goto fail;
	}
	if (record_get_str(r, "completion", &completion, &len) != 1) {
		err_set(e, "field 'completion' is missing or not a string");
		goto fail;
	}
	if (len > 0) {
		if (example_read(&t->x, loglik_lm(s->loglik), r, s->template, s->system, s->what, e) != 0)
			goto fail;
		t->tokens = loglik_tokens(&t->x);
	}
	if (t->tokens > 0) {
		while ((added = loglik_add(s->loglik, &t->x, &t->loglik, e)) == 0)
			if (let_go(s, out, e) != 0)
				goto fail;
		if (added < 0)
			goto fail;
	}
	s->held[s->n_held++] = t;
	return s->n_held == HELD ? let_go(s, out, e) : 0;
fail:
	if (t != NULL)
		text_free(t);
	return -1;
}

static int
perplexity_flush(void *state, struct metric_out *out, struct err *e)
{
	return let_go(state, out, e);
}

static const char *const longs[] = { "alone", "system", NULL };

static const struct column columns[] = {
	{ "Perplexity", "perplexity", &aggregate_mean, 2, NULL },
	{ "Perplexity, all", "nll", &aggregate_exp_ratio, 2, "nll_tokens" },
	{ .title = NULL }
};

const struct metric metric_perplexity = {
	.name = "perplexity",
	.about = "exp of the mean negative log-likelihood of a completion's tokens",
	.usage =
	    "score perplexity [-vz] [-g layers] [-j threads] [-m model] [-o file]\n"
	    "                        [-t raw|chat] [--alone] [--system text] [file ...]\n",
	.letters = "mtjg",
	.longs = longs,
	.kinds = 1u << STREAM_EXAMPLES | 1u << STREAM_COMPLETIONS,
	.by = 1,
	.columns = columns,
	.open = perplexity_open,
	.push = perplexity_push,
	.flush = perplexity_flush,
	.close = perplexity_close,
};
