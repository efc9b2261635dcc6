#include "model/decoder.h"
#include "model/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"

/* A text from push to the moment its turn to leave has come. */
struct text {
	struct text *next;
	struct record *record;
	int *token;			/* prompt, then what was generated */
	size_t n_prompt, n;
	size_t fed, decoded;		/* tokens in the batch or behind it; behind it */
	int seq, row;			/* its sequence; its last row in the batch */
	struct sampler *sampler;
	char *completion;
	size_t len, max;
	const char *finish;		/* NULL while it goes on */
};

struct decoder {
	struct lm *lm;
	struct decoder_options o;
	decoder_fn *fn;
	void *ctx;
	struct text *head, **tail;	/* in the order pushed */
	struct text **at;		/* [seqs] each sequence's text, or NULL */
	struct text **choosing;		/* [n_choosing <= seqs] whose row of the batch chooses a token, in its order */
	size_t n_choosing;
	size_t cells;			/* promised to the texts under way */
	float *logits;			/* [vocab] one row, changed by the penalties */
	unsigned *stamp, now;		/* [vocab] which tokens the penalty has met in this row */
	uint64_t tokens;
};

struct decoder *
decoder_alloc(struct lm *m, const struct decoder_options *o, decoder_fn *fn, void *ctx)
{
	struct decoder *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->lm = m;
	d->o = *o;
	d->fn = fn;
	d->ctx = ctx;
	d->tail = &d->head;
	d->at = calloc((size_t)o->seqs, sizeof *d->at);
	d->choosing = calloc((size_t)o->seqs, sizeof *d->choosing);
	d->logits = malloc((size_t)lm_vocab(m) * sizeof *d->logits);
	d->stamp = calloc((size_t)lm_vocab(m), sizeof *d->stamp);
	if (d->at == NULL || d->choosing == NULL || d->logits == NULL || d->stamp == NULL) {
		decoder_free(d);
		return NULL;
	}
	return d;
}

static void
text_free(struct text *t)
{
	record_free(t->record);
	sampler_free(t->sampler);
	free(t->token);
	free(t->completion);
	free(t);
}

void
decoder_free(struct decoder *d)
{
	struct text *t;

	if (d == NULL)
		return;
	while ((t = d->head) != NULL) {
		d->head = t->next;
		text_free(t);
	}
	free(d->at);
	free(d->choosing);
	free(d->logits);
	free(d->stamp);
	free(d);
}

const struct record *
decoder_row(const struct decoder *d, size_t i, int *pos)
{
	*pos = (int)d->choosing[i]->fed - 1;
	return d->choosing[i]->record;
}

uint64_t
decoder_tokens(const struct decoder *d)
{
	return d->tokens;
}

/* The cells a text may come to need. The last token it generates is never fed. */
static size_t
need(const struct decoder *d, size_t n_prompt)
{
	return n_prompt + (size_t)d->o.max_tokens - 1;
}

/* The penalties of the Python library, in its order: repetition, then n-grams. */
static void
penalise(struct decoder *d, const struct text *t)
{
	size_t k = (size_t)d->o.no_repeat_ngram, i;

	if (d->o.repetition_penalty != 1) {
		d->now++;
		for (i = 0; i < t->n; i++) {
			float *l = &d->logits[t->token[i]];

			if (d->stamp[t->token[i]] == d->now)
				continue;
			d->stamp[t->token[i]] = d->now;
			*l = (float)(*l < 0 ? *l * d->o.repetition_penalty : *l / d->o.repetition_penalty);
		}
	}
	if (k > 0 && t->n + 1 >= k)
		for (i = 0; i + k <= t->n; i++)
			if (memcmp(t->token + i, t->token + t->n - (k - 1), (k - 1) * sizeof *t->token) == 0)
				d->logits[t->token[i + k - 1]] = -INFINITY;
}

/* Where the first stop string begins, or len. Looks only where the last piece may have made one. */
static size_t
find_stop(const struct decoder *d, const struct text *t, size_t before)
{
	size_t first = t->len, i;

	for (i = 0; i < d->o.n_stop; i++) {
		size_t n = strlen(d->o.stop[i]), from = before + 1 > n ? before + 1 - n : 0;
		const char *at = memmem(t->completion + from, t->len - from, d->o.stop[i], n);

		if (at != NULL && (size_t)(at - t->completion) < first)
			first = (size_t)(at - t->completion);
	}
	return first;
}

