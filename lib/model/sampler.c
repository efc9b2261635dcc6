#include "model/sampler.h"

#include <float.h>
#include <llama.h>
#include <math.h>
#include <stdlib.h>

#include "model/logsumexp.h"

struct sampler {
	struct llama_sampler *chain;	/* NULL: greedy */
	llama_token_data *cand;
	int n_vocab;
	float temperature;
	double top_p;
	int nucleus;			/* top-p of all tokens is ours: libllama only draws */
};

struct sampler *
sampler_alloc(const struct lm *m, const struct sampling *o, uint64_t seed)
{
	struct llama_sampler_chain_params p = llama_sampler_chain_default_params();
	struct sampler *s = calloc(1, sizeof *s);
	uint32_t draw;

	if (s == NULL)
		return NULL;
	s->n_vocab = lm_vocab(m);
	/* what is 0 to a float is 0 */
	s->temperature = (float)o->temperature;
	if (!(s->temperature > 0))
		return s;
	s->top_p = o->top_p;
	s->nucleus = o->top_k == 0 && o->top_p < 1;
	p.no_perf = true;
	s->cand = malloc((size_t)s->n_vocab * sizeof *s->cand);
	s->chain = llama_sampler_chain_init(p);
	if (s->cand == NULL || s->chain == NULL) {
		sampler_free(s);
		return NULL;
	}
	/* the order of the Python library: temperature, top-k, top-p, draw */
	if (!s->nucleus) {
		llama_sampler_chain_add(s->chain, llama_sampler_init_temp(s->temperature));
		if (o->top_k > 0)
			llama_sampler_chain_add(s->chain, llama_sampler_init_top_k(o->top_k));
		if (o->top_p < 1)
			llama_sampler_chain_add(s->chain,
			    llama_sampler_init_top_p((float)o->top_p, 1));
	}
	draw = (uint32_t)(seed ^ seed >> 32);
	if (draw == LLAMA_DEFAULT_SEED)		/* libllama takes this one from the clock */
		draw = 0;
	llama_sampler_chain_add(s->chain, llama_sampler_init_dist(draw));
	return s;
}

void
sampler_free(struct sampler *s)
{
	if (s == NULL)
		return;
	if (s->chain != NULL)
		llama_sampler_free(s->chain);
	free(s->cand);
	free(s);
}

/* The first of the likeliest. */
static int
likeliest(const float *logits, int n)
{
	float max = logsumexp_max(logits, (size_t)n);
	int i = 0;

	while (i < n - 1 && logits[i] != max)
		i++;
	return i;
}

/* Likelier first; of equals, the one that comes first. */
static int
by_logit(const void *a, const void *b)
{
	const llama_token_data *x = a, *y = b;

	return x->logit != y->logit ? (x->logit < y->logit) - (x->logit > y->logit) :
	    (x->id > y->id) - (x->id < y->id);
}

/*
 * The likeliest tokens whose probabilities first add up to top_p go to cand, likeliest first, with their
 * logits over the temperature. Sorting the whole vocabulary would cost as much as a row of the model: only what
 * is within a distance of the likeliest is looked at, a greater one when that is not enough.
 */
static size_t
find_nucleus(struct sampler *s, const float *logits)
{
	double all = logsumexp(logits, (size_t)s->n_vocab, 1 / s->temperature), mass = 0;
	float max = logsumexp_max(logits, (size_t)s->n_vocab), distance;
	size_t n = 0, i;
	int t;

	for (distance = 4 * s->temperature; ; distance *= 2) {
		float least = max - distance;

		mass = 0;
		for (n = 0, t = 0; t < s->n_vocab; t++)
			if (logits[t] >= least) {
				s->cand[n].id = t;
				s->cand[n].logit = logits[t] / s->temperature;
				s->cand[n].p = (float)exp((double)s->cand[n].logit - all);
				mass += (double)s->cand[n++].p;
			}
		if (mass >= s->top_p || n == (size_t)s->n_vocab || !(least > -FLT_MAX))
			break;
	}
	qsort(s->cand, n, sizeof *s->cand, by_logit);
	for (mass = 0, i = 0; i < n && mass < s->top_p; i++)
		mass += (double)s->cand[i].p;
	/* not a number among them: whichever it is, it is one */
	if (i == 0)
		s->cand[i++] = (llama_token_data){ likeliest(logits, s->n_vocab), 0, 0 };
	return i;
}

int
sampler_pick(struct sampler *s, const float *logits)
{
	llama_token_data_array a = { s->cand, (size_t)s->n_vocab, -1, false };
	int i;

	if (s->chain == NULL)
		return likeliest(logits, s->n_vocab);
	if (s->nucleus) {
		a.size = find_nucleus(s, logits);
		a.sorted = true;
	} else
		for (i = 0; i < s->n_vocab; i++)
			s->cand[i] = (llama_token_data){ i, logits[i], 0 };
	llama_sampler_apply(s->chain, &a);
	return a.data[a.selected].id;
}
