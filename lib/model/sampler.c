#include "model/sampler.h"

#include <float.h>
#include <llama.h>
#include <math.h>
#include <stdlib.h>

#include "model/logsumexp.h"

struct sampler {
	struct llama_sampler *chain;	/* NULL: take the likeliest */
	llama_token_data *cand;
	int n_vocab;
	float temperature;
	double top_p;
	int nucleus;			/* find_nucleus does top-p: libllama only draws */
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
	/* a double may become 0 here */
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
	/* in the Python library's order: temperature, top-k, top-p, draw */
	if (!s->nucleus) {
		llama_sampler_chain_add(s->chain, llama_sampler_init_temp(s->temperature));
		if (o->top_k > 0)
			llama_sampler_chain_add(s->chain, llama_sampler_init_top_k(o->top_k));
		if (o->top_p < 1)
			llama_sampler_chain_add(s->chain,
			    llama_sampler_init_top_p((float)o->top_p, 1));
	}
	draw = (uint32_t)(seed ^ seed >> 32);
	if (draw == LLAMA_DEFAULT_SEED)		/* means a seed from the clock */
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

/* Returns the first of the likeliest tokens. */
static int
likeliest(const float *logits, int n)
{
	float max = logsumexp_max(logits, (size_t)n);
	int i = 0;

	while (i < n - 1 && logits[i] != max)
		i++;
	return i;
}

/* Orders likelier tokens first, and equals by number. */
static int
by_logit(const void *a, const void *b)
{
	const llama_token_data *x = a, *y = b;

	return x->logit != y->logit ? (x->logit < y->logit) - (x->logit > y->logit) :
	    (x->id > y->id) - (x->id < y->id);
}

/*
 * Sets cand to the fewest tokens, the likeliest first, whose probabilities add
 * up to top_p, with their logits divided by the temperature. Returns their
 * number.
 *
 * Only tokens within a distance of the likeliest are sorted, which is doubled
 * until they suffice: 70 us for 49,152 tokens at top_p = .8 and temperature .7,
 * where libllama's top-p takes 500.
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
	/* all logits may be NaN; some token must be returned */
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