/* Chooses t's next token from its row and sees whether the text ends with it. */
static int
choose(struct decoder *d, struct text *t, struct err *e)
{
	const float *row = lm_logits(d->lm, t->row);
	size_t before = t->len, cut;
	char piece[512];
	int token, n;

	memcpy(d->logits, row, (size_t)lm_vocab(d->lm) * sizeof *d->logits);
	penalise(d, t);
	token = sampler_pick(t->sampler, d->logits);
	d->tokens++;
	t->token[t->n++] = token;
	if (lm_is_end(d->lm, token)) {
		t->finish = "eos";
		return 0;
	}
	if ((n = lm_piece(d->lm, token, piece, sizeof piece)) < 0)
		return err_set(e, "token %d has more than %zu bytes", token, sizeof piece);
	if (t->len + (size_t)n >= t->max) {
		size_t max = 2 * (t->max + (size_t)n);
		char *p = realloc(t->completion, max);

		if (p == NULL)
			return err_memory(e);
		t->completion = p;
		t->max = max;
	}
	memcpy(t->completion + t->len, piece, (size_t)n);
	t->len += (size_t)n;
	if ((cut = find_stop(d, t, before)) < t->len) {
		t->len = cut;
		t->finish = "stop";
	} else if (t->n - t->n_prompt == (size_t)d->o.max_tokens)
		t->finish = "length";
	return 0;
}

/* Records leave in order: whatever is done at the head of the queue. */
static int
emit(struct decoder *d, struct err *e)
{
	struct text *t;

	while ((t = d->head) != NULL && t->finish != NULL) {
		char *clean = utf8_clean(t->completion, t->len);
		int rc;

		if (clean == NULL)
			return err_memory(e);
		rc = record_set_str(t->record, "completion", clean, strlen(clean)) != 0 ||
		    record_set_int(t->record, "tokens", (int64_t)(t->n - t->n_prompt)) != 0 ||
		    record_set_str(t->record, "finish", t->finish, strlen(t->finish)) != 0;
		free(clean);
		if (rc)
			return err_memory(e);
		if (d->fn(d->ctx, t->record, e) != 0)
			return -1;
		if ((d->head = t->next) == NULL)
			d->tail = &d->head;
		text_free(t);
	}
	return 0;
}

/* t's next token goes into the batch. */
static void
feed(struct decoder *d, struct text *t)
{
	size_t p = t->fed++;
	int last = t->fed == t->n;

	t->row = lm_batch_add(d->lm, t->token[p], (int)p, &t->seq, 1, last ? LM_LOGITS | d->o.want : 0);
	if (last)
		d->choosing[d->n_choosing++] = t;
}

/* Decodes the batch; texts whose last token was in it choose the next. */
static int
flush(struct decoder *d, struct err *e)
{
	size_t i, n = d->n_choosing;
	int seq;

	if (lm_batch_size(d->lm) == 0)
		return 0;
	if (lm_decode(d->lm, e) != 0)
		return -1;
	for (seq = 0; seq < d->o.seqs; seq++)
		if (d->at[seq] != NULL)
			d->at[seq]->decoded = d->at[seq]->fed;
	d->n_choosing = 0;
	for (i = 0; i < n; i++) {
		struct text *t = d->choosing[i];

		if (choose(d, t, e) != 0)
			return -1;
		if (t->finish != NULL) {
			lm_forget_seq(d->lm, t->seq);
			d->at[t->seq] = NULL;
			d->cells -= need(d, t->n_prompt);
			sampler_free(t->sampler);
			t->sampler = NULL;
		}
	}
	return 0;
}

/* Fewer tokens than these are decoded again in less time than a batch more takes. */
enum { WORTH_SHARING = 8 };

/* The text that begins most like t, with how many tokens: of those decoded, or of all. NULL: none is worth sharing. */
static const struct text *
most_like(const struct decoder *d, const struct text *t, int decoded, size_t *n)
{
	const struct text *best = NULL;
	int seq;

	for (*n = WORTH_SHARING - 1, seq = 0; seq < d->o.seqs; seq++) {
		const struct text *u = d->at[seq];
		size_t max, k;

		if (u == NULL || u == t)
			continue;
		/* a prompt's last token is never shared: it is the one that chooses, and may be steered */
		max = (u->n_prompt < t->n_prompt ? u->n_prompt : t->n_prompt) - 1;
		k = decoded ? u->decoded : u->fed;
		max = k < max ? k : max;
		k = 0;
		while (k < max && u->token[k] == t->token[k])
			k++;
		if (k > *n) {
			*n = k;
			best = u;
		}
	}
	*n = best != NULL ? *n : 0;
	return best;
}

/* Where prompts begin alike, the beginning is decoded once. */
static int
share(struct decoder *d, struct text *t, struct err *e)
{
	const struct text *u;
	size_t n, all;

	u = most_like(d, t, 1, &n);
	if (most_like(d, t, 0, &all) != NULL && all >= n + WORTH_SHARING) {
		if (flush(d, e) != 0)
			return -1;
		u = most_like(d, t, 1, &n);
	}
	if (u != NULL && lm_share(d->lm, u->seq, t->seq, (int)n))
		t->fed = t->decoded = n;
	return 0;
}

/* Feeds what the model has not seen of t. */
static int
feed_all(struct decoder *d, struct text *t, struct err *e)
{
	while (t->fed < t->n) {
		if (lm_batch_size(d->lm) == d->o.batch && flush(d, e) != 0)
			return -1;
		feed(d, t);
	}
	return 0;
}

/*
 * Feeds the model the prompts that have come, each in a batch of its own where it must be, and a token
 * of every text that generates.
 */
int
decoder_step(struct decoder *d, struct err *e)
{
	int alone = lm_is_recurrent(d->lm), seq;
	struct text *t;

	lm_batch_clear(d->lm);
	for (t = d->head; t != NULL; t = t->next)
		if (t->fed == 0 && (share(d, t, e) != 0 || feed_all(d, t, e) != 0 || (alone && flush(d, e) != 0)))
			return -1;
	for (seq = 0; seq < d->o.seqs; seq++)
		if (d->at[seq] != NULL && feed_all(d, d->at[seq], e) != 0)
			return -1;
	return flush(d, e) != 0 ? -1 : emit(d, e);
}

static int
free_seq(const struct decoder *d)
{
	int i;

	for (i = 0; i < d->o.seqs; i++)
		if (d->at[i] == NULL)
			return i;
	return -1;
}

int
decoder_push(struct decoder *d, const struct record *r, const struct example *x, struct err *e)
{
	uint64_t seed = hash_bytes(hash_bytes(HASH_START, &d->o.seed, sizeof d->o.seed), x->id,
	    strlen(x->id));
	struct text *t;
	int seq;

	if (need(d, x->n) > (size_t)d->o.cells)
		return err_set(e, "'%s' has %zu tokens: no room for %d more in a context of %d", x->id,
		    x->n, d->o.max_tokens, d->o.cells);
	while ((seq = free_seq(d)) < 0 || d->cells + need(d, x->n) > (size_t)d->o.cells)
		if (decoder_step(d, e) != 0)
			return -1;
	if ((t = calloc(1, sizeof *t)) == NULL)
		return err_memory(e);
	t->seq = seq;
	t->n = t->n_prompt = x->n;
	t->max = 256;
	t->token = malloc((x->n + (size_t)d->o.max_tokens) * sizeof *t->token);
	t->completion = malloc(t->max);
	t->record = record_alloc();
	t->sampler = sampler_alloc(d->lm, &d->o.sampling, seed);
	if (t->token == NULL || t->completion == NULL || t->record == NULL || t->sampler == NULL ||
	    record_copy(t->record, r) != 0) {
		text_free(t);
		return err_memory(e);
	}
	memcpy(t->token, x->token, x->n * sizeof *t->token);
	d->at[seq] = t;
	d->cells += need(d, x->n);
	*d->tail = t;
	d->tail = &t->next;
	return 0;
}

int
decoder_busy(const struct decoder *d)
{
	return d->head != NULL;
}

int
decoder_finish(struct decoder *d, struct err *e)
{
	while (d->head != NULL)
		if (decoder_step(d, e) != 0)
			return -1;
	return 0;
}
